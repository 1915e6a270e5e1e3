// Running sums and products along one axis; a negative axis counts from the end. An axis that does not exist throws
// ShapeError.
#pragma once

#include "engine/operand.h"

namespace chainrule {

Tensor cumsum(const Operand& x, std::int64_t dim);   ///< x[0] + ... + x[k]; integers and bools: int64
Tensor cumprod(const Operand& x, std::int64_t dim);  ///< x[0] * ... * x[k]; integers and bools: int64

}  // namespace chainrule
