// Rows for arithmetic and for functions of single numbers. The references are plain C++ on one number after the other.
#include <algorithm>
#include <cmath>

#include "tests/ops/cases.h"

namespace chainrule::cases {
namespace {

using One = double (*)(double);
using Two = double (*)(double, double);

/// What broadcasting means: the element of a for a position of a wider shape.
double spread(const Array& a, const Shape& at) {
  Shape index(a.shape.size(), 0);
  const std::size_t lead = at.size() - a.shape.size();
  for (std::size_t i = 0; i < index.size(); ++i) index[i] = a.shape[i] == 1 ? 0 : at[lead + i];
  return a.at(index);
}

Shape common(const Shape& x, const Shape& y) {
  Shape z(std::max(x.size(), y.size()), 1);
  for (const Shape* s : {&x, &y})
    for (std::size_t i = 0; i < s->size(); ++i)
      if ((*s)[i] != 1) z[z.size() - s->size() + i] = (*s)[i];
  return z;
}

Array pairwise(const Array& x, const Array& y, Two f) {
  Array z(common(x.shape, y.shape));
  each_index(z.shape, [&](const Shape& at) { z.at(at) = f(spread(x, at), spread(y, at)); });
  return z;
}

Case unary(std::string op, Tensor (*f)(const Operand&), One reference, Input input = {.shape = {}}) {
  input.shape = {3, 4};
  return {.op = std::move(op),
          .variant = "",
          .inputs = {input},
          .f = [f](const std::vector<Tensor>& t) { return f(t[0]); },
          .reference =
              [reference](const std::vector<Array>& a) {
                Array z = a[0];
                for (double& v : z.values) v = reference(v);
                return z;
              }};
}

Case binary(std::string op, Tensor (*f)(const Operand&, const Operand&), Two reference, Input x, Input y) {
  x.shape = {3, 4};
  y.shape = {4};
  return {.op = std::move(op),
          .variant = "",
          .inputs = {x, y},
          .f = [f](const std::vector<Tensor>& t) { return f(t[0], t[1]); },
          .reference = [reference](const std::vector<Array>& a) { return pairwise(a[0], a[1], reference); },
          .broadcasts = true};
}

// Brings the second operand of a choice to both sides of the first and never near it: [3, 4) goes to (-4, -3].
double to_a_side(double y) { return y > 4 ? y : -y; }

Case choice(std::string op, Tensor (*f)(const Operand&, const Operand&), Two reference) {
  return {.op = std::move(op),
          .variant = "",
          .inputs = {{.shape = {3, 4}}, {.shape = {4}, .low = 3, .high = 5, .kinks = {4}}},
          .f = [f](const std::vector<Tensor>& t) { return f(t[0], where(t[1] > 4, t[1], -t[1])); },
          .reference =
              [reference](const std::vector<Array>& a) {
                Array y = a[1];
                for (double& v : y.values) v = to_a_side(v);
                return pairwise(a[0], y, reference);
              },
          .broadcasts = true};
}

Case with(Case c, std::string variant, std::vector<std::string> runs = {}) {
  c.variant = std::move(variant);
  c.runs = std::move(runs);
  return c;
}

/// An operation of one operand, with a function object where more than a name is needed.
Case calls(std::string op, std::string variant, Input input, Tensor (*f)(const Tensor&), One reference) {
  Case c = unary(std::move(op), nullptr, reference, std::move(input));
  c.variant = std::move(variant);
  c.f = [f](const std::vector<Tensor>& t) { return f(t[0]); };
  return c;
}

}  // namespace

std::vector<Case> pointwise_cases() {
  const Input any{.shape = {}}, straight{.shape = {}, .linear = true}, positive{.shape = {}, .low = 0.3, .high = 3};
  const Input not_zero{.shape = {}, .kinks = {0}};
  const Input far_from_zero{.shape = {}, .low = 0.5, .high = 2};
  std::vector<Case> rows = {
      binary(
          "add", add, [](double x, double y) { return x + y; }, straight, straight),
      binary(
          "sub", sub, [](double x, double y) { return x - y; }, straight, straight),
      binary(
          "mul", mul, [](double x, double y) { return x * y; }, straight, straight),
      binary(
          "div", div, [](double x, double y) { return x / y; }, straight, far_from_zero),
      binary(
          "pow", pow, [](double x, double y) { return std::pow(x, y); }, far_from_zero, any),
      unary(
          "neg", neg, [](double x) { return -x; }, straight),
      calls(
          "pow", "exponent 2", any, [](const Tensor& x) { return pow(x, 2); }, [](double x) { return x * x; }),
      calls(
          "pow", "exponent 3", any, [](const Tensor& x) { return pow(x, 3); }, [](double x) { return x * x * x; }),
      calls(
          "pow", "exponent -1", far_from_zero, [](const Tensor& x) { return pow(x, -1); },
          [](double x) { return 1 / x; }),
      calls(
          "pow", "exponent 0.5", positive, [](const Tensor& x) { return pow(x, 0.5); },
          [](double x) { return std::sqrt(x); }),
      calls(
          "pow", "base 2", any, [](const Tensor& x) { return pow(2, x); }, [](double x) { return std::exp2(x); }),
      unary("square", square, [](double x) { return x * x; }),
      unary(
          "sqrt", sqrt, [](double x) { return std::sqrt(x); }, positive),
      unary("exp", exp, [](double x) { return std::exp(x); }),
      unary(
          "log", log, [](double x) { return std::log(x); }, positive),
      with(unary("tanh", tanh, [](double x) { return std::tanh(x); }), "", {"tanh_grad"}),
      with(unary("sigmoid", sigmoid, [](double x) { return 1 / (1 + std::exp(-x)); }), "", {"sigmoid_grad"}),
      with(unary(
               "relu", relu, [](double x) { return x > 0 ? x : 0; }, not_zero),
           "", {"relu_grad"}),
      unary(
          "abs", abs, [](double x) { return x > 0 ? x : -x; }, not_zero),
      unary(
          "sign", sign, [](double x) { return x > 0 ? 1.0 : -1.0; }, not_zero),
      unary(
          "step", step, [](double x) { return x > 0 ? 1.0 : 0.0; }, not_zero),
      choice("maximum", maximum, [](double x, double y) { return x > y ? x : y; }),
      choice("minimum", minimum, [](double x, double y) { return x < y ? x : y; }),
      calls(
          "clamp", "both bounds", {.shape = {}, .kinks = {-1, 0.5}}, [](const Tensor& x) { return clamp(x, -1, 0.5); },
          [](double x) { return x < -1    ? -1.0
                                : x > 0.5 ? 0.5
                                          : x; }),
      calls(
          "clamp", "no upper bound", {.shape = {}, .kinks = {0.25}}, [](const Tensor& x) { return clamp(x, 0.25); },
          [](double x) { return x < 0.25 ? 0.25 : x; }),
      calls(
          "to", "its own dtype", straight, [](const Tensor& x) { return to(x, x.dtype()); },
          [](double x) { return x; }),
  };
  // A NaN in x is not below 0 and so is chosen.
  Case chosen = binary(
      "where", nullptr, [](double x, double y) { return x < 0 ? y : x; }, {.shape = {}, .kinks = {0}, .linear = true},
      straight);
  chosen.f = [](const std::vector<Tensor>& t) { return where(t[0] < 0, t[1], t[0]); };
  chosen.nan = Nan::somewhere;
  chosen.nan_reason = "the side that is not chosen does not matter";
  rows.push_back(chosen);
  return rows;
}

}  // namespace chainrule::cases
