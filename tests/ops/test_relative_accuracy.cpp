// How far values, first and second derivatives are from the truth, in units of the last place, over the whole range of
// both floating types, tails and special points included: the functions of one number as the expression language runs
// them, so that kernels and rules are held together. reference/accuracy.f64.gz is made by make_accuracy.py.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <string>
#include <vector>

#include "engine/backward.h"
#include "engine/factory.h"
#include "ops/function.h"
#include "ops/language/evaluate.h"
#include "ops/ops.h"
#include "ops/registry.h"
#include "tests/ops/kernels/support.h"
#include "tests/ops/reference_points.h"

using namespace chainrule;
using namespace chainrule::language;

namespace {

constexpr int kOrders = 3;
using Truth = std::array<double, 6>;  // x, f(x) and its derivatives of order 1 to 4
using Curve = test::Curve<6>;

constexpr std::array<double, kOrders> kMost{4, 16, 16};  // ulp of value, first and second derivative
/// Functions of which a value or derivative passes through 0 away from x = 0: there its relative error may be as large
/// as that of a rounding of x makes it.
bool crosses_zero(const std::string& text) {
  const char* const some[] = {"silu", "mish", "gelu", "hardswish", "digamma", "lgamma"};
  return std::any_of(std::begin(some), std::end(some), [&](const char* f) { return text.starts_with(f); });
}

/// How often a relative error of x is counted in f of that order: its condition, beside a simple zero.
double condition(const Truth& t, std::size_t order) {
  const double f = t[order + 1], slope = t[order + 2], bend = order + 3 < t.size() ? t[order + 3] : 0;
  if (!(std::abs(f / slope * bend / slope) < 0.25)) return 1;
  return std::max(1.0, std::abs(t[0] * slope / f));
}

/// What falls short: the argument of the sigmoid in gelu's tanh form is rounded, which counts 1 + |u| times in a tail.
double gelu_tanh_condition(double x) { return 1 + std::abs(1.5957691216057308 * (x + 0.044715 * x * x * x)); }

struct Farthest {
  double ulp = 0, x = 0, got = 0, truth = 0;
};

template <class T>
std::array<Farthest, kOrders> worst_of(const Curve& c) {
  std::vector<double> at;
  std::vector<const Truth*> truths;
  for (const Truth& t : c.points)
    if (static_cast<double>(static_cast<T>(t[0])) == t[0]) at.push_back(t[0]), truths.push_back(&t);
  const DType dtype = sizeof(T) == 4 ? DType::float32 : DType::float64;
  const Tensor x = from_vector(at, {static_cast<std::int64_t>(at.size())}, {.dtype = dtype, .requires_grad = true});
  Names names{{"x", x}};
  std::array<Tensor, kOrders> z;
  z[0] = to_tensor(evaluate(parse(c.text), names), "result");
  for (std::size_t k = 1; k < kOrders; ++k)
    z[k] =
        z[k - 1].requires_grad() ? grad(sum(z[k - 1]), x, {.create_graph = true}) : zeros(x.shape(), {.dtype = dtype});
  std::array<Farthest, kOrders> worst;
  for (std::size_t k = 0; k < kOrders; ++k) {
    const std::vector<double> got = z[k].detach().to_vector();
    for (std::size_t i = 0; i < at.size(); ++i) {
      const double truth = (*truths[i])[k + 1];
      const T rounded = static_cast<T>(truth);
      double ulp = test::ulps(static_cast<T>(got[i]), static_cast<long double>(truth));
      // Beyond the type's range infinity and the largest number will do, and 0 and the smallest below it.
      if (std::isinf(rounded) || std::abs(rounded) == std::numeric_limits<T>::max())
        ulp = std::abs(got[i]) >= std::numeric_limits<T>::max() / 2 && (got[i] < 0) == (truth < 0) ? 0 : 1e30;
      // A subnormal factor has lost digits, and x (in a second derivative x^2) times what it lost is missing in the
      // product.
      const double weight = c.text == "pow(x, 10)" || c.text == "pow(x, 5)"
                                ? 90
                                : std::max(1.0, std::pow(std::abs(at[i]), k == 2 ? 2 : 1));
      const double lowest = std::numeric_limits<T>::min();
      if (std::abs(truth) < 2 * weight * lowest)
        ulp = std::min(ulp,
                       std::abs(got[i] - truth) / weight / static_cast<double>(std::numeric_limits<T>::denorm_min()));
      if (c.text == "gelu(x, approximate='tanh')") ulp /= gelu_tanh_condition(at[i]);
      if (crosses_zero(c.text)) ulp /= condition(*truths[i], k);
      if (!(ulp <= worst[k].ulp)) worst[k] = {ulp, at[i], got[i], truth};
    }
  }
  return worst;
}

}  // namespace

TEST_CASE_TEMPLATE("values and derivatives are near the truth in relative error", T, float, double) {
  const char* const names[kOrders] = {"value", "first derivative", "second derivative"};
  for (const Curve& c : test::curves<6>("accuracy.f64.gz")) {
    const auto worst = worst_of<T>(c);
    std::string line;
    for (std::size_t k = 0; k < kOrders; ++k) {
      line += fmt::format("  {:.3g} ulp at {:.17g}", worst[k].ulp, worst[k].x);
      CHECK_MESSAGE(worst[k].ulp <= kMost[k],
                    fmt::format("{}, {}: {:.9g} ulp at x = {:.17g}: {:.17g}, right is {:.17g}", c.text, names[k],
                                worst[k].ulp, worst[k].x, worst[k].got, worst[k].truth));
    }
    MESSAGE(fmt::format("{} {}:{}", c.text, sizeof(T) == 4 ? "float32" : "float64", line));
  }
}

namespace {

constexpr test::NotSwept kNotSwept[] = {
    {"add sub mul lerp", "one rounding for each of their operations; where terms cancel, a rounding of x is as large"},
    {"neg abs where to", "no rounding"},
    {"clamp relu relu6 hardtanh leaky_relu threshold", "straight pieces"},
    {"floor ceil trunc round frac sign step floor_divide trunc_divide fmod remainder", "jumps; slopes 0 or 1"},
    {"maximum minimum", "one of two numbers"},
    {"hardsigmoid", "straight pieces, of which the test of edges holds the values"},
    {"binary_cross_entropy", "bounded at both ends on purpose, and its slope passes through 0 between them"},
};

}  // namespace

TEST_CASE("every pointwise operation is swept, or is none that could fall short") {
  const std::string signs[][2] = {{"div", " / "}};
  std::vector<std::string> texts;
  for (const Curve& c : test::curves<6>("accuracy.f64.gz")) texts.push_back(c.text);
  const auto is_swept = [&](const std::string& op) {
    return std::any_of(texts.begin(), texts.end(), [&](const std::string& text) {
      if (text.starts_with(op + "(")) return true;
      return std::any_of(std::begin(signs), std::end(signs),
                         [&](const auto& sign) { return sign[0] == op && text.find(sign[1]) != std::string::npos; });
    });
  };
  int swept = 0;
  for (const OpInfo* op : op_registry()) {
    const std::string name = op->name;
    // What only derivatives are made of is swept with the function that it belongs to: it has no name in the language.
    if (!op->elementwise || !find_function(name)) continue;
    const bool excused = std::any_of(std::begin(kNotSwept), std::end(kNotSwept),
                                     [&](const test::NotSwept& row) { return test::has_word(row.operations, name); });
    CHECK_MESSAGE(is_swept(name) != excused, name << (excused ? " is swept and need not be excused" : " is not swept"));
    swept += is_swept(name);
  }
  CHECK(swept > 45);
}
