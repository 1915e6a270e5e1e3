// Plus, minus, times, divided by, powers and roots: elementwise, broadcasting.
#pragma once

#include <cstdint>

#include "engine/operand.h"

namespace chainrule {

Tensor add(const Operand& x, const Operand& y);
struct Scaled {
  Operand alpha = 1;
};
Tensor add(const Operand& x, const Operand& y, const Scaled& by);     ///< x + alpha y: add(x, y, {.alpha = 2})
Tensor add(const Operand&, const Operand&, const Operand&) = delete;  // x + y + z; to scale y: add(x, y, {.alpha = 2})
Tensor sub(const Operand& x, const Operand& y);
Tensor sub(const Operand& x, const Operand& y, const Scaled& by);     ///< x - alpha y
Tensor sub(const Operand&, const Operand&, const Operand&) = delete;  // x - y - z; to scale y: sub(x, y, {.alpha = 2})
Tensor mul(const Operand& x, const Operand& y);
Tensor div(const Operand& x, const Operand& y);  ///< integers are divided as floating numbers
/// To a whole number: toward 0, or down.
enum class Rounding : std::uint8_t { none, trunc, floor };
/// The quotient rounded to a whole number; its derivatives are 0. Integers stay integers. Throws ValueError for an
/// integer divided by 0.
Tensor div(const Operand& x, const Operand& y, Rounding rounding_mode);
Tensor neg(const Operand& x);
/// x^y. Derivative by x is 0 where y = 0; by y it is 0 where x = 0 and y >= 0, NaN where x < 0. Of whole numbers it is
/// whole and exact: throws ValueError for a negative y, and for what leaves int64.
Tensor pow(const Operand& x, const Operand& y);
Tensor square(const Operand& x);
Tensor sqrt(const Operand& x);        ///< derivative infinite at 0, with the sign of the zero
Tensor rsqrt(const Operand& x);       ///< 1 / sqrt(x)
Tensor reciprocal(const Operand& x);  ///< 1 / x

inline Tensor operator+(const Operand& x, const Operand& y) { return add(x, y); }
inline Tensor operator-(const Operand& x, const Operand& y) { return sub(x, y); }
inline Tensor operator*(const Operand& x, const Operand& y) { return mul(x, y); }
inline Tensor operator/(const Operand& x, const Operand& y) { return div(x, y); }
inline Tensor operator-(const Operand& x) { return neg(x); }
// A compound assignment computes a new value and binds the handle to it; the old value and its graph are untouched. A
// trainable leaf would be lost by that: GraphError, which names the in-place form.
Tensor& operator+=(Tensor& x, const Operand& y);
Tensor& operator-=(Tensor& x, const Operand& y);
Tensor& operator*=(Tensor& x, const Operand& y);
Tensor& operator/=(Tensor& x, const Operand& y);

}  // namespace chainrule
