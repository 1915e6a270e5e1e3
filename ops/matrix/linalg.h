// Linear algebra on the last two axes: inverses, determinants, solutions, triangles, diagonals, and sums of products by
// letters. Axes before them are a batch. Integers become the default floating type where real numbers are needed.
#pragma once

#include <initializer_list>
#include <span>
#include <string_view>

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

/// Determinant, 1 for (0, 0). Its derivatives of every order are right for singular matrices too.
Tensor det(const Operand& x);
/// log(det(x)): -inf for a singular matrix, NaN where the determinant is negative.
Tensor logdet(const Operand& x);
/// The determinant as sign * exp(logabsdet), which cannot overflow. The sign's derivative is 0.
struct SignedLogDet {
  Tensor sign, logabsdet;
};
SignedLogDet slogdet(const Operand& x);

/// x[.., i, i + offset, ..] as the last axis. A view.
Tensor diagonal(const Operand& x, std::int64_t offset = 0, std::int64_t dim1 = 0, std::int64_t dim2 = 1);
/// Of a matrix its diagonal, of a vector the square matrix with it on the diagonal.
Tensor diag(const Operand& x, std::int64_t diagonal = 0);
/// Sum of a matrix's diagonal.
Tensor trace(const Operand& x);
/// x with zeros above, or below, the diagonal: kept is where column - row <= diagonal, or >=.
Tensor tril(const Operand& x, std::int64_t diagonal = 0);
Tensor triu(const Operand& x, std::int64_t diagonal = 0);

/// Sums of products: einsum("ij,jk->ik", {x, y}). A letter in one operand twice takes the diagonal, letters that the
/// result lacks are summed over; without "->" the result has the letters that occur once, in order. "..." stands for
/// axes that broadcast. Pairs of operands are multiplied as matrices where a letter is summed, the cheapest pair first.
Tensor einsum(std::string_view equation, std::span<const Tensor> operands,
              SourceLocation where = SourceLocation::current());
Tensor einsum(std::string_view equation, std::initializer_list<Tensor> operands,
              SourceLocation where = SourceLocation::current());

}  // namespace chainrule
