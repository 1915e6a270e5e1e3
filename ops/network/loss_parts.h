// Inner header: for our own sources, not installed.
// What the two files of losses share. Library code only.
#pragma once

#include <optional>

#include "engine/operand.h"
#include "ops/launch.h"
#include "ops/options.h"

namespace chainrule {

/// "none", "mean" or "sum".
const char* name_of(Reduction r);
/// The losses of a batch as they are, their mean or their sum.
Tensor reduce_losses(const Tensor& z, Reduction r);
/// Prediction and target in their common floating type. Throws ShapeError unless they have one shape.
Pair loss_operands(const Operand& x, const Operand& target, const char* who, const char* x_name = "x",
                   const char* y_name = "target");
/// Checks that a weight broadcasts to a shape; gives it in that dtype, without history.
Tensor loss_weight(const Tensor& weight, const Shape& shape, DType dtype, const char* who, const char* what);

}  // namespace chainrule
