// Sums, products, means and counts along axes. No axes in `dim` mean all; negative axes count from the end. Axes that
// do not exist or come twice throw ShapeError. Extremes are in extremes.h, variances and norms in deviations.h.
#pragma once

#include "engine/operand.h"
#include "ops/options.h"

namespace chainrule {

Tensor sum(const Operand& x, const Axes& dim = {}, bool keepdim = false);   ///< integers and bools: int64; of nothing 0
Tensor prod(const Operand& x, const Axes& dim = {}, bool keepdim = false);  ///< integers and bools: int64; of nothing 1
Tensor mean(const Operand& x, const Axes& dim = {}, bool keepdim = false);  ///< of nothing NaN

/// True where all (any) numbers are not 0; NaN is not. Any dtype; bool masks. No derivative.
Tensor all(const Operand& x, const Axes& dim = {}, bool keepdim = false);
Tensor any(const Operand& x, const Axes& dim = {}, bool keepdim = false);
Tensor count_nonzero(const Operand& x, const Axes& dim = {});  ///< int64; no derivative

}  // namespace chainrule
