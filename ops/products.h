// Products of vectors and matrices, and linear algebra.
#pragma once

#include <optional>

#include "engine/operand.h"

namespace chainrule {

/// NumPy's matmul: vectors, matrices, and batches of matrices that broadcast.
Tensor matmul(const Operand& x, const Operand& y);
/// x @ weight^T + bias, weight (out, in), bias (out) or empty, x (..., in).
Tensor linear(const Operand& x, const Operand& weight, const std::optional<Tensor>& bias = {});

}  // namespace chainrule
