// Products of vectors and matrices.
#pragma once

#include "engine/operand.h"

namespace chainrule {

/// NumPy's matmul: vectors, matrices, and batches of matrices that broadcast.
Tensor matmul(const Operand& x, const Operand& y);
/// x @ weight^T + bias, weight (out, in), bias (out) or empty, x (..., in).
Tensor linear(const Operand& x, const Operand& weight, const Tensor& bias = {});
/// x @ w + b, the layer of the book: w (in, out), b (out) or empty, x (..., in).
Tensor affine(const Operand& x, const Operand& w, const Tensor& b = {});
/// Sum of the products of two vectors of one length.
Tensor dot(const Operand& x, const Operand& y);
/// z[i, j] = x[i] * y[j] of two vectors.
Tensor outer(const Operand& x, const Operand& y);

}  // namespace chainrule
