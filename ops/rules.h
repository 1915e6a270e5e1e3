// Inner header: for our own sources, not installed.
// What the families' rules share: recording operands that still need a common dtype, and the fused gradients, which are
// operations of their own. Library code only.
#pragma once

#include <limits>

#include "engine/record.h"
#include "ops/launch.h"

namespace chainrule {

inline constexpr double kInf = std::numeric_limits<double>::infinity();
inline constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

/// Throws ValueError, which names the operation and the input, for an empty handle.
inline void expect_defined(const OpInfo& info, const Operand& x, std::size_t place = 0) {
  if (!x.is_number() && !x.tensor().defined()) [[unlikely]]
    internal::throw_empty_input(info, place);
}

/// Records an operation of one operand; a number becomes a tensor.
template <class Op>
Tensor record_one(Op op, const Operand& x) {
  if (!x.is_number()) return record(op, x);
  const CalledFrom caller(x.where());
  return record(op, x.to_tensor());
}

/// The same for functions of real numbers: integers and bools become the default floating type.
template <class Op>
Tensor record_floating(Op op, const Operand& x) {
  if (!x.is_number() && x.tensor().defined() && is_floating(x.tensor().dtype())) [[likely]]
    return record(op, x);
  expect_defined(Op::info, x);
  const CalledFrom caller(x.where());
  return record(op, as_floating(x));
}

/// Records an operation of two operands in their common dtype.
template <class Op>
Tensor record_pair(Op op, const Operand& x, const Operand& y) {
  if (!x.is_number() && !y.is_number() && x.tensor().defined() && y.tensor().defined() &&
      x.tensor().dtype() == y.tensor().dtype()) [[likely]]
    return record(op, x, y);
  expect_defined(Op::info, x);
  expect_defined(Op::info, y, 1);
  const CalledFrom caller(y.where());
  const auto [a, b] = promote(x, y);
  return record_pair(op, a, b);
}

/// The same in a floating type always.
template <class Op>
Tensor record_floating_pair(Op op, const Operand& x, const Operand& y) {
  expect_defined(Op::info, x);
  expect_defined(Op::info, y, 1);
  if (is_floating(common_dtype(x, y))) [[likely]]
    return record_pair(op, x, y);
  const CalledFrom caller(y.where());
  const auto [a, b] = promote_floating(x, y);
  return record_pair(op, a, b);
}

/// The derivative of a function of steps: 0, and NaN where x is NaN. Not recorded.
Tensor flat_slope(const Tensor& x);
/// Throws ValueError, opened by `who`, when integers would be divided by 0.
void check_divisor(const Tensor& y, const char* who);

// --- fused gradients: one pass each, and differentiable like everything else ---

Tensor tanh_grad(const Tensor& g, const Tensor& y);     ///< g (1 - y y), y = tanh(x)
Tensor sigmoid_grad(const Tensor& g, const Tensor& y);  ///< g y (1 - y), y = sigmoid(x)
Tensor relu_grad(const Tensor& g, const Tensor& y);     ///< g where y > 0, else 0; y = relu(x) or x itself
Tensor square_grad(const Tensor& g, const Tensor& x);   ///< 2 g x
Tensor leaky_relu_grad(const Tensor& g, const Tensor& x, double slope);           ///< g where x > 0, else slope g
Tensor clamp_grad(const Tensor& g, const Tensor& x, double low, double high);     ///< g where low <= x <= high, else 0
Tensor hardtanh_grad(const Tensor& g, const Tensor& x, double low, double high);  ///< g where low < x < high, else 0
/// y (g - sum(g y)) along an axis, y = softmax(x, dim)
Tensor softmax_grad(const Tensor& g, const Tensor& y, std::int64_t dim);
/// g - exp(y) sum(g) along an axis, y = log_softmax(x, dim)
Tensor log_softmax_grad(const Tensor& g, const Tensor& y, std::int64_t dim);

}  // namespace chainrule
