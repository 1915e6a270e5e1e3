// Losses: one number for how wrong a prediction is.
#pragma once

#include "engine/operand.h"
#include "ops/options.h"

namespace chainrule {

Tensor mse_loss(const Operand& x, const Operand& target, Reduction reduction = Reduction::mean);
/// x (N, classes) or (N, classes, ...); target int64 class indices (N, ...) or probabilities of x's shape.
Tensor cross_entropy(const Operand& x, const Tensor& target, Reduction reduction = Reduction::mean);

}  // namespace chainrule
