// How far the kernels' functions are from the truth, in units of the last place, over the whole range of both floating
// types. The bounds are those that ops/kernels/elementwise/README.md states; the truth is the C library's in long
// double.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <utility>
#include <vector>

#include "ops/kernels/elementwise/elementwise.h"
#include "ops/kernels/simd/instruction_set.h"
#include "tests/ops/kernels/support.h"
#include "tests/ops/numeric.h"

using namespace chainrule;
using namespace chainrule::kernels;
using namespace chainrule::test;

namespace {

using Wide = long double;

struct AccuracyRow {
  const char* name;
  Unary op;
  double single, twice;  // most ulp in float and in double
  Wide (*truth)(Wide);
  Parameters p = {};
  /// How a rounding of the argument grows in the result: the bound is multiplied by it.
  Wide (*condition)(Wide) = nullptr;
};

Wide sigmoid_of(Wide x) { return x < 0 ? std::exp(x) / (1 + std::exp(x)) : 1 / (1 + std::exp(-x)); }
Wide softplus_of(Wide x) { return x > 0 ? x + std::log1p(std::exp(-x)) : std::log1p(std::exp(x)); }
Wide gelu_argument(Wide x) { return 2 * std::sqrt(2 / std::acos(Wide(-1))) * (x + 0.044715L * x * x * x); }

const std::vector<AccuracyRow> kRows = {
    {"exp", Unary::exp, 1.5, 1.5, [](Wide x) { return std::exp(x); }},
    {"expm1", Unary::expm1, 2, 2, [](Wide x) { return std::expm1(x); }},
    {"exp2", Unary::exp2, 1.5, 1.5, [](Wide x) { return std::exp2(x); }},
    {"log", Unary::log, 1, 1, [](Wide x) { return std::log(x); }},
    {"log1p", Unary::log1p, 1, 1, [](Wide x) { return std::log1p(x); }},
    {"log2", Unary::log2, 2, 2, [](Wide x) { return std::log2(x); }},
    {"tanh", Unary::tanh, 2, 2, [](Wide x) { return std::tanh(x); }},
    {"sigmoid", Unary::sigmoid, 2, 2, sigmoid_of},
    {"logsigmoid", Unary::logsigmoid, 2, 2, [](Wide x) { return -softplus_of(-x); }},
    {"softplus", Unary::softplus, 2, 2, [](Wide x) { return x > 20 ? x : softplus_of(x); }, {.a = 1, .b = 20}},
    {"erf", Unary::erf, 1.5, 1.5, [](Wide x) { return std::erf(x); }},
    {"erfc", Unary::erfc, 6, 6, [](Wide x) { return std::erfc(x); }},
    {"sin", Unary::sin, 2.5, 2, [](Wide x) { return std::sin(x); }},
    {"cos", Unary::cos, 2.5, 2, [](Wide x) { return std::cos(x); }},
    {"silu", Unary::silu, 3.5, 3.5, [](Wide x) { return x * sigmoid_of(x); }},
    {"mish", Unary::mish, 5, 5,
     [](Wide x) {
       const Wide e = std::exp(x), w = e * (e + 2);
       return x > 5000 ? x : x * (w / (w + 2));
     }},
    {"gelu", Unary::gelu, 7, 7, [](Wide x) { return x * (std::erfc(-x / std::sqrt(Wide(2))) / 2); }},
    {"gelu, tanh",
     Unary::gelu_tanh,
     3,
     3,
     [](Wide x) { return x * sigmoid_of(gelu_argument(x)); },
     {},
     [](Wide x) { return x < 0 ? 1 - gelu_argument(x) : 1; }},
    {"elu", Unary::elu, 2, 2, [](Wide x) { return x > 0 ? x : std::expm1(x); }, {.a = 1, .b = 1, .c = 1}},
    {"rsqrt", Unary::rsqrt, 1.5, 1.5, [](Wide x) { return 1 / std::sqrt(x); }},
    {"log10", Unary::log10, 2, 2, [](Wide x) { return std::log10(x); }},
    {"tan", Unary::tan, 3.5, 3, [](Wide x) { return std::tan(x); }},
    {"asin", Unary::asin, 2.5, 2.5, [](Wide x) { return std::asin(x); }},
    {"acos", Unary::acos, 2, 2, [](Wide x) { return std::acos(x); }},
    {"atan", Unary::atan, 1.5, 1.5, [](Wide x) { return std::atan(x); }},
    {"sinh", Unary::sinh, 2, 2, [](Wide x) { return std::sinh(x); }},
    {"cosh", Unary::cosh, 2, 2, [](Wide x) { return std::cosh(x); }},
    {"asinh", Unary::asinh, 2.5, 2.5, [](Wide x) { return std::asinh(x); }},
    {"acosh", Unary::acosh, 2.5, 2.5, [](Wide x) { return std::acosh(x); }},
    {"atanh", Unary::atanh, 2.5, 2.5, [](Wide x) { return std::atanh(x); }},
    {"lgamma", Unary::lgamma, 1, 6, [](Wide x) { return std::lgamma(x); }},
};

/// Every 4099th bit pattern of float, or some of every binade of double, and more where the functions bend.
template <class T>
std::vector<T> sweep() {
  std::vector<T> x;
  RandomNumbers numbers(7);
  const std::uint64_t thin = cases::sanitized() ? 31 : 1;
  if constexpr (sizeof(T) == 4) {
    for (std::uint64_t bits = 0; bits < std::uint64_t{1} << 32; bits += 4099 * thin)
      x.push_back(std::bit_cast<float>(static_cast<std::uint32_t>(bits)));
  } else {
    for (std::uint64_t exponent = 0; exponent < 2047; ++exponent)
      for (std::uint64_t k = 0; k < 62 / thin; ++k)
        x.push_back(std::bit_cast<double>(exponent << 52 | numbers.next() >> 12 | (numbers.next() & 1) << 63));
  }
  for (const double range : {1.0, 3.0, 10.0, 30.0, 100.0, 1000.0}) {
    const auto more = numbers.fill<T>(static_cast<std::int64_t>(50000 / thin), -range, range);
    x.insert(x.end(), more.begin(), more.end());
  }
  return x;
}

/// What is allowed more where no instruction multiplies and adds with one rounding.
double unfused() {
#if (defined(__x86_64__) || defined(__i386__)) && !defined(__FMA__)
  return instruction_set() == "baseline" ? 0.25 : 0;
#else
  return 0;
#endif
}

/// As ulps(), but a product x * f(x) may have lost what f(x) lost when it became subnormal.
template <class T>
double error_of(const AccuracyRow& row, T x, T z) {
  const Wide truth = row.truth(static_cast<Wide>(x));
  double error = ulps(z, truth);
  if (error > 1 && std::abs(x) > 1 && std::abs(truth) < std::abs(x) * Wide(std::numeric_limits<T>::min()) * 2)
    error = static_cast<double>(std::abs(z - truth) / (std::abs(x) * Wide(std::numeric_limits<T>::denorm_min())));
  return row.condition ? error / static_cast<double>(row.condition(static_cast<Wide>(x))) : error;
}

}  // namespace

