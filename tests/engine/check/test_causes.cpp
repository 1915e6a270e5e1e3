// The diagnosis: each cause is planted at least three times, in the middle of a larger function, and must be named,
// with the operation where it sits.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include "engine/check/gradcheck.h"
#include "engine/factory.h"
#include "engine/format.h"
#include "engine/types/error.h"
#include "tests/engine/check/wide.h"
#include "tests/engine/custom_rule.h"

using namespace chainrule;
using chainrule::testing::wide;
using namespace chainrule::testing;

namespace {

using Cause = GradcheckCause;
using One = std::function<Tensor(const Tensor&)>;
using Two = std::function<Tensor(const Tensor&, const Tensor&)>;
using Dx = std::function<Tensor(const Tensor& g, const Tensor& x, const Tensor& z)>;
using Dxy = std::function<Tensor(const Tensor& g, const Tensor& x, const Tensor& y)>;

Tensor random(const Shape& shape, std::uint64_t seed = 1) {
  Generator generator(seed);
  return randn(shape, {.dtype = DType::float64}, generator);
}
Tensor grow(const Tensor& g, const Tensor& x) { return expand(g, x.shape()); }

/// The planted rule stands between right ones, so that neither the first nor the last operation is to blame.
GradcheckReport planted(const One& forward, const Dx& dx, const Tensor& x) {
  return gradcheck([&](const Tensor& t) { return sum(tanh(apply(Rule1{forward, dx}, sin(t) * 0.7)) * 1.5); }, {x});
}
GradcheckReport planted(const Two& forward, const Dxy& dx, const Dxy& dy, const Tensor& x, const Tensor& y) {
  return gradcheck(
      [&](const Tensor& a, const Tensor& b) {
        return sum(tanh(apply(Rule2{forward, dx, dy}, sin(a) * 0.7, cos(b) * 0.6)));
      },
      {x, y});
}

void expect_blamed(const GradcheckReport& report, Cause cause, const char* op, std::size_t input = 0) {
  const std::string text = to_string(report);
  CHECK_MESSAGE(!report.ok(), text);
  CHECK_MESSAGE(report.inputs[input].cause == cause, text);
  CHECK_MESSAGE(report.inputs[input].blame.op == op, text);
  CHECK_MESSAGE(contains(report.inputs[input].blame.place, "operation"), text);  // called without a place
  CHECK_MESSAGE(contains(text, report.inputs[input].reason), text);
}

}  // namespace

TEST_CASE("causes: a wrong rule is blamed on its operation, with the numbers") {
  const Tensor x = random({2, 3});
  expect_blamed(planted([](const Tensor& t) { return exp(t); },
                        [](const Tensor& g, const Tensor& t, const Tensor&) { return g * t; }, x),
                Cause::wrong_rule, "custom1");
  expect_blamed(planted([](const Tensor& t) { return tanh(t); },
                        [](const Tensor& g, const Tensor&, const Tensor& z) { return g * (1 - z); }, x),
                Cause::wrong_rule, "custom1");
  expect_blamed(planted([](const Tensor& t) { return softmax(t); },
                        [](const Tensor& g, const Tensor&, const Tensor& z) { return g * z; }, x),
                Cause::wrong_rule, "custom1");
  expect_blamed(planted([](const Tensor& t) { return exp(t); },
                        [](const Tensor&, const Tensor&, const Tensor&) { return Tensor(); }, x),
                Cause::wrong_rule, "custom1");

  // Only the second input's rule is wrong: the first input stays right.
  const auto report =
      planted([](const Tensor& a, const Tensor& b) { return a * b * b; },
              [](const Tensor& g, const Tensor&, const Tensor& b) { return g * b * b; },
              [](const Tensor& g, const Tensor& a, const Tensor&) { return g * a; }, x, random({2, 3}, 2));
  CHECK(report.inputs[0].cause == Cause::right);
  expect_blamed(report, Cause::wrong_rule, "custom2", 1);
  CHECK(report.inputs[1].blame.input == "y");
  CHECK(report.inputs[1].blame.compared);
  CHECK(report.inputs[1].blame.element.size() == 2);
  CHECK(std::abs(report.inputs[1].blame.analytic - report.inputs[1].blame.numeric) > 1e-3);
}

TEST_CASE("causes: of two wrong operations the first is named") {
  const Rule1 wrong{[](const Tensor& t) { return exp(t); },
                    [](const Tensor& g, const Tensor& t, const Tensor&) { return g * t; }};
  const Rule2 also{[](const Tensor& a, const Tensor& b) { return a * b; },
                   [](const Tensor& g, const Tensor& a, const Tensor&) { return g * a; },
                   [](const Tensor& g, const Tensor&, const Tensor& b) { return g * b; }};
  const auto report = gradcheck(
      [&](const Tensor& t) {
        const Tensor inner = apply(wrong, t);
        return sum(apply(also, inner, t + 3));
      },
      {random({3})});
  expect_blamed(report, Cause::wrong_rule, "custom1");
  CHECK(report.inputs[0].blame.place == "operation 1 of 4");
}

