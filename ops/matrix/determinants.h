// Determinants of the matrices in the last two axes, and their logarithms; axes before them are a batch. Integers
// become the default floating type. Matrices that are not square throw ShapeError.
#pragma once

#include "engine/operand.h"

namespace chainrule {

/// Determinant, 1 for (0, 0). Its derivatives of every order are right for singular matrices too.
Tensor det(const Operand& x);
/// log(det(x)): -inf for a singular matrix, NaN where the determinant is negative.
Tensor logdet(const Operand& x);
/// The determinant as sign * exp(logabsdet), which cannot overflow. The sign's derivative is 0.
struct [[nodiscard]] SignedLogDet {
  Tensor sign, logabsdet;
};
SignedLogDet slogdet(const Operand& x);

}  // namespace chainrule