TEST_CASE_TEMPLATE("functions are as accurate as stated over the whole range", T, float, double) {
  static_assert(std::numeric_limits<Wide>::digits >= std::numeric_limits<double>::digits);
  if (sizeof(T) == 8 && std::numeric_limits<Wide>::digits == std::numeric_limits<double>::digits) return;
  const std::vector<T> x = sweep<T>();
  std::vector<T> z(x.size());
  for (const AccuracyRow& row : kRows) {
    unary(row.op, dtype_of<T>(), x.data(), z.data(), static_cast<std::int64_t>(x.size()), row.p);
    double worst = 0;
    std::size_t at = 0;
    for (std::size_t i = 0; i < x.size(); ++i) {
      // lgamma has zeros below 0; far from 0 the argument of gelu's tanh is worth nothing in long double either.
      if ((row.op == Unary::lgamma && x[i] < 0) || (row.condition && std::abs(x[i]) > 1e4)) continue;
      const double error = error_of(row, x[i], z[i]);
      if (!(error <= worst)) worst = error, at = i;
    }
    CAPTURE(row.name);
    CAPTURE(fmt::format("{:.9g}", x[at]));
    CAPTURE(fmt::format("{:.9g}", z[at]));
    CHECK(worst <= (sizeof(T) == 4 ? row.single : row.twice) + unfused());
    CHECK(worst > 0);
    MESSAGE(fmt::format("{} {}: {:.2f} ulp at {:.9g}", row.name, name_of(dtype_of<T>()), worst, x[at]));
  }
}

