// Functions of one number at a time, choices between two, comparisons. Elementwise, broadcasting; integers are
// computed as floating numbers where the function is one of real numbers.
#pragma once

#include <limits>

#include "engine/operand.h"

namespace chainrule {

Tensor exp(const Operand& x);
Tensor log(const Operand& x);
Tensor tanh(const Operand& x);
Tensor sigmoid(const Operand& x);
Tensor relu(const Operand& x);
Tensor abs(const Operand& x);
Tensor sign(const Operand& x);  ///< derivative 0
Tensor step(const Operand& x);  ///< 1 where x > 0, else 0; derivative 0
Tensor maximum(const Operand& x, const Operand& y);
Tensor minimum(const Operand& x, const Operand& y);
Tensor clamp(const Operand& x, double min = -std::numeric_limits<double>::infinity(),
             double max = std::numeric_limits<double>::infinity());
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
