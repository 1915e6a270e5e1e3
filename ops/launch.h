// Inner header: for our own sources, not installed.
// The front end of the kernels: looks at the layout once, makes the result, picks the loop. Results keep the stride
// order of their operand, so channels-last images stay channels-last. Nothing here is recorded.
#pragma once

#include "engine/operand.h"
#include "engine/tensor.h"
#include "ops/kernels/elementwise/elementwise.h"

namespace chainrule {

using kernels::Binary;
using kernels::Compare;
using kernels::Parameters;
using kernels::Unary;

/// Not a temporary at each call.
inline constexpr Parameters kNoParameters;

/// One pair; the four everyday operations without a call.
inline double number_pair(Binary op, double x, double y, const Parameters& p) {
  switch (op) {
    case Binary::add:
      return x + y;
    case Binary::sub:
      return x - y;
    case Binary::mul:
      return x * y;
    case Binary::div:
      return x / y;
    default:
      return kernels::binary_one(op, x, y, p);
  }
}

/// Element by element. `who` names the operation in errors.
Tensor map(const Tensor& x, Unary op, const char* who, const Parameters& p = kNoParameters);
/// Pairwise with broadcasting; both have one dtype (see promote).
Tensor zip_arrays(const Tensor& x, const Tensor& y, Binary op, const char* who, const Parameters& p);
/// Two numbers are computed on the spot: `op` is a constant where this is inlined.
[[gnu::always_inline]] inline Tensor zip(const Tensor& x, const Tensor& y, Binary op, const char* who,
                                         const Parameters& p = kNoParameters) {
  const TensorImpl &a = x.impl(), &b = y.impl();
  if (!internal::is_number(a) || !internal::is_number(b)) return zip_arrays(x, y, op, who, p);
  return internal::number_result(number_pair(op, internal::number_in(a), internal::number_in(b), p));
}
/// Pairwise with broadcasting, giving a bool mask.
Tensor zip(const Tensor& x, const Tensor& y, Compare op, const char* who);

/// The dtype that two operands meet in, by PyTorch's rule: floating beats integer beats bool, wide beats narrow, and a
/// number or one-element tensor without axes gives way to a tensor with axes of the same kind. Numbers of an integer
/// type count as integers.
DType common_dtype(const Operand& x, const Operand& y);
/// The operand as a tensor of that dtype; recorded when it had to be converted. Throws ValueError for an empty handle.
Tensor as_tensor(const Operand& x, DType dtype);
/// The operand as it is, integers and bools as the default floating type: for functions that need real numbers.
Tensor as_floating(const Operand& x);
/// Both operands in their common dtype.
struct Pair {
  Tensor x, y;
};
Pair promote(const Operand& x, const Operand& y);
/// The same, in a floating type always.
Pair promote_floating(const Operand& x, const Operand& y);

/// True when no sum or product of two of the whole numbers can leave int64.
bool all_small(const Tensor& x);
Tensor in_float64(const Tensor& x);
/// Throws ValueError, opened by `who`, when whole numbers z left int64 and came back at its other end: `real` is the
/// same result in float64, so that the two are far apart there.
void expect_not_wrapped(const Tensor& z, const Tensor& real, const char* who);

/// x's strides seen in a broadcast shape: 0 along the axes it repeats.
Strides broadcast_strides(const Tensor& x, const Shape& shape);
/// True when the elements lie without gaps in some order of the axes.
bool is_dense(const Shape& shape, const Strides& strides);
/// A fresh result with the shape and stride order of x (row-major when x has gaps).
Tensor empty_like(const Tensor& x, DType dtype);

// Kernels want memory of a certain form. Each of these gives x itself when it has that form, and else a copy: `dense`
// (row-major, in engine/tensor.h) and the next two. All copy by copy_into.

/// x in memory with these strides, which must be dense ones in some order.
Tensor with_strides(const Tensor& x, const Strides& strides);
/// x without gaps, in any order of the axes; a copy is row-major.
Tensor without_gaps(const Tensor& x);
/// Writes the elements of x into z, which has x's shape and dtype, wherever the two lie.
void copy_into(const Tensor& z, const Tensor& x);

}  // namespace chainrule
