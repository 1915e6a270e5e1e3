// Operand: what every operation takes. A tensor or a plain number, with the source line that it was passed from.
#pragma once

#include <source_location>
#include <type_traits>

#include "engine/tensor.h"

namespace chainrule {

/// Lives for one call only. A number takes the dtype of the tensors beside it.
class Operand {
 public:
  Operand(const Tensor& tensor, std::source_location where = std::source_location::current())
      : tensor_(&tensor), where_(where) {}
  template <class T>
    requires std::is_arithmetic_v<T>
  Operand(T number, std::source_location where = std::source_location::current())
      : number_(static_cast<double>(number)), where_(where) {}

  bool is_number() const { return tensor_ == nullptr; }
  double number() const { return number_; }
  /// Only when is_number() is false.
  const Tensor& tensor() const { return *tensor_; }
  /// The tensor; a number becomes a constant of default dtype.
  Tensor to_tensor() const;
  const std::source_location& where() const { return where_; }

 private:
  const Tensor* tensor_ = nullptr;
  double number_ = 0;
  std::source_location where_;
};

}  // namespace chainrule
