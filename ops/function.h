// The functions of the library by name: what the expression language calls, `chainrule ops` lists, and the tests walk
// over. Each family's file lists its own; an entry is data, and its call is one line that hands arguments on.
#pragma once

#include <optional>
#include <span>
#include <string_view>

#include "engine/operand.h"
#include "ops/options.h"
#include "ops/value.h"

namespace chainrule {

struct Function;

/// The values of one call, one for each parameter of the signature, defaults filled in. Each accessor names the
/// parameter by its place and throws ValueError with a sentence when the value is of another kind.
class Arguments {
 public:
  /// Binds as Python does. Throws ValueError for a missing, unknown or doubled argument.
  Arguments(const Function& function, std::vector<Value> positional,
            std::vector<std::pair<std::string, Value>> keywords = {});

  bool is_none(int i) const { return value(i).is<NoneType>(); }
  /// int64; whole floating numbers are converted, others throw ValueError.
  static Tensor to_indices(const Tensor& t, const std::string& who);
  const Value& value(int i) const { return values_[static_cast<std::size_t>(i)]; }

  Operand operand(int i) const;  ///< a plain number stays one; lives as long as these arguments
  Tensor tensor(int i) const;
  Tensor optional_tensor(int i) const;       ///< None: an empty handle
  Tensor indices(int i) const;               ///< see to_indices
  std::vector<Tensor> tensors(int i) const;  ///< of a list
  std::int64_t integer(int i) const;
  std::optional<std::int64_t> optional_integer(int i) const;
  std::vector<std::int64_t> integers(int i) const;  ///< a list, or one number
  double number(int i) const;
  std::optional<double> optional_number(int i) const;
  bool flag(int i) const;
  std::string mode(int i) const;
  Axes axes(int i) const;  ///< None: all
  Shape shape(int i) const;
  Size2 size2(int i) const;  ///< one number, or two
  std::optional<Size2> optional_size2(int i) const;
  Reduction reduction(int i) const;
  DType dtype(int i) const;

 private:
  [[noreturn]] void wrong(int i, const char* wanted) const;
  std::string name_of_argument(int i) const;
  const Function* function_;
  mutable std::vector<Value> values_;  // lists turn into tensors where they are asked for
};

struct Function {
  const char* name;
  /// PyTorch's parameters: "input, dim=-1, keepdim=False"; "*size" takes everything that is left, or one list.
  const char* signature;
  Value (*call)(const Arguments& a);
  const char* example;  ///< "softmax(x, dim=0)": differentiable in every name of `with` unless `formula` says otherwise
  const char* with;     ///< values for the example's names, separated by spaces: "x=[1,2,3] y=randn(2,3)"
  /// "mean((x - y)^2)": only for functions that record no operation of their own name. "no derivative: ..." when it has
  /// none.
  const char* formula = "";
};

/// Every function, family by family.
std::span<const Function* const> functions();
/// The function of that name; null when there is none.
const Function* find_function(std::string_view name);
/// Up to three names that look like it, the nearest first: for "did you mean".
std::vector<std::string> similar_functions(std::string_view name);

}  // namespace chainrule
