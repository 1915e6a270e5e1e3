// Inner header: for our own sources, not installed.
// What linear algebra shares: the check of square matrices. Library code only.
#pragma once

#include "engine/operand.h"

namespace chainrule {

/// The operand as floating square matrices (..., n, n). Throws ShapeError, opened by `who`, for other shapes.
Tensor square_matrices(const Operand& x, const char* who, const char* letter);
/// How many matrices the last two axes of x are repeated over.
std::int64_t matrix_count(const Tensor& x);

}  // namespace chainrule
