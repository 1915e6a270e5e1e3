// Sums, products, extremes and spreads along axes, running sums and products, and the softmax family. `dim`: no axes
// mean all; negative axes count from the end. Axes that do not exist or come twice throw ShapeError, and so do empty
// axes where nothing would be the answer. Sorting is in sorting.h.
#pragma once

#include <concepts>
#include <optional>

#include "engine/operand.h"
#include "ops/options.h"

namespace chainrule {

Tensor sum(const Operand& x, const Axes& dim = {}, bool keepdim = false);   ///< integers and bools: int64; of nothing 0
Tensor prod(const Operand& x, const Axes& dim = {}, bool keepdim = false);  ///< integers and bools: int64; of nothing 1
Tensor mean(const Operand& x, const Axes& dim = {}, bool keepdim = false);  ///< of nothing NaN
/// Squared distance from the mean, summed and divided by max(n - correction, 0): NaN for one number and correction 1.
Tensor var(const Operand& x, const Axes& dim = {}, std::int64_t correction = 1, bool keepdim = false);
/// The root of var; its derivative at 0 is taken as 0. Say chainrule::std where the namespace is imported.
Tensor std(const Operand& x, const Axes& dim = {}, std::int64_t correction = 1, bool keepdim = false);
/// (sum |x|^p)^(1/p); p = 0 counts the numbers that are not 0, inf and -inf are the largest and smallest |x|. The
/// derivative at a vector of zeros is taken as 0.
Tensor norm(const Operand& x, double p = 2, const Axes& dim = {}, bool keepdim = false);

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

/// True where all (any) numbers are not 0; NaN is not. Any dtype; bool masks. No derivative.
Tensor all(const Operand& x, const Axes& dim = {}, bool keepdim = false);
Tensor any(const Operand& x, const Axes& dim = {}, bool keepdim = false);
Tensor count_nonzero(const Operand& x, const Axes& dim = {});  ///< int64; no derivative

Tensor cumsum(const Operand& x, std::int64_t dim);   ///< x[0] + ... + x[k]; integers and bools: int64
Tensor cumprod(const Operand& x, std::int64_t dim);  ///< x[0] * ... * x[k]; integers and bools: int64

Tensor logsumexp(const Operand& x, const Axes& dim = {}, bool keepdim = false);
Tensor softmax(const Operand& x, std::int64_t dim = -1);
Tensor log_softmax(const Operand& x, std::int64_t dim = -1);

}  // namespace chainrule
