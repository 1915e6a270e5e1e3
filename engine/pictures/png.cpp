// PNG bytes come from libpng's simplified interface, which reports errors by value; the classic one jumps over
// destructors.
#include "engine/pictures/png.h"

#include <fmt/format.h>
#include <png.h>

#include <algorithm>
#include <cstddef>

#include "engine/pictures/pixel_font.h"
#include "engine/system/file.h"
#include "engine/types/error.h"

namespace chainrule {
namespace {

constexpr int kLargestSide = 16384;

/// Calls use(byte) once per character of UTF-8 text; bytes that continue a character are passed over.
template <typename Use>
void for_each_character(std::string_view text, Use use) {
  for (const char c : text) {
    if ((static_cast<unsigned char>(c) & 0xC0) != 0x80) use(c);
  }
}

}  // namespace

Canvas::Canvas(int width, int height, Color background) : width_(width), height_(height) {
  if (width < 1 || height < 1 || width > kLargestSide || height > kLargestSide) {
    throw ValueError(
        fmt::format("canvas: {} x {} pixels, each side must be from 1 to {}", width, height, kLargestSide));
  }
  bytes_.resize(3 * static_cast<std::size_t>(width) * static_cast<std::size_t>(height));
  fill(0, 0, width, height, background);
}

Color Canvas::at(int x, int y) const {
  const std::size_t i =
      3 * (static_cast<std::size_t>(y) * static_cast<std::size_t>(width_) + static_cast<std::size_t>(x));
  return {bytes_.at(i), bytes_.at(i + 1), bytes_.at(i + 2)};
}

void Canvas::fill(int x, int y, int width, int height, Color colour) {
  const int right = std::min(x + width, width_), bottom = std::min(y + height, height_);
  for (int row = std::max(y, 0); row < bottom; ++row) {
    for (int column = std::max(x, 0); column < right; ++column) {
      const std::size_t i =
          3 * (static_cast<std::size_t>(row) * static_cast<std::size_t>(width_) + static_cast<std::size_t>(column));
      bytes_[i] = colour.red;
      bytes_[i + 1] = colour.green;
      bytes_[i + 2] = colour.blue;
    }
  }
}

void Canvas::text(int x, int y, std::string_view text, int scale, Color colour) {
  for_each_character(text, [&](char c) {
    const std::string_view rows = glyph(c);
    const GlyphColumns ink = glyph_columns(c);
    for (int row = 0; row < kGlyphRows; ++row) {
      for (int column = ink.first; column <= ink.last; ++column) {
        if (glyph_ink(rows, row, column)) fill(x + (column - ink.first) * scale, y + row * scale, scale, scale, colour);
      }
    }
    x += (ink.last - ink.first + 2) * scale;
  });
}

int pixel_width(std::string_view text, int scale) {
  int columns = 0;
  for_each_character(text, [&](char c) { columns += glyph_columns(c).last - glyph_columns(c).first + 2; });
  return std::max(0, columns - 1) * scale;
}

std::string png_bytes(const Canvas& canvas) {
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  image.width = static_cast<png_uint_32>(canvas.width());
  image.height = static_cast<png_uint_32>(canvas.height());
  image.format = PNG_FORMAT_RGB;
  std::string bytes(PNG_IMAGE_PNG_SIZE_MAX(image), '\0');
  png_alloc_size_t size = bytes.size();
  if (png_image_write_to_memory(&image, bytes.data(), &size, 0, canvas.bytes().data(), 0, nullptr) == 0) {
    throw EnvironmentError(
        fmt::format("png: libpng could not encode {} x {} pixels: {}", canvas.width(), canvas.height(), image.message));
  }
  bytes.resize(size);
  return bytes;
}

void write_png(const std::string& path, const Canvas& canvas) { write_file(path, png_bytes(canvas)); }

}  // namespace chainrule
