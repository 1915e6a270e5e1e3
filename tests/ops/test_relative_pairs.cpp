// How far functions of two numbers are from the truth, in units of the last place, over the whole range of both
// floating types: values, first and second derivatives, the mixed one in both orders, since each goes through rules of
// its own. reference/accuracy_pairs.f64.gz is made by make_accuracy_pairs.py.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
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

using Pair = test::Curve<8>;  // x, y, z and its derivatives
using PairTruth = std::array<double, 8>;

struct Form {
  const char* name;
  int truth;  // its place in a row of the table
  double most;
};
// The mixed derivative by x first and by y first is one number that two rules compute.
constexpr std::array<Form, 7> kForms{{{"z", 2, 4},
                                      {"dz/dx", 3, 16},
                                      {"dz/dy", 4, 16},
                                      {"d2z/dx2", 5, 16},
                                      {"d2z/dx dy", 6, 16},
                                      {"d2z/dy dx", 6, 16},
                                      {"d2z/dy2", 7, 16}}};

/// How often a rounding of what the formula adds counts in the result, where that is more than once: the terms that
/// meet beside a zero, and x - y before an exponential.
double condition(const std::string& text, const PairTruth& t, std::size_t form) {
  const double x = t[0], y = t[1];
  const int truth = kForms[form].truth;
  if (text == "pow(x, y)" && truth == 6) return std::max(1.0, 1 / std::abs(1 + y * std::log(x)));
  if (text == "atan2(x, y)" && truth == 6) {
    const double ratio = std::abs(x) < std::abs(y) ? x / y : y / x;
    return (1 + ratio * ratio) / std::abs(1 - ratio * ratio);
  }
  if (text == "logaddexp(x, y)")
    return truth == 2 ? std::max(1.0, std::abs(std::max(x, y) / t[2])) : 1 + std::abs(x - y);
  if (text.starts_with("binary_cross_entropy_with_logits")) {
    if (truth == 2) return std::max(1.0, std::abs(x / t[2]));
    if (truth == 3) return std::max(1.0, std::abs(y / t[3]));
  } else if (text.starts_with("binary_cross_entropy")) {
    if (truth == 3) return std::max(1.0, std::abs(x / (x - y)));
    if (truth == 4) return std::max(1.0, std::abs(std::log(x) / t[4]));
    if (truth == 5) return 1 / std::min(x, 1 - x);  // the curvature's two terms are 1 / x and its rounding apart
  }
  return 1;
}

/// What a factor that may be subnormal, and has lost digits then, is multiplied by.
double multiplier(const std::string& text, const PairTruth& t, std::size_t form) {
  const double x = std::abs(t[0]), y = std::abs(t[1]);
  const int truth = kForms[form].truth;
  double by = 1;
  if (text == "x / y") by = truth == 4 ? 1 / y : truth == 7 ? 2 / y / y : 1;
  if (text == "xlogy(x, y)" && truth == 7) by = 1 / y;
  if (text == "atan2(x, y)")
    by = truth <= 2 ? 1 : truth <= 4 ? 1 / std::hypot(x, y) : 2 / std::hypot(x, y) / std::hypot(x, y);
  if (text == "hypot(x, y)" && truth >= 5) by = 1 / std::hypot(x, y);
  if (text == "pow(x, y)") {
    const double l = std::abs(std::log(x));
    by = truth == 3 ? y : truth == 4 ? l : truth == 5 ? y * (y + 1) : truth == 6 ? 1 + y * l : truth == 7 ? l * l : 1;
  }
  return std::max(1.0, by);
}

/// Where what a rule divides by is itself subnormal: it has few digits, and one over it is infinite.
template <class T>
bool divides_by_subnormal(const std::string& text, const PairTruth& t) {
  const bool by_length = text == "hypot(x, y)" || text == "atan2(x, y)";
  return by_length && std::hypot(t[0], t[1]) < static_cast<double>(std::numeric_limits<T>::min());
}

template <class T>
struct FarthestPair {
  double ulp = 0;
  const PairTruth* at = nullptr;
  double got = 0;
};

