// Value: what the expression language computes with, and what a function of the library is given when it is called by
// name. C++ programs call the functions of ops.h directly and need none of this.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "engine/index.h"

namespace chainrule {

/// Nothing, a mode ('mean'), a number, a tensor, or a list of values. A list of numbers becomes a tensor where one is
/// wanted.
struct Value : std::variant<NoneType, bool, std::int64_t, double, std::string, Tensor, std::vector<Value>> {
  using List = std::vector<Value>;
  using variant::variant;

  template <class T>
  bool is() const {
    return std::holds_alternative<T>(*this);
  }
  template <class T>
  const T& as() const {
    return std::get<T>(*this);
  }
  bool is_number() const { return is<std::int64_t>() || is<double>(); }
};

/// "a list", "a tensor of shape (2, 3)", "'mean'": for error messages.
std::string describe(const Value& value);
/// A number, a bool, a tensor or a nested list of them as one tensor; lists of numbers are floating, of the default
/// dtype, and int64 where whole ones pass 2^53. Throws ShapeError for ragged lists and ValueError for what holds no
/// numbers; both begin with `who`.
Tensor to_tensor(const Value& value, const std::string& who);

}  // namespace chainrule
