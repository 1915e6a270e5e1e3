// Small pictures by pixel: a canvas, its PNG file, and the table of digits a network got wrong.
// Deliberately not here: reading pictures, curves (engine/pictures/chart.h) and graphs.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace chainrule {

struct Colour {
  std::uint8_t red, green, blue;
  bool operator==(const Colour&) const = default;
};

/// A picture in memory, 8 bits each of red, green and blue. Whatever is drawn outside of it is cut off.
class Canvas {
 public:
  /// @throws ValueError unless both sides are from 1 to 16,384.
  Canvas(int width, int height, Colour background);

  int width() const { return width_; }
  int height() const { return height_; }
  Colour at(int x, int y) const;
  const std::vector<std::uint8_t>& bytes() const { return bytes_; }  ///< rows from the top, three bytes a pixel

  void fill(int x, int y, int width, int height, Colour colour);

  /// Writes text with its upper left corner at (x, y), every pixel of the font `scale` wide. See pixel_width().
  void text(int x, int y, std::string_view text, int scale, Colour colour);

 private:
  int width_, height_;
  std::vector<std::uint8_t> bytes_;
};

/// How wide Canvas::text draws.
int pixel_width(std::string_view text, int scale);

/// The canvas as the bytes of a PNG file; the same bytes for the same picture with one version of libpng.
std::string png_bytes(const Canvas& canvas);

/// Writes png_bytes(canvas) to `path` as a whole or not at all.
/// @throws EnvironmentError with the path when the system refuses.
void write_png(const std::string& path, const Canvas& canvas);

/// One picture of the table: height x width values, row by row, 0 paper and 1 ink (beyond is cut), and lines of text.
struct DigitItem {
  std::vector<float> pixels;
  int height = 0, width = 0;
  std::vector<std::string> caption;
};

/// The pictures, enlarged, as cards in a grid with their captions below; the first line of a caption stands out. No
/// item gives a sheet that says so.
/// @throws ValueError when an item has another number of pixels than height x width, or a pixel that is not a number.
Canvas draw_digit_table(const std::vector<DigitItem>& items, std::string_view title);

/// Writes draw_digit_table(items, title) as PNG.
void write_digit_table(const std::string& path, const std::vector<DigitItem>& items, std::string_view title = {});

}  // namespace chainrule
