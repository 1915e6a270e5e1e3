// Deliberately wrong backward rules, each beside the right one: the check must refuse the first and accept the second.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include "engine/check/gradcheck.h"
#include "engine/factory.h"
#include "tests/engine/custom_rule.h"

using namespace chainrule;
using namespace chainrule::testing;

namespace {

using Verdict = GradcheckVerdict;
using Dx = std::function<Tensor(const Tensor& g, const Tensor& x, const Tensor& z)>;

struct Mutant {
  const char* name;
  std::function<Tensor(const Tensor&)> forward;
  Dx right, wrong;
  Verdict verdict = Verdict::mismatch;
  Shape shape = {3, 3};
  int order = 1;  // the order at which it is wrong
};

// (x - mean) / sqrt(variance) over the first axis.
Tensor standardise(const Tensor& x) {
  const Tensor centred = x - mean(x, {0}, true);
  return centred / sqrt(mean(square(centred), {0}, true));
}
Tensor inverse_deviation(const Tensor& x) { return 1 / sqrt(mean(square(x - mean(x, {0}, true)), {0}, true)); }

Tensor nothing(const Tensor& g) { return g * 0; }
Tensor one_wrong_element(const Tensor& g) {
  Tensor mask = ones(g.shape(), {.dtype = g.dtype()});
  static_cast<double*>(mask.mutable_data())[mask.numel() - 1] = 1.01;
  return g * mask;
}

// g: incoming gradient, x: input, z: output.
#define RULE(expression)                                                                                               \
  []([[maybe_unused]] const Tensor& g, [[maybe_unused]] const Tensor& x, [[maybe_unused]] const Tensor& z) -> Tensor { \
    return expression;                                                                                                 \
  }
#define FORWARD(expression) [](const Tensor& x) -> Tensor { return expression; }

const std::vector<Mutant>& mutants() {
  static const std::vector<Mutant> all = {
      {"wrong sign", FORWARD(exp(x)), RULE(g * z), RULE(-g * z)},
      {"factor 2 missing", FORWARD(x * x), RULE(2 * g * x), RULE(g * x)},
      {"factor 2 too much", FORWARD(x + 1), RULE(g * 1), RULE(g * 2)},
      {"incoming gradient missing", FORWARD(tanh(x)), RULE(g * (1 - z * z)), RULE(1 - z * z)},
      {"square missing", FORWARD(tanh(x)), RULE(g * (1 - z * z)), RULE(g * (1 - z))},
      {"factor missing", FORWARD(sigmoid(x)), RULE(g * z * (1 - z)), RULE(g * z)},
      {"multiplied, not divided", FORWARD(log(square(x) + 1)), RULE(g * 2 * x / (square(x) + 1)),
       RULE(g * 2 * x * (square(x) + 1))},
      {"exponent not lowered", FORWARD(x * x * x), RULE(g * 3 * x * x), RULE(g * 3 * x * x * x)},
      {"exponent not in front", FORWARD(x * x * x), RULE(g * 3 * x * x), RULE(g * x * x)},
      {"not transposed back", FORWARD(transpose(x)), RULE(transpose(g)), RULE(g * 1)},
      {"count of a mean missing", FORWARD(mean(x)), RULE(expand(g, x.shape()) / 9), RULE(expand(g, x.shape()) * 1)},
      {"count of a mean off by one", FORWARD(mean(x)), RULE(expand(g, x.shape()) / 9), RULE(expand(g, x.shape()) / 8)},
      {"count of a mean from the wrong axis",
       FORWARD(mean(x, {0}, true)),
       RULE(expand(g, x.shape()) / 3),
       RULE(expand(g, x.shape()) / 2),
       Verdict::mismatch,
       {3, 2}},
      {"sum spread along the wrong axis", FORWARD(sum(x, {0})), RULE(expand(reshape(g, {1, 3}), x.shape())),
       RULE(expand(reshape(g, {3, 1}), x.shape()))},
      {"reduced axis not restored", FORWARD(sum(x, {0}, true)), RULE(expand(g, x.shape())), RULE(g * 1),
       Verdict::wrong_shape},
      {"flat gradient", FORWARD(exp(x)), RULE(g * z), RULE(reshape(g * z, {9})), Verdict::wrong_shape},
      {"transposed shape", FORWARD(exp(x)), RULE(g * z), RULE(transpose(g * z)), Verdict::wrong_shape, {3, 2}},
      {"NaN", FORWARD(exp(x)), RULE(g * z), RULE(nothing(g) / nothing(g)), Verdict::non_finite},
      {"infinite", FORWARD(exp(x)), RULE(g * z), RULE(g / nothing(g)), Verdict::non_finite},
      {"forgotten term of a product", FORWARD(x * exp(x)), RULE(g * (z + exp(x))), RULE(g * exp(x))},
      {"softmax without its sum", FORWARD(softmax(x)), RULE(z * (g - sum(g * z, {1}, true))), RULE(z * g)},
      {"softmax with a mean for its sum", FORWARD(softmax(x)), RULE(z * (g - sum(g * z, {1}, true))),
       RULE(z * (g - mean(g * z, {1}, true)))},
      {"softmax over the wrong axis", FORWARD(softmax(x)), RULE(z * (g - sum(g * z, {1}, true))),
       RULE(z * (g - sum(g * z, {0}, true)))},
      {"log-sum-exp without normalisation",
       FORWARD(logsumexp(x)),
       RULE(g * softmax(reshape(x, {9}), 0) * 1),
       RULE(g * exp(x)),
       Verdict::mismatch,
       {9}},
      {"batch norm without the mean of g",
       FORWARD(standardise(x)),
       RULE((g - mean(g, {0}, true) - z * mean(g * z, {0}, true)) * inverse_deviation(x)),
       RULE((g - z * mean(g * z, {0}, true)) * inverse_deviation(x)),
       Verdict::mismatch,
       {5, 2}},
      {"batch norm without the mean of g z",
       FORWARD(standardise(x)),
       RULE((g - mean(g, {0}, true) - z * mean(g * z, {0}, true)) * inverse_deviation(x)),
       RULE((g - mean(g, {0}, true)) * inverse_deviation(x)),
       Verdict::mismatch,
       {5, 2}},
      {"batch norm with count n - 1 for the mean",
       FORWARD(standardise(x)),
       RULE((g - mean(g, {0}, true) - z * mean(g * z, {0}, true)) * inverse_deviation(x)),
       RULE((g - mean(g, {0}, true) * 5 / 4 - z * mean(g * z, {0}, true)) * inverse_deviation(x)),
       Verdict::mismatch,
       {5, 2}},
      {"gradient outside a clamp", FORWARD(clamp(x, -0.5, 0.5)), RULE(where(abs(x) < 0.5, g, nothing(g))), RULE(g * 1)},
      {"negative side forgotten", FORWARD(maximum(x, 0.1 * x)), RULE(where(x > 0, g, 0.1 * g)),
       RULE(where(x > 0, g, nothing(g)))},
      {"branches exchanged", FORWARD(maximum(x, 0.1 * x)), RULE(where(x > 0, g, 0.1 * g)),
       RULE(where(x > 0, 0.1 * g, g))},
      {"slice put back one row off", FORWARD(slice(x, 0, 0, 2)), RULE(cat({g, nothing(slice(g, 0, 0, 1))})),
       RULE(cat({nothing(slice(g, 0, 0, 1)), g}))},
      {"last element 1 % off", FORWARD(exp(x)), RULE(g * z), RULE(one_wrong_element(g) * z)},
      {"relative error of 1e-4", FORWARD(exp(x)), RULE(g * z), RULE(g * z * (1 + 1e-4))},
      {"sums of g only", FORWARD(x + 0), RULE(g * 1), RULE(expand(mean(g), x.shape()))},
      {"nothing sent", FORWARD(exp(x)), RULE(g * z), RULE(Tensor())},
      {"float32 sent", FORWARD(exp(x)), RULE(g * z), RULE(to(g * z, DType::float32))},
      {"no history of x",
       FORWARD(x * x * x),
       RULE(g * 3 * x * x),
       RULE(g * 3 * x * x.detach()),
       Verdict::mismatch,
       {3, 3},
       2},
      {"no history of g", FORWARD(exp(x)), RULE(g * z), RULE(g.detach() * z), Verdict::mismatch, {3, 3}, 2},
  };
  return all;
}

Verdict worst_verdict(const GradcheckReport& report) {
  Verdict worst = Verdict::ok;
  for (const auto& input : report.inputs) worst = std::max(worst, input.verdict);
  return worst;
}

}  // namespace

