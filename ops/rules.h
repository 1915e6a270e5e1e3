// Inner header: for our own sources, not installed.
// What the families' rules share: recording operands that still need a common dtype, and the fused gradients, which are
// operations of their own. Library code only.
#pragma once

#include <limits>
#include <string_view>

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

/// f(x) of a plain number by the C library, which rounds better than loops over many do; an empty handle where it has
/// no such function.
Tensor of_number(std::string_view f, double x, DType dtype);

/// The same for functions of real numbers: integers and bools become the default floating type.
template <class Op>
Tensor record_floating(Op op, const Operand& x) {
  if (!x.is_number() && x.tensor().defined() && is_floating(x.tensor().dtype())) [[likely]]
    return record(op, x);
  expect_defined(Op::info, x);
  const CalledFrom caller(x.where());
  const Tensor a = as_floating(x);
  if (x.is_number())
    if (Tensor z = of_number(Op::info.name, x.number(), a.dtype()); z.defined()) return z;
  return record(op, a);
}

/// A mask, or true or false.
inline bool is_mask(const Operand& x) {
  return x.is_number() ? x.is_bool() : x.tensor().defined() && x.tensor().dtype() == DType::boolean;
}

/// A tensor of whole numbers.
inline bool is_whole(const Operand& x) {
  return !x.is_number() && x.tensor().defined() && x.tensor().dtype() == DType::int64;
}

/// Records an operation of two operands in their common dtype. Where it means something else for masks, it has a
/// function for them: static Tensor of_masks(const Operand& x, const Operand& y).
template <class Op>
Tensor record_pair(Op op, const Operand& x, const Operand& y) {
  if (!x.is_number() && !y.is_number() && x.tensor().defined() && y.tensor().defined() &&
      x.tensor().dtype() == y.tensor().dtype()) [[likely]] {
    if constexpr (requires { Op::of_masks(x, y); }) {
      if (x.tensor().dtype() == DType::boolean) [[unlikely]]
        return Op::of_masks(x, y);
    }
    return internal::record_at(internal::place_of_operands(x, y), op, x, y);
  }
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

Tensor tanh_grad(const Tensor& g, const Tensor& x);     ///< g (1 - tanh(x)^2), small where that is, never cancelling
Tensor sigmoid_grad(const Tensor& g, const Tensor& x);  ///< g s (1 - s), s = sigmoid(x), likewise
Tensor bell(const Tensor& x, double a);                 ///< exp(-a x^2), a a power of two: x^2 is not rounded
Tensor one_minus_square(const Tensor& x);               ///< 1 - x^2, of which the derivative does not cancel
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
