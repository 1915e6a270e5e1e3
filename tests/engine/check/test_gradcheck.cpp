// The gradient check: right rules pass, kinks are told apart, nothing is left changed, reports say what happened. Wrong
// rules are in test_mutants.cpp, many random expressions in test_seeds.cpp.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <bit>
#include <cmath>
#include <stdexcept>

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

using Verdict = GradcheckVerdict;

// A graph node that gives another value each time.
Tensor noise(const Tensor& x) { return x * rand(x.shape(), {.dtype = x.dtype()}); }

}  // namespace

TEST_CASE("gradcheck: reads as in the guide") {
  manual_seed(3);
  const Tensor w = randn({4});
  auto report = gradcheck([&](const Tensor& x) { return sum(log(1 + exp(w * x))); }, {randn({3, 4})});
  CHECK(report.ok());
  const std::string text = fmt::format("{}\n", report);
  CHECK(contains(text, "input 1: ok, 12 elements, largest error "));
  CHECK(contains(text, "\ngradcheck ok: 1 gradient (12 elements, 0 kinks, float64, seed 0)\n"));
  CHECK(report.inputs[0].absolute_error < 1e-8);
  CHECK(report.inputs[0].tolerance < 1e-5);
}

TEST_CASE("gradcheck: functions of every form") {
  const Tensor x = wide({1, 2}), y = wide({3, 5});
  CHECK(gradcheck([](const Tensor& a, const Tensor& b) { return a * b; }, {x, y}).ok());
  CHECK(gradcheck([](Tensor a, Tensor b, Tensor c) { return std::vector<Tensor>{a * b, b / c}; }, {x, y, x}).ok());
  CHECK(gradcheck([](const std::vector<Tensor>& all) { return all[0] * all[1] + all[2]; }, {x, y, y}).ok());
  CHECK(gradcheck([](const auto&... all) { return (all + ...); }, {x, y, y, x}).ok());
  CHECK(gradcheck([](const Tensor& a) { return a; }, {x}).ok());  // the input itself
  CHECK(contains(message_of<ValueError>([&] {
                   (void)gradcheck([](const Tensor& a) { return a; }, {x, y});
                 }),
                 "does not take 2 tensors"));
  CHECK(contains(message_of<ValueError>([&] { (void)gradcheck([](const Tensor& a) { return a; }, {Tensor()}); }),
                 "input 1 is an empty tensor handle"));
}

TEST_CASE("gradcheck: a kink is told apart from a fault") {
  auto verdict = [](auto f, const Tensor& x, bool strict = false) {
    const auto report = gradcheck(f, {x}, {.strict = strict});
    CHECK_MESSAGE(report.ok() == !strict, to_string(report));
    return report.inputs[0].verdict;
  };
  auto relu_of = [](const Tensor& x) { return relu(x); };
  const Tensor at_kink = wide({-1, 0, 2});
  CHECK(verdict(relu_of, at_kink) == Verdict::kink);
  CHECK(verdict([](const Tensor& x) { return abs(x); }, at_kink) ==
        Verdict::kink);  // though 0 is the central difference
  CHECK(verdict([](const Tensor& x) { return amax(x); }, wide({1, 3, 3, 3})) == Verdict::kink);
  CHECK(verdict([](const Tensor& x) { return maximum(x, wide({0, 0, 0})); }, at_kink) <= Verdict::kink);
  CHECK(verdict([](const Tensor& x) { return clamp(x, 0, 1); }, at_kink) == Verdict::kink);
  CHECK(verdict([](const Tensor& x) { return step(x); }, at_kink) == Verdict::kink);
  // Two outputs whose kinks cancel in a sum.
  CHECK(verdict([](const Tensor& x) { return cat({relu(x), relu(-x)}); }, at_kink) == Verdict::kink);
  CHECK(verdict(relu_of, at_kink, true) == Verdict::kink);  // strict: refused

  const auto report = gradcheck(relu_of, {at_kink});
  CHECK(report.inputs[0].kinks == 1);
  CHECK(report.inputs[0].worst == std::vector<std::int64_t>{1});
  CHECK(contains(to_string(report), "input 1: kink, accepted, 3 elements, 1 kink, worst at [1]"));

  // Beside a kink, at any distance, the derivative is plain.
  for (const double distance : {0.3, 1e-2, 1e-4, 1e-5})
    CHECK(gradcheck(relu_of, {wide({distance, -distance})}).inputs[0].verdict == Verdict::ok);

  // At a kink not everything is right: the gradient must lie between the two sides.
  const Rule1 beyond{[](const Tensor& x) { return relu(x); },
                     [](const Tensor& g, const Tensor& x, const Tensor&) { return g * (1.5 * (step(x) + eq(x, 0))); }};
  CHECK(gradcheck([&](const Tensor& x) { return apply(beyond, x); }, {wide({0})}).inputs[0].verdict ==
        Verdict::mismatch);
}

