// Pictures by pixel: a canvas and its PNG file. Deliberately not here: reading pictures.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace chainrule {

/// Each channel from 0 to 255.
struct Color {
  std::uint8_t red, green, blue;
  bool operator==(const Color&) const = default;
};

/// A picture in memory, 8 bits each of red, green and blue. Whatever is drawn outside of it is cut off.
class Canvas {
 public:
  /// @throws ValueError unless both sides are from 1 to 16,384.
  Canvas(int width, int height, Color background);

  int width() const { return width_; }
  int height() const { return height_; }
  /// The pixel in column x and row y, both from 0 and inside the picture.
  Color at(int x, int y) const;
  const std::vector<std::uint8_t>& bytes() const { return bytes_; }  ///< rows from the top, three bytes a pixel

  /// A rectangle with its upper left corner at (x, y), in pixels.
  void fill(int x, int y, int width, int height, Color colour);

  /// Writes text with its upper left corner at (x, y), every pixel of the font `scale` wide. See pixel_width().
  void text(int x, int y, std::string_view text, int scale, Color colour);

 private:
  int width_, height_;
  std::vector<std::uint8_t> bytes_;
};

/// How many pixels wide Canvas::text draws.
int pixel_width(std::string_view text, int scale);

/// The canvas as the bytes of a PNG file; the same bytes for the same picture with one version of libpng.
/// @throws EnvironmentError when libpng cannot encode it.
std::string png_bytes(const Canvas& canvas);

/// Writes png_bytes(canvas) to `path` as a whole or not at all.
/// @throws EnvironmentError with the path when the system refuses.
void write_png(const std::string& path, const Canvas& canvas);

}  // namespace chainrule
