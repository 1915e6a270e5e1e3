// Inner header: for our own sources, not installed.
// Loops that compute each element on its own: functions of one, two or three operands, comparisons, casts and copies.
// No shapes are checked and nothing is allocated here. The same element gives the same bits wherever it stands in a
// buffer, whatever the strides and the number of threads.
#pragma once

#include <cstdint>

#include "engine/types/dtype.h"
#include "engine/types/shape.h"

namespace chainrule::kernels {

/// Functions of one operand, by the loop that computes them: one or two instructions; a formula in vectors
/// (simd_math.h); one call of a scalar function for each element. `a, b, c` are Parameters.
enum class Unary : std::uint8_t {
  // sign, step (1 where x > 0, else 0) and flat (0) are NaN at NaN; relu(-0) is +0; round goes to even.
  neg,
  abs,
  sqrt,
  square,
  reciprocal,
  rsqrt,
  sign,
  step,
  flat,
  floor,
  ceil,
  round,
  trunc,
  frac,
  relu,
  softsign,
  hardsigmoid,
  hardswish,
  leaky_relu,  ///< x where x > 0, else a x
  clamp,       ///< min(max(x, a), b)
  threshold,   ///< x where x > a, else b
  exp,
  expm1,
  exp2,
  log,
  log1p,
  log2,
  tanh,
  sigmoid,
  logsigmoid,
  erf,
  erfc,
  sin,
  cos,
  silu,
  mish,
  gelu,
  gelu_tanh,
  softplus,  ///< log(1 + exp(a x)) / a, and x where a x > b
  elu,       ///< c x where x > 0, else a (exp(b x) - 1)
  log10,
  asin,
  acos,
  atan,
  sinh,
  cosh,
  bell,  ///< exp(-a x^2), a a power of two
  tan,
  asinh,
  acosh,
  atanh,
  lgamma,
  digamma,
  polygamma,  ///< the derivative of order a of digamma
};

/// Functions of two operands. maximum, minimum, hypot, pow and so on are NaN when either operand is, also pow(NaN, 0),
/// pow(1, NaN) and hypot(inf, NaN). The gradients take g first, and are NaN where x is.
enum class Binary : std::uint8_t {
  add,
  sub,
  mul,
  div,
  maximum,
  minimum,
  square_grad,      ///< 2 g x
  relu_grad,        ///< g where x > 0, else 0
  leaky_relu_grad,  ///< g where x > 0, else a g
  clamp_grad,       ///< g where a <= x <= b, else 0
  hardtanh_grad,    ///< g where a < x < b, else 0
  hardswish_grad,   ///< 0 below -3, g (x / 3 + 1 / 2) up to 3, g above
  silu_grad,
  mish_grad,
  gelu_grad,
  gelu_tanh_grad,
  softplus_grad,  ///< g sigmoid(a x), and g where a x > b
  elu_grad,       ///< c g where x > 0, else a b g exp(b x)
  tanh_grad,      ///< g (1 - tanh(x)^2), and of any x without cancelling
  sigmoid_grad,   ///< g s (1 - s), s = sigmoid(x), likewise
  atan2,
  hypot,
  fmod,
  remainder,  ///< x - y floor(x / y): has the sign of y
  logaddexp,
  xlogy,
  pow,
  floor_divide,  ///< (x - remainder(x, y)) / y
};

/// The constants of the functions that have some.
struct Parameters {
  double a = 0, b = 0, c = 0;
};

enum class Compare : std::uint8_t { eq, ne, lt, le, gt, ge };

/// Floating types know every function; int64 (wrapping around on overflow) a few; bool none.
constexpr bool supports(Unary op, DType d) {
  if (is_floating(d)) return true;
  return d == DType::int64 && (op == Unary::neg || op == Unary::abs || op == Unary::square || op == Unary::sign);
}
constexpr bool supports(Binary op, DType d) {
  if (is_floating(d)) return true;
  return d == DType::int64 &&
         (op <= Binary::minimum || op == Binary::fmod || op == Binary::remainder || op == Binary::pow ||
          op == Binary::floor_divide) &&
         op != Binary::div;
}

// Runs of n elements. A step is 1 (dense) or 0 (one value for all). The result may be one of the operands of the same
// element size; other overlaps are not allowed. Dtypes outside supports() are the caller's error.

void unary(Unary op, DType d, const void* x, void* z, std::int64_t n, const Parameters& p = {});
/// Integers are not divided by 0, and have no negative power: the caller looks.
void binary(Binary op, DType d, const void* x, std::int64_t x_step, const void* y, std::int64_t y_step, void* z,
            std::int64_t n, const Parameters& p = {});
/// Any dtype; z holds bool.
void compare(Compare op, DType d, const void* x, std::int64_t x_step, const void* y, std::int64_t y_step, bool* z,
             std::int64_t n);
/// z = condition ? x : y, any dtype.
void where(DType d, const bool* condition, std::int64_t condition_step, const void* x, std::int64_t x_step,
           const void* y, std::int64_t y_step, void* z, std::int64_t n);
/// Floating to int64 drops the fraction, saturates and turns NaN into 0; anything to bool is "not zero".
void cast(DType from, DType to, const void* x, void* z, std::int64_t n);
void copy(DType d, const void* x, void* z, std::int64_t n);
/// `value` points at one element of dtype d.
void fill(DType d, const void* value, void* z, std::int64_t n);

// The same over any strides (in elements; 0 and negative are fine for operands). All strides have the rank of `shape`.
// A result may share an operand's memory only with the very same strides.

void unary_strided(Unary op, DType d, const void* x, const Strides& x_strides, void* z, const Strides& z_strides,
                   const Shape& shape, const Parameters& p = {});
void binary_strided(Binary op, DType d, const void* x, const Strides& x_strides, const void* y,
                    const Strides& y_strides, void* z, const Strides& z_strides, const Shape& shape,
                    const Parameters& p = {});
void compare_strided(Compare op, DType d, const void* x, const Strides& x_strides, const void* y,
                     const Strides& y_strides, bool* z, const Strides& z_strides, const Shape& shape);
void where_strided(DType d, const bool* condition, const Strides& condition_strides, const void* x,
                   const Strides& x_strides, const void* y, const Strides& y_strides, void* z, const Strides& z_strides,
                   const Shape& shape);
void cast_strided(DType from, DType to, const void* x, const Strides& x_strides, void* z, const Strides& z_strides,
                  const Shape& shape);
/// Also fills a view: give x strides of 0.
void copy_strided(DType d, const void* x, const Strides& x_strides, void* z, const Strides& z_strides,
                  const Shape& shape);

// One element, the same bits as the runs above.

float unary_one(Unary op, float x, const Parameters& p = {});
double unary_one(Unary op, double x, const Parameters& p = {});
float binary_one(Binary op, float x, float y, const Parameters& p = {});
double binary_one(Binary op, double x, double y, const Parameters& p = {});

}  // namespace chainrule::kernels
