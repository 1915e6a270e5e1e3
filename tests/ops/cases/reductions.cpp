// Rows for reductions and the softmax family. The references gather one group of numbers after the other.
#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>

#include "engine/factory.h"
#include "tests/ops/cases/cases.h"

namespace chainrule::cases {
namespace {

double product_of(const Numbers& v) { return std::accumulate(v.begin(), v.end(), 1.0, std::multiplies<>()); }
double smallest(const Numbers& v) { return *std::min_element(v.begin(), v.end()); }
/// Mean squared distance from the mean, with n or n - 1.
double spread(const Numbers& v, double correction) {
  double s = 0;
  for (const double x : v) s += (x - average(v)) * (x - average(v));
  return s / (static_cast<double>(v.size()) - correction);
}
double power_mean(const Numbers& v, double p) {
  double s = 0;
  for (const double x : v) s += std::pow(std::abs(x), p);
  return std::pow(s, 1 / p);
}
double largest_of(const Numbers& v) { return *std::max_element(v.begin(), v.end()); }
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

using Whole = std::function<Tensor(const Tensor&)>;
using Folded = std::function<double(const Numbers&)>;

/// One reduction over everything; the axes have tests of their own (axis_reductions).
Case whole(std::string op, std::string variant, const Whole& f, const Folded& reference, Input input) {
  if (input.shape.empty()) input.shape = {3, 4};
  return {.op = std::move(op),
          .variant = std::move(variant),
          .inputs = {input},
          .f = [f](const std::vector<Tensor>& t) { return f(t[0]); },
          .reference = [reference](const std::vector<Array>& a) { return Array({}, Numbers{reference(a[0].values)}); }};
}

Case whole_product(std::string variant, Input input) {
  Case c = whole(
      "prod", std::move(variant), [](const Tensor& x) { return prod(x); }, product_of, std::move(input));
  c.runs = {"products_of_others"};
  return c;
}

Case norm_of(std::string variant, double p, Input input) {
  return whole(
      "norm", std::move(variant), [p](const Tensor& x) { return norm(x, p); },
      [p](const Numbers& v) { return power_mean(v, p); }, std::move(input));
}

/// max(x, dim) or min(x, dim).
Case first_extreme(std::string op, std::string variant, const Shape& shape, int axis, bool keepdim) {
  const bool low = op == "min";
  return {.op = std::move(op),
          .variant = std::move(variant),
          .inputs = {{.shape = shape, .distinct = true, .linear = true}},
          .f =
              [=](const std::vector<Tensor>& t) {
                return low ? min_along(t[0], axis, keepdim) : max_along(t[0], axis, keepdim);
              },
          .reference =
              [=](const std::vector<Array>& a) {
                Shape kept = shape;
                kept[axis] = 1;
                Array z(kept);
                each_index(kept, [&](const Shape& at) {
                  const Numbers v = line(a[0], at, axis);
                  z.at(at) = low ? smallest(v) : largest_of(v);
                });
                if (!keepdim) z.shape.erase(z.shape.begin() + axis);
                return z;
              },
          .nan = Nan::somewhere,
          .nan_reason = "the gradient goes to the chosen element",
          .runs = {"gather_backward"}};
}

/// cumsum or cumprod; grid 1 brings several zeros.
Case running(std::string op, std::string variant, Input input, int axis) {
  const bool product = op == "cumprod";
  input.linear = !product;
  return {.op = std::move(op),
          .variant = std::move(variant),
          .inputs = {input},
          .f = [=](const std::vector<Tensor>& t) { return product ? cumprod(t[0], axis) : cumsum(t[0], axis); },
          .reference =
              [=](const std::vector<Array>& a) {
                Array z = a[0];
                each_index(z.shape, [&](const Shape& at) {
                  Shape before = at;
                  if (at[axis] == 0) return;
                  --before[axis];
                  z.at(at) = product ? z.at(at) * z.at(before) : z.at(at) + z.at(before);
                });
                return z;
              },
          .runs = product ? std::vector<std::string>{"recurrence"} : std::vector<std::string>{}};
}

}  // namespace

std::vector<Case> reduction_cases() {
  const Input any, distinct{.shape = {}, .distinct = true}, linear{.shape = {}, .linear = true};
  return {
      whole(
          "sum", "", [](const Tensor& x) { return sum(x); }, total, linear),
      whole(
          "mean", "", [](const Tensor& x) { return mean(x); }, average, linear),
      whole_product("", any),
      whole_product("with zeros", {.shape = {2, 3}, .grid = 1}),
      whole(
          "amax", "", [](const Tensor& x) { return amax(x); }, largest_of, distinct),
      whole(
          "amin", "", [](const Tensor& x) { return amin(x); }, smallest, distinct),
      whole(
          "var", "", [](const Tensor& x) { return var(x); }, [](const Numbers& v) { return spread(v, 1); }, any),
      whole(
          "std", "", [](const Tensor& x) { return std(x); }, [](const Numbers& v) { return std::sqrt(spread(v, 1)); },
          any),
      norm_of("2", 2, any),
      norm_of("3", 3, any),
      norm_of("1.5", 1.5, {.shape = {}, .kinks = {0}}),
      norm_of("0.5", 0.5, {.shape = {2, 2}, .low = 0.5}),
      norm_of("-2", -2, {.shape = {2, 2}, .low = 0.5}),
      whole(
          "logsumexp", "", [](const Tensor& x) { return logsumexp(x); }, log_sum_exp, any),
      first_extreme("max", "rows", {3, 4}, 1, false),
      first_extreme("max", "columns, kept", {3, 4}, 0, true),
      first_extreme("min", "middle axis", {2, 3, 2}, 1, false),
      first_extreme("min", "one number", {3, 1}, 1, false),
      running("cumsum", "rows", {.shape = {3, 4}}, 1),
      running("cumsum", "columns", {.shape = {4, 3}}, 0),
      running("cumsum", "middle axis", {.shape = {2, 3, 2}}, 1),
      running("cumprod", "rows", {.shape = {2, 4}}, 1),
      running("cumprod", "columns, with zeros", {.shape = {4, 2}, .grid = 1}, 0),
      running("cumprod", "middle axis", {.shape = {2, 3, 2}}, 1),
      along("softmax", "last axis", {3, 4}, 1, false),
      along("softmax", "first axis", {3, 4}, 0, false),
      along("softmax", "middle axis", {2, 3, 4}, 1, false),
      along("softmax", "one class", {3, 1}, 1, false),
      along("log_softmax", "last axis", {3, 4}, 1, true),
      along("log_softmax", "first axis", {3, 4}, 0, true),
      along("log_softmax", "middle axis", {2, 3, 4}, 1, true),
      along("log_softmax", "one class", {3, 1}, 1, true),
  };
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
      {.op = "prod",
       .f = [](const Tensor& x, const Axes& d, bool k) { return prod(x, d, k); },
       .reference = product_of,
       .empty_groups = true},
      {.op = "var",
       .f = [](const Tensor& x, const Axes& d, bool k) { return var(x, d, 0, k); },
       .reference = [](const Numbers& v) { return spread(v, 0); },
       .empty_groups = true},
      {.op = "std",
       .f = [](const Tensor& x, const Axes& d, bool k) { return std(x, d, 0, k); },
       .reference = [](const Numbers& v) { return std::sqrt(spread(v, 0)); },
       .empty_groups = true},
      {.op = "norm",
       .f = [](const Tensor& x, const Axes& d, bool k) { return norm(x, 2, d, k); },
       .reference = [](const Numbers& v) { return power_mean(v, 2); },
       .empty_groups = true},
      {.op = "norm",
       .f = [](const Tensor& x, const Axes& d, bool k) { return norm(x, 3, d, k); },
       .reference = [](const Numbers& v) { return power_mean(v, 3); },
       .empty_groups = true},
      {.op = "amin",
       .f = [](const Tensor& x, const Axes& d, bool k) { return amin(x, d, k); },
       .reference = smallest,
       .distinct = true},
      {.op = "amax",
       .f = [](const Tensor& x, const Axes& d, bool k) { return amax(x, d, k); },
       .reference = largest_of,
       .distinct = true},
      {.op = "logsumexp",
       .f = [](const Tensor& x, const Axes& d, bool k) { return logsumexp(x, d, k); },
       .reference = log_sum_exp,
       .empty_groups = true},
  };
}

}  // namespace chainrule::cases