TEST_CASE("causes: constant factors are named") {
  const Tensor x = random({2, 3});
  const One forward[] = {[](const Tensor& t) { return exp(t); }, [](const Tensor& t) { return t * t * t; },
                         [](const Tensor& t) { return tanh(t); }};
  const Dx right[] = {[](const Tensor& g, const Tensor&, const Tensor& z) { return g * z; },
                      [](const Tensor& g, const Tensor& t, const Tensor&) { return g * 3 * t * t; },
                      [](const Tensor& g, const Tensor&, const Tensor& z) { return g * (1 - z * z); }};
  const std::pair<double, const char*> factors[] = {{-1, "-1 times"}, {2, "2 times"}, {0.5, "1/2 times"}};
  for (std::size_t i = 0; i < 3; ++i)
    for (const auto& [factor, text] : factors) {
      const double by = factor;
      const auto report = planted(
          forward[i], [&](const Tensor& g, const Tensor& t, const Tensor& z) { return right[i](g, t, z) * by; }, x);
      expect_blamed(report, Cause::constant_factor, "custom1");
      CHECK(report.inputs[0].factor == doctest::Approx(by));
      CHECK_MESSAGE(contains(report.inputs[0].reason, text), report.inputs[0].reason);
    }
  // n and 1/n: a count forgotten, or divided by without reason.
  const Dx mean_rule = [](const Tensor& g, const Tensor& t, const Tensor&) { return grow(g, t); };
  for (const Shape& shape : {Shape{2, 3}, Shape{4}, Shape{3, 1, 2}}) {
    const auto n = static_cast<double>(numel(shape));
    const auto forgotten = planted([](const Tensor& t) { return mean(t); }, mean_rule, random(shape));
    expect_blamed(forgotten, Cause::constant_factor, "custom1");
    CHECK(forgotten.inputs[0].factor == doctest::Approx(n));
    CHECK_MESSAGE(contains(forgotten.inputs[0].reason, "number of the input's elements"), forgotten.inputs[0].reason);
    const auto divided =
        planted([](const Tensor& t) { return sum(t); },
                [&](const Tensor& g, const Tensor& t, const Tensor&) { return grow(g, t) / n; }, random(shape));
    expect_blamed(divided, Cause::constant_factor, "custom1");
    CHECK(divided.inputs[0].factor == doctest::Approx(1 / n));
    CHECK_MESSAGE(contains(divided.inputs[0].reason, fmt::format("1/{}", n)), divided.inputs[0].reason);
  }
}

TEST_CASE("causes: transposed gradients") {
  const Tensor x = random({3, 3}), y = random({3, 3}, 2);
  expect_blamed(planted([](const Tensor& t) { return exp(t); },
                        [](const Tensor& g, const Tensor&, const Tensor& z) { return transpose(g * z); }, x),
                Cause::transposed, "custom1");
  expect_blamed(planted([](const Tensor& t) { return transpose(t); },
                        [](const Tensor& g, const Tensor&, const Tensor&) { return g * 1; }, x),
                Cause::transposed, "custom1");
  const auto product =
      planted([](const Tensor& a, const Tensor& b) { return matmul(a, b); },
              [](const Tensor& g, const Tensor&, const Tensor& b) { return matmul(b, transpose(g)); },
              [](const Tensor& g, const Tensor& a, const Tensor&) { return matmul(transpose(g), a); }, x, y);
  expect_blamed(product, Cause::transposed, "custom2", 0);
  expect_blamed(product, Cause::transposed, "custom2", 1);
  // Not square: the shape tells.
  expect_blamed(
      planted([](const Tensor& t) { return exp(t); },
              [](const Tensor& g, const Tensor&, const Tensor& z) { return transpose(g * z); }, random({2, 4})),
      Cause::transposed, "custom1");
}

