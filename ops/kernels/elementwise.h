// Loops that compute each element on its own: functions of one, two or three operands, comparisons, casts and copies.
// No shapes are checked and nothing is allocated here. The same element gives the same bits wherever it stands in a
// buffer, whatever the strides and the number of threads.
#pragma once

#include <cstdint>

#include "engine/dtype.h"
#include "engine/shape.h"

namespace chainrule::kernels {

/// sign and step (1 where x > 0, else 0) are NaN at NaN; relu(-0) is +0.
enum class Unary : std::uint8_t { neg, abs, exp, log, sqrt, square, tanh, sigmoid, relu, reciprocal, sign, step };

/// The last three take the gradient g first:
///   tanh_grad(g, z) = g (1 - z z),  sigmoid_grad(g, z) = g z (1 - z),  relu_grad(g, x) = g where x > 0, else 0, NaN at
///   NaN.
/// maximum, minimum and pow are NaN when either operand is, also pow(NaN, 0) and pow(1, NaN).
enum class Binary : std::uint8_t { add, sub, mul, div, pow, maximum, minimum, tanh_grad, sigmoid_grad, relu_grad };

enum class Compare : std::uint8_t { eq, ne, lt, le, gt, ge };

/// Floating types know every function; int64 (wrapping around on overflow) a few; bool none.
constexpr bool supports(Unary op, DType d) {
  if (is_floating(d)) return true;
  return d == DType::int64 && (op == Unary::neg || op == Unary::abs || op == Unary::square || op == Unary::sign);
}
constexpr bool supports(Binary op, DType d) {
  if (is_floating(d)) return true;
  return d == DType::int64 && (op == Binary::add || op == Binary::sub || op == Binary::mul || op == Binary::maximum ||
                               op == Binary::minimum);
}

// Runs of n elements. A step is 1 (dense) or 0 (one value for all). The result may be one of the operands of the same
// element size; other overlaps are not allowed. Dtypes outside supports() are the caller's error.

void unary(Unary op, DType d, const void* x, void* z, std::int64_t n);
void binary(Binary op, DType d, const void* x, std::int64_t x_step, const void* y, std::int64_t y_step, void* z,
            std::int64_t n);
/// Any dtype; z holds bool.
void compare(Compare op, DType d, const void* x, std::int64_t x_step, const void* y, std::int64_t y_step, bool* z,
             std::int64_t n);
/// z = condition ? x : y, any dtype.
void where(DType d, const bool* condition, std::int64_t condition_step, const void* x, std::int64_t x_step,
           const void* y, std::int64_t y_step, void* z, std::int64_t n);
/// z = min(max(x, low), high), NaN at NaN, floating types. Give -inf or inf for no bound.
void clamp(DType d, const void* x, double low, double high, void* z, std::int64_t n);
/// Floating to int64 drops the fraction, saturates and turns NaN into 0; anything to bool is "not zero".
void cast(DType from, DType to, const void* x, void* z, std::int64_t n);
void copy(DType d, const void* x, void* z, std::int64_t n);
/// `value` points at one element of dtype d.
void fill(DType d, const void* value, void* z, std::int64_t n);

// The same over any strides (in elements; 0 and negative are fine for operands). All strides have the rank of `shape`.
// A result may share an operand's memory only with the very same strides.

void unary_strided(Unary op, DType d, const void* x, const Strides& x_strides, void* z, const Strides& z_strides,
                   const Shape& shape);
void binary_strided(Binary op, DType d, const void* x, const Strides& x_strides, const void* y,
                    const Strides& y_strides, void* z, const Strides& z_strides, const Shape& shape);
void compare_strided(Compare op, DType d, const void* x, const Strides& x_strides, const void* y,
                     const Strides& y_strides, bool* z, const Strides& z_strides, const Shape& shape);
void where_strided(DType d, const bool* condition, const Strides& condition_strides, const void* x,
                   const Strides& x_strides, const void* y, const Strides& y_strides, void* z, const Strides& z_strides,
                   const Shape& shape);
void clamp_strided(DType d, const void* x, const Strides& x_strides, double low, double high, void* z,
                   const Strides& z_strides, const Shape& shape);
void cast_strided(DType from, DType to, const void* x, const Strides& x_strides, void* z, const Strides& z_strides,
                  const Shape& shape);
/// Also fills a view: give x strides of 0.
void copy_strided(DType d, const void* x, const Strides& x_strides, void* z, const Strides& z_strides,
                  const Shape& shape);

// One element, the same bits as the runs above.

float unary_one(Unary op, float x);
double unary_one(Unary op, double x);
float binary_one(Binary op, float x, float y);
double binary_one(Binary op, double x, double y);

}  // namespace chainrule::kernels
