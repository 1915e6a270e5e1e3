// Rows for arithmetic, choices and conversions. The references are plain C++ on one number after the other.
#include <algorithm>
#include <cmath>

#include "tests/ops/cases/support.h"

namespace chainrule::cases {

std::vector<Case> pointwise_cases() {
  const Input any{.shape = {}}, straight{.shape = {}, .linear = true}, positive{.shape = {}, .low = 0.3, .high = 3};
  const Input not_zero{.shape = {}, .kinks = {0}};
  // Quotients that stay away from whole numbers: (whole number + 1/2) / 1.
  const Input apart{.shape = {}, .low = -4, .high = 4, .grid = 1, .shift = 0.5},
      ones{.shape = {}, .low = 0.97, .high = 1.03};
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
      with(binary(
               "pow", pow, [](double x, double y) { return std::pow(x, y); }, far_from_zero, any),
           "", {"pow_grad", "pow_log"}),
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
      with(unary("square", square, [](double x) { return x * x; }), "", {"square_grad"}),
      unary(
          "rsqrt", rsqrt, [](double x) { return 1 / std::sqrt(x); }, positive),
      unary(
          "reciprocal", reciprocal, [](double x) { return 1 / x; }, far_from_zero),
      pairs(
          "add", "alpha", [](const Tensor& x, const Tensor& y) { return add(x, y, {.alpha = -3}); },
          [](double x, double y) { return x - 3 * y; }, straight, straight),
      pairs(
          "sub", "alpha", [](const Tensor& x, const Tensor& y) { return sub(x, y, {.alpha = 0.5}); },
          [](double x, double y) { return x - 0.5 * y; }, straight, straight),
      pairs(
          "floor_divide", "rounding down", [](const Tensor& x, const Tensor& y) { return div(x, y, Rounding::floor); },
          [](double x, double y) { return std::floor(x / y); }, apart, ones),
      pairs(
          "trunc_divide", "rounding to 0", [](const Tensor& x, const Tensor& y) { return div(x, y, Rounding::trunc); },
          [](double x, double y) { return std::trunc(x / y); }, apart, ones),
      unary(
          "sqrt", sqrt, [](double x) { return std::sqrt(x); }, positive),
      unary(
          "abs", abs, [](double x) { return x > 0 ? x : -x; }, not_zero),
      calls(
          "clamp", "both bounds", {.shape = {}, .kinks = {-1, 0.5}}, [](const Tensor& x) { return clamp(x, -1, 0.5); },
          [](double x) { return std::min(std::max(x, -1.0), 0.5); }),
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
  for (Case& c : rows)
    if (c.op == "clamp") c.runs = {"clamp_grad"};
  // Bounds that are tensors: x is far from them, on either side.
  rows.push_back(pairs(
      "where", "clamp by a tensor", [](const Tensor& x, const Tensor& y) { return clamp(x, -2 * y, y); },
      [](double x, double y) { return std::min(std::max(x, -2 * y), y); },
      {.shape = {}, .low = -3, .high = 3, .kinks = {-2, 1}}, {.shape = {}, .low = 0.98, .high = 1.02}));
  return rows;
}

}  // namespace chainrule::cases
