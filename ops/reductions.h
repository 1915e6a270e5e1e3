// Sums, extremes and other functions of the numbers along axes, and the softmax family.
#pragma once

#include "engine/operand.h"
#include "ops/options.h"

namespace chainrule {

Tensor sum(const Operand& x, const Axes& dim = {}, bool keepdim = false);
Tensor mean(const Operand& x, const Axes& dim = {}, bool keepdim = false);
/// Largest value; ties share the gradient evenly.
Tensor amax(const Operand& x, const Axes& dim = {}, bool keepdim = false);
Tensor logsumexp(const Operand& x, const Axes& dim = {}, bool keepdim = false);
Tensor softmax(const Operand& x, std::int64_t dim = -1);
Tensor log_softmax(const Operand& x, std::int64_t dim = -1);
/// Position of the largest value along an axis, the first among equals, as int64. No derivative.
Tensor argmax(const Tensor& x, std::int64_t dim = -1, bool keepdim = false);

}  // namespace chainrule