TEST_CASE("causes: a broadcast axis that nobody sums over") {
  const Two product = [](const Tensor& a, const Tensor& b) { return a * b; };
  const Dxy by_y = [](const Tensor& g, const Tensor&, const Tensor& b) { return g * b; };
  const Tensor x = random({2, 3});
  // The gradient keeps the wide shape.
  for (const Shape& shape : {Shape{3}, Shape{2, 1}, Shape{1, 3}})
    expect_blamed(
        planted(
            product, by_y, [](const Tensor& g, const Tensor& a, const Tensor&) { return g * a; }, x, random(shape, 2)),
        Cause::missing_reduction, "custom2", 1);
  // The right shape, but one row or column only.
  expect_blamed(
      planted(
          product, by_y, [](const Tensor& g, const Tensor& a, const Tensor&) { return slice(g * a, 0, 0, 1); }, x,
          random({1, 3}, 2)),
      Cause::missing_reduction, "custom2", 1);
  expect_blamed(
      planted(
          product, by_y, [](const Tensor& g, const Tensor& a, const Tensor&) { return slice(g * a, 1, 2, 3); }, x,
          random({2, 1}, 2)),
      Cause::missing_reduction, "custom2", 1);
  expect_blamed(planted(
                    product, by_y,
                    [](const Tensor& g, const Tensor& a, const Tensor&) { return reshape(slice(g * a, 0, 1, 2), {3}); },
                    x, random({3}, 2)),
                Cause::missing_reduction, "custom2", 1);
}

TEST_CASE("causes: wrong shapes") {
  const Tensor x = random({2, 3});
  for (const Shape& shape : {Shape{6}, Shape{1, 6}, Shape{2, 3, 1}}) {
    const auto report =
        planted([](const Tensor& t) { return exp(t); },
                [&](const Tensor& g, const Tensor&, const Tensor& z) { return reshape(g * z, shape); }, x);
    expect_blamed(report, Cause::wrong_shape, "custom1");
    CHECK_MESSAGE(contains(report.inputs[0].reason, to_string(shape)), report.inputs[0].reason);
  }
}

TEST_CASE("causes: paths that are missing from the graph") {
  const Tensor x = random({4}), y = random({4}, 2);
  const auto cause = [&](auto f, const std::vector<Tensor>& inputs) {
    const auto report = gradcheck(f, inputs);
    CHECK_MESSAGE(!report.ok(), to_string(report));
    CHECK_MESSAGE(report.inputs[0].cause == Cause::detached, to_string(report));
    return report.inputs[0];
  };
  const auto half = cause([](const Tensor& t) { return sum(t * t.detach()); }, {x});
  CHECK(half.blame.op == std::string("mul"));
  CHECK(half.blame.input == "y");
  CHECK(contains(half.reason, "no path"));
  const auto whole = cause([](const Tensor& t) { return exp(t.detach()); }, {x});
  CHECK(contains(whole.reason, "no path leads from the output"));
  const auto no_grad = cause(
      [](const Tensor& t) {
        const NoGrad off;
        return exp(t);
      },
      {x});
  CHECK_MESSAGE(contains(no_grad.reason, "recording stopped at exp"), no_grad.reason);
  const auto inner = cause([](const Tensor& t) { return sum(sin(t) * exp(t * 2).detach()); }, {x});
  CHECK(inner.blame.op == std::string("mul"));
  const auto copied = cause(
      [](const Tensor& t) { return sum(tanh(t) + tensor(Nested(t.to_vector()[0]), {.dtype = DType::float64}) * t); },
      {x});
  CHECK(copied.blame.op == std::string("mul"));
  const auto one_of_two = gradcheck([](const Tensor& a, const Tensor& b) { return sum(a * b + b.detach()); }, {x, y});
  CHECK(one_of_two.inputs[0].cause == Cause::right);
  CHECK(one_of_two.inputs[1].cause == Cause::detached);
}

TEST_CASE("causes: kinks name the operation and the element") {
  const auto kink = [](auto f, const Tensor& x, const char* op) {
    const auto report = gradcheck(f, {x});
    CHECK_MESSAGE(report.ok(), to_string(report));
    CHECK_MESSAGE(report.inputs[0].cause == Cause::kink, to_string(report));
    CHECK_MESSAGE(report.inputs[0].blame.op == op, to_string(report));
    CHECK_MESSAGE(!report.inputs[0].reason.empty(), to_string(report));
    return report.inputs[0].blame.element;
  };
  using Index = std::vector<std::int64_t>;
  CHECK(kink([](const Tensor& x) { return sum(tanh(relu(x * 2))); }, wide({-1, 0, 2}), "relu") == Index{1});
  CHECK(kink([](const Tensor& x) { return exp(amax(x + 1)); }, wide({1, 3, 3, 3}), "amax") == Index{1});
  CHECK(kink([](const Tensor& x) { return sum(clamp(x * 1, 0, 1) * 3); }, wide({0.5, 0.2, 1}), "clamp") == Index{2});
  CHECK(kink([](const Tensor& x) { return sum(leaky_relu(x - 1)); }, wide({4, 1}), "leaky_relu") == Index{1});
}

