// Absolute value, bounds, choices between two, conversions and comparisons: elementwise, broadcasting. Values and
// derivatives at 0, infinity and NaN are in ops/OPERATIONS.md.
#pragma once

#include <limits>

#include "engine/operand.h"

namespace chainrule {

Tensor abs(const Operand& x);  ///< derivative 0 at 0
/// min(max(x, min), max); derivative 1 at both bounds. Throws ValueError unless min <= max.
Tensor clamp(const Operand& x, double min = -std::numeric_limits<double>::infinity(),
             double max = std::numeric_limits<double>::infinity());
/// The same with bounds that broadcast and may be trained; an empty handle is no bound.
Tensor clamp(const Operand& x, const Tensor& min, const Tensor& max);
/// condition ? x : y, all three broadcasting. The side that is not chosen gets gradient 0, also where it is not finite.
Tensor where(const Tensor& condition, const Operand& x, const Operand& y);
/// The same values in another dtype. A gradient comes back in the dtype of x.
Tensor to(const Operand& x, DType dtype);

// Comparisons give bool masks and are never recorded.
Tensor eq(const Operand& x, const Operand& y);
Tensor ne(const Operand& x, const Operand& y);
Tensor lt(const Operand& x, const Operand& y);
Tensor le(const Operand& x, const Operand& y);
Tensor gt(const Operand& x, const Operand& y);
Tensor ge(const Operand& x, const Operand& y);
inline Tensor operator<(const Operand& x, const Operand& y) { return lt(x, y); }
inline Tensor operator<=(const Operand& x, const Operand& y) { return le(x, y); }
inline Tensor operator>(const Operand& x, const Operand& y) { return gt(x, y); }
inline Tensor operator>=(const Operand& x, const Operand& y) { return ge(x, y); }

}  // namespace chainrule
