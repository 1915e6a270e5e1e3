// Inner header: for our own sources, not installed.
// A view as DOT text: which statement, in which cluster, in which style. What the labels say is in labels.h.
#pragma once

#include <string>
#include <vector>

#include "engine/draw/view.h"

namespace chainrule {

/// What stands above the picture of a step in place of the legend: as many rows, and as wide, in every step.
struct Caption {
  std::vector<std::string> lines{};
  std::size_t rows = 0;
  int width = 0;  ///< in points
};

std::string draw_view(const GraphView& view, const GraphOptions& options, const Caption* caption = nullptr);

}  // namespace chainrule