TEST_CASE("causes: digits that are lost, values that overflow") {
  const auto precision = [](auto f, const Tensor& x, const char* op, const char* advice) {
    const auto report = gradcheck(f, {x});
    CHECK_MESSAGE(!report.ok(), to_string(report));
    CHECK_MESSAGE(report.inputs[0].cause == Cause::precision, to_string(report));
    CHECK_MESSAGE(report.inputs[0].blame.op == op, to_string(report));
    CHECK_MESSAGE(contains(report.inputs[0].reason, advice), to_string(report));
  };
  precision([](const Tensor& x) { return sum(log(softmax(x))); }, wide({0, 900, 3}), "log", "log_softmax(x)");
  precision([](const Tensor& x) { return log(sum(exp(x))); }, wide({1, 800}), "exp", "inf");
  precision([](const Tensor& x) { return sum(log(sigmoid(x))); }, wide({-800, 1}), "log", "logsigmoid(x)");
  precision([](const Tensor& x) { return sum(log(1 - sigmoid(x))); }, wide({35.5, 36}), "sub", "digits");
  precision([](const Tensor& x) { return sum((x + 1e17) - 1e17); }, wide({1, 2}), "add", "digits");
  precision([](const Tensor& x) { return sum(log(1 + x * 1e-20)) * 1e20; }, wide({1, 2}), "log", "log1p(x)");
}

TEST_CASE("causes: an input that is not finite is named, not the operation that reads it") {
  const double inf = std::numeric_limits<double>::infinity(), nan = std::nan("");
  const auto square_sum = [](const Tensor& x) { return sum(x * x); };
  const auto product = [](const Tensor& x, const Tensor& y) { return sum(x * y); };
  const auto rest = [](const Tensor& x) { return sum(exp(slice(x, 0, 1))); };  // finite, whatever x[0] is
  const std::pair<GradcheckReport, const char*> reports[] = {
      {gradcheck(square_sum, {wide({nan, 1}).label("x")}), "x[0] is nan:"},
      {gradcheck(square_sum, {wide({{1, 2}, {-inf, nan}}).label("x")}), "x[1, 0] is -inf:"},
      {gradcheck(square_sum, {wide(inf).label("x")}), "x is inf:"},
      {gradcheck(product, {wide({1, 2}).label("x"), wide({1, nan}).label("y")}), "y[1] is nan:"},
      {gradcheck(rest, {wide({inf, 1, 2}).label("x")}), "x[0] is inf:"},
  };
  for (const auto& row : reports) {
    const GradcheckReport& report = row.first;
    CHECK_FALSE(report.ok());
    for (const GradcheckInput& input : report.inputs) {
      CHECK(input.verdict == GradcheckVerdict::non_finite);
      CHECK(input.blame.op.empty());
      CHECK_MESSAGE(contains(input.reason, row.second), input.reason);
    }
    CHECK_FALSE(contains(to_string(report), " at :"));
  }
}

TEST_CASE("causes: chance") {
  const auto chance = [](auto f, const char* op) {
    const auto report = gradcheck(f, {random({4})});
    CHECK_MESSAGE(!report.ok(), to_string(report));
    CHECK_MESSAGE(report.inputs[0].cause == Cause::non_deterministic, to_string(report));
    CHECK_MESSAGE(report.inputs[0].blame.op == op, to_string(report));
  };
  chance([](const Tensor& x) { return sum(dropout(x * 2, 0.5, true)); }, "dropout");
  chance([](const Tensor& x) { return sum(x * rand(x.shape(), {.dtype = DType::float64})); }, "mul");
  chance([](const Tensor& x) { return slice(dropout(exp(x), 0.1, true), 0, 0, 1) + 0; },
         "dropout");  // nine times the same
  int calls = 0;
  chance([&](const Tensor& x) { return sum(x) * ++calls; }, "mul");
}

TEST_CASE("causes: what is right is called right, and the report is one line for each input") {
  const auto report = gradcheck([](const Tensor& a, const Tensor& b) { return sum(tanh(matmul(a, b))); },
                                {random({2, 3}), random({3, 2}, 2)});
  CHECK(report.ok());
  for (const GradcheckInput& input : report.inputs) {
    CHECK(input.cause == Cause::right);
    CHECK(input.reason.empty());
    CHECK(input.blame.op.empty());
  }
  const std::string brief = to_string(report), full = to_string(report, true);
  CHECK(std::count(brief.begin(), brief.end(), '\n') == 2);
  CHECK(std::count(full.begin(), full.end(), '\n') == 7);
  for (const char* column : {"analytic", "numeric", "relative", "allowed", "step", "cause"})
    CHECK(contains(full, column));
}

TEST_CASE("causes: a step of one's own") {
  const auto with_step = [](double step) {
    return gradcheck([](const Tensor& x) { return sum(exp(x)); }, {random({2})}, {.step = step});
  };
  CHECK(with_step(1e-3).ok());
  CHECK(with_step(1e-3).inputs[0].step <= 1e-3 * 4);
  CHECK(with_step(0.1).ok());
  for (const double bad :
       {0.0, -1.0, std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity()})
    CHECK_THROWS_AS(with_step(bad), ValueError);
}
