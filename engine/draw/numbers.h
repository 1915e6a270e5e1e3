// Inner header: for our own sources, not installed.
// How a tensor is put into a diagram: as a number, a grid, or a few statistics; and what is wrong with a gradient.
// Text only; colours and places are chosen in labels.cpp.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "engine/draw/diagram.h"
#include "engine/tensor.h"

namespace chainrule {

/// GraphOptions::digits and ::max_elements for what this thread writes while it lives; they reach every number without
/// being handed through each function.
class NumberStyle {
 public:
  explicit NumberStyle(const GraphOptions& options);
  ~NumberStyle();
  NumberStyle(const NumberStyle&) = delete;
  NumberStyle& operator=(const NumberStyle&) = delete;

 private:
  int digits_;
  std::int64_t most_;
};
/// As format_number, with the digits that are asked for.
std::string number_text(double value);
/// True for a tensor that is small enough to be shown whole: of few elements, in rows of eight at most unless more
/// elements are asked for than by default.
bool shown_whole(const Tensor& t);

/// True for a value of one element.
bool has_one_element(const Tensor& t);
/// Columns of the grid that shows the whole tensor; 0 when it has too many elements, or no axes, or more than two.
std::size_t grid_columns(const Tensor& t);
/// Its elements, row by row.
std::vector<std::string> grid_cells(const Tensor& t);

/// A tensor on one line, "[[1, 2], [3, 4]]".
std::string flat_text(const Tensor& t);

/// "mean 0.012 ± 0.53"; empty for integers, for no elements, and for more than are worth a pass.
std::string spread_text(const Tensor& t);
/// "4.017", the Euclidean norm; empty like spread_text.
std::string norm_text(const Tensor& t);
/// All digits of small tensors, the statistics of others.
std::string exact_text(const Tensor& t);

/// What to look at in a gradient: "not finite", "zero" (all of it), "huge" (above a million), or nothing.
std::string_view trouble_of(const Tensor& gradient);
/// True when some element is not 1.
bool differs_from_one(const Tensor& t);

/// "0 B", "640 B", "1.2 kB", "38 MB": powers of 1000, two digits.
std::string bytes_text(double bytes);

/// "99,800"
std::string count_text(std::size_t n);

/// A factor: "(-2)", so that no two signs stand side by side.
std::string in_parentheses(const std::string& number);

}  // namespace chainrule
