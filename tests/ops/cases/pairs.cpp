// Rows for the functions of two and three numbers. The references are the C library's, or the definitions.
#include "tests/ops/cases/support.h"

namespace chainrule::cases {

std::vector<Case> pair_cases() {
  const Input any{.shape = {}}, far_from_zero{.shape = {}, .low = 0.5, .high = 2};
  const Input not_zero{.shape = {}, .kinks = {0}};
  // Quotients stay away from whole numbers: (whole number + 1/2) / 1.
  const Input apart{.shape = {}, .low = -4, .high = 4, .grid = 1, .shift = 0.5, .linear = true};
  const Input near_one{.shape = {}, .low = 0.97, .high = 1.03};
  std::vector<Case> rows = {
      choice("maximum", maximum, [](double x, double y) { return x > y ? x : y; }),
      choice("minimum", minimum, [](double x, double y) { return x < y ? x : y; }),
      with(binary(
               "atan2", atan2, [](double y, double x) { return std::atan2(y, x); }, any, far_from_zero),
           "", {"atan2_grad"}),
      with(binary(
               "hypot", hypot, [](double x, double y) { return std::sqrt(x * x + y * y); }, any, far_from_zero),
           "", {"hypot_grad"}),
      binary(
          "fmod", fmod, [](double x, double y) { return x - y * std::trunc(x / y); }, apart, near_one),
      binary(
          "remainder", remainder, [](double x, double y) { return x - y * std::floor(x / y); }, apart, near_one),
      binary(
          "logaddexp", logaddexp, [](double x, double y) { return std::log(std::exp(x) + std::exp(y)); }, any, any),
      binary(
          "xlogy", xlogy, [](double x, double y) { return x * std::log(y); }, any, far_from_zero),
      pairs(
          "lerp", "a number between", [](const Tensor& x, const Tensor& y) { return lerp(x, y, 0.25); },
          [](double x, double y) { return 0.75 * x + 0.25 * y; }, {.shape = {}, .linear = true},
          {.shape = {}, .linear = true}),
  };
  Case weights = pairs(
      "lerp", "weights of a tensor", [](const Tensor& x, const Tensor& w) { return lerp(x, 2 * x + 1, w); },
      [](double x, double w) { return x + w * (x + 1); }, {.shape = {}, .linear = true}, {.shape = {}, .linear = true});
  rows.push_back(weights);
  return rows;
}

}  // namespace chainrule::cases
