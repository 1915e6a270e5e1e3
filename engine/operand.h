// Operand: what every operation takes. A tensor or a plain number, with the source line that it was passed from.
#pragma once

#include <type_traits>
#include <utility>

#include "engine/tensor.h"
#include "engine/types/source_location.h"

namespace chainrule {

/// Lives for one call only. A number takes the dtype of the tensors beside it.
class Operand {
 public:
  Operand(const Tensor& tensor, SourceLocation where = SourceLocation::current()) : tensor_(&tensor), where_(where) {}
  template <class T>
  requires std::is_arithmetic_v<T> Operand(T number, SourceLocation where = SourceLocation::current())
      : number_(static_cast<double>(number)), is_bool_(std::is_same_v<T, bool>), where_(where) {
    if constexpr (std::is_integral_v<T>) {
      is_integer_ = std::in_range<std::int64_t>(+number);  // what is larger counts as floating
      if (is_integer_) integer_ = static_cast<std::int64_t>(number);
    }
  }

  bool is_number() const { return tensor_ == nullptr; }
  double number() const { return is_integer_ ? static_cast<double>(integer_) : number_; }
  /// The number of an integer type, exactly: above 2^53 number() may round.
  std::int64_t integer() const { return is_integer_ ? integer_ : 0; }
  /// A number of an integer type: beside an integer tensor the result stays an integer.
  bool is_integer() const { return is_integer_; }
  /// true or false: beside a mask the result stays a mask.
  bool is_bool() const { return is_bool_; }
  /// Only when is_number() is false.
  const Tensor& tensor() const { return *tensor_; }
  /// The tensor; a number becomes a constant of default dtype, a whole one beyond 2^53 of int64.
  Tensor to_tensor() const;
  const SourceLocation& where() const { return where_; }

 private:
  const Tensor* tensor_ = nullptr;
  union {
    double number_ = 0;
    std::int64_t integer_;  // with is_integer_
  };
  bool is_integer_ = false, is_bool_ = false;
  SourceLocation where_;
};

}  // namespace chainrule
