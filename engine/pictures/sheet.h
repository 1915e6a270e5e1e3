// Sheets of small grey pictures with captions, as PNG: samples of a data set, what a network got wrong, filters.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "engine/pictures/png.h"

namespace chainrule {

struct Picture {
  std::vector<float> pixels;  ///< height x width values, row by row: 0 paper, 1 ink; values beyond are cut
  int height = 0, width = 0;  ///< in pixels of the picture; small ones are enlarged by a whole factor
  std::vector<std::string>
      caption{};  ///< lines below it, of which the first stands out; ASCII, other characters are boxes
};

/// The pictures as cards in a grid, in order, row by row; somewhat wider than high. Without a picture the sheet says
/// that there is nothing to show.
/// @throws ValueError with the number of the picture when its pixels are not height x width, or one is NaN; also when a
/// side of the sheet would be longer than 16,384 pixels.
Canvas draw_picture_sheet(const std::vector<Picture>& pictures, std::string_view title = {});

/// Writes draw_picture_sheet(pictures, title) as a PNG file, whole or not at all.
/// @throws ValueError as above, and EnvironmentError with the path when the system refuses.
void write_picture_sheet(const std::string& path, const std::vector<Picture>& pictures, std::string_view title = {});

}  // namespace chainrule
