// Where the files are, and whether they are what they should be.
#include "nn/data/mnist.h"

#include <fmt/format.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <vector>

#include "engine/system/file.h"
#include "engine/system/text.h"
#include "engine/types/error.h"
#include "nn/data/idx.h"

namespace chainrule {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kPictureSide = 28, kDigits = 10;

/// One data set in this form: where it is looked for.
struct MnistSet {
  const char* name;
  const char* folder;     // inside the one that is given
  bool lies_in_variable;  // may CHAINRULE_DATA hold the files themselves? Those of another set have the same names
  const char* installed;  // where a package puts the files; null: there is none
  const char* hint;
};
constexpr MnistSet kMnist{"mnist", "mnist", true, nullptr,
                          "give the folder of its files in the call or in the environment variable CHAINRULE_DATA"};
constexpr MnistSet kFashion{"fashion-mnist", "fashion-mnist", false, "/usr/share/datasets/fashion-mnist",
                            "install Debian's package dataset-fashion-mnist, or give the folder of its files in the "
                            "call, or put them into a folder fashion-mnist of the one that CHAINRULE_DATA names"};

std::string in_quotes(const std::string& path) { return fmt::format("'{}'", shorten(printable(path), 200)); }

std::string stem_of(MnistPart part, bool images) {
  return fmt::format("{}-{}", part == MnistPart::train ? "train" : "t10k", images ? "images" : "labels");
}

/// Where one of the four files is; nothing when it is in none of the places.
std::optional<std::string> find_file(const std::vector<fs::path>& places, MnistPart part, bool images) {
  const std::string kind = images ? "idx3-ubyte" : "idx1-ubyte";
  for (const fs::path& place : places) {
    for (const char* joint : {"-", "."}) {
      for (const char* ending : {"", ".gz"}) {
        const fs::path path = place / (stem_of(part, images) + joint + kind + ending);
        std::error_code unknown;  // what cannot be looked at is found: opening it says why
        if (fs::exists(path, unknown) || unknown) return path.string();
      }
    }
  }
  return {};
}

/// The folders in which the files may lie, the first that has one counts.
std::vector<fs::path> places_of(const MnistSet& set, const std::string& given) {
  const char* variable = std::getenv("CHAINRULE_DATA");
  const bool asked = !given.empty();
  const std::string folder = asked ? given : variable ? variable : "";
  std::vector<fs::path> places;
  if (!folder.empty()) {
    std::error_code unknown;
    if (!fs::exists(folder, unknown) && !unknown && (asked || !set.installed))
      throw ValueError(fmt::format("{}: there is no folder {}; {}", set.name, in_quotes(folder), set.hint));
    if (asked || set.lies_in_variable) places.emplace_back(folder);
    places.push_back(fs::path(folder) / set.folder);
  }
  if (!asked && set.installed) places.emplace_back(set.installed);
  if (places.empty()) throw ValueError(fmt::format("{}: it is not known where its files are; {}", set.name, set.hint));
  return places;
}

/// A part's images and labels are as many, where both are there.
void check_counts(const MnistSet& set, const std::vector<fs::path>& places, MnistPart part) {
  const auto images = find_file(places, part, true), labels = find_file(places, part, false);
  if (!images || !labels) return;
  const auto count = [&](const std::string& path) {
    return parse_idx_header(read_file(path, set.name), path).shape[0];
  };
  const std::int64_t pictures = count(*images), classes = count(*labels);
  if (pictures != classes)
    throw ValueError(fmt::format("{}: {} holds {} pictures, {} holds {} labels; they must be as many", set.name,
                                 in_quotes(*images), pictures, in_quotes(*labels), classes));
}

std::string text_of(const std::vector<fs::path>& places) {
  std::string text;
  for (const fs::path& place : places) text += (text.empty() ? "" : " or ") + in_quotes(place.string());
  return text;
}

IdxArray read_part(const MnistSet& set, const std::string& given, MnistPart part, bool images) {
  const std::vector<fs::path> places = places_of(set, given);
  const auto path = find_file(places, part, images);
  if (!path) {
    const std::string stem = stem_of(part, images), kind = images ? "idx3-ubyte" : "idx1-ubyte";
    throw ValueError(fmt::format("{0}: there is no {1}-{2}.gz in {3}, nor {1}-{2}, {1}.{2}.gz or {1}.{2}; {4}",
                                 set.name, stem, kind, text_of(places), set.hint));
  }
  check_counts(set, places, part);
  IdxArray array = read_idx(*path);
  const Shape& shape = array.shape;
  const bool good =
      images ? shape.rank() == 3 && shape[1] == kPictureSide && shape[2] == kPictureSide : shape.rank() == 1;
  if (array.type != IdxType::u8 || !good)
    throw ValueError(fmt::format("{}: {} holds {} of shape {}; expected are {}, such as {}", set.name, in_quotes(*path),
                                 array.type == IdxType::u8 ? "bytes" : "other numbers than bytes", to_string(shape),
                                 images ? "pictures of 28 x 28 bytes" : "labels of one byte",
                                 images ? "(10000, 28, 28)" : "(10000,)"));
  if (images) return array;
  for (std::size_t i = 0; i < array.bytes.size(); ++i)
    if (const auto label = static_cast<unsigned char>(array.bytes[i]); label >= kDigits)
      throw ValueError(fmt::format("{}: {}: label {} is {}, the classes are 0 to 9", set.name, in_quotes(*path), i,
                                   static_cast<int>(label)));
  return array;
}

Tensor unit_pixels(const IdxArray& array) {
  std::array<float, 256> values{};
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i) / 255.0F;
  Tensor images = empty({array.shape[0], 1, kPictureSide, kPictureSide}, DType::float32);
  float* out = static_cast<float*>(images.mutable_data("mnist_images"));
  for (std::size_t i = 0; i < array.bytes.size(); ++i) out[i] = values[static_cast<unsigned char>(array.bytes[i])];
  return images;
}

}  // namespace

Tensor mnist_images(MnistPart part, const std::string& folder) {
  return unit_pixels(read_part(kMnist, folder, part, true));
}
Tensor mnist_labels(MnistPart part, const std::string& folder) {
  return idx_tensor(read_part(kMnist, folder, part, false));
}
Tensor fashion_mnist_images(MnistPart part, const std::string& folder) {
  return unit_pixels(read_part(kFashion, folder, part, true));
}
Tensor fashion_mnist_labels(MnistPart part, const std::string& folder) {
  return idx_tensor(read_part(kFashion, folder, part, false));
}

}  // namespace chainrule
