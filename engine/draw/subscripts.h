// Inner header: for our own sources, not installed.
// A subscript is recorded as slices and a reshape; a reader wrote x[1]. Here these become one item again.
#pragma once

#include "engine/draw/view.h"

namespace chainrule {

/// Joins each run of slices, and the reshape behind it that takes indexed axes away, to one item that says "[1, 2:4]"
/// (GraphItem::subscript). Only inner values without a name and with one reader disappear.
void join_subscripts(GraphView& view);

}  // namespace chainrule