TEST_CASE("gradcheck: wrong rules are caught and right ones are not") {
  CHECK(mutants().size() >= 20);
  for (const Mutant& m : mutants()) {
    for (const std::uint64_t seed : {1, 2, 3}) {
      INFO(std::string(m.name), ", seed ", seed);
      Generator generator(seed);
      const Tensor x = randn(m.shape, {.dtype = DType::float64}, generator);
      const GradcheckOptions options{.seed = seed, .order = m.order};
      const auto right = gradcheck([&](const Tensor& t) { return apply(Rule1{m.forward, m.right}, t); }, {x}, options);
      CHECK_MESSAGE(right.ok(), to_string(right));
      const auto wrong = gradcheck([&](const Tensor& t) { return apply(Rule1{m.forward, m.wrong}, t); }, {x}, options);
      CHECK_MESSAGE(!wrong.ok(), to_string(wrong));
      CHECK_MESSAGE(worst_verdict(wrong) == m.verdict, to_string(wrong));
      CHECK(wrong.inputs.back().order == m.order);
    }
  }
}

TEST_CASE("gradcheck: wrong rules of two inputs are caught") {
  struct Mutant2 {
    const char* name;
    std::function<Tensor(const Tensor&, const Tensor&)> forward;
    std::function<Tensor(const Tensor&, const Tensor&, const Tensor&)> right_x, right_y, wrong_x, wrong_y;
    bool x_wrong, y_wrong;
  };
#define RULE2(expression)                                                                             \
  [](const Tensor& g, [[maybe_unused]] const Tensor& x, [[maybe_unused]] const Tensor& y) -> Tensor { \
    return expression;                                                                                \
  }
#define FORWARD2(expression) [](const Tensor& x, const Tensor& y) -> Tensor { return expression; }
  const Mutant2 all[] = {
      {"matmul, factors not transposed", FORWARD2(matmul(x, y)), RULE2(matmul(g, transpose(y))),
       RULE2(matmul(transpose(x), g)), RULE2(matmul(g, y)), RULE2(matmul(x, g)), true, true},
      {"matmul, factors in the wrong order", FORWARD2(matmul(x, y)), RULE2(matmul(g, transpose(y))),
       RULE2(matmul(transpose(x), g)), RULE2(matmul(g, transpose(y))), RULE2(matmul(g, transpose(x))), false, true},
      {"product, factors exchanged", FORWARD2(x * y), RULE2(g * y), RULE2(g * x), RULE2(g * x), RULE2(g * y), true,
       true},
      {"difference, sign of y", FORWARD2(x - y), RULE2(g * 1), RULE2(-g), RULE2(g * 1), RULE2(g * 1), false, true},
      {"quotient, y not squared", FORWARD2(x / (y * y + 1)), RULE2(g / (y * y + 1)),
       RULE2(-2 * g * x * y / square(y * y + 1)), RULE2(g / (y * y + 1)), RULE2(-2 * g * x * y / (y * y + 1)), false,
       true},
      {"outer sum, axes exchanged", FORWARD2(sum(x, {1}, true) + sum(y, {0}, true)),
       RULE2(expand(sum(g, {1}, true), x.shape())), RULE2(expand(sum(g, {0}, true), y.shape())),
       RULE2(expand(sum(g, {0}, true), x.shape())), RULE2(expand(sum(g, {1}, true), y.shape())), true, true},
  };
  Generator generator(4);
  const TensorOptions wide{.dtype = DType::float64};
  for (const Mutant2& m : all) {
    INFO(std::string(m.name));
    const std::vector<Tensor> inputs = {randn({3, 3}, wide, generator), randn({3, 3}, wide, generator)};
    const auto right = gradcheck(
        [&](const Tensor& x, const Tensor& y) {
          return apply(Rule2{m.forward, m.right_x, m.right_y}, x, y);
        },
        inputs);
    CHECK_MESSAGE(right.ok(), to_string(right));
    const auto wrong = gradcheck(
        [&](const Tensor& x, const Tensor& y) {
          return apply(Rule2{m.forward, m.wrong_x, m.wrong_y}, x, y);
        },
        inputs);
    CHECK_MESSAGE((wrong.inputs[0].verdict == Verdict::mismatch) == m.x_wrong, to_string(wrong));
    CHECK_MESSAGE((wrong.inputs[1].verdict == Verdict::mismatch) == m.y_wrong, to_string(wrong));
  }
}

