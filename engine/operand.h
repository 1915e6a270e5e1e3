// Operand: what every operation takes. A tensor or a plain number, with the source line that it was passed from.
#pragma once

#include <type_traits>

#include "engine/tensor.h"
#include "engine/types/source_location.h"

namespace chainrule {

/// Lives for one call only. A number takes the dtype of the tensors beside it.
class Operand {
 public:
  Operand(const Tensor& tensor, SourceLocation where = SourceLocation::current()) : tensor_(&tensor), where_(where) {}
  template <class T>
  requires std::is_arithmetic_v<T> Operand(T number, SourceLocation where = SourceLocation::current())
      : number_(static_cast<double>(number)), is_integer_(std::is_integral_v<T>), where_(where) {}

  bool is_number() const { return tensor_ == nullptr; }
  double number() const { return number_; }
  /// A number of an integer type: beside an integer tensor the result stays an integer.
  bool is_integer() const { return is_integer_; }
  /// Only when is_number() is false.
  const Tensor& tensor() const { return *tensor_; }
  /// The tensor; a number becomes a constant of default dtype.
  Tensor to_tensor() const;
  const SourceLocation& where() const { return where_; }

 private:
  const Tensor* tensor_ = nullptr;
  double number_ = 0;
  bool is_integer_ = false;
  SourceLocation where_;
};

}  // namespace chainrule
