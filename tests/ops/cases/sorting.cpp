// Rows for sorting, the largest k and medians. The references sort one line after the other.
#include <algorithm>
#include <numeric>

#include "engine/factory.h"
#include "tests/ops/cases/cases.h"

namespace chainrule::cases {
namespace {

const char* const kPicked = "the gradient goes to the elements that were chosen";

/// Replaces every line along an axis by what `f` makes of it, `size` numbers.
template <class F>
Array each_line(const Array& x, int axis, std::int64_t size, F&& f) {
  Shape shape = x.shape, starts = x.shape;
  shape[axis] = size;
  starts[axis] = 1;
  Array z(shape);
  each_index(starts, [&](Shape at) {
    Numbers line;
    for (at[axis] = 0; at[axis] < x.shape[axis]; ++at[axis]) line.push_back(x.at(at));
    const Numbers made = f(line);
    for (at[axis] = 0; at[axis] < size; ++at[axis]) z.at(at) = made[static_cast<std::size_t>(at[axis])];
  });
  return z;
}

Numbers sorted(Numbers line, bool descending) {
  std::sort(line.begin(), line.end());
  if (descending) std::reverse(line.begin(), line.end());
  return line;
}

double middle(const Numbers& line) { return sorted(line, false)[(line.size() - 1) / 2]; }

Case sorted_row(std::string variant, const Shape& shape, int axis, bool descending) {
  return {.op = "sort",
          .variant = std::move(variant),
          .inputs = {{.shape = shape, .distinct = true, .linear = true}},
          .f = [=](const std::vector<Tensor>& t) { return sort(t[0], axis, descending); },
          .reference =
              [=](const std::vector<Array>& a) {
                return each_line(a[0], axis, shape[axis], [=](const Numbers& v) { return sorted(v, descending); });
              },
          .runs = {"gather_backward"}};
}

Case topmost(std::string variant, const Shape& shape, std::int64_t k, int axis, bool largest) {
  return {.op = "topk",
          .variant = std::move(variant),
          .inputs = {{.shape = shape, .distinct = true, .linear = true}},
          .f = [=](const std::vector<Tensor>& t) { return topk(t[0], std::min(k, t[0].size(axis)), axis, largest); },
          .reference =
              [=](const std::vector<Array>& a) {
                return each_line(a[0], axis, k, [=](const Numbers& v) { return sorted(v, largest); });
              },
          .nan = Nan::somewhere,
          .nan_reason = kPicked};
}

Case median_row(std::string variant, const Shape& shape, int axis) {
  return {.op = "median_along",
          .variant = std::move(variant),
          .inputs = {{.shape = shape, .distinct = true, .linear = true}},
          .f = [=](const std::vector<Tensor>& t) { return median(t[0], axis, true); },
          .reference =
              [=](const std::vector<Array>& a) {
                return each_line(a[0], axis, 1, [](const Numbers& v) { return Numbers{middle(v)}; });
              },
          .nan = Nan::somewhere,
          .nan_reason = kPicked};
}

}  // namespace

std::vector<Case> sorting_cases() {
  return {
      sorted_row("rows", {3, 4}, 1, false),
      sorted_row("columns, descending", {5, 3}, 0, true),
      sorted_row("middle axis", {2, 5, 3}, 1, false),
      sorted_row("one number", {3, 1}, 1, false),
      topmost("largest", {3, 5}, 2, 1, true),
      topmost("smallest, columns", {5, 2}, 3, 0, false),
      topmost("all", {4}, 4, 0, true),
      topmost("none", {2, 3}, 0, 1, true),
      median_row("odd", {2, 5}, 1),
      median_row("even, columns", {4, 3}, 0),
      {.op = "median",
       .inputs = {{.shape = {3, 4}, .distinct = true}},
       .f = [](const std::vector<Tensor>& t) { return median(t[0]); },
       .reference = [](const std::vector<Array>& a) { return Array({}, Numbers{middle(a[0].values)}); }},
  };
}

}  // namespace chainrule::cases
