// Circular and hyperbolic functions and their inverses: elementwise, angles in radians. Integers become floating
// numbers. Outside of its domain a function is NaN.
#pragma once

#include "engine/operand.h"

namespace chainrule {

Tensor sin(const Operand& x);
Tensor cos(const Operand& x);
Tensor tan(const Operand& x);
Tensor asin(const Operand& x);
Tensor acos(const Operand& x);
Tensor atan(const Operand& x);
Tensor sinh(const Operand& x);
Tensor cosh(const Operand& x);
Tensor tanh(const Operand& x);
Tensor asinh(const Operand& x);
Tensor acosh(const Operand& x);
Tensor atanh(const Operand& x);

}  // namespace chainrule
