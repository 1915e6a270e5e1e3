// Inverses, solutions and Cholesky factors of the matrices in the last two axes; axes before them are a batch. Integers
// become the default floating type. Determinants are in determinants.h, diagonals and triangles in triangles.h.
#pragma once

#include "engine/operand.h"

namespace chainrule {

/// x^-1 of matrices (..., n, n). Throws NumericError where a pivot is 0.
Tensor inverse(const Operand& x);
/// z with a @ z = b; b is a vector (..., n) or matrix (..., n, k), batches broadcast. With left = false, z @ a = b.
/// Throws NumericError where a pivot is 0. b is read as vectors when its shape is a's without the last axis.
Tensor solve(const Operand& a, const Operand& b, bool left = true);
/// The lower triangle L with L @ L^T = x, of positive definite matrices (NumericError for others); with `upper` its
/// transpose. Reads one triangle of x; the gradient is symmetric, as in PyTorch.
Tensor cholesky(const Operand& x, bool upper = false);

}  // namespace chainrule
