// The largest and the smallest value, and where they stand. No axes in `dim` mean all; negative axes count from the
// end. Axes that do not exist or come twice throw ShapeError, and so do empty ones. Of two tensors element by element:
// maximum and minimum in pairs.h.
#pragma once

#include <concepts>
#include <optional>

#include "engine/operand.h"
#include "ops/options.h"

namespace chainrule {

/// Largest and smallest value; ties share the gradient evenly.
Tensor amax(const Operand& x, const Axes& dim = {}, bool keepdim = false);
Tensor amin(const Operand& x, const Axes& dim = {}, bool keepdim = false);
/// Along one axis; the gradient goes to the first of equals. max(x, dim) in torch.
Tensor max_along(const Operand& x, std::int64_t dim, bool keepdim = false);
Tensor min_along(const Operand& x, std::int64_t dim, bool keepdim = false);
// In torch a whole number behind max's comma is an axis and any other number a bound, so the two do not compile here.
Tensor max(const Operand& x) = delete;                              // amax(x)
Tensor min(const Operand& x) = delete;                              // amin(x)
Tensor max(const Operand&, const Operand&, bool = false) = delete;  // amax(x, axis), or maximum(x, y)
Tensor min(const Operand&, const Operand&, bool = false) = delete;  // amin(x, axis), or minimum(x, y)
/// Position of the largest value along an axis, or in row-major order, the first among equals, as int64. No derivative.
Tensor argmax(const Operand& x, std::optional<std::int64_t> dim = {}, bool keepdim = false);
Tensor argmin(const Operand& x, std::optional<std::int64_t> dim = {}, bool keepdim = false);

}  // namespace chainrule
