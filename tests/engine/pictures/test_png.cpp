// Pictures: what libpng reads back from the written bytes, the font's table, and sheets of pictures pixel by pixel.
#include "engine/pictures/png.h"

#include <doctest/doctest.h>
#include <png.h>

#include <array>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <limits>
#include <set>
#include <string>
#include <vector>

#include "engine/pictures/pixel_font.h"
#include "engine/pictures/sheet.h"
#include "engine/types/error.h"

namespace {

using chainrule::Canvas;
using chainrule::Color;
using chainrule::Picture;

constexpr Color kWhite{255, 255, 255}, kRed{200, 10, 20};

struct Decoded {
  int width = 0, height = 0;
  std::vector<std::uint8_t> bytes;
};

Decoded decode(const std::string& png) {
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  REQUIRE(png_image_begin_read_from_memory(&image, png.data(), png.size()) != 0);
  image.format = PNG_FORMAT_RGB;
  Decoded result{static_cast<int>(image.width), static_cast<int>(image.height), {}};
  result.bytes.resize(PNG_IMAGE_SIZE(image));
  REQUIRE(png_image_finish_read(&image, nullptr, result.bytes.data(), 0, nullptr) != 0);
  return result;
}

std::string content(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

int pixels_other_than(const Canvas& canvas, Color colour) {
  int found = 0;
  for (int y = 0; y < canvas.height(); ++y) {
    for (int x = 0; x < canvas.width(); ++x) found += canvas.at(x, y) != colour;
  }
  return found;
}

Picture checkerboard(int height, int width) {
  Picture item{{}, height, width, {"3 read as 8", "61.5 %"}};
  for (int i = 0; i < height * width; ++i) item.pixels.push_back(static_cast<float>((i / width + i % width) % 2));
  return item;
}

}  // namespace

TEST_CASE("a written picture reads back pixel for pixel") {
  Canvas canvas(37, 23, kWhite);
  for (int y = 0; y < 23; ++y) {
    for (int x = 0; x < 37; ++x) {
      canvas.fill(
          x, y, 1, 1,
          {static_cast<std::uint8_t>(x * 6), static_cast<std::uint8_t>(y * 11), static_cast<std::uint8_t>(x ^ y)});
    }
  }
  const Decoded decoded = decode(chainrule::png_bytes(canvas));
  CHECK(decoded.width == 37);
  CHECK(decoded.height == 23);
  CHECK(decoded.bytes == canvas.bytes());
  CHECK(chainrule::png_bytes(canvas) == chainrule::png_bytes(canvas));
}

TEST_CASE("drawing outside the canvas is cut off") {
  Canvas canvas(10, 10, kWhite);
  canvas.fill(-5, -5, 7, 7, kRed);
  canvas.fill(8, 8, 100, 100, kRed);
  canvas.fill(20, 20, 5, 5, kRed);
  canvas.fill(3, 3, -2, 4, kRed);
  CHECK(pixels_other_than(canvas, kWhite) == 2 * 2 + 2 * 2);
  canvas.text(-3, 7, "far too long for this canvas", 3, kRed);
  CHECK(canvas.at(1, 1) == kRed);
}

TEST_CASE("a canvas has a size that memory and PNG can hold") {
  for (const auto& [width, height] :
       {std::pair(0, 5), std::pair(5, 0), std::pair(-1, 5), std::pair(16385, 1), std::pair(1, 1 << 30)}) {
    CHECK_THROWS_AS(Canvas(width, height, kWhite), chainrule::ValueError);
  }
}

TEST_CASE("every printable character has a well-formed glyph of its own") {
  std::set<std::string> seen;
  for (char c = ' '; c <= '~'; ++c) {
    CAPTURE(c);
    const std::string rows(chainrule::glyph(c));
    CHECK(seen.insert(rows).second);
    CHECK(rows.size() <= 9 * 6 - 1);
    CHECK((rows.find('#') == std::string::npos) == (c == ' '));
    for (std::size_t i = 0; c != ' ' && i < rows.size(); ++i)
      CHECK((i % 6 == 5 ? rows[i] == ' ' : rows[i] == '#' || rows[i] == '.'));
    if (c != ' ') CHECK(rows.size() % 6 == 5);
  }
  const std::string missing(chainrule::glyph('\x7f'));
  CHECK(seen.count(missing) == 0);
  CHECK(chainrule::glyph('\xe4') == missing);
  CHECK(chainrule::glyph('\n') == missing);
}

TEST_CASE("text takes the width it announces") {
  for (const std::string text : {"1", "illicit", "3 read as 8", "WWW %", "", "\xe4\xbb\xb7\xe6\xa0\xbc"}) {
    for (const int scale : {1, 3}) {
      CAPTURE(text);
      Canvas canvas(400, 40, kWhite);
      canvas.text(5, 5, text, scale, kRed);
      int right = 5, left = 400;
      for (int y = 0; y < 40; ++y) {
        for (int x = 0; x < 400; ++x) {
          if (canvas.at(x, y) == kWhite) continue;
          right = std::max(right, x + 1);
          left = std::min(left, x);
        }
      }
      const bool ends_with_digit = !text.empty() && std::isdigit(static_cast<unsigned char>(text.back())) != 0;
      CHECK(right <= 5 + chainrule::pixel_width(text, scale));
      if (!ends_with_digit) CHECK(right == 5 + chainrule::pixel_width(text, scale));
      if (!text.empty()) CHECK(left >= 5);
    }
  }
  for (char c = '0'; c <= '9'; ++c)
    CHECK(chainrule::pixel_width(std::string(1, c), 2) == chainrule::pixel_width("8", 2));
}

TEST_CASE("a sheet shows each pixel enlarged, ink dark on paper") {
  Picture item = checkerboard(8, 8);
  item.caption.clear();
  item.pixels[0] = 7.0F;   // beyond ink is ink
  item.pixels[1] = -3.0F;  // beyond paper is paper
  item.pixels[2] = 0.5F;
  const Canvas canvas = chainrule::draw_picture_sheet({item}, "");
  // One card in the middle of the sheet: 8 x 8 squares of 16 pixels around its centre.
  const int left = canvas.width() / 2 - 64, top = canvas.height() / 2 - 64;
  const auto square = [&](int row, int column) { return canvas.at(left + 16 * column + 8, top + 16 * row + 8); };
  const Color ink = square(0, 0), paper = square(0, 1), grey = square(0, 2);
  CHECK(ink.red + ink.green + ink.blue < 200);
  CHECK(paper.red + paper.green + paper.blue > 700);
  CHECK(std::abs(2 * grey.red - ink.red - paper.red) <= 1);
  for (int i = 3; i < 64; ++i) {
    CAPTURE(i);
    CHECK(square(i / 8, i % 8) == ((i / 8 + i % 8) % 2 == 1 ? ink : paper));
    CHECK(canvas.at(left + 16 * (i % 8), top + 16 * (i / 8)) == square(i / 8, i % 8));
    CHECK(canvas.at(left + 16 * (i % 8) + 15, top + 16 * (i / 8) + 15) == square(i / 8, i % 8));
  }
}

TEST_CASE("every item gets a card of its own, whatever the number") {
  for (std::size_t count : {1U, 2U, 5U, 9U, 10U, 97U}) {
    CAPTURE(count);
    std::vector<Picture> items(count, checkerboard(8, 8));
    const Canvas canvas = chainrule::draw_picture_sheet(items, "title");
    for (Picture& item : items) item.pixels.assign(64, 0.0F);
    const Canvas blank = chainrule::draw_picture_sheet(items, "title");
    REQUIRE(blank.width() == canvas.width());
    REQUIRE(blank.height() == canvas.height());
    std::size_t differing = 0;
    for (int y = 0; y < canvas.height(); ++y) {
      for (int x = 0; x < canvas.width(); ++x) differing += canvas.at(x, y) != blank.at(x, y);
    }
    CHECK(differing == count * 32 * 16 * 16);  // no card covers another, none leaves the sheet
  }
}

TEST_CASE("pictures of other sizes and long captions find room") {
  Picture wide = checkerboard(28, 28);
  wide.caption = {std::string(60, 'W')};
  const Canvas canvas = chainrule::draw_picture_sheet({checkerboard(8, 8), wide, checkerboard(200, 3)}, "");
  CHECK(canvas.width() >= chainrule::pixel_width(wide.caption[0], 2));
  CHECK(canvas.height() >= 200);
  CHECK(pixels_other_than(chainrule::draw_picture_sheet({}, "none of 360"), canvas.at(0, 0)) > 100);
  CHECK(pixels_other_than(chainrule::draw_picture_sheet({}, ""), canvas.at(0, 0)) > 100);
}

TEST_CASE("pictures that do not fit their size, or hold no number, are refused") {
  Picture item = checkerboard(8, 8);
  item.pixels.pop_back();
  CHECK_THROWS_WITH_AS(chainrule::draw_picture_sheet({checkerboard(2, 2), item}, ""),
                       "picture sheet: picture 1 has 63 pixels, its size is 8 x 8", chainrule::ValueError);
  CHECK_THROWS_AS(chainrule::draw_picture_sheet({Picture{}}, ""), chainrule::ValueError);
  Picture unknown = checkerboard(8, 8);
  unknown.pixels[5] = std::numeric_limits<float>::quiet_NaN();
  CHECK_THROWS_WITH_AS(chainrule::draw_picture_sheet({unknown}, ""),
                       "picture sheet: pixel 5 of picture 0 is not a number", chainrule::ValueError);
}

TEST_CASE("files are written whole, and a refusal names the path") {
  const std::string path = (std::filesystem::temp_directory_path() / "chainrule-test-table.png").string();
  chainrule::write_picture_sheet(path, {checkerboard(8, 8)}, "one");
  CHECK(content(path) == chainrule::png_bytes(chainrule::draw_picture_sheet({checkerboard(8, 8)}, "one")));
  std::filesystem::remove(path);
  try {
    chainrule::write_picture_sheet("/nowhere/at/all.png", {});
    FAIL("it was written");
  } catch (const chainrule::EnvironmentError& error) {
    CHECK(std::string(error.what()).find("/nowhere/at/all.png") != std::string::npos);
  }
}
