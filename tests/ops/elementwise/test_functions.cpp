// Activations, quotients, rounding and pairs at their special points: kinks, infinities, integers, halves. Values and
// derivatives elsewhere come from the generated tests, accuracy from test_accuracy.cpp.
#include <doctest/doctest.h>

#include <cmath>

#include "engine/factory.h"
#include "engine/types/error.h"
#include "ops/language/evaluate.h"
#include "ops/ops.h"
#include "tests/ops/checks.h"

using namespace chainrule;
using namespace chainrule::testing;

TEST_CASE("activations at their kinks take the derivative that PyTorch takes") {
  const auto at = [](auto f, double v) {
    const Tensor x = number(v);
    return grad(f(x), x).item();
  };
  using T = const Tensor&;
  CHECK(at([](T x) { return relu6(x); }, 0) == 0);
  CHECK(at([](T x) { return relu6(x); }, 6) == 0);
  CHECK(at([](T x) { return hardtanh(x); }, -1) == 0);
  CHECK(at([](T x) { return hardtanh(x); }, 1) == 0);
  CHECK(at([](T x) { return hardsigmoid(x); }, -3) == 0);
  CHECK(at([](T x) { return hardsigmoid(x); }, 3) == 0);
  CHECK(at([](T x) { return hardswish(x); }, -3) == -0.5);
  CHECK(at([](T x) { return hardswish(x); }, 3) == 1.5);
  CHECK(at([](T x) { return leaky_relu(x); }, 0) == 0.01);
  CHECK(at([](T x) { return elu(x, 2); }, 0) == 2);
  CHECK(at([](T x) { return selu(x); }, 0) == doctest::Approx(1.7580993408473766).epsilon(1e-15));
  CHECK(at([](T x) { return celu(x, 2); }, 0) == 1);
  CHECK(at([](T x) { return threshold(x, 1, 7); }, 1) == 0);
  CHECK(at([](T x) { return softsign(x); }, 0) == 1);
  CHECK(at([](T x) { return softplus(x); }, 20) == doctest::Approx(1 / (1 + std::exp(-20.0))).epsilon(1e-15));
  CHECK(at([](T x) { return softplus(x); }, 20.5) == 1);
  CHECK(threshold(number(1), 1, 7).item() == 7);
  const Tensor x = number(2), low = number(2), high = number(5);
  const auto d = grad({clamp(x, low, high)}, {x, low, high}, {.allow_unused = true});
  CHECK(d[0].item() == 1);  // at the bound the number counts, as with plain bounds
  CHECK(d[1].item() == 0);
}

TEST_CASE("large arguments neither overflow on the way nor lose the sign") {
  for (const double v : {1e4, 1e30, 1e300}) {
    CAPTURE(v);
    const Tensor x = numbers({v, -v});
    check_close(logsigmoid(x).to_vector(), {0, -v});
    check_close(softplus(x).to_vector(), {v, 0});
    check_close(silu(x).to_vector(), {v, 0});
    check_close(mish(x).to_vector(), {v, 0});
    check_close(gelu(x).to_vector(), {v, 0});
    check_close(gelu(x, Approximation::tanh).to_vector(), {v, 0});
    check_close(logaddexp(x, -x).to_vector(), {v, v});
    check_close(hypot(x, x).to_vector(), {v * std::sqrt(2.0), v * std::sqrt(2.0)}, 1e-15);
    for (const Tensor& z :
         {logsigmoid(x), softplus(x), silu(x), mish(x), gelu(x), gelu(x, Approximation::tanh), hypot(x, x)})
      for (const double d : slopes(z, x)) CHECK(std::isfinite(d));
    check_close(slopes(logsigmoid(x), x), {0, 1});
    for (const Tensor& z : {softplus(x), silu(x), mish(x), gelu(x), gelu(x, Approximation::tanh)})
      check_close(slopes(z, x), {1, 0});
    check_close(slopes(asinh(x), x), {1 / v, 1 / v});
    check_close(slopes(atan2(x, x), x), {0, 0});
  }
}

