// Dense elementwise runs against the standard library in higher precision: values, edge values, tails, offsets,
// threads.
#include <doctest/doctest.h>

#include <array>
#include <functional>
#include <map>
#include <memory>

#include "ops/kernels/elementwise/elementwise.h"
#include "tests/ops/kernels/support.h"

using namespace chainrule;
using namespace chainrule::kernels;
using namespace chainrule::test;

namespace {

using Wide = long double;

const std::map<Unary, std::function<Wide(Wide)>> kUnary{
    {Unary::neg, [](Wide x) { return -x; }},
    {Unary::abs, [](Wide x) { return std::fabs(x); }},
    {Unary::exp, [](Wide x) { return std::exp(x); }},
    {Unary::log, [](Wide x) { return std::log(x); }},
    {Unary::sqrt, [](Wide x) { return std::sqrt(x); }},
    {Unary::square, [](Wide x) { return x * x; }},
    {Unary::tanh, [](Wide x) { return std::tanh(x); }},
    {Unary::sigmoid, [](Wide x) { return 1 / (1 + std::exp(-x)); }},
    {Unary::relu, [](Wide x) { return std::isnan(x) ? x
                                      : x > 0       ? x
                                                    : 0; }},
    {Unary::reciprocal, [](Wide x) { return 1 / x; }},
    {Unary::sign, [](Wide x) { return std::isnan(x) ? x : Wide((x > 0) - (x < 0)); }},
    {Unary::step, [](Wide x) { return std::isnan(x) ? x : Wide(x > 0); }},
    {Unary::flat, [](Wide x) { return std::isnan(x) ? x : 0; }},
    {Unary::floor, [](Wide x) { return std::floor(x); }},
    {Unary::ceil, [](Wide x) { return std::ceil(x); }},
    {Unary::round, [](Wide x) { return std::nearbyint(x); }},
    {Unary::trunc, [](Wide x) { return std::trunc(x); }},
};

const std::map<Binary, std::function<Wide(Wide, Wide)>> kBinary{
    {Binary::add, [](Wide x, Wide y) { return x + y; }},
    {Binary::sub, [](Wide x, Wide y) { return x - y; }},
    {Binary::mul, [](Wide x, Wide y) { return x * y; }},
    {Binary::div, [](Wide x, Wide y) { return x / y; }},
    {Binary::pow, [](Wide x, Wide y) { return std::isnan(x) || std::isnan(y) ? x + y : std::pow(x, y); }},
    {Binary::maximum, [](Wide x, Wide y) { return std::isnan(x)   ? x
                                                  : std::isnan(y) ? y
                                                  : x > y         ? x
                                                                  : y; }},
    {Binary::minimum, [](Wide x, Wide y) { return std::isnan(x)   ? x
                                                  : std::isnan(y) ? y
                                                  : x < y         ? x
                                                                  : y; }},
    {Binary::tanh_grad, [](Wide g, Wide x) { return g * (1 / std::cosh(x) / std::cosh(x)); }},
    {Binary::sigmoid_grad, [](Wide g, Wide x) { return g * (1 / (1 + std::exp(x)) / (1 + std::exp(-x))); }},
    {Binary::square_grad, [](Wide g, Wide x) { return g * (2 * x); }},
    {Binary::hypot, [](Wide x, Wide y) { return std::isnan(x) || std::isnan(y) ? x + y : std::hypot(x, y); }},
    {Binary::atan2, [](Wide x, Wide y) { return std::isnan(x) || std::isnan(y) ? x + y : std::atan2(x, y); }},
    {Binary::fmod, [](Wide x, Wide y) { return std::fmod(x, y); }},
    {Binary::xlogy,
     [](Wide x, Wide y) { return std::isnan(x) || std::isnan(y) ? x + y
                                 : x == 0                       ? 0
                                                                : x * std::log(y); }},
    {Binary::leaky_relu_grad, [](Wide g, Wide x) { return std::isnan(x) ? x
                                                          : x > 0       ? g
                                                                        : 0 * g; }},
    {Binary::relu_grad, [](Wide g, Wide x) { return std::isnan(x) ? x
                                                    : x > 0       ? g
                                                                  : 0; }},
};

template <class T>
std::vector<T> edge_values() {
  using L = std::numeric_limits<T>;
  std::vector<T> x{T(0),         T(1),         T(0.5),   T(2),    L::infinity(), L::max(), L::min(), L::denorm_min(),
                   L::min() / 8, L::epsilon(), T(1e-30), T(1e30), T(20),         T(88.5),  T(88.73), T(89),
                   T(103),       T(104),       T(104.5), T(700),  T(709.7),      T(709.8), T(710),   T(745),
                   T(746),       T(800),       T(1e5)};
  const auto positive = x.size();
  for (std::size_t i = 0; i < positive; ++i) x.push_back(-x[i]);
  x.push_back(L::quiet_NaN());
  return x;
}

template <class T>
std::vector<T> run(Unary op, const std::vector<T>& x) {
  std::vector<T> z(x.size(), T(77));
  unary(op, dtype_of<T>(), x.data(), z.data(), static_cast<std::int64_t>(x.size()));
  return z;
}

double allowed(Unary op) {
  return op == Unary::exp || op == Unary::log || op == Unary::tanh || op == Unary::sigmoid ? 4 : 0.5001;
}

double allowed(Binary op) {
  if (op == Binary::tanh_grad || op == Binary::sigmoid_grad) return 5;
  return op == Binary::xlogy || op == Binary::atan2 ? 2 : 1;
}

}  // namespace

