// Picture files: PNG made byte by byte, JPEG made by cjpeg from known colours, damaged ones of each; and folders of
// them. The files are the seeds of the fuzzer.
#include <doctest/doctest.h>
#include <zlib.h>

#include <cmath>
#include <filesystem>
#include <random>

#include "engine/pictures/png.h"
#include "engine/types/error.h"
#include "nn/data/loader.h"
#include "nn/data/picture.h"
#include "nn/data/picture_folder.h"
#include "nn/data/splits.h"
#include "tests/nn/data/idx_bytes.h"
#include "tests/temporary_folder.h"
#include "tests/text.h"

using namespace chainrule;
using chainrule::testing::contains;
using chainrule::testing::content;
using chainrule::testing::fault;
using chainrule::testing::write;
using Folder = chainrule::testing::TemporaryFolder;

namespace {

std::string seed_file(const std::string& name) { return CHAINRULE_SOURCE_DIR "/tests/fuzz/corpus/picture/" + name; }

std::vector<double> levels(const Tensor& picture) {
  std::vector<double> values = picture.to_vector();
  for (double& v : values) v *= 255;
  return values;
}

void check_levels(const Tensor& picture, const Shape& shape, const std::vector<double>& expected, double tolerance) {
  CHECK(picture.shape() == shape);
  const std::vector<double> found = levels(picture);
  REQUIRE(found.size() == expected.size());
  for (std::size_t i = 0; i < found.size(); ++i) CHECK(std::abs(found[i] - expected[i]) <= tolerance);
}

std::string big_endian_bytes(std::uint32_t value) {
  std::string bytes;
  for (int shift = 24; shift >= 0; shift -= 8) bytes += static_cast<char>(value >> shift & 0xFF);
  return bytes;
}

/// A whole PNG file with this header and one chunk of packed bytes, checksums and all.
std::string png_file(std::uint32_t width, std::uint32_t height, int depth, int kind, const std::string& rows) {
  const auto chunk = [](const std::string& body) {
    const auto sum = crc32(0, reinterpret_cast<const unsigned char*>(body.data()), static_cast<uInt>(body.size()));
    return big_endian_bytes(static_cast<std::uint32_t>(body.size() - 4)) + body +
           big_endian_bytes(static_cast<std::uint32_t>(sum));
  };
  std::string packed(compressBound(rows.size()), '\0');
  uLongf size = packed.size();
  REQUIRE(compress(reinterpret_cast<unsigned char*>(packed.data()), &size,
                   reinterpret_cast<const unsigned char*>(rows.data()), rows.size()) == Z_OK);
  packed.resize(size);
  return "\x89PNG\r\n\x1a\n" +
         chunk("IHDR" + big_endian_bytes(width) + big_endian_bytes(height) + static_cast<char>(depth) +
               static_cast<char>(kind) + std::string(3, '\0')) +
         chunk("IDAT" + packed) + chunk("IEND");
}

std::string picture_fault(const std::string& bytes) {
  return fault<ValueError>([&] { (void)parse_picture(bytes, "x", 3); });
}

bool reads_jpeg() {
  try {
    (void)read_picture(seed_file("grey.jpg"));
    return true;
  } catch (const EnvironmentError& e) {
    CHECK(contains(e.what(), "this build of chainrule reads no JPEG files; install libjpeg-dev"));
    MESSAGE("left out: built without JPEG");
    return false;
  }
}

}  // namespace

