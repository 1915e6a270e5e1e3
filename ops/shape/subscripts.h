// Subscripts as in NumPy: what x[0], x[:, 1:3], x[..., None], x[rows, columns] and x[x > 0] mean.
#pragma once

#include <vector>

#include "engine/index.h"
#include "engine/operand.h"

namespace chainrule {

/// x[subscripts...]. Whole numbers drop their axis, slices keep it, None adds one, Ellipsis stands for what is left.
/// Tensors of int64 pick positions: several pair up and broadcast, and their axes stand where they stood when they were
/// side by side, else in front. A mask (bool, of the shape of the axes that it stands for) picks where it is true.
/// Negative positions count from the end. Differentiable in x. Throws ValueError for positions outside, ShapeError for
/// too many subscripts and masks that do not fit.
Tensor index(const Operand& x, const std::vector<Index>& subscripts);

}  // namespace chainrule
