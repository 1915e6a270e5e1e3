// Views: the same numbers in another shape, order or selection of steps. Joining and padding are in arrangement.h.
#pragma once

#include <optional>
#include <span>

#include "engine/backward.h"
#include "engine/operand.h"
#include "ops/options.h"

namespace chainrule {

/// The same elements in row-major order; one size may be -1. A view where strides can show it, else a copy.
Tensor reshape(const Operand& x, const Shape& shape);
/// Joins the axes start_dim .. end_dim.
Tensor flatten(const Operand& x, std::int64_t start_dim = 0, std::int64_t end_dim = -1);
/// Without axes of size 1: of `dim`, or all. A named axis of another size stays, as in PyTorch.
Tensor squeeze(const Operand& x, const Axes& dim = {});
/// With an axis of size 1 before `dim`.
Tensor unsqueeze(const Operand& x, std::int64_t dim);
Tensor transpose(const Operand& x, std::int64_t dim0 = -2, std::int64_t dim1 = -1);
Tensor permute(const Operand& x, const Axes& dims);
/// Repeats axes of size 1, and new leading ones, without a copy; -1 keeps a size.
Tensor expand(const Operand& x, const Shape& shape);
/// start, start + step, ... below end along one axis, as x[start:end:step] in NumPy; steps may be negative.
Tensor slice(const Operand& x, std::int64_t dim, std::optional<std::int64_t> start = {},
             std::optional<std::int64_t> end = {}, std::int64_t step = 1);

}  // namespace chainrule
