// Plus, minus, times, divided by, powers and roots: elementwise, broadcasting.
#pragma once

#include <string>

#include "engine/operand.h"

namespace chainrule {

Tensor add(const Operand& x, const Operand& y);
Tensor add(const Operand& x, const Operand& y, const Operand& alpha);  ///< x + alpha y
Tensor sub(const Operand& x, const Operand& y);
Tensor sub(const Operand& x, const Operand& y, const Operand& alpha);  ///< x - alpha y
Tensor mul(const Operand& x, const Operand& y);
Tensor div(const Operand& x, const Operand& y);  ///< integers are divided as floating numbers
/// The quotient rounded to a whole number, 'floor' (down) or 'trunc' (toward 0); its derivatives are 0. Integers stay
/// integers. Throws ValueError for another mode and for an integer divided by 0.
Tensor div(const Operand& x, const Operand& y, const std::string& rounding_mode);
Tensor neg(const Operand& x);
/// x^y. Derivative by x is 0 where y = 0; by y it is 0 where x = 0 and y >= 0, NaN where x < 0.
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
namespace internal {
/// x, unless it is a trainable leaf: a compound assignment would bind its handle to another, untrained value, and
/// whoever else holds the leaf would keep the old one. Throws GraphError, which names the form in place.
Tensor& rebindable(Tensor& x, char op);
}  // namespace internal
// A compound assignment computes a new value and binds the handle to it; the old value and its graph are untouched.
inline Tensor& operator+=(Tensor& x, const Operand& y) { return x = add(internal::rebindable(x, '+'), y); }
inline Tensor& operator-=(Tensor& x, const Operand& y) { return x = sub(internal::rebindable(x, '-'), y); }
inline Tensor& operator*=(Tensor& x, const Operand& y) { return x = mul(internal::rebindable(x, '*'), y); }
inline Tensor& operator/=(Tensor& x, const Operand& y) { return x = div(internal::rebindable(x, '/'), y); }

}  // namespace chainrule
