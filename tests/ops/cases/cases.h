// The test table: one row for each operation and way to call it. The same row drives every generated test (values,
// derivatives of order one and two, layouts, dtypes, zero sizes, NaN, threads), so a new operation needs a row only.
// The references are naive loops over plain numbers that share nothing with the library.
#pragma once

#include <functional>
#include <initializer_list>
#include <string>
#include <vector>

#include "ops/ops.h"

namespace chainrule::cases {

/// Plain numbers in row-major order: what a reference reads and returns.
struct Array {
  Shape shape;
  std::vector<double> values;

  explicit Array(const Shape& s, double fill = 0) : shape(s), values(static_cast<std::size_t>(numel(s)), fill) {}
  Array(const Shape& s, std::vector<double> v) : shape(s), values(std::move(v)) {}
  std::size_t place(const Shape& index) const {
    std::int64_t p = 0;
    for (std::size_t i = 0; i < shape.size(); ++i) p = p * shape[i] + index[i];
    return static_cast<std::size_t>(p);
  }
  double& at(const Shape& index) { return values[place(index)]; }
  double at(const Shape& index) const { return values[place(index)]; }
};

/// Calls visit(index) for every position of a shape, in row-major order.
template <class F>
void each_index(const Shape& shape, F&& visit) {
  Shape index = Shape::filled(shape.size(), 0);
  for (std::int64_t left = numel(shape); left > 0; --left) {
    visit(index);
    for (int axis = shape.rank() - 1; axis >= 0; --axis) {
      if (++index[axis] < shape[axis]) break;
      index[axis] = 0;
    }
  }
}

/// One input that is differentiated: floating, random, uniform on [low, high].
struct Input {
  Shape shape;
  double low = -2, high = 2;
  std::vector<double> kinks{};  ///< every value stays 0.05 away from these
  double grid = 0;              ///< not 0: values are (whole number + shift) * grid, so that two inputs never meet
  double shift = 0;
  bool distinct = false;  ///< any two values of the input differ by 0.05 at least (no ties); widens the range
  bool linear = false;    ///< the gradient by this input does not read its values: NaN comes to it through g only
};

/// What happens when one input is NaN throughout.
enum class Nan : std::uint8_t {
  everywhere,  ///< the whole result and, by the rule of N2, every gradient
  somewhere,   ///< the operation picks elements: NaN where it picked, so at least once
  nowhere,     ///< nothing is promised
};

/// One way to call one operation. Indices, masks and labels are not inputs: the function holds them as constants.
struct Case {
  std::string op;         ///< name in the registry
  std::string variant{};  ///< "stride 2, padding 1"; may be empty
  std::vector<Input> inputs;
  std::function<Tensor(const std::vector<Tensor>&)> f;
  std::function<Array(const std::vector<Array>&)> reference;
  bool broadcasts = false;  ///< elementwise in two inputs of any shapes that broadcast, wherever they stand (E8)
  int order = 2;            ///< derivatives that exist: 0 for none
  Nan nan = Nan::everywhere;
  std::string nan_reason{};         ///< why not everywhere
  std::vector<std::string> runs{};  ///< other registry entries that its first or second derivative must run
  double tolerance32 = 2e-5;        ///< float32 against float64, relative to the largest value
};

/// "conv2d, stride 2".
inline std::string title(const Case& c) { return c.variant.empty() ? c.op : c.op + ", " + c.variant; }

/// A reduction over any axes (E9): the reference folds the numbers of one group.
struct AxisReduction {
  std::string op;
  std::function<Tensor(const Tensor&, const Axes&, bool)> f;
  std::function<double(const std::vector<double>&)> reference;
  double grid = 0;  ///< not 0: values are (whole number + shift) * grid, so that two inputs never meet
  double shift = 0;
  bool distinct = false;      ///< no ties wanted, as in Input
  bool empty_groups = false;  ///< a group without numbers has a value; otherwise it is an error
};

// One list for each file of rows.
std::vector<Case> pointwise_cases();           // pointwise.cpp: arithmetic too
std::vector<Case> function_cases();            // functions.cpp
std::vector<Case> activation_cases();          // activations.cpp
std::vector<Case> pair_cases();                // pairs.cpp
std::vector<Case> reduction_cases();           // reductions.cpp: softmax too
std::vector<AxisReduction> axis_reductions();  // reductions.cpp
std::vector<Case> product_cases();             // products.cpp
std::vector<Case> linalg_cases();              // linalg.cpp: einsum too
std::vector<Case> shape_cases();               // shape.cpp
std::vector<Case> arrangement_cases();         // arrangement.cpp
std::vector<Case> indexing_cases();            // indexing.cpp
std::vector<Case> sorting_cases();             // sorting.cpp
std::vector<Case> window_cases();              // windows.cpp
std::vector<Case> pooling_cases();             // pooling.cpp
std::vector<Case> resize_cases();              // resize.cpp
std::vector<Case> loss_cases();                // losses.cpp
std::vector<Case> norm_cases();                // norms.cpp: embedding and attention too

/// All of them, in that order.
const std::vector<Case>& all_cases();

}  // namespace chainrule::cases
