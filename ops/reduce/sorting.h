// Order along one axis. Values are differentiable: their gradient goes back to the places that they came from.
// Positions are int64 and have no derivative. NaN counts as the largest number. Equal numbers keep the order of their
// positions.
#pragma once

#include "engine/operand.h"

namespace chainrule {

/// Always stable, so `stable` changes nothing; it is there because torch has it.
Tensor sort(const Operand& x, std::int64_t dim = -1, bool descending = false, bool stable = false);
Tensor argsort(const Operand& x, std::int64_t dim = -1, bool descending = false, bool stable = false);
/// The k largest or smallest; in order also when sorted is false. Throws ValueError for k below 0 or above the axis.
Tensor topk(const Operand& x, std::int64_t k, std::int64_t dim = -1, bool largest = true, bool sorted = true);
Tensor argtopk(const Operand& x, std::int64_t k, std::int64_t dim = -1, bool largest = true, bool sorted = true);
/// The lower of the two numbers in the middle; NaN when there is one. Over everything equals share the gradient evenly,
/// along an axis it goes to the one that was chosen. Not for bool. An empty axis throws ShapeError; the median of
/// nothing at all is NaN.
Tensor median(const Operand& x);
Tensor median(const Operand& x, std::int64_t dim, bool keepdim = false);

}  // namespace chainrule
