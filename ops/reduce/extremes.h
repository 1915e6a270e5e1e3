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
Tensor max(const Operand& x);  ///< amax over everything
Tensor min(const Operand& x);
Tensor max_along(const Operand& x, std::int64_t dim, bool keepdim = false);
Tensor min_along(const Operand& x, std::int64_t dim, bool keepdim = false);
/// Along one axis the gradient goes to the first of equals.
template <std::integral Dim>
Tensor max(const Operand& x, Dim dim, bool keepdim = false) {
  return max_along(x, dim, keepdim);
}
template <std::integral Dim>
Tensor min(const Operand& x, Dim dim, bool keepdim = false) {
  return min_along(x, dim, keepdim);
}
Tensor max(const Operand& x, const Operand& other);  ///< maximum, as in torch
Tensor min(const Operand& x, const Operand& other);
/// Position of the largest value along an axis, or in row-major order, the first among equals, as int64. No derivative.
Tensor argmax(const Operand& x, std::optional<std::int64_t> dim = {}, bool keepdim = false);
Tensor argmin(const Operand& x, std::optional<std::int64_t> dim = {}, bool keepdim = false);

}  // namespace chainrule
