// The bar for the gradient check, over the table of operations: at every scale from 1e-150 to 1e150, at kinks and at
// the edges of domains, no right rule is accused and no planted fault is missed. The ordinary run takes a sample; with
// CHAINRULE_CHECK_SCALES=all every scale is tried.
#include <doctest/doctest.h>

#include <array>
#include <cmath>
#include <cstdlib>

#include "engine/check/gradcheck.h"
#include "engine/types/error.h"
#include "tests/engine/custom_rule.h"
#include "tests/ops/numeric.h"

using namespace chainrule;
using namespace chainrule::cases;

namespace {

using chainrule::testing::Rule1;

bool accuses(const GradcheckReport& report) {
  for (const GradcheckInput& i : report.inputs)
    if (i.cause != GradcheckCause::right && i.cause != GradcheckCause::kink && i.cause != GradcheckCause::precision)
      return true;
  return false;
}

enum class Fault { none, factor, sign, lost_term };
constexpr std::array kFaults = {Fault::factor, Fault::sign, Fault::lost_term};
const char* name_of(Fault fault) {
  constexpr std::array kNames = {"none", "factor 2", "sign", "lost term"};
  return kNames[static_cast<std::size_t>(fault)];
}

Tensor planted(const Tensor& z, double factor) {
  static const auto same = [](const Tensor& x) { return x * 1; };
  return testing::apply(Rule1{same, [factor](const Tensor& g, const Tensor&, const Tensor&) { return g * factor; }}, z);
}

/// a * f(t / b), with a fault in a rule.
TensorFunction scaled(const Case& c, double a, double b, Fault fault) {
  return [&c, a, b, fault](const std::vector<Tensor>& t) {
    std::vector<Tensor> x;
    for (const Tensor& v : t) x.push_back(v / b);
    Tensor z = c.f(x);
    if (fault == Fault::factor) z = planted(z, 2);
    if (fault == Fault::sign) z = planted(z, -1);
    if (fault == Fault::lost_term) z = z + planted(mean(x[0]), 0);
    return z * a;
  };
}

bool all_zero(const Case& c, const std::vector<Array>& at) {
  const std::vector<Tensor> x = leaves(at, DType::float64);
  const Tensor z = c.f(x);
  for (const Tensor& g : gradients(z, x, ones(z.shape(), {.dtype = z.dtype()})))
    for (const double v : g.to_vector())
      if (std::abs(v) > 1e-6) return false;
  return true;
}

bool everything() {
  const char* wish = std::getenv("CHAINRULE_CHECK_SCALES");
  return wish && std::string_view(wish) == "all";
}

constexpr std::array kScales = {1.0, 1e-150, 1e-75, 1e-20, 1e-9, 1e-4, 1e4, 1e9, 1e20, 1e75, 1e150};

}  // namespace

TEST_CASE("check: at every scale no right rule is accused and no fault is missed") {
  std::size_t row = 0;
  for (const Case& c : all_cases()) {
    ++row;
    if (c.order < 1) continue;
    for (std::size_t k = 0; k < (everything() ? kScales.size() : 1); ++k) {
      const std::size_t which = everything() ? k : row % kScales.size();
      const double b = kScales[which];
      const double a = row % 3 == 0 ? 1 : row % 3 == 1 ? b : kScales[(row / 3 + which) % 6];
      if (!(std::abs(std::log10(a / b)) < 290)) continue;
      const std::vector<Array> at = random_inputs(c, row);
      std::vector<Array> shifted = at;
      for (Array& array : shifted)
        for (double& v : array.values) v *= b;
      const std::vector<Tensor> x = leaves(shifted, DType::float64);
      const GradcheckOptions options{.seed = row, .sample = 2};
      const std::string title_of_row = title(c);
      CAPTURE(title_of_row);
      CAPTURE(a);
      CAPTURE(b);
      const GradcheckReport right = gradcheck(scaled(c, a, b, Fault::none), x, options);
      CHECK_MESSAGE(right.ok(), to_string(right));
      const Fault fault = all_zero(c, at) ? Fault::lost_term : kFaults[(row + k) % kFaults.size()];
      const std::string name = name_of(fault);
      CAPTURE(name);
      if (right.inputs[0].elements == 0 || c.f(leaves(at, DType::float64)).numel() == 0) continue;
      const GradcheckReport wrong = gradcheck(scaled(c, a, b, fault), x, {.seed = row, .sample = 60});
      CHECK_MESSAGE(!wrong.ok(), to_string(wrong, true));
    }
  }
}

// All elements equal: ties of maxima, kinks, edges, zeros of norms.
TEST_CASE("check: at kinks and at the edges of domains no right rule is accused") {
  std::size_t row = 0;
  for (const Case& c : all_cases()) {
    ++row;
    if (c.order < 1) continue;
    std::vector<double> points = {0, 1, -1, 0.5, 2, 3, -3, 6};
    points.insert(points.end(), c.inputs[0].kinks.begin(), c.inputs[0].kinks.end());
    for (std::size_t k = 0; k < points.size(); ++k) {
      if (!everything() && (row + k) % 3 != 0) continue;
      const double point = points[k];
      std::vector<Array> at;
      for (const Input& input : c.inputs) at.emplace_back(input.shape, point);
      const std::vector<Tensor> x = leaves(at, DType::float64);
      const TensorFunction f = scaled(c, 1, 1, Fault::none);
      bool inside = true;
      try {
        for (const double v : f(x).to_vector()) inside = inside && std::isfinite(v);
      } catch (const Error&) {
        inside = false;
      }
      if (!inside) continue;
      const std::string title_of_row = title(c);
      CAPTURE(title_of_row);
      CAPTURE(point);
      const GradcheckReport report = gradcheck(f, x, {.seed = row, .sample = 2});
      CHECK_MESSAGE(!accuses(report), to_string(report));
    }
  }
}