namespace {

struct PairRow {
  const char* name;
  Binary op;
  double most;  // ulp
  Wide (*truth)(Wide, Wide);
  bool cancels = false;  // ulp of the larger operand
};

Wide remainder_of(Wide x, Wide y) {
  const Wide r = std::fmod(x, y);
  return r != 0 && (r < 0) != (y < 0) ? r + y : r;
}
Wide log_add_exp_of(Wide x, Wide y) {
  if (x == y) return x + std::log(Wide(2));
  return std::max(x, y) + std::log1p(std::exp(-std::abs(x - y)));
}

const std::vector<PairRow> kPairs = {
    {"atan2", Binary::atan2, 2, [](Wide y, Wide x) { return std::atan2(y, x); }},
    {"hypot", Binary::hypot, 1.1, [](Wide x, Wide y) { return std::hypot(x, y); }},
    {"fmod", Binary::fmod, 0, [](Wide x, Wide y) { return std::fmod(x, y); }},
    {"remainder", Binary::remainder, 0.5001, remainder_of},
    {"logaddexp", Binary::logaddexp, 2, log_add_exp_of, true},
    {"xlogy", Binary::xlogy, 2, [](Wide x, Wide y) { return x == 0 ? 0 : x * std::log(y); }},
};

/// Pairs of any size, of the same size, and with quotients next to whole numbers.
template <class T>
void pairs(std::vector<T>& x, std::vector<T>& y) {
  using L = std::numeric_limits<T>;
  RandomNumbers numbers(11);
  const auto any = [&] {
    const auto e = static_cast<int>(numbers.below(L::max_exponent - L::min_exponent + L::digits));
    return static_cast<T>(std::ldexp(numbers.uniform(-2, 2), L::min_exponent - L::digits + e));
  };
  const int n = cases::sanitized() ? 3000 : 60000;
  for (int i = 0; i < n; ++i) {
    const T a = any(), b = static_cast<T>(numbers.uniform(-3, 3)), c = static_cast<T>(numbers.uniform(-3, 3));
    const T whole = static_cast<T>(numbers.below(1 << 20)), size = std::exp2(static_cast<T>(numbers.below(24)) - 12);
    const std::pair<T, T> more[] = {{a, any()}, {b, c},  {b * size, c},  {a, a * c},
                                    {a * c, a}, {b, -b}, {b * whole, b}, {std::nextafter(b * whole, T(0)), b},
                                    {a, a}};
    for (const auto& pair : more) x.push_back(pair.first), y.push_back(pair.second);
  }
  const T edges[] = {
      T(0), -T(0), T(1), -T(1), L::infinity(), -L::infinity(), L::max(), L::min(), -L::denorm_min(), L::quiet_NaN()};
  for (const T a : edges)
    for (const T b : edges) x.push_back(a), y.push_back(b);
}

}  // namespace

TEST_CASE_TEMPLATE("functions of two numbers are as accurate as stated, and signs and edges are right", T, float,
                   double) {
  if (sizeof(T) == 8 && std::numeric_limits<Wide>::digits == std::numeric_limits<double>::digits) return;
  std::vector<T> x, y;
  pairs(x, y);
  const auto n = static_cast<std::int64_t>(x.size());
  std::vector<T> z(x.size());
  for (const PairRow& row : kPairs) {
    const auto run = [&] { binary(row.op, dtype_of<T>(), x.data(), 1, y.data(), 1, z.data(), n); };
    with_threads(2, run);
    const std::vector<T> by_two = z;
    with_threads(1, run);
    CHECK(same_bits(by_two, z));
    double worst = 0;
    std::size_t at = 0;
    for (std::size_t i = 0; i < x.size(); ++i) {
      const Wide u = static_cast<Wide>(x[i]), v = static_cast<Wide>(y[i]);
      const Wide truth = std::isnan(u) || std::isnan(v) ? u + v : row.truth(u, v);
      double error = ulps(z[i], truth);
      const T larger = std::max(std::abs(x[i]), std::abs(y[i]));
      if (row.cancels && error > 1 && std::isfinite(truth))
        error =
            static_cast<double>(std::abs(static_cast<Wide>(z[i]) - truth) /
                                (std::numeric_limits<T>::epsilon() / 2 * std::max(Wide(1), static_cast<Wide>(larger))));
      if (!row.cancels && std::signbit(z[i]) != std::signbit(truth) && !std::isnan(truth)) error = 1e30;
      if (!(error <= worst)) worst = error, at = i;
    }
    CAPTURE(row.name);
    CAPTURE(fmt::format("{:.9g}", x[at]));
    CAPTURE(fmt::format("{:.9g}", y[at]));
    CAPTURE(fmt::format("{:.9g}", z[at]));
    CHECK(worst <= row.most + unfused());
    MESSAGE(fmt::format("{} {}: {:.2f} ulp at {:.9g}, {:.9g}", row.name, name_of(dtype_of<T>()), worst, x[at], y[at]));
  }
}

