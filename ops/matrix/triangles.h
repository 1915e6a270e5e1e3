// Diagonals and triangles of matrices.
#pragma once

#include "engine/operand.h"

namespace chainrule {

/// x[.., i, i + offset, ..] as the last axis. A view.
Tensor diagonal(const Operand& x, std::int64_t offset = 0, std::int64_t dim1 = 0, std::int64_t dim2 = 1);
/// Of a matrix its diagonal, of a vector the square matrix with it on the diagonal.
Tensor diag(const Operand& x, std::int64_t diagonal = 0);
/// Sum of a matrix's diagonal.
Tensor trace(const Operand& x);
/// x with zeros above, or below, the diagonal: kept is where column - row <= diagonal, or >=.
Tensor tril(const Operand& x, std::int64_t diagonal = 0);
Tensor triu(const Operand& x, std::int64_t diagonal = 0);

}  // namespace chainrule
