// Inner header: for our own sources, not installed.
// Copies between memory orders whose fastest axes differ: transposed matrices, channels-first and channels-last images.
#pragma once

#include "engine/types/dtype.h"
#include "engine/types/shape.h"

namespace chainrule::kernels {

/// Copies x to z (strides in elements) square by square, so that every cache line of both is touched once. False, and
/// nothing is done, when one axis is fastest in both, or the two fastest axes are too short for squares.
bool copy_transposed(DType d, const void* x, const Strides& x_strides, void* z, const Strides& z_strides,
                     const Shape& shape);

}  // namespace chainrule::kernels