TEST_CASE_TEMPLATE("log10 of powers of ten is whole", T, float, double) {
  T power = 1;
  for (int k = 0; k <= (sizeof(T) == 4 ? 10 : 22); ++k, power *= 10) CHECK(unary_one(Unary::log10, power) == T(k));
}

TEST_CASE("digamma and polygamma at points that are known in closed form") {
  const double gamma = 0.577215664901532860607, pi = 3.14159265358979323846, zeta3 = 1.20205690315959428540;
  const auto digamma = [](double x) { return unary_one(Unary::digamma, x); };
  const auto polygamma = [](int n, double x) { return unary_one(Unary::polygamma, x, {.a = static_cast<double>(n)}); };
  CHECK(digamma(1) == doctest::Approx(-gamma).epsilon(1e-15));
  CHECK(digamma(0.5) == doctest::Approx(-gamma - 2 * std::log(2.0)).epsilon(1e-15));
  CHECK(digamma(2) == doctest::Approx(1 - gamma).epsilon(1e-15));
  CHECK(digamma(0.25) == doctest::Approx(-gamma - pi / 2 - 3 * std::log(2.0)).epsilon(1e-15));
  CHECK(digamma(-0.5) == doctest::Approx(2 - gamma - 2 * std::log(2.0)).epsilon(1e-14));
  CHECK(digamma(1e10) == doctest::Approx(std::log(1e10) - 0.5e-10).epsilon(1e-15));
  CHECK(digamma(0.0) == -std::numeric_limits<double>::infinity());
  CHECK(digamma(-0.0) == std::numeric_limits<double>::infinity());
  CHECK(std::isnan(digamma(-3)));
  CHECK(std::abs(digamma(1.4616321449683623)) < 1e-14);  // its zero
  CHECK(polygamma(1, 1) == doctest::Approx(pi * pi / 6).epsilon(1e-14));
  CHECK(polygamma(1, 0.5) == doctest::Approx(pi * pi / 2).epsilon(1e-14));
  CHECK(polygamma(1, -0.5) == doctest::Approx(pi * pi / 2 + 4).epsilon(1e-14));
  CHECK(polygamma(2, 1) == doctest::Approx(-2 * zeta3).epsilon(1e-14));
  CHECK(polygamma(2, 0.5) == doctest::Approx(-14 * zeta3).epsilon(1e-14));
  CHECK(polygamma(2, -0.5) == doctest::Approx(-14 * zeta3 + 16).epsilon(1e-13));
  CHECK(polygamma(3, 1) == doctest::Approx(std::pow(pi, 4) / 15).epsilon(1e-14));
  CHECK(polygamma(3, 0.5) == doctest::Approx(std::pow(pi, 4)).epsilon(1e-14));
  for (int n = 1; n < 12; ++n) {  // the recurrence, on both sides of 0
    const double sign = n % 2 == 1 ? 1 : -1, factorial = std::tgamma(n + 1.0);
    for (const double x : {-7.3, -2.6, -0.2, 0.1, 1.7, 30.0}) {
      CAPTURE(n);
      CAPTURE(x);
      const double step = sign * factorial * std::pow(x, -(n + 1));
      CHECK(polygamma(n, x) - polygamma(n, x + 1) ==
            doctest::Approx(step).scale(std::abs(polygamma(n, x + 1))).epsilon(1e-10));
    }
  }
  CHECK(polygamma(0, 1) == digamma(1));
  CHECK(polygamma(1, 0.0) == std::numeric_limits<double>::infinity());
  CHECK(polygamma(2, 0.0) == -std::numeric_limits<double>::infinity());
}
