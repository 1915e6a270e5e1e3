// Tables of counts as pictures: which class was taken for which.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace chainrule {

/// A confusion matrix, or any table of counts.
struct HeatMap {
  std::string title{};
  std::string row_label{}, column_label{};          ///< "digit", "answer"
  std::vector<std::string> rows{}, columns{};       ///< their names
  std::vector<std::vector<std::int64_t>> counts{};  ///< counts[row][column], at least 0
};

/// As SVG text: a cell is the darker the larger its share of its row, and shows its count; zeros stay empty. The same
/// bytes for the same table under every locale. Any text is safe in names; a dark page gets a dark picture.
/// @throws ValueError unless there is a row and a column, as many names as rows and columns, and no negative count.
std::string heat_map_svg(const HeatMap& map);

/// Writes heat_map_svg(map) to `path` as a whole or not at all.
/// @throws EnvironmentError with the path when the system refuses.
void write_heat_map(const std::string& path, const HeatMap& map);

}  // namespace chainrule
