// Exponentials, logarithms and what is integrated from them: elementwise. Integers become floating numbers. Values and
// derivatives at 0, infinity and NaN are in ops/OPERATIONS.md.
#pragma once

#include "engine/operand.h"

namespace chainrule {

Tensor exp(const Operand& x);
Tensor expm1(const Operand& x);  ///< exp(x) - 1 without cancellation near 0
Tensor exp2(const Operand& x);
Tensor log(const Operand& x);
Tensor log1p(const Operand& x);  ///< log(1 + x) without cancellation near 0
Tensor log2(const Operand& x);
Tensor log10(const Operand& x);
Tensor erf(const Operand& x);
Tensor erfc(const Operand& x);     ///< 1 - erf(x) without cancellation for large x
Tensor lgamma(const Operand& x);   ///< log |Gamma(x)|
Tensor digamma(const Operand& x);  ///< derivative of lgamma
/// The derivative of order n of digamma. Throws ValueError for n below 0.
Tensor polygamma(std::int64_t n, const Operand& x);

}  // namespace chainrule