TEST_CASE_TEMPLATE("unary: values, and the standard edge values", T, float, double) {
  RandomNumbers numbers(1);
  for (const auto& entry : kUnary) {
    const auto op = entry.first;
    const auto& f = entry.second;
    CAPTURE(static_cast<int>(op));
    auto x = edge_values<T>();
    for (const double range : {1e-6, 0.1, 1.0, 10.0, 100.0, 1000.0}) {
      const auto more = numbers.fill<T>(2000, -range, range);
      x.insert(x.end(), more.begin(), more.end());
    }
    for (int e = std::numeric_limits<T>::min_exponent - 20; e < std::numeric_limits<T>::max_exponent; ++e) {
      x.push_back(static_cast<T>(std::ldexp(Wide(1) + Wide(numbers.uniform(0, 1)), e)));
    }
    const auto z = run(op, x);
    for (std::size_t i = 0; i < x.size(); ++i) {
      CAPTURE(x[i]);
      CAPTURE(z[i]);
      const Wide truth = f(x[i]);
      CHECK(ulps(z[i], truth) <= allowed(op));
      CHECK(same_bits(unary_one(op, x[i]), z[i]) == true);
    }
  }
}

TEST_CASE_TEMPLATE("unary: signs of zero, NaN and infinities", T, float, double) {
  constexpr T inf = std::numeric_limits<T>::infinity(), nan = std::numeric_limits<T>::quiet_NaN();
  const auto is = [](Unary op, T x, T z) {
    CAPTURE(static_cast<int>(op));
    CAPTURE(x);
    CHECK(same_value(run(op, std::vector<T>{x})[0], z));
  };
  for (const auto& entry : kUnary) is(entry.first, nan, nan);
  is(Unary::exp, inf, inf), is(Unary::exp, -inf, 0), is(Unary::exp, -0.0, 1);
  is(Unary::log, 0, -inf), is(Unary::log, T(-0.0), -inf), is(Unary::log, -1, nan), is(Unary::log, -inf, nan);
  is(Unary::log, inf, inf), is(Unary::log, 1, 0);
  is(Unary::tanh, inf, 1), is(Unary::tanh, -inf, -1), is(Unary::tanh, T(-0.0), T(-0.0));
  is(Unary::tanh, T(1e-30), T(1e-30)),
      is(Unary::tanh, std::numeric_limits<T>::denorm_min(), std::numeric_limits<T>::denorm_min());
  is(Unary::sigmoid, inf, 1), is(Unary::sigmoid, -inf, 0), is(Unary::sigmoid, 0, T(0.5));
  is(Unary::relu, T(-0.0), 0), is(Unary::relu, inf, inf), is(Unary::relu, -inf, 0);
  is(Unary::abs, T(-0.0), 0), is(Unary::neg, 0, T(-0.0)), is(Unary::sqrt, T(-0.0), T(-0.0)), is(Unary::sqrt, -1, nan);
  is(Unary::sign, T(-0.0), 0), is(Unary::sign, -inf, -1), is(Unary::step, T(-0.0), 0), is(Unary::step, inf, 1);
  is(Unary::reciprocal, T(-0.0), -inf), is(Unary::reciprocal, -inf, T(-0.0));
}

