// Rows for reductions, the softmax family and the losses. The references gather one group of numbers after the other.
#include <algorithm>
#include <cmath>
#include <numeric>

#include "engine/factory.h"
#include "tests/ops/cases.h"

namespace chainrule::cases {
namespace {

using Numbers = std::vector<double>;

double total(const Numbers& v) { return std::accumulate(v.begin(), v.end(), 0.0); }
double average(const Numbers& v) { return total(v) / static_cast<double>(v.size()); }
double largest(const Numbers& v) { return *std::max_element(v.begin(), v.end()); }
double log_sum_exp(const Numbers& v) {
  double s = 0;
  for (const double x : v) s += std::exp(x);
  return std::log(s);
}

/// The numbers along one axis through a position.
Numbers line(const Array& x, Shape at, int axis) {
  Numbers v;
  for (std::int64_t i = 0; i < x.shape[axis]; ++i) {
    at[axis] = i;
    v.push_back(x.at(at));
  }
  return v;
}

Array softmax_reference(const Array& x, int axis, bool logarithm) {
  Array z(x.shape);
  each_index(x.shape, [&](const Shape& at) {
    const double v = x.at(at) - log_sum_exp(line(x, at, axis));
    z.at(at) = logarithm ? v : std::exp(v);
  });
  return z;
}

Case along(std::string op, std::string variant, const Shape& shape, int axis, bool logarithm) {
  return {.op = op,
          .variant = std::move(variant),
          .inputs = {{.shape = shape}},
          .f = [=](const std::vector<Tensor>& t) { return logarithm ? log_softmax(t[0], axis) : softmax(t[0], axis); },
          .reference = [=](const std::vector<Array>& a) { return softmax_reference(a[0], axis, logarithm); },
          .runs = {op + "_grad"}};
}

/// One reduction over everything; the axes have tests of their own (axis_reductions).
Case whole(std::string op, Tensor (*f)(const Operand&, const Axes&, bool), double (*reference)(const Numbers&),
           Input input) {
  input.shape = {3, 4};
  return {.op = std::move(op),
          .variant = "",
          .inputs = {input},
          .f = [f](const std::vector<Tensor>& t) { return f(t[0], {}, false); },
          .reference = [reference](const std::vector<Array>& a) { return Array({}, Numbers{reference(a[0].values)}); }};
}

constexpr Reduction kReductions[] = {Reduction::none, Reduction::mean, Reduction::sum};
const char* const kReductionNames[] = {"none", "mean", "sum"};

Array reduced(const Array& losses, Reduction r) {
  if (r == Reduction::none) return losses;
  return Array({}, Numbers{r == Reduction::mean ? average(losses.values) : total(losses.values)});
}

Shape without_classes(Shape shape) {
  shape.erase(shape.begin() + 1);
  return shape;
}

/// The classes' probabilities at one position weigh -log softmax.
Array cross_entropy_reference(const Array& x, const Array& weights) {
  const Array logs = softmax_reference(x, 1, true);
  Array z(without_classes(x.shape));
  each_index(x.shape, [&](const Shape& at) { z.at(without_classes(at)) -= weights.at(at) * logs.at(at); });
  return z;
}

std::int64_t label_of(std::int64_t position, std::int64_t classes) { return (position * 2 + 1) % classes; }

void add_losses(std::vector<Case>& rows) {
  for (std::size_t i = 0; i < 3; ++i) {
    const auto r = kReductions[i];
    const std::string name = std::string("reduction ") + kReductionNames[i];
    for (const Shape& shape : {Shape{4, 3}, Shape{2, 3, 2, 2}}) {
      const std::string variant = name + ", shape " + to_string(shape);
      rows.push_back({.op = "cross_entropy",
                      .variant = variant,
                      .inputs = {{.shape = shape}},
                      .f =
                          [=](const std::vector<Tensor>& t) {
                            const Shape s = without_classes(t[0].shape());
                            std::vector<std::int64_t> y(static_cast<std::size_t>(numel(s)));
                            for (std::size_t k = 0; k < y.size(); ++k)
                              y[k] = label_of(static_cast<std::int64_t>(k), t[0].size(1));
                            return cross_entropy(t[0], from_vector(y, s), r);
                          },
                      .reference =
                          [=](const std::vector<Array>& a) {
                            Array onehot(a[0].shape);
                            std::int64_t k = 0;
                            each_index(without_classes(a[0].shape), [&](const Shape& at) {
                              Shape place = at;
                              place.insert(place.begin() + 1, label_of(k++, a[0].shape[1]));
                              onehot.at(place) = 1;
                            });
                            return reduced(cross_entropy_reference(a[0], onehot), r);
                          }});
      rows.push_back(
          {.op = "soft_cross_entropy",
           .variant = variant,
           .inputs = {{.shape = shape}, {.shape = shape, .low = 0.1, .high = 1}},
           .f = [=](const std::vector<Tensor>& t) { return cross_entropy(t[0], t[1], r); },
           .reference = [=](const std::vector<Array>& a) { return reduced(cross_entropy_reference(a[0], a[1]), r); }});
      // NaN in one input reaches the other's gradient too; a NaN probability leaves its own gradient alone.
      rows.back().inputs[1].linear = true;
    }
  }
}

}  // namespace

std::vector<Case> reduction_cases() {
  std::vector<Case> rows = {
      whole("sum", sum, total, {.shape = {}, .linear = true}),
      whole("mean", mean, average, {.shape = {}, .linear = true}),
      whole("amax", amax, largest, {.shape = {}, .distinct = true}),
      whole("logsumexp", logsumexp, log_sum_exp, {.shape = {}}),
      along("softmax", "last axis", {3, 4}, 1, false),
      along("softmax", "first axis", {3, 4}, 0, false),
      along("softmax", "middle axis", {2, 3, 4}, 1, false),
      along("softmax", "one class", {3, 1}, 1, false),
      along("log_softmax", "last axis", {3, 4}, 1, true),
      along("log_softmax", "first axis", {3, 4}, 0, true),
      along("log_softmax", "middle axis", {2, 3, 4}, 1, true),
      along("log_softmax", "one class", {3, 1}, 1, true),
  };
  add_losses(rows);
  return rows;
}

std::vector<AxisReduction> axis_reductions() {
  return {
      {.op = "sum",
       .f = [](const Tensor& x, const Axes& d, bool k) { return sum(x, d, k); },
       .reference = total,
       .empty_groups = true},
      {.op = "mean",
       .f = [](const Tensor& x, const Axes& d, bool k) { return mean(x, d, k); },
       .reference = average,
       .empty_groups = true},
      {.op = "amax",
       .f = [](const Tensor& x, const Axes& d, bool k) { return amax(x, d, k); },
       .reference = largest,
       .distinct = true},
      {.op = "logsumexp",
       .f = [](const Tensor& x, const Axes& d, bool k) { return logsumexp(x, d, k); },
       .reference = log_sum_exp,
       .empty_groups = true},
  };
}

}  // namespace chainrule::cases