TEST_CASE("gradcheck: at the edge of a domain") {
  // x + x^2, not defined below 0.
  auto half_line = [](const Tensor& x) { return sqrt(x) * sqrt(x) + x * x; };
  const Rule1 smooth{half_line, [](const Tensor& g, const Tensor& x, const Tensor&) { return g * (1 + 2 * x); }};
  const Rule1 wrong{half_line, [](const Tensor& g, const Tensor& x, const Tensor&) { return g * (1.01 + 2 * x); }};
  CHECK(gradcheck([&](const Tensor& x) { return apply(smooth, x); }, {wide({0, 1})}).ok());
  CHECK_FALSE(gradcheck([&](const Tensor& x) { return apply(wrong, x); }, {wide({0})}).ok());
  const auto infinite = gradcheck([](const Tensor& x) { return sqrt(x); }, {wide({0, 1})});
  CHECK(infinite.inputs[0].verdict == Verdict::kink);  // there the slope is infinite
  CHECK(std::isinf(infinite.inputs[0].analytic));
  const auto value = gradcheck([](const Tensor& x) { return log(x); }, {wide({-1, 1})});
  CHECK(value.inputs[0].verdict == Verdict::non_finite);
  CHECK(contains(value.inputs[0].reason, "1 of 2 output elements"));
  // Near the edge the steps must become smaller, not leave the domain. Checking turns AnomalyMode off for that.
  const AnomalyMode watch;
  CHECK(gradcheck([](const Tensor& x) { return log(x); }, {wide({1e-3, 1e-6, 1e5})}).ok());
}

TEST_CASE("gradcheck: a function that is not a function") {
  const Tensor x = wide({1, 2, 3});
  const auto report = gradcheck([](const Tensor& t) { return exp(noise(t * 2)); }, {x});
  CHECK_FALSE(report.ok());
  CHECK(report.inputs[0].verdict == Verdict::non_deterministic);
  CHECK_MESSAGE(contains(report.inputs[0].reason, "first at mul at "), report.inputs[0].reason);
  CHECK(contains(report.inputs[0].reason, "by its input y"));
  CHECK(gradcheck([](const Tensor& t) { return exp(noise(t * 2)); }, {x}, {.freeze_random = true}).ok());
}

TEST_CASE("gradcheck: integers, constants and inputs without use are no crash") {
  const Tensor x = wide({{1, 2}, {3, 5}}).label("weights");
  const auto mixed = gradcheck(
      [](const Tensor& t, const Tensor& labels) {
        return std::vector<Tensor>{cross_entropy(t, labels), argmax(t), ones({2})};
      },
      {x, from_vector(std::vector<std::int64_t>{1, 0}, {2})});
  CHECK_MESSAGE(mixed.ok(), to_string(mixed));
  CHECK(mixed.inputs.size() == 1);
  CHECK(mixed.inputs[0].name == "weights");
  CHECK(mixed.notes.size() >= 3);

  const auto unused = gradcheck([](const Tensor& a, const Tensor&) { return a * 3; }, {x, x});
  CHECK(unused.ok());
  CHECK(unused.inputs[1].verdict == Verdict::unused);

  const auto nothing = gradcheck([](const Tensor& a) { return argmax(a); }, {x});
  CHECK_FALSE(nothing.ok());
  CHECK(to_string(nothing) ==
        "gradcheck FAILED: there is no floating output to check; output 1 holds int64 and was left out");

  const auto none = gradcheck([](const Tensor& a) { return exp(a); }, {zeros({2, 0, 3})});
  CHECK(none.ok());
  CHECK(none.inputs[0].checked == 0);
}