TEST_CASE("quotients and remainders, of numbers and of integers") {
  const auto whole = [](std::vector<std::int64_t> v) {
    const auto n = static_cast<std::int64_t>(v.size());
    return from_vector(v, {n});
  };
  const Tensor x = whole({7, -7, 7, -7}), y = whole({2, 2, -2, -2});
  CHECK(div(x, y, Rounding::floor).to_vector() == Numbers{3, -4, -4, 3});
  CHECK(div(x, y, Rounding::trunc).to_vector() == Numbers{3, -3, -3, 3});
  CHECK(fmod(x, y).to_vector() == Numbers{1, -1, 1, -1});
  CHECK(remainder(x, y).to_vector() == Numbers{1, 1, -1, -1});
  for (const Tensor& z : {div(x, y, Rounding::floor), div(x, y, Rounding::trunc), fmod(x, y), remainder(x, 2)})
    CHECK(z.dtype() == DType::int64);
  CHECK(div(number(1), 0.1, Rounding::floor).item() == 9);  // 0.1 is a little more than a tenth
  CHECK(div(number(-5), 3, Rounding::floor).item() == -2);
  CHECK(remainder(number(-5), 3).item() == 1);
  CHECK(remainder(number(5), -3).item() == -1);
  CHECK(remainder(number(-5), kInf).item() == kInf);
  CHECK(std::isnan(fmod(number(5), 0).item()));
  CHECK(message([&] { fmod(x, 0); }) == "fmod: an integer is divided by 0");
  CHECK(message([&] { div(x, 0, Rounding::floor); }) == "div: an integer is divided by 0");
  CHECK(message([&] { (void)language::evaluate("div(7, 2, rounding_mode='up')"); }) ==
        "div: rounding_mode is 'up', it must be 'floor' or 'trunc'");
  const Tensor a = number(7.5), b = number(-2);
  const auto d = grad({remainder(a, b)}, {a, b});
  CHECK(d[0].item() == 1);
  CHECK(d[1].item() == 4);
}

TEST_CASE("rounding") {
  const Tensor x = numbers({0.5, 1.5, 2.5, -0.5, -1.5, 1e300});
  CHECK(round(x).to_vector() == Numbers{0, 2, 2, 0, -2, 1e300});
  CHECK(round(numbers({1.25, -3.14159, 1e300}), 1).to_vector() == Numbers{1.2, -3.1, 1e300});
  CHECK(round(numbers({150, 250, 1e300}), -2).to_vector() == Numbers{200, 200, 1e300});
  const Tensor i = from_vector(std::vector<std::int64_t>{3, -4}, {2});
  for (const Tensor& z : {floor(i), ceil(i), trunc(i), round(i), round(i, 3)}) {
    CHECK(z.dtype() == DType::int64);
    CHECK(z.to_vector() == Numbers{3, -4});
  }
  CHECK(frac(i).to_vector() == Numbers{0, 0});
}

TEST_CASE("special points of pairs") {
  CHECK(xlogy(number(0), 0).item() == 0);
  CHECK(std::isnan(xlogy(number(0), kNan).item()));
  const Tensor x = number(0), y = number(0);
  CHECK(grad(xlogy(x, y), x).item() == 0);
  CHECK(std::isnan(hypot(number(kInf), kNan).item()));
  CHECK(logaddexp(number(-kInf), -kInf).item() == -kInf);
  CHECK(logaddexp(number(kInf), 0).item() == kInf);
  const Tensor start = numbers({1, 0.1}), end = numbers({3, 0.7});
  CHECK(lerp(start, end, 0).to_vector() == start.to_vector());
  CHECK(lerp(start, end, 1).to_vector() == end.to_vector());
  CHECK(lerp(start, end, numbers({1, 0})).to_vector() == Numbers{3, 0.1});
  CHECK(add(from_vector(std::vector<std::int64_t>{1, 2}, {2}), 3, {.alpha = 2}).dtype() == DType::int64);
  CHECK(add(number(1), 3, {.alpha = 2}).item() == 7);
  CHECK(sub(number(1), 3, {.alpha = 2}).item() == -5);
}

TEST_CASE("derivatives do not cancel in the tails") {
  const Tensor x = number(37.42994775023705);
  CHECK(grad(sigmoid(x), x).item() == doctest::Approx(5.551115123125775e-17).epsilon(1e-14));
  const Tensor single = numbers({20}, {}, DType::float32);
  CHECK(grad(sigmoid(single), single).item() == doctest::Approx(2.0611536e-9).epsilon(1e-6));
  const Tensor tiny = number(1e-10), y = number(19);
  CHECK(grad(grad(asin(tiny), tiny, {.create_graph = true}), tiny).item() == doctest::Approx(1e-10).epsilon(1e-14));
  CHECK(grad(grad(acos(tiny), tiny, {.create_graph = true}), tiny).item() == doctest::Approx(-1e-10).epsilon(1e-14));
  CHECK(grad(grad(atanh(tiny), tiny, {.create_graph = true}), tiny).item() == doctest::Approx(2e-10).epsilon(1e-14));
  CHECK(grad(grad(mish(y), y, {.create_graph = true}), y).item() == doctest::Approx(-4.52e-15).epsilon(1e-3));
  const Tensor one = number(1), small = number(1e-9);
  CHECK(grad(grad(hypot(one, small), one, {.create_graph = true}), one).item() ==
        doctest::Approx(1e-18).epsilon(1e-14));
}
