// Inner header: for our own sources, not installed.
// Making a graph small enough to look at. Nothing is lost silently: every folded item carries the count of what it
// stands for.
#pragma once

#include "engine/draw/view.h"

namespace chainrule {

/// The modules that `options` folds by depth, by name, or as repeats.
void fold_chosen(GraphView& view, const GraphOptions& options);

/// At most `limit` items (but at least five): modules are folded, deepest first; what is still too much is the middle
/// of the graph, which becomes one item.
void fold_view(GraphView& view, std::size_t limit);

}  // namespace chainrule
