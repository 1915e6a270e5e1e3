// Plus, minus, times, divided by, powers and roots: elementwise, broadcasting.
#pragma once

#include "engine/operand.h"

namespace chainrule {

Tensor add(const Operand& x, const Operand& y);
Tensor sub(const Operand& x, const Operand& y);
Tensor mul(const Operand& x, const Operand& y);
Tensor div(const Operand& x, const Operand& y);  ///< integers are divided as floating numbers
Tensor neg(const Operand& x);
Tensor pow(const Operand& x, const Operand& y);
Tensor square(const Operand& x);
Tensor sqrt(const Operand& x);

inline Tensor operator+(const Operand& x, const Operand& y) { return add(x, y); }
inline Tensor operator-(const Operand& x, const Operand& y) { return sub(x, y); }
inline Tensor operator*(const Operand& x, const Operand& y) { return mul(x, y); }
inline Tensor operator/(const Operand& x, const Operand& y) { return div(x, y); }
inline Tensor operator-(const Operand& x) { return neg(x); }
// A compound assignment computes a new value and binds the handle to it; the old value and its graph are untouched.
inline Tensor& operator+=(Tensor& x, const Operand& y) { return x = add(x, y); }
inline Tensor& operator-=(Tensor& x, const Operand& y) { return x = sub(x, y); }
inline Tensor& operator*=(Tensor& x, const Operand& y) { return x = mul(x, y); }
inline Tensor& operator/=(Tensor& x, const Operand& y) { return x = div(x, y); }

}  // namespace chainrule