TEST_CASE("pictures: PNG of every kind of colour") {
  std::vector<double> red, green, blue;
  for (int y = 0; y < 3; ++y)
    for (int x = 0; x < 4; ++x) red.push_back(60 * x), green.push_back(80 * y), blue.push_back(7);
  std::vector<double> rgb = red, grey;
  rgb.insert(rgb.end(), green.begin(), green.end());
  rgb.insert(rgb.end(), blue.begin(), blue.end());
  for (std::size_t i = 0; i < 12; ++i) grey.push_back(0.299 * red[i] + 0.587 * green[i] + 0.114 * blue[i]);
  check_levels(read_picture(seed_file("colour.png")), {3, 3, 4}, rgb, 1e-4);
  check_levels(read_picture(seed_file("colour.png"), 1), {1, 3, 4}, grey, 1e-4);
  check_levels(read_picture(seed_file("grey.png"), 1), {1, 2, 2}, {0, 51, 102, 255}, 1e-4);
  check_levels(read_picture(seed_file("grey.png")), {3, 2, 2}, {0, 51, 102, 255, 0, 51, 102, 255, 0, 51, 102, 255},
               1e-4);
  check_levels(read_picture(seed_file("bits.png"), 1), {1, 1, 10}, {255, 0, 255, 255, 0, 0, 255, 255, 0, 255}, 1e-4);
  check_levels(read_picture(seed_file("grey16.png"), 1), {1, 2, 3}, {0, 0, 255, 0, 128, 255}, 1);
  // Red, transparent green, blue: what is transparent shows the white below.
  check_levels(read_picture(seed_file("palette.png")), {3, 1, 3}, {255, 255, 0, 0, 255, 0, 0, 255, 255}, 1e-4);
  Canvas canvas(20, 10, {1, 2, 3});
  canvas.fill(5, 5, 3, 2, {200, 100, 50});
  const Tensor back = parse_picture(png_bytes(canvas), "canvas", 3);
  for (int y = 0; y < 10; ++y)
    for (int x = 0; x < 20; ++x)
      CHECK(std::lround(levels(back)[static_cast<std::size_t>(200 + y * 20 + x)]) == canvas.at(x, y).green);
}

TEST_CASE("pictures: JPEG, in one pass and progressive") {
  if (!reads_jpeg()) return;
  std::vector<double> rgb, grey;
  for (int c = 0; c < 3; ++c)
    for (int y = 0; y < 9; ++y)
      for (int x = 0; x < 12; ++x) rgb.push_back(c == 0 ? 20 * x : c == 1 ? 25 * y : 100);
  for (int y = 0; y < 9; ++y)
    for (int x = 0; x < 12; ++x) grey.push_back(10 * x + 12 * y);
  check_levels(read_picture(seed_file("colour.jpg")), {3, 9, 12}, rgb, 12);
  check_levels(read_picture(seed_file("progressive.jpg")), {3, 9, 12}, rgb, 12);
  CHECK(levels(read_picture(seed_file("colour.jpg"))) == levels(read_picture(seed_file("progressive.jpg"))));
  check_levels(read_picture(seed_file("grey.jpg"), 1), {1, 9, 12}, grey, 4);
  std::vector<double> of_colours;
  for (std::size_t i = 0; i < 108; ++i)
    of_colours.push_back(0.299 * rgb[i] + 0.587 * rgb[108 + i] + 0.114 * rgb[216 + i]);
  check_levels(read_picture(seed_file("colour.jpg"), 1), {1, 9, 12}, of_colours, 6);
}

TEST_CASE("pictures: files that are cut or claim too much are refused in a sentence") {
  CHECK(contains(picture_fault(""), "begins neither as a PNG file does nor as a JPEG file"));
  CHECK(contains(picture_fault("GIF89a"), "picture file 'x': it begins neither"));
  CHECK(contains(picture_fault(png_file(0, 4, 8, 2, "")), "0 x 4 pixels"));
  CHECK(contains(picture_fault(png_file(16385, 1, 8, 2, "")), "16385 x 1 pixels; sides are 1 to 16384"));
  CHECK(contains(picture_fault(png_file(16384, 16384, 8, 2, "")), "at most 67108864"));
  CHECK(contains(picture_fault(png_file(0xFFFFFFFF, 0xFFFFFFFF, 16, 6, "")), "4294967295 x 4294967295"));
  CHECK(contains(picture_fault(png_file(8000, 8000, 8, 2, "abc")), "8000 x 8000 pixels, which "));
  CHECK(contains(picture_fault(png_file(4, 4, 8, 5, "abc")), "there is no colour type 5 in PNG"));
  CHECK(contains(picture_fault(png_file(4, 4, 8, 2, "abc")), "libpng cannot read it"));
  for (const char* name : {"colour.png", "palette.png", "colour.jpg", "progressive.jpg", "grey.jpg"}) {
    const std::string good = content(seed_file(name));
    CAPTURE(name);
    if (std::string(name).ends_with("jpg") && !reads_jpeg()) continue;
    REQUIRE(picture_fault(good).empty());
    // Up to the last chunk of a PNG file, which holds nothing, and the end marker of a JPEG file.
    for (std::size_t length = 0; length + 12 < good.size(); ++length) {
      CAPTURE(length);
      CHECK_FALSE(picture_fault(good.substr(0, length)).empty());
    }
  }
  if (!reads_jpeg()) return;
  std::string large = content(seed_file("grey.jpg"));
  const std::size_t frame = large.find("\xFF\xC0");
  REQUIRE(frame != std::string::npos);
  large[frame + 5] = '\x3F', large[frame + 7] = '\x3F';  // 16,137 x 16,140 in a few hundred bytes
  CHECK(contains(picture_fault(large), "16137 pixels"));
  large[frame + 5] = '\x0F', large[frame + 7] = '\x0F';
  CHECK(contains(picture_fault(large), "bytes cannot hold"));
}