TEST_CASE("gradcheck: layouts of inputs are kept") {
  Generator generator(7);
  const Tensor base = randn({4, 6}, {.dtype = DType::float64}, generator);
  std::vector<Strides> seen;
  auto f = [&](const Tensor& t) {
    seen.push_back(t.strides());
    return exp(t) * t;
  };
  CHECK(gradcheck(f, {transpose(base)}).ok());
  CHECK(seen.back() == transpose(base).strides());
  const Tensor stepped = slice(slice(base, 1, 0, 6, 2), 0, 3, {}, -1);
  CHECK(gradcheck(f, {stepped}).ok());
  CHECK(seen.back() == stepped.strides());
  CHECK(gradcheck(f, {expand(slice(base, 0, 0, 1), {4, 6})}).ok());  // shared elements are spread out
}

TEST_CASE("gradcheck: nothing is left changed") {
  manual_seed(11);
  (void)default_generator().next_u32();
  Tensor x = randn({5}, {.requires_grad = true});
  sum(x * 2).backward();
  const Tensor gradient = x.grad();
  const auto values = x.values<float>(), gradients = gradient.values<float>();
  const auto random = default_generator().state();
  auto unchanged = [&] {
    CHECK(x.values<float>() == values);
    CHECK(x.grad().is(gradient));
    CHECK(x.grad().values<float>() == gradients);
    CHECK(default_generator().state() == random);
    CHECK(x.dtype() == DType::float32);
    CHECK(x.requires_grad());
    CHECK(thread_state().recording);
  };
  SUBCASE("copies") {
    CHECK(gradcheck([](const Tensor& t) { return exp(t); }, {x}).ok());
    unchanged();
  }
  SUBCASE("a random function") {
    CHECK_FALSE(gradcheck([](const Tensor& t) { return noise(t); }, {x}).ok());
    unchanged();
  }
  SUBCASE("a function that throws, at any of its evaluations") {
    for (int last = 0; last < 12; ++last) {
      int calls = 0;
      auto f = [&](const Tensor& t) {
        (void)rand({3});
        if (calls++ == last) throw std::runtime_error("no more");
        return exp(t);
      };
      auto in_place = [&] {
        if (calls++ == last) throw std::runtime_error("no more");
        return exp(x);
      };
      CHECK_THROWS_AS((void)gradcheck(f, {x}), std::runtime_error);
      unchanged();
      calls = 0;
      CHECK_THROWS_AS((void)gradcheck(in_place, {x}), std::runtime_error);
      unchanged();
    }
  }
  SUBCASE("parameters that the function reads where they are") {
    bool lifted = true;
    const auto report = gradcheck(
        [&] {
          lifted &= x.dtype() == DType::float64;
          return exp(x) * 3;
        },
        {x});
    CHECK_MESSAGE(report.ok(), to_string(report));
    CHECK(report.inputs[0].checked == 5);
    CHECK(lifted);
    unchanged();
  }
  SUBCASE("a function that calls backward itself") {
    CHECK(gradcheck(
              [&] {
                const Tensor y = sum(x * x * x);
                (void)grad(y, x);
                sum(x * x).backward();
                return sum(x * x);
              },
              {x})
              .ok());
    unchanged();
  }
  SUBCASE("running statistics") {
    Tensor average = tensor({1, 2}, {.dtype = DType::float64});
    auto f = [&](const Tensor& t) {
      const NoGrad off;
      average.copy_(average * 0.9 + 0.1 * t.detach());
      const EnableGrad on;
      return t * average;
    };
    CHECK(gradcheck(f, {wide({3, 4})}).inputs[0].verdict == Verdict::non_deterministic);
    average.copy_(wide({1, 2}));
    // Put back each time, the average is a function of t that the graph does not know of.
    CHECK(gradcheck(f, {wide({3, 4})}, {.restore = {average}}).inputs[0].verdict == Verdict::mismatch);
    CHECK(average.to_vector() == std::vector<double>{1, 2});
  }
}

TEST_CASE("gradcheck: lifted leaves show no trace, with any bits") {
  // NaN payloads and negative zero come back as they were.
  Tensor x = from_vector(std::vector<float>{-0.0f, std::bit_cast<float>(0x7fc01234u), 1.5f}, {3});
  const void* data = x.data();
  const auto report = gradcheck([&] { return slice(x, 0, 2) * 2 + slice(x, 0, 0, 1); }, {x});
  CHECK(report.inputs[0].verdict == Verdict::non_finite);  // there is no slope at NaN
  CHECK(x.data() == data);
  CHECK(std::bit_cast<std::uint32_t>(x.data<float>()[0]) == 0x80000000u);
  CHECK(std::bit_cast<std::uint32_t>(x.data<float>()[1]) == 0x7fc01234u);
  CHECK_FALSE(x.requires_grad());
  // Elements that share memory are spread out while the check lasts.
  Tensor spread = expand(tensor({1., 2}), {3, 2});
  CHECK(gradcheck([&] { return exp(spread); }, {spread}).inputs[0].checked == 6);
  CHECK(spread.strides() == Strides{0, 1});
}

