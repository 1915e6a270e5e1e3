// The gradient check where numbers are hard to have: edges of domains, jumps, documented conventions, large and tiny
// scales, refused values, cancellation. Right rules are not accused there, and wrong ones are not missed.
#include <doctest/doctest.h>

#include <cmath>

#include "engine/check/gradcheck.h"
#include "engine/factory.h"
#include "engine/types/error.h"
#include "tests/engine/check/wide.h"
#include "tests/engine/custom_rule.h"

using namespace chainrule;
using chainrule::testing::wide;
using namespace chainrule::testing;

namespace {

using Cause = GradcheckCause;
using Verdict = GradcheckVerdict;
using Function = std::function<Tensor(const std::vector<Tensor>&)>;

struct Edge1 {
  const char* name;
  Function f;
  std::vector<Tensor> at;
  std::vector<Verdict> verdicts;
};

#define EDGE(expression) [](const std::vector<Tensor>& v) -> Tensor { return expression; }

}  // namespace

TEST_CASE("edges: right rules are accepted") {
  const Verdict ok = Verdict::ok, kink = Verdict::kink;
  const Edge1 rows[] = {
      {"sqrt", EDGE(sqrt(v[0])), {wide(0)}, {kink}},
      {"asin", EDGE(asin(v[0])), {wide(1)}, {kink}},
      {"acos", EDGE(acos(v[0])), {wide(-1)}, {kink}},
      {"acosh", EDGE(acosh(v[0])), {wide(1)}, {kink}},
      {"power 1/2", EDGE(pow(v[0], 0.5)), {wide(0)}, {kink}},
      {"power 3/2", EDGE(pow(v[0], 1.5)), {wide(0)}, {ok}},
      {"power, both", EDGE(pow(v[0], v[1])), {wide(0), wide(0.5)}, {kink, ok}},
      {"power, both 0", EDGE(pow(v[0], v[1])), {wide(0), wide(0)}, {ok, kink}},
      {"sign", EDGE(sign(v[0])), {wide(0)}, {kink}},
      {"floor", EDGE(floor(v[0])), {wide(2)}, {kink}},
      {"remainder", EDGE(remainder(v[0], v[1])), {wide(2), wide(1)}, {kink, kink}},
      {"hypot", EDGE(hypot(v[0], v[1])), {wide(0), wide(0)}, {kink, kink}},
      {"atan2", EDGE(atan2(v[0], v[1])), {wide(0), wide(0)}, {kink, kink}},
      {"abs", EDGE(abs(v[0])), {wide(0)}, {kink}},
      {"xlogy, both 0", EDGE(xlogy(v[0], v[1])), {wide(0), wide(0)}, {kink, ok}},
      {"xlogy, x 0", EDGE(xlogy(v[0], v[1])), {wide(0), wide(0.5)}, {ok, ok}},
      {"cross entropy, 0 of 0", EDGE(binary_cross_entropy(v[0], v[0] * 0)), {wide(0)}, {ok}},
      {"cross entropy, 1 of 1", EDGE(binary_cross_entropy(v[0], v[0] * 0 + 1)), {wide(1)}, {ok}},
      {"cross entropy, near 0 of 0", EDGE(binary_cross_entropy(v[0], v[0] * 0)), {wide(1e-13)}, {ok}},
      {"cross entropy, near 0 of 1", EDGE(binary_cross_entropy(v[0], v[0] * 0 + 1)), {wide(1e-13)}, {kink}},
      {"cross entropy, near 0 of half", EDGE(binary_cross_entropy(v[0], v[0] * 0 + 0.5)), {wide(1e-14)}, {kink}},
      {"maximum", EDGE(maximum(v[0], v[1])), {wide(2), wide(2)}, {kink, kink}},
      {"relu", EDGE(relu(v[0])), {wide(0)}, {kink}},
      {"cholesky", EDGE(cholesky(v[0])), {wide({{4, 2}, {2, 3}})}, {kink}},
      {"large sine", EDGE(sin(v[0])), {wide(1e8)}, {ok}},
      {"large difference", EDGE(tanh(v[0] - 1e8)), {wide(100000000.3)}, {ok}},
      {"rms_norm of zeros", EDGE(rms_norm(v[0], {2})), {wide({0, 0})}, {ok}},
      {"a probability", EDGE(binary_cross_entropy(v[0], ones({}, {.dtype = DType::float64}))), {wide(0.99)}, {ok}},
      {"logarithm of nearly nothing", EDGE(log(v[0])), {wide(1e-300)}, {ok}},
  };
  for (const Edge1& row : rows) {
    CAPTURE(row.name);
    const GradcheckReport report = gradcheck(row.f, row.at);
    CHECK_MESSAGE(report.ok(), to_string(report));
    for (std::size_t i = 0; i < row.verdicts.size(); ++i)
      CHECK_MESSAGE(report.inputs[i].verdict == row.verdicts[i], to_string(report));
  }
  const auto padded = [](const Tensor& w) {
    return embedding(from_vector(std::vector<std::int64_t>{0, 1}, {2}), w, 0);
  };
  CHECK(gradcheck(padded, {wide({{1, 2}, {3, 4}})}).ok());
}