TEST_CASE("pictures: changed bytes give a picture or a sentence, nothing else") {
  std::mt19937 random(5);
  for (const char* name : {"colour.png", "grey16.png", "palette.png", "colour.jpg", "progressive.jpg"}) {
    const std::string good = content(seed_file(name));
    for (int i = 0; i < 2000; ++i) {
      std::string bad = good;
      for (auto n = random() % 3 + 1; n > 0; --n) bad[random() % bad.size()] = static_cast<char>(random());
      try {
        const Tensor picture = parse_picture(bad, "x", random() % 2 ? 1 : 3);
        CHECK(picture.dim() == 3);
      } catch (const Error& e) {
        CHECK(std::string(e.what()).find('\n') == std::string::npos);
      }
    }
  }
}

TEST_CASE("picture folders: classes and files by name, sizes that agree or are made to") {
  const Folder folder;
  for (const char* name : {"dog", "cat", ".git"}) std::filesystem::create_directory(folder.path / name);
  const auto put = [&](const char* name, int width, int height, std::uint8_t level) {
    write_png(folder / name, Canvas(width, height, {level, level, level}));
  };
  put("dog/b.png", 6, 4, 10), put("dog/a.PNG", 6, 4, 20), put("cat/z.png", 6, 4, 30);
  write(folder / "dog/notes.txt", "not a picture");
  write(folder / "labels.csv", "not a picture");
  const PictureFolder pictures(folder.path.string(), {.channels = 1});
  CHECK(pictures.classes() == std::vector<std::string>{"cat", "dog"});
  CHECK(pictures.size() == 3);
  const Batch all = AnyDataset(pictures).all();
  CHECK(all.inputs.shape() == Shape{3, 1, 4, 6});
  CHECK(all.targets.values<std::int64_t>() == std::vector<std::int64_t>{0, 1, 1});
  CHECK(std::lround(levels(all.inputs)[0]) == 30);
  CHECK(std::lround(levels(all.inputs)[24]) == 20);
  CHECK(pictures.targets().numel() == 3);
  const DataLoader loader(cached(pictures), {.batch_size = 2, .shuffle = true, .prefetch = 1});
  for (std::int64_t epoch = 0; epoch < 2; ++epoch)
    for (const Batch& b : loader.epoch(epoch)) CHECK(b.inputs.size(2) == 4);

  put("dog/c.png", 12, 8, 40);
  CHECK(contains(fault<ShapeError>([&] { AnyDataset(PictureFolder(folder.path.string())).all(); }),
                 "c.png' has 8 x 12 pixels, the first picture 4 x 6; give height and width"));
  const Batch same = AnyDataset(PictureFolder(folder.path.string(), {.height = 5, .width = 5})).all();
  CHECK(same.inputs.shape() == Shape{4, 3, 5, 5});
  for (const double v : levels(take_rows(same.inputs, {3}))) CHECK(std::lround(v) == 40);
}

TEST_CASE("picture folders: what is none is refused by name") {
  const Folder folder;
  const std::string here = folder.path.string();
  const auto refusal = [&](PictureFolderOptions options = {}) {
    return fault<ValueError>([&] { PictureFolder(here, options); });
  };
  CHECK(contains(fault<ValueError>([&] { PictureFolder(folder / "none"); }), "there is no folder '"));
  CHECK(contains(refusal(), "each class has one"));
  std::filesystem::create_directory(folder.path / "cat");
  CHECK(contains(refusal(), "there is no .png, .jpg or .jpeg file in '"));
  write(folder / "cat/1.png", "not a picture");
  CHECK(contains(refusal(), "1.png': it begins neither as a PNG file does"));
  write(folder / "2.png", "");
  CHECK(contains(refusal(), "2.png' lies beside the folders of the classes"));
  CHECK(contains(refusal({.channels = 2}), "channels is 2, it must be 1, grey, or 3"));
  CHECK(contains(refusal({.height = 3}), "height 3 and width 0 must be 1 to 16384 both, or 0 both"));
  CHECK(contains(fault<ValueError>([&] { (void)read_picture(folder / "3.png"); }), "No such file"));
}