TEST_CASE("gradcheck: float32 has its own steps and tolerances") {
  Generator generator(9);
  const Tensor x = randn({3, 4}, {}, generator);
  auto f = [](const Tensor& t) { return sum(tanh(t) * t, {1}); };
  const auto report = gradcheck(f, {x}, {.dtype = DType::float32});
  CHECK_MESSAGE(report.ok(), to_string(report));
  CHECK(report.inputs[0].step > 1e-4);
  CHECK(report.inputs[0].tolerance > 1e-5);
  CHECK(contains(to_string(report), "float32"));
  const Rule1 wrong{[](const Tensor& t) { return exp(t); },
                    [](const Tensor& g, const Tensor&, const Tensor& z) { return g * z * 1.05; }};
  CHECK_FALSE(gradcheck([&](const Tensor& t) { return apply(wrong, t); }, {x}, {.dtype = DType::float32}).ok());
  // A float64 check of a function that computes in float32 says so.
  const auto narrow = gradcheck([](const Tensor& t) { return to(t, DType::float32) * 2; }, {x});
  CHECK_MESSAGE(narrow.ok(), to_string(narrow));
  CHECK(contains(to_string(narrow), "tolerances of float32"));
}

TEST_CASE("gradcheck: order two and samples") {
  Generator generator(13);
  const Tensor x = randn({6}, {.dtype = DType::float64}, generator);
  const auto report = gradcheck([](const Tensor& t) { return tanh(t) * exp(t); }, {x}, {.order = 2});
  CHECK_MESSAGE(report.ok(), to_string(report));
  REQUIRE(report.inputs.size() == 3);
  CHECK(report.inputs[1].order == 2);
  CHECK(report.inputs[2].name == "cotangent 1");
  CHECK(contains(to_string(report), "order 2, input 1: ok, 6 elements"));
  CHECK(gradcheck([](const Tensor& t) { return tanh(t); }, {x}, {.order = 3}).ok());

  const auto sampled = gradcheck([](const Tensor& t) { return exp(t); }, {randn({100, 10})}, {.sample = 20});
  CHECK(sampled.inputs[0].checked == 20);
  CHECK(sampled.inputs[0].elements == 1000);
  CHECK(contains(to_string(sampled), "20 of 1000 elements (2 %)"));

  CHECK_THROWS_AS((void)gradcheck([](const Tensor& t) { return t; }, {x}, {.order = 0}), ValueError);
  CHECK_THROWS_AS((void)gradcheck([](const Tensor& t) { return t; }, {x}, {.dtype = DType::int64}), ValueError);
}

TEST_CASE("gradcheck: the reference is accurate where functions are difficult") {
  auto error_of = [](auto f, const Nested& at) {
    const auto report = gradcheck(f, {wide(at)});
    CHECK_MESSAGE(report.ok(), to_string(report));
    return report.inputs[0].relative_error;
  };
  CHECK(error_of([](const Tensor& x) { return exp(x); }, {-30, 0, 30}) < 1e-9);
  CHECK(error_of([](const Tensor& x) { return 1 / x; }, {1e-3, 7, 1e4}) < 1e-7);
  CHECK(error_of([](const Tensor& x) { return tanh(100 * x); }, {0.001, 0.02, 0.3}) < 1e-6);
  CHECK(error_of([](const Tensor& x) { return square(x + 1000); }, {0.5, 1e-5, 2}) < 1e-7);
}

TEST_CASE("gradcheck: lambdas that leave the type to the compiler") {
  // Asked whether they take a vector, their bodies would not compile.
  CHECK(gradcheck([](const auto& x) { return sum(x * x * x); }, {wide({1, 2})}).ok());
  CHECK(gradcheck([](const auto& x, const auto& y) { return sum(x * exp(y)); }, {wide({1, 2}), wide({3, 4})}).ok());
}
