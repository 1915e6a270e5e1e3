// Inner header: for our own sources, not installed.
// Along which axes: what reductions, scans, sorting and the softmax family share in checking axes and in bringing
// memory into the form that their kernels see: lines. Library code only; nothing here is recorded
// except joined and unjoined.
#pragma once

#include <cstdint>
#include <string>

#include "engine/tensor.h"
#include "ops/kernels/lines.h"
#include "ops/options.h"

namespace chainrule {

class Arguments;

/// Which axes of an input are reduced, as bits, and whether they stay with size 1.
struct Over {
  std::uint32_t bits = 0;
  bool keepdim = false;

  bool has(int axis) const { return bits >> axis & 1u; }
  Axes axes() const;
  /// The result's shape: reduced axes gone, or of size 1.
  Shape result(const Shape& x, bool keep) const;
  /// Numbers in one group.
  std::int64_t count(const Shape& x) const;
  std::string text() const;
};

/// No axes mean all. Throws ShapeError, opened by `who`, for an axis that does not exist or comes twice.
Over over(const Tensor& x, const Axes& dim, bool keepdim, const char* who);
/// Throws ShapeError when a reduced axis is empty: "... so it has no largest value".
void expect_elements(const Tensor& x, const Over& o, const char* who, const char* what);

/// x as the lines that are reduced, and room for the result.
struct FoldPlan {
  Tensor x, z;
  kernels::Lines lines{};
};
/// Memory that is dense in some order (channels-last images too) is folded where it lies; anything else is copied.
FoldPlan fold(const Tensor& x, const Over& o, DType dtype);

/// g with the reduced axes back, of size 1.
Tensor with_axes(const Tensor& g, const Over& o, const Shape& x);
/// x with the reduced axes behind the others, as one axis.
Tensor joined(const Tensor& x, const Over& o);
/// The inverse, for an input of shape x.
Tensor unjoined(const Tensor& y, const Over& o, const Shape& x);

/// Dense memory as the lines along one axis.
kernels::Lines lines(const Tensor& dense, int dim);

/// The products of the other numbers along an axis, exact where numbers are 0. Differentiable; in scans.cpp.
Tensor products_of_others(const Tensor& x, int dim);

/// The first argument of a function, in the dtype that argument `dtype` names (None: its own).
Tensor input_as(const Arguments& a, int dtype);

/// A kernel of lines: dtype, x, z.
using LineKernel = void (*)(DType, const void*, void*, const kernels::Lines&);

}  // namespace chainrule
