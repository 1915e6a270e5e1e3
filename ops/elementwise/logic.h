// Logic on masks, elementwise and broadcasting. As in PyTorch, what is not 0 counts as true in the functions, and * +
// and maximum minimum of two masks are "and" and "or". Masks have no derivatives.
#pragma once

#include "engine/operand.h"

namespace chainrule {

Tensor logical_and(const Operand& x, const Operand& y);
Tensor logical_or(const Operand& x, const Operand& y);
Tensor logical_xor(const Operand& x, const Operand& y);
Tensor logical_not(const Operand& x);

// The operators are for masks: throw ValueError for numbers, whose bits they are not.
Tensor operator&(const Tensor& x, const Tensor& y);
Tensor operator|(const Tensor& x, const Tensor& y);
Tensor operator^(const Tensor& x, const Tensor& y);
Tensor operator~(const Tensor& x);

}  // namespace chainrule
