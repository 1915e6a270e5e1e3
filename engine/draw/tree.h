// Inner header: for our own sources, not installed.
// A view in box characters, for terminals: the result at the top, what it was computed from below, one line for each
// node, with values and gradients in columns. A value that is used twice is drawn once.
#pragma once

#include <string>

#include "engine/draw/view.h"

namespace chainrule {

/// Title, empty line, tree.
std::string tree_text(const GraphView& view, const GraphOptions& options);

}  // namespace chainrule