TEST_CASE_TEMPLATE("unary: an element's bits do not depend on position, length, threads or sharing memory", T, float,
                   double) {
  RandomNumbers numbers(2);
  for (const auto& entry : kUnary) {
    const Unary op = entry.first;
    CAPTURE(static_cast<int>(op));
    const auto x = numbers.fill<T>(70000, -30, 30);
    const auto z = with_threads(1, [&] { return run(op, x); });
    CHECK(same_bits(z, with_threads(2, [&] { return run(op, x); })));
    auto shared = x;
    unary(op, dtype_of<T>(), shared.data(), shared.data(), 70000);
    CHECK(same_bits(shared, z));
    for (const auto n : kLengths) {
      for (std::int64_t offset = 0; offset < 9; ++offset) {
        const std::vector<T> part(x.begin() + offset, x.begin() + offset + n);
        const std::vector<T> expected(z.begin() + offset, z.begin() + offset + n);
        CHECK(same_bits(run(op, part), expected));
      }
    }
  }
}

TEST_CASE_TEMPLATE("binary: values for dense and broadcast operands", T, float, double) {
  RandomNumbers numbers(3);
  const DType d = dtype_of<T>();
  for (const auto& entry : kBinary) {
    const auto op = entry.first;
    const auto& f = entry.second;
    CAPTURE(static_cast<int>(op));
    for (const auto n : kLengths) {
      const auto x = numbers.fill<T>(std::max<std::int64_t>(n, 1), 0.1, 3);
      const auto y = numbers.fill<T>(std::max<std::int64_t>(n, 1), -3, 3);
      for (const std::int64_t x_step : {0, 1}) {
        for (const std::int64_t y_step : {0, 1}) {
          std::vector<T> z(static_cast<std::size_t>(n), T(77));
          binary(op, d, x.data(), x_step, y.data(), y_step, z.data(), n);
          bool close = true, same = true;
          for (std::int64_t i = 0; i < n; ++i) {
            const T a = x[i * x_step], b = y[i * y_step];
            close = close && ulps(z[i], f(a, b)) <= allowed(op);
            same = same && same_bits(binary_one(op, a, b), z[i]);
          }
          CHECK(close);
          CHECK(same);
        }
      }
    }
  }
}

TEST_CASE_TEMPLATE("binary: every pair of edge values", T, float, double) {
  const auto edges = edge_values<T>();
  for (const auto& entry : kBinary) {
    const auto op = entry.first;
    const auto& f = entry.second;
    CAPTURE(static_cast<int>(op));
    std::vector<T> x, y;
    for (const T a : edges) {
      for (const T b : edges) x.push_back(a), y.push_back(b);
    }
    std::vector<T> z(x.size());
    binary(op, dtype_of<T>(), x.data(), 1, y.data(), 1, z.data(), static_cast<std::int64_t>(x.size()));
    for (std::size_t i = 0; i < x.size(); ++i) {
      CAPTURE(x[i]);
      CAPTURE(y[i]);
      CAPTURE(z[i]);
      const T one = binary_one(op, x[i], y[i]);
      CHECK((same_bits(one, z[i]) || (std::isnan(one) && std::isnan(z[i]))));
      // The slope is rounded before a gradient without bounds multiplies it.
      if ((op == Binary::tanh_grad || op == Binary::sigmoid_grad) && std::abs(x[i]) > T(2)) continue;
      CHECK(ulps(z[i], f(x[i], y[i])) <= allowed(op));
    }
  }
}

