// Inner header: for our own sources, not installed.
// A small bitmap font for captions in pictures: the printable ASCII characters on a grid of 5 x 9 pixels.
// Deliberately not here: other scripts. A character it does not have is drawn as an empty box.
#pragma once

#include <string_view>

namespace chainrule {

inline constexpr int kGlyphRows = 9;  ///< seven above the baseline, two below it
inline constexpr int kGlyphColumns = 5;

/// Nine rows of five characters, '#' for ink and '.' for paper, one space between the rows; rows that are left out at
/// the end are paper.
std::string_view glyph(char character);

/// The columns that hold ink: [first, last]. Digits and the space keep a fixed width, so that numbers stand in columns.
struct GlyphColumns {
  int first, last;
};
GlyphColumns glyph_columns(char character);

inline bool glyph_ink(std::string_view rows, int row, int column) {
  const int at = row * (kGlyphColumns + 1) + column;
  return at < static_cast<int>(rows.size()) && rows[static_cast<std::size_t>(at)] == '#';
}

}  // namespace chainrule
