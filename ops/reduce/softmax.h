// logsumexp, softmax and log_softmax, safe from overflow. Axes that do not exist or come twice throw ShapeError. Losses
// of classes are in ops/network/losses.h.
#pragma once

#include "engine/operand.h"
#include "ops/options.h"

namespace chainrule {

Tensor logsumexp(const Operand& x, const Axes& dim = {}, bool keepdim = false);
Tensor softmax(const Operand& x, std::int64_t dim = -1);
Tensor log_softmax(const Operand& x, std::int64_t dim = -1);

}  // namespace chainrule