TEST_CASE("binary: two threads give the same bits, in place too") {
  RandomNumbers numbers(4);
  const auto x = numbers.fill<float>(200001), y = numbers.fill<float>(200001);
  const auto run_on = [&](int threads) {
    return with_threads(threads, [&] {
      auto z = x;
      binary(Binary::tanh_grad, DType::float32, z.data(), 1, y.data(), 1, z.data(), 200001);
      binary(Binary::div, DType::float32, y.data(), 1, z.data(), 1, z.data(), 200001);
      return z;
    });
  };
  CHECK(same_bits(run_on(1), run_on(2)));
}

TEST_CASE("int64 functions, wrapping around") {
  constexpr std::int64_t low = std::numeric_limits<std::int64_t>::min(),
                         high = std::numeric_limits<std::int64_t>::max();
  const std::vector<std::int64_t> x{3, -4, 0, low, high};
  std::vector<std::int64_t> z(5);
  const auto is = [&](Unary op, const std::vector<std::int64_t>& expected) {
    unary(op, DType::int64, x.data(), z.data(), 5);
    CHECK(z == expected);
  };
  is(Unary::neg, {-3, 4, 0, low, -high});
  is(Unary::abs, {3, 4, 0, low, high});
  is(Unary::sign, {1, -1, 0, -1, 1});
  is(Unary::square, {9, 16, 0, 0, 1});
  const std::vector<std::int64_t> y{5, 2, -1, -1, 1};
  const auto both = [&](Binary op, const std::vector<std::int64_t>& expected) {
    binary(op, DType::int64, x.data(), 1, y.data(), 1, z.data(), 5);
    CHECK(z == expected);
  };
  both(Binary::add, {8, -2, -1, high, low});
  both(Binary::sub, {-2, -6, 1, low + 1, high - 1});
  both(Binary::mul, {15, -8, 0, low, high});
  both(Binary::maximum, {5, 2, 0, -1, high});
  both(Binary::minimum, {3, -4, -1, low, 1});
  both(Binary::fmod, {3, 0, 0, 0, 0});
  both(Binary::remainder, {3, 0, 0, 0, 0});
  both(Binary::floor_divide, {0, -2, 0, low, high});
  CHECK(supports(Unary::neg, DType::int64));
  CHECK_FALSE(supports(Unary::exp, DType::int64));
  CHECK_FALSE(supports(Binary::div, DType::int64));
  CHECK_FALSE(supports(Binary::add, DType::boolean));
}

TEST_CASE("comparisons of all dtypes, NaN unequal to everything") {
  const auto check = [](DType d, auto x, auto y) {
    const auto n = static_cast<std::int64_t>(x.size());
    for (const std::int64_t x_step : {0, 1}) {
      for (const std::int64_t y_step : {0, 1}) {
        for (int op = 0; op < 6; ++op) {
          const auto z = std::make_unique<bool[]>(static_cast<std::size_t>(n));
          compare(static_cast<Compare>(op), d, x.data(), x_step, y.data(), y_step, z.get(), n);
          for (std::int64_t i = 0; i < n; ++i) {
            const auto a = x[i * x_step], b = y[i * y_step];
            const bool expected[]{a == b, a != b, a<b, a <= b, a> b, a >= b};
            CHECK(z[i] == expected[op]);
          }
        }
      }
    }
  };
  constexpr double nan = std::numeric_limits<double>::quiet_NaN(), inf = std::numeric_limits<double>::infinity();
  check(DType::float64, std::vector{1.0, 2.0, nan, 0.0, nan, inf}, std::vector{1.0, 1.0, 1.0, -0.0, nan, inf});
  check(DType::float32, std::vector{1.F, 2.F, 3.F}, std::vector{2.F, 2.F, 2.F});
  check(DType::int64, std::vector<std::int64_t>{1, 2, 3}, std::vector<std::int64_t>{2, 2, 2});
  check(DType::boolean, std::array{false, true, true}, std::array{true, true, false});
}