TEST_CASE("edges: wrong rules are not excused by them") {
  const auto refused = [](const Rule1& rule, const Tensor& x) {
    const GradcheckReport report = gradcheck([&](const Tensor& t) { return apply(rule, t); }, {x});
    CHECK_MESSAGE(!report.ok(), to_string(report));
  };
  const auto g_times = [](double factor) {
    return [factor](const Tensor& g, const Tensor&, const Tensor&) { return g * factor; };
  };
  refused({[](const Tensor& x) { return sqrt(x); }, g_times(0)}, wide(0));          // it is infinite
  refused({[](const Tensor& x) { return sqrt(x); }, g_times(-INFINITY)}, wide(0));  // to the other side
  refused({[](const Tensor& x) { return x * 1; }, g_times(INFINITY)}, wide(0));     // it is not
  refused({[](const Tensor& x) { return sign(x); }, g_times(1)}, wide(0));          // beside the jump it is 0
  refused({[](const Tensor& x) { return pow(x, 1.5); }, g_times(0.5)}, wide(0));
  refused({[](const Tensor& x) { return pow(x, 1.5) + x; }, g_times(0)}, wide(0));
  refused({[](const Tensor& x) { return abs(x); }, g_times(1.1)}, wide(0));
  refused({[](const Tensor& x) { return cholesky(x); }, g_times(1)}, wide({{4, 2}, {2, 3}}));
  refused({[](const Tensor& x) { return x * 1e-20; }, g_times(2e-20)}, wide(1));  // small, and twice as large
  refused({[](const Tensor& x) { return x * 1e20; }, g_times(2e20)}, wide(1));
  refused({[](const Tensor& x) { return sin(x * 1e30); }, g_times(2e30)}, wide(0));
}

TEST_CASE("edges: a kink counts, in strict checks it fails, and its number is the plain one") {
  const auto of = [](auto f, bool strict) { return gradcheck(f, {wide(0)}, {.strict = strict}); };
  const auto absolute = [](const Tensor& x) { return abs(x); };
  CHECK(of(absolute, false).inputs[0].kinks == 1);
  CHECK_FALSE(of(absolute, true).ok());
  // One number has weight 1: what is shown is what grad() gives.
  CHECK(of([](const Tensor& x) { return relu(x); }, false).inputs[0].numeric == doctest::Approx(0.5));
  const auto product = gradcheck([](const Tensor& x) { return tanh(2 * x - 1); }, {wide(0.5)});
  CHECK(product.inputs[0].analytic == 2);
  CHECK_FALSE(product.weighed);
  const auto several = gradcheck([](const Tensor& x) { return tanh(x); }, {wide({1, 2})});
  CHECK(several.weighed);
  CHECK_FALSE(contains(to_string(several), "weighed"));
  CHECK(contains(to_string(several, true), "weighed with random numbers"));
}

TEST_CASE("edges: cancellation is named, not a detached path") {
  const auto report = gradcheck([](const Tensor& x) { return (exp(x) - 1) / x; }, {wide(1e-9)});
  CHECK_FALSE(report.ok());
  CHECK(report.inputs[0].cause == Cause::precision);
  CHECK_MESSAGE(contains(report.inputs[0].reason, "cancellation"), report.inputs[0].reason);
  CHECK_MESSAGE(contains(report.inputs[0].reason, "expm1(x)"), report.inputs[0].reason);
  const auto cosine = gradcheck([](const Tensor& x) { return (1 - cos(x)) / pow(x, 2); }, {wide(1e-6)});
  CHECK_FALSE(cosine.ok());
  CHECK(cosine.inputs[0].cause == Cause::precision);
  CHECK_MESSAGE(contains(cosine.inputs[0].reason, "cancellation"), cosine.inputs[0].reason);
  const auto overflow = gradcheck([](const Tensor& x) { return log(1 + exp(x)); }, {wide(800)});
  CHECK_MESSAGE(contains(overflow.inputs[0].reason, "softplus(x)"), overflow.inputs[0].reason);
}

TEST_CASE("edges: a gradient inside without create_graph is a detached path, and says so") {
  const auto report = gradcheck([](const Tensor& x) { return x * grad(sum(x * x * x), x); }, {wide({1, 2, 3})});
  CHECK_FALSE(report.ok());
  CHECK(report.inputs[0].cause == Cause::detached);
  CHECK_MESSAGE(contains(to_string(report), "create_graph"), to_string(report));
  CHECK(
      gradcheck([](const Tensor& x) { return x * grad(sum(x * x * x), x, {.create_graph = true}); }, {wide({1, 2, 3})})
          .ok());
}

TEST_CASE("edges: NaN is printed without a sign") {
  const auto report = gradcheck([](const Tensor& x) { return sqrt(x * x) / x; }, {wide(0)});
  CHECK_FALSE(contains(to_string(report, true), "-nan"));
  const auto analytic = gradcheck([](const Tensor& x) { return sqrt(x * x); }, {wide(0)});
  CHECK_FALSE(analytic.ok());
  CHECK_FALSE(contains(to_string(analytic, true), "-nan"));
}

TEST_CASE("digits that are lost inside one operation are no missing path") {
  const auto report = [](double factor, double x, bool detached) {
    return gradcheck(
        [&](const Tensor& v) {
          const Tensor z = record(
              Custom1{{.forward = [](const Tensor& t) { return -log(1 - t); },
                       .dx = [&](const Tensor& g, const Tensor& t, const Tensor&) { return factor * g / (1 - t); }}},
              v);
          return detached ? z + 3 * v.detach() : z;
        },
        {wide(x)});
  };
  for (const double x : {1e-13, 3e-14, 1e-12}) {
    CAPTURE(x);
    CHECK(report(1, x, false).ok());
    CHECK_FALSE(report(1.5, x, false).ok());
    CHECK(report(1, x, true).inputs[0].cause == Cause::detached);
  }
  CHECK(report(1, 0.25, false).ok());
}