template <class T>
std::array<FarthestPair<T>, kForms.size()> worst_of(const Pair& c) {
  const auto fits = [](double v) { return static_cast<double>(static_cast<T>(v)) == v; };
  std::vector<double> xs, ys;
  std::vector<const PairTruth*> truths;
  for (const PairTruth& t : c.points)
    if (fits(t[0]) && fits(t[1])) xs.push_back(t[0]), ys.push_back(t[1]), truths.push_back(&t);
  const DType dtype = sizeof(T) == 4 ? DType::float32 : DType::float64;
  const Shape shape{static_cast<std::int64_t>(xs.size())};
  const Tensor x = from_vector(xs, shape, {.dtype = dtype, .requires_grad = true});
  const Tensor y = from_vector(ys, shape, {.dtype = dtype, .requires_grad = true});
  Names names{{"x", x}, {"y", y}};
  const Tensor z = to_tensor(evaluate(parse(c.text), names), "result");
  const auto slope = [&](const Tensor& of, const Tensor& by) {
    if (!of.requires_grad()) return zeros(shape, {.dtype = dtype});
    return grad(sum(of), by, {.create_graph = true, .materialize_grads = true});
  };
  const Tensor by_x = slope(z, x), by_y = slope(z, y);
  const std::array<Tensor, kForms.size()> results{
      z, by_x, by_y, slope(by_x, x), slope(by_x, y), slope(by_y, x), slope(by_y, y)};
  std::array<FarthestPair<T>, kForms.size()> worst;
  constexpr double kLargest = std::numeric_limits<T>::max();
  for (std::size_t k = 0; k < kForms.size(); ++k) {
    const std::vector<double> got = results[k].detach().to_vector();
    for (std::size_t i = 0; i < got.size(); ++i) {
      const PairTruth& t = *truths[i];
      if (k > 0 && divides_by_subnormal<T>(c.text, t)) continue;
      const double truth = t[static_cast<std::size_t>(kForms[k].truth)];
      const T rounded = static_cast<T>(truth);
      double ulp = test::ulps(static_cast<T>(got[i]), static_cast<long double>(truth));
      // Beyond the type's range infinity and the largest number will do, and steps of the smallest below it.
      if (std::isinf(rounded) || std::abs(rounded) == std::numeric_limits<T>::max())
        ulp = std::abs(got[i]) >= kLargest / 2 && (got[i] < 0) == (truth < 0) ? 0 : 1e30;
      ulp = std::min(ulp, std::abs(got[i] - truth) / multiplier(c.text, t, k) /
                              static_cast<double>(std::numeric_limits<T>::denorm_min()));
      ulp /= condition(c.text, t, k);
      if (!(ulp <= worst[k].ulp)) worst[k] = {ulp, &t, got[i]};
    }
  }
  return worst;
}

}  // namespace

TEST_CASE_TEMPLATE("functions of two numbers and their mixed derivatives are near the truth", T, float, double) {
  for (const Pair& c : test::curves<8>("accuracy_pairs.f64.gz")) {
    const auto worst = worst_of<T>(c);
    std::string line;
    for (std::size_t k = 0; k < kForms.size(); ++k) {
      line += fmt::format("  {} {:.3g}", kForms[k].name, worst[k].ulp);
      if (worst[k].at == nullptr) continue;
      const PairTruth& t = *worst[k].at;
      CHECK_MESSAGE(worst[k].ulp <= kForms[k].most,
                    fmt::format("{}, {}: {:.9g} ulp at x = {:.17g}, y = {:.17g}: {:.17g}, right is {:.17g}", c.text,
                                kForms[k].name, worst[k].ulp, t[0], t[1], worst[k].got,
                                t[static_cast<std::size_t>(kForms[k].truth)]));
    }
    MESSAGE(fmt::format("{} {}:{}", c.text, sizeof(T) == 4 ? "float32" : "float64", line));
  }
}

namespace {

constexpr test::NotSwept kPairsNotSwept[] = {
    {"add sub", "one rounding; the mixed derivative is 0"},
    {"lerp", "one rounding for each of its operations; mixed derivatives are 1, -1 and 0"},
    {"where maximum minimum", "one of two numbers; the mixed derivative is 0"},
    {"floor_divide trunc_divide fmod remainder", "jumps; slopes that are whole numbers, mixed derivative 0"},
};

}  // namespace

TEST_CASE("every pointwise operation of two numbers is swept with its mixed derivative, or says why not") {
  const std::string signs[][2] = {{"mul", " * "}, {"div", " / "}};
  int swept = 0;
  const std::vector<Pair> all = test::curves<8>("accuracy_pairs.f64.gz");
  for (const OpInfo* op : op_registry()) {
    const std::string name = op->name;
    // What only derivatives are made of is swept with the function that it belongs to.
    if (!op->elementwise || op->derivatives[0] == nullptr || op->derivatives[1] == nullptr) continue;
    const bool helper = !find_function(name) && name != "floor_divide" && name != "trunc_divide";
    if (helper) continue;
    const bool is_swept = std::any_of(all.begin(), all.end(), [&](const Pair& c) {
      return c.text.starts_with(name + "(") || std::any_of(std::begin(signs), std::end(signs), [&](const auto& sign) {
               return sign[0] == name && c.text.find(sign[1]) != std::string::npos;
             });
    });
    const bool excused = std::any_of(std::begin(kPairsNotSwept), std::end(kPairsNotSwept),
                                     [&](const test::NotSwept& row) { return test::has_word(row.operations, name); });
    CHECK_MESSAGE(is_swept != excused, name << (is_swept ? " is swept and need not be excused" : " is not swept"));
    swept += is_swept;
  }
  CHECK(swept == 9);
}