TEST_CASE("gradcheck: faults that are no formula") {
  Generator generator(5);
  const Tensor x = randn({4}, {.dtype = DType::float64}, generator);

  SUBCASE("a path that detach() cut") {
    const auto half = gradcheck([](const Tensor& t) { return sum(t * t.detach()); }, {x});
    CHECK(half.inputs[0].verdict == Verdict::mismatch);
    CHECK(half.inputs[0].cause == GradcheckCause::detached);
    const auto whole = gradcheck([](const Tensor& t) { return exp(t.detach()); }, {x});
    CHECK(whole.inputs[0].verdict == Verdict::mismatch);
    CHECK(contains(whole.inputs[0].reason, "no path"));
  }
  SUBCASE("a path that NoGrad cut") {
    const auto report = gradcheck(
        [](const Tensor& t) {
          const NoGrad off;
          return exp(t);
        },
        {x});
    CHECK(report.inputs[0].verdict == Verdict::mismatch);
  }
  SUBCASE("a value from an earlier call") {
    Tensor stale;
    const Rule1 rule{[](const Tensor& t) { return t * t; },
                     [&](const Tensor& g, const Tensor& t, const Tensor&) {
                       if (!stale.defined()) stale = t.detach();
                       return 2 * g * stale;
                     }};
    CHECK(gradcheck([&](const Tensor& t) { return apply(rule, t); }, {x}).ok());  // first seen here: right
    const Tensor other = randn({4}, {.dtype = DType::float64}, generator);
    const auto report = gradcheck([&](const Tensor& t) { return apply(rule, t); }, {other});
    CHECK(report.inputs[0].verdict == Verdict::mismatch);
  }
  SUBCASE("a rule that changes from call to call") {
    int calls = 0;
    const Rule1 rule{[](const Tensor& t) { return t * 1; },
                     [&](const Tensor& g, const Tensor&, const Tensor&) { return g * ++calls; }};
    const auto report = gradcheck([&](const Tensor& t) { return apply(rule, t); }, {x});
    CHECK(report.inputs[0].verdict == Verdict::non_deterministic);
  }
  SUBCASE("only one of two outputs is wrong") {
    const Rule1 wrong{[](const Tensor& t) { return exp(t); },
                      [](const Tensor& g, const Tensor&, const Tensor& z) { return g * z * 0.999; }};
    const auto report = gradcheck([&](const Tensor& t) { return std::vector<Tensor>{t * t, apply(wrong, t)}; }, {x});
    CHECK(report.inputs[0].verdict == Verdict::mismatch);
  }
}
