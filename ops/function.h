// The functions of the library by name: what the expression language calls, `chainrule ops` lists, and the tests walk
// over. Each family file ends with its list; its entries are data, and the call is one line that hands arguments on.
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

  bool is_none(int i) const { return value(i).is<None>(); }
  /// int64; whole floating numbers are converted, others throw ValueError.
  static Tensor to_indices(const Tensor& t, const std::string& who);
  const Value& value(int i) const { return values_[static_cast<std::size_t>(i)]; }

  Operand operand(int i) const;  ///< a plain number stays one; lives as long as these arguments
  Tensor tensor(int i) const;
  std::optional<Tensor> optional_tensor(int i) const;
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

// One list for each family, at the end of its file.
std::span<const Function> arithmetic_functions();         // arithmetic.cpp
std::span<const Function> pointwise_functions();          // pointwise.cpp
std::span<const Function> exponential_functions();        // exponentials.cpp
std::span<const Function> trigonometric_functions();      // trigonometry.cpp
std::span<const Function> rounding_functions();           // rounding.cpp
std::span<const Function> activation_functions();         // activations.cpp
std::span<const Function> smooth_activation_functions();  // activations_smooth.cpp
std::span<const Function> pair_functions();               // pairs.cpp
std::span<const Function> reduction_functions();          // reductions.cpp
std::span<const Function> extreme_functions();            // extremes.cpp
std::span<const Function> deviation_functions();          // deviations.cpp
std::span<const Function> scan_functions();               // scans.cpp
std::span<const Function> sorting_functions();            // sorting.cpp
std::span<const Function> softmax_functions();            // softmax.cpp
std::span<const Function> product_functions();            // products.cpp
std::span<const Function> einsum_functions();             // einsum.cpp
std::span<const Function> linalg_functions();             // linalg.cpp
std::span<const Function> determinant_functions();        // determinants.cpp
std::span<const Function> triangle_functions();           // triangles.cpp
std::span<const Function> shape_functions();              // shape_ops.cpp
std::span<const Function> arrangement_functions();        // arrangement.cpp
std::span<const Function> padding_functions();            // padding.cpp
std::span<const Function> indexing_functions();           // indexing.cpp
std::span<const Function> window_functions();             // windows.cpp
std::span<const Function> conv_functions();               // conv.cpp
std::span<const Function> pooling_functions();            // pooling.cpp
std::span<const Function> average_pooling_functions();    // pooling_average.cpp
std::span<const Function> resize_functions();             // resize.cpp
std::span<const Function> norm_functions();               // norms.cpp
std::span<const Function> attention_functions();          // attention.cpp
std::span<const Function> loss_functions();               // losses.cpp
std::span<const Function> margin_loss_functions();        // margin_losses.cpp
std::span<const Function> factory_functions();            // factories.cpp

}  // namespace chainrule
