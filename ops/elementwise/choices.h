// Absolute value, bounds, choices between two, conversions and comparisons: elementwise, broadcasting. Values and
// derivatives at 0, infinity and NaN are in ops/OPERATIONS.md.
#pragma once

#include <optional>
#include <type_traits>

#include "engine/operand.h"

namespace chainrule {

/// What clamp stops at: a number, or a tensor that broadcasts and may be trained. {} and an empty handle are no bound.
class Bound {
 public:
  Bound() = default;
  template <class T>
  requires std::is_arithmetic_v<T> Bound(T number) : value_(Operand(number)) {}
  Bound(const Tensor& tensor) {
    if (tensor.defined()) value_.emplace(tensor);
  }
  explicit Bound(const Operand& value) : value_(value) {}
  bool is_none() const { return !value_; }
  bool is_tensor() const { return value_ && !value_->is_number(); }
  double number_or(double none) const { return value_ ? value_->number() : none; }
  const Operand& operand() const { return *value_; }

 private:
  std::optional<Operand> value_;
};

Tensor abs(const Operand& x);  ///< derivative 0 at 0
/// min(max(x, min), max), of int64 where all three are whole; derivative 1 at both bounds. Throws ValueError when there
/// is no bound, or one is NaN.
Tensor clamp(const Operand& x, const Bound& min, const Bound& max = {});
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
bool operator==(const Tensor&, const Operand&) = delete;  // eq(x, y) gives the mask, x.is(y) asks for one and the same
inline Tensor operator<(const Operand& x, const Operand& y) { return lt(x, y); }
inline Tensor operator<=(const Operand& x, const Operand& y) { return le(x, y); }
inline Tensor operator>(const Operand& x, const Operand& y) { return gt(x, y); }
inline Tensor operator>=(const Operand& x, const Operand& y) { return ge(x, y); }

}  // namespace chainrule
