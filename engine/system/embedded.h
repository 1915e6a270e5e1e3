// Inner header: for our own sources, not installed.
// Files of the tree whose bytes are part of the library. The build makes their definitions: one line embed(...) in
// CMakeLists.txt for each name here.
#pragma once

#include <string_view>

namespace chainrule::embedded {

extern const std::string_view digits_csv_gz;  ///< nn/data/digits.csv.gz
extern const std::string_view graph_html;     ///< engine/draw/graph.html, with {{marks}}
extern const std::string_view player_html;    ///< engine/steps/player.html, with {{marks}}

}  // namespace chainrule::embedded
