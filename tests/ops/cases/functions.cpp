// Rows for exponentials, logarithms, circular and hyperbolic functions, the gamma function and rounding. The references
// are the C library's, or sums that follow a definition.
#include "tests/ops/cases/support.h"

namespace chainrule::cases {
namespace {

/// The derivative of order n + 1 of log Gamma, from its series sum (x + k)^-(n + 1) and an integral for the tail.
double polygamma_series(int n, double x) {
  constexpr int kTerms = 200000;
  double sum = 0;
  for (int k = kTerms - 1; k >= 0; --k) sum += std::pow(x + k, -(n + 1));
  const double far = x + kTerms;
  sum += std::pow(far, -n) / n + 0.5 * std::pow(far, -(n + 1));
  return (n % 2 == 1 ? 1 : -1) * std::tgamma(n + 1) * sum;
}

/// digamma by the same way: -gamma + sum (1 / (k + 1) - 1 / (k + x)), the tail by its leading terms.
double digamma_series(double x) {
  constexpr int kTerms = 200000;
  double sum = 0;
  for (int k = kTerms - 1; k >= 0; --k) sum += (x - 1) / ((k + 1.0) * (k + x));
  const double a = kTerms + 1.0, b = kTerms + x;  // sum of 1/(k+1) - 1/(k+x) from there on, by Euler-Maclaurin
  sum += std::log(b / a) + 0.5 * (1 / a - 1 / b);
  return -0.57721566490153286061 + sum;
}

}  // namespace

std::vector<Case> function_cases() {
  const Input any{.shape = {}}, positive{.shape = {}, .low = 0.3, .high = 3},
      inside{.shape = {}, .low = -0.9, .high = 0.9};
  const Input above_one{.shape = {}, .low = 1.2, .high = 4}, above_minus_one{.shape = {}, .low = -0.6, .high = 2};
  const Input between{.shape = {}, .low = -3, .high = 3, .kinks = {-2, -1, 0, 1, 2}};
  const Input halves{.shape = {}, .low = -3, .high = 3, .kinks = {-2.5, -1.5, -0.5, 0.5, 1.5, 2.5}};
  const Input tenths{.shape = {}, .low = -3, .high = 3, .grid = 0.1, .shift = 0.2};
  const Input not_zero{.shape = {}, .kinks = {0}};
  Input linear = between;
  linear.linear = true;
  std::vector<Case> rows = {
      unary("exp", exp, [](double x) { return std::exp(x); }),
      unary("expm1", expm1, [](double x) { return std::expm1(x); }),
      unary("exp2", exp2, [](double x) { return std::exp2(x); }),
      unary(
          "log", log, [](double x) { return std::log(x); }, positive),
      unary(
          "log1p", log1p, [](double x) { return std::log1p(x); }, above_minus_one),
      unary(
          "log2", log2, [](double x) { return std::log2(x); }, positive),
      unary(
          "log10", log10, [](double x) { return std::log10(x); }, positive),
      with(unary("erf", erf, [](double x) { return std::erf(x); }), "", {"bell"}),
      unary("erfc", erfc, [](double x) { return std::erfc(x); }),
      unary(
          "lgamma", lgamma, [](double x) { return std::lgamma(x); }, positive),
      calls(
          "lgamma", "below 0", {.shape = {}, .low = -0.8, .high = -0.2}, [](const Tensor& x) { return lgamma(x); },
          [](double x) { return std::lgamma(x); }),
      unary("digamma", digamma, digamma_series, positive),
      calls(
          "polygamma", "n = 1", positive, [](const Tensor& x) { return polygamma(1, x); },
          [](double x) { return polygamma_series(1, x); }),
      calls(
          "polygamma", "n = 2, below 0", {.shape = {}, .low = -1.7, .high = -1.3},
          [](const Tensor& x) { return polygamma(2, x); }, [](double x) { return polygamma_series(2, x); }),
      unary("sin", sin, [](double x) { return std::sin(x); }),
      unary("cos", cos, [](double x) { return std::cos(x); }),
      unary("tan", tan, [](double x) { return std::tan(x); }, {.shape = {}, .low = -1, .high = 1}),
      with(unary(
               "asin", asin, [](double x) { return std::asin(x); }, inside),
           "", {"one_minus_square"}),
      unary(
          "acos", acos, [](double x) { return std::acos(x); }, inside),
      unary("atan", atan, [](double x) { return std::atan(x); }),
      unary("sinh", sinh, [](double x) { return std::sinh(x); }),
      unary("cosh", cosh, [](double x) { return std::cosh(x); }),
      with(unary("tanh", tanh, [](double x) { return std::tanh(x); }), "", {"tanh_grad"}),
      unary("asinh", asinh, [](double x) { return std::asinh(x); }),
      unary(
          "acosh", acosh, [](double x) { return std::acosh(x); }, above_one),
      unary(
          "atanh", atanh, [](double x) { return std::atanh(x); }, inside),
      unary(
          "floor", floor, [](double x) { return std::floor(x); }, between),
      unary(
          "ceil", ceil, [](double x) { return std::ceil(x); }, between),
      unary(
          "trunc", trunc, [](double x) { return std::trunc(x); }, between),
      calls(
          "round", "", halves, [](const Tensor& x) { return round(x); }, [](double x) { return std::nearbyint(x); }),
      calls(
          "round", "one decimal", tenths, [](const Tensor& x) { return round(x, 1); },
          [](double x) { return std::nearbyint(x * 10) / 10; }),
      calls(
          "round", "to tens", {.shape = {}, .low = -30, .high = 30, .kinks = {-25, -15, -5, 5, 15, 25}},
          [](const Tensor& x) { return round(x, -1); }, [](double x) { return std::nearbyint(x / 10) * 10; }),
      unary(
          "frac", frac, [](double x) { return x - std::trunc(x); }, linear),
      unary(
          "sign", sign, [](double x) { return x > 0 ? 1.0 : -1.0; }, not_zero),
      unary(
          "step", step, [](double x) { return x > 0 ? 1.0 : 0.0; }, not_zero),
  };
  for (Case& c : rows)  // sums of many terms, and derivatives of the third order near their poles
    if (c.op == "polygamma" || c.op == "digamma" || c.op == "lgamma") c.tolerance32 = 1e-4;
  return rows;
}

}  // namespace chainrule::cases
