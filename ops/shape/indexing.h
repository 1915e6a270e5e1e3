// Picking elements by index tensors (int64, counted from 0), adding at them, masks. An index outside its axis throws
// ValueError that says where it stands, its value, the axis and its size.
#pragma once

#include <optional>

#include "engine/operand.h"

namespace chainrule {

/// x's slices at `index` (int64, one axis) along an axis.
Tensor index_select(const Operand& x, std::int64_t dim, const Tensor& index);
/// z[.., j, ..] = x[.., index[.., j, ..], ..] along an axis; sizes of the other axes as in index, at most x's.
Tensor gather(const Operand& x, std::int64_t dim, const Tensor& index);
/// z = x, then z[.., index[.., j, ..], ..] += src[.., j, ..]; src is at least as large as index along every axis.
Tensor scatter_add(const Operand& x, std::int64_t dim, const Tensor& index, const Operand& src);
/// gather with x and indices broadcast along the other axes; without dim, out of all elements in row-major order.
Tensor take_along_dim(const Operand& x, const Tensor& indices, std::optional<std::int64_t> dim = {});
/// value where the mask (bool, broadcast to x's shape) is true, else x. Keeps x's dtype.
Tensor masked_fill(const Operand& x, const Tensor& mask, const Operand& value);
/// 1 at every number's class along a new last axis, as int64; -1 classes: one more than the largest. No derivative.
Tensor one_hot(const Tensor& x, std::int64_t num_classes = -1);

}  // namespace chainrule
