// The same numbers in another shape, order or selection.
#pragma once

#include <optional>
#include <span>

#include "engine/backward.h"
#include "engine/operand.h"
#include "ops/options.h"

namespace chainrule {

Tensor reshape(const Operand& x, const Shape& shape);  ///< one size may be -1
/// Joins the axes start_dim .. end_dim.
Tensor flatten(const Operand& x, std::int64_t start_dim = 0, std::int64_t end_dim = -1);
Tensor transpose(const Operand& x, std::int64_t dim0 = -2, std::int64_t dim1 = -1);
Tensor permute(const Operand& x, const Axes& dims);
Tensor expand(const Operand& x, const Shape& shape);  ///< -1 keeps a size
/// start, start + step, ... below end along one axis, as x[start:end:step] in NumPy; steps may be negative.
Tensor slice(const Operand& x, std::int64_t dim, std::optional<std::int64_t> start = {},
             std::optional<std::int64_t> end = {}, std::int64_t step = 1);
Tensor cat(std::span<const Tensor> tensors, std::int64_t dim = 0, SourceLocation where = SourceLocation::current());
Tensor cat(std::initializer_list<Tensor> tensors, std::int64_t dim = 0,
           SourceLocation where = SourceLocation::current());
/// x's slices at `index` (int64, one axis) along an axis.
Tensor index_select(const Operand& x, std::int64_t dim, const Tensor& index);
/// z[.., j, ..] = x[.., index[.., j, ..], ..] along an axis; sizes of the other axes as in index, at most x's.
Tensor gather(const Operand& x, std::int64_t dim, const Tensor& index);

}  // namespace chainrule