TEST_CASE("where, clamp, fill and copy") {
  const std::array condition{true, false, true};
  const std::vector<double> x{1, 2, 3}, y{-1, -2, -3};
  std::vector<double> z(3);
  where(DType::float64, condition.data(), 1, x.data(), 1, y.data(), 1, z.data(), 3);
  CHECK(z == std::vector<double>{1, -2, 3});
  where(DType::float64, condition.data(), 1, x.data(), 0, y.data(), 1, z.data(), 3);
  CHECK(z == std::vector<double>{1, -2, 1});
  where(DType::float64, condition.data(), 0, x.data(), 1, y.data(), 0, z.data(), 3);
  CHECK(z == x);

  constexpr float nan = std::numeric_limits<float>::quiet_NaN(), inf = std::numeric_limits<float>::infinity();
  const std::vector<float> in{-5, -0.5F, 0, 0.5F, 7, nan, inf, -inf};
  std::vector<float> out(8);
  unary(Unary::clamp, DType::float32, in.data(), out.data(), 8, {.a = -1, .b = 1});
  CHECK(std::vector<float>(out.begin(), out.begin() + 5) == std::vector<float>{-1, -0.5F, 0, 0.5F, 1});
  CHECK(std::isnan(out[5]));
  CHECK(out[6] == 1);
  CHECK(out[7] == -1);
  unary(Unary::clamp, DType::float32, in.data(), out.data(), 8, {.a = -HUGE_VAL, .b = 1});
  CHECK(out[0] == -5);
  CHECK(out[7] == -inf);

  std::vector<std::int64_t> filled(1000);
  const std::int64_t value = (std::int64_t{1} << 53) + 1;  // not a double
  fill(DType::int64, &value, filled.data(), 1000);
  CHECK(filled == std::vector<std::int64_t>(1000, value));
  std::vector<std::int64_t> copied(1000);
  copy(DType::int64, filled.data(), copied.data(), 1000);
  CHECK(copied == filled);
}

TEST_CASE("casts between all dtypes") {
  constexpr double inf = std::numeric_limits<double>::infinity();
  constexpr std::int64_t low = std::numeric_limits<std::int64_t>::min(),
                         high = std::numeric_limits<std::int64_t>::max();
  const std::vector<double> x{1.75, -1.75, 0, -0.0, 1e300, -1e300, inf, -inf, std::nan("")};
  std::vector<std::int64_t> i(9);
  cast(DType::float64, DType::int64, x.data(), i.data(), 9);
  CHECK(i == std::vector<std::int64_t>{1, -1, 0, 0, high, low, high, low, 0});
  std::array<bool, 9> b{};
  cast(DType::float64, DType::boolean, x.data(), b.data(), 9);
  CHECK(b == std::array{true, true, false, false, true, true, true, true, true});
  std::vector<float> f(9);
  cast(DType::float64, DType::float32, x.data(), f.data(), 9);
  CHECK(f[0] == 1.75F);
  CHECK(f[4] == std::numeric_limits<float>::infinity());
  CHECK(std::isnan(f[8]));
  cast(DType::float32, DType::int64, f.data(), i.data(), 9);
  CHECK(i == std::vector<std::int64_t>{1, -1, 0, 0, high, low, high, low, 0});
  std::vector<double> back(9);
  cast(DType::boolean, DType::float64, b.data(), back.data(), 9);
  CHECK(back == std::vector<double>{1, 1, 0, 0, 1, 1, 1, 1, 1});
  cast(DType::boolean, DType::int64, b.data(), i.data(), 9);
  CHECK(i == std::vector<std::int64_t>{1, 1, 0, 0, 1, 1, 1, 1, 1});
  cast(DType::int64, DType::float32, i.data(), f.data(), 9);
  CHECK(f == std::vector<float>{1, 1, 0, 0, 1, 1, 1, 1, 1});
}
