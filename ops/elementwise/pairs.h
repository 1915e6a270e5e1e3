// Functions of two numbers, and lerp of three: elementwise, broadcasting. Plus, minus, times and powers are in
// arithmetic.h.
#pragma once

#include "engine/operand.h"

namespace chainrule {

Tensor maximum(const Operand& x, const Operand& y);  ///< half of the gradient to each where x = y
Tensor minimum(const Operand& x, const Operand& y);
Tensor atan2(const Operand& y, const Operand& x);  ///< the angle of the point (x, y); no derivative at the origin: NaN
Tensor hypot(const Operand& x, const Operand& y);  ///< sqrt(x^2 + y^2); no derivative at the origin: NaN
/// What is left of dividing x by y: fmod has the sign of x, remainder that of y (as % in Python). Throws ValueError for
/// an integer by 0.
Tensor fmod(const Operand& x, const Operand& y);
Tensor remainder(const Operand& x, const Operand& y);
Tensor logaddexp(const Operand& x, const Operand& y);  ///< log(exp(x) + exp(y)) without overflow
Tensor xlogy(const Operand& x, const Operand& y);      ///< x log(y), and 0 where x = 0
/// start + weight (end - start)
Tensor lerp(const Operand& start, const Operand& end, const Operand& weight);

}  // namespace chainrule
