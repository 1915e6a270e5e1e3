// Functions of steps: elementwise. The derivative is 0 everywhere, 1 for frac; whole numbers stay integers.
#pragma once

#include "engine/operand.h"

namespace chainrule {

Tensor floor(const Operand& x);
Tensor ceil(const Operand& x);
/// To the nearest multiple of 10^-decimals, halves to the even one.
Tensor round(const Operand& x, std::int64_t decimals = 0);
Tensor trunc(const Operand& x);  ///< toward 0
Tensor frac(const Operand& x);   ///< x - trunc(x)
Tensor sign(const Operand& x);
Tensor step(const Operand& x);  ///< 1 where x > 0, else 0

}  // namespace chainrule
