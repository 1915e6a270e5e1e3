// Functions computed one element at a time: those of the C library, thread-safe, and digamma and polygamma, which it
// does not have. No vectors, no threads.
#include <math.h>  // lgamma_r is not in <cmath>

#include <cmath>
#include <cstddef>
#include <limits>
#include <vector>

#include "ops/kernels/elementwise/elementwise_detail.h"

namespace chainrule::kernels::detail {
namespace {

constexpr double kInf = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kPi = 3.14159265358979323846;

// std::lgamma writes the sign of the result to a variable that all threads share.
double lgamma_of(double x) {
  int sign = 0;
  return ::lgamma_r(x, &sign);
}

/// cot(pi x), exact in its argument.
double cot_pi(double x) { return 1 / std::tan(kPi * (x - std::round(x))); }

// Reflection below 0, recurrence up to 10, then the asymptotic series (Abramowitz and Stegun 6.3.5, 6.3.7, 6.3.18).
double digamma_of(double x) {
  if (x == 0) return std::copysign(kInf, -x);
  if (x < 0) return std::floor(x) == x ? kNan : digamma_of(1 - x) - kPi * cot_pi(x);
  // In more digits, where the machine has them: sum and logarithm nearly cancel between 1 and 2.
  using Wide = long double;
  Wide sum = 0, u = x;
  for (; u < 10; u += 1) sum -= 1 / u;
  const Wide w = 1 / (u * u);
  const Wide tail =
      w * (Wide(1) / 12 -
           w * (Wide(1) / 120 -
                w * (Wide(1) / 252 - w * (Wide(1) / 240 - w * (Wide(1) / 132 - w * (Wide(691) / 32760 - w / 12))))));
  return static_cast<double>(sum + std::log(u) - 1 / (2 * u) - tail);
}

/// The Hurwitz zeta function: the sum of (x + k)^-s, s > 1, x > 0. Euler-Maclaurin after the first terms.
double zeta(double s, double x) {
  constexpr double kBernoulli[] = {1.0 / 12,          -1.0 / 720,
                                   1.0 / 30240,       -1.0 / 1209600,
                                   1.0 / 47900160,    -691.0 / 1307674368000,
                                   1.0 / 74724249600, -3617.0 / 10670622842880000};  // B_2k / (2k)!
  double sum = 0;
  const double far = 10 + s;  // the corrections fall fast only beyond the order
  for (; x < far; x += 1) {
    const double term = std::pow(x, -s);
    sum += term;
    if (term <= 1e-18 * sum) return sum;
  }
  const double power = std::pow(x, -s);
  sum += power * x / (s - 1) + power / 2;
  double factor = s * power / x;
  for (int k = 0; k < 8; ++k) {
    sum += kBernoulli[k] * factor;
    factor *= (s + 2 * k + 1) * (s + 2 * k + 2) / (x * x);
  }
  return sum;
}

/// The derivative of order n of cot(pi x) by x: a polynomial in c = cot(pi x), because c' = -pi (1 + c^2).
double cot_derivative(int n, double x) {
  std::vector<double> p{0, 1};
  for (int k = 0; k < n; ++k) {
    std::vector<double> next(p.size() + 1, 0.0);
    for (std::size_t i = 1; i < p.size(); ++i) {
      const double slope = -kPi * static_cast<double>(i) * p[i];
      next[i - 1] += slope;
      next[i + 1] += slope;
    }
    p = std::move(next);
  }
  const double c = cot_pi(x);
  double value = 0;
  for (std::size_t i = p.size(); i-- > 0;) value = value * c + p[i];
  return value;
}

double polygamma_of(double order, double x) {
  if (order == 0) return digamma_of(x);
  const auto n = static_cast<int>(order);
  const double sign = n % 2 == 1 ? 1 : -1;
  if (std::isnan(x)) return x;
  if (std::isinf(x)) return x > 0 ? sign * 0.0 : kNan;
  if (x == 0) return sign > 0 ? kInf : std::copysign(kInf, -x);
  if (x < 0) {  // reflection, Abramowitz and Stegun 6.4.7
    if (std::floor(x) == x) return sign > 0 ? kInf : kNan;
    return -kPi * cot_derivative(n, x) - sign * polygamma_of(order, 1 - x);
  }
  return sign * std::exp(lgamma_of(order + 1)) * zeta(order + 1, x);
}

// As PyTorch: from the exact remainder, so that floor_divide(1, 0.1) is 9.
template <class T>
T floor_quotient(T x, T y) {
  if (y == 0) return x / y;
  const T r = std::fmod(x, y);
  T q = (x - r) / y;
  if (r != 0 && (r < 0) != (y < 0)) q -= 1;
  if (q == 0) return std::copysign(T(0), x / y);
  const T whole = std::floor(q);
  return q - whole > T(0.5) ? whole + 1 : whole;
}

template <class T, class F>
void each(const T* x, T* z, std::int64_t n, F f) {
  for (std::int64_t i = 0; i < n; ++i) z[i] = static_cast<T>(f(x[i]));
}

// A NaN in either operand stays visible, also where the C library hides it: pow(NaN, 0), pow(1, NaN).
template <class T, class F>
void each(const T* x, std::int64_t x_step, const T* y, std::int64_t y_step, T* z, std::int64_t n, F f) {
  for (std::int64_t i = 0; i < n; ++i) {
    const T a = x[i * x_step], b = y[i * y_step];
    z[i] = std::isnan(a) || std::isnan(b) ? a + b : f(a, b);
  }
}

}  // namespace

template <class T>
void unary_scalar_run(Unary op, const T* x, T* z, std::int64_t n, const Parameters& p) {
  switch (op) {
    case Unary::asinh:
      return each(x, z, n, [](T v) { return std::asinh(v); });
    case Unary::acosh:
      return each(x, z, n, [](T v) { return std::acosh(v); });
    case Unary::atanh:
      return each(x, z, n, [](T v) { return std::atanh(v); });
    case Unary::lgamma:
      return each(x, z, n, [](T v) { return lgamma_of(v); });
    case Unary::digamma:
      return each(x, z, n, [](T v) { return digamma_of(v); });
    case Unary::polygamma:
      return each(x, z, n, [&](T v) { return polygamma_of(p.a, v); });
    default:
      return;
  }
}

template <class T>
void binary_scalar_run(Binary op, const T* x, std::int64_t x_step, const T* y, std::int64_t y_step, T* z,
                       std::int64_t n) {
  const auto run = [&](auto f) { each(x, x_step, y, y_step, z, n, f); };
  switch (op) {
    case Binary::pow:
      return run([](T a, T b) { return std::pow(a, b); });
    case Binary::floor_divide:
      return run([](T a, T b) { return floor_quotient(a, b); });
    default:
      return;
  }
}

template void unary_scalar_run(Unary, const float*, float*, std::int64_t, const Parameters&);
template void unary_scalar_run(Unary, const double*, double*, std::int64_t, const Parameters&);
template void binary_scalar_run(Binary, const float*, std::int64_t, const float*, std::int64_t, float*, std::int64_t);
template void binary_scalar_run(Binary, const double*, std::int64_t, const double*, std::int64_t, double*,
                                std::int64_t);

}  // namespace chainrule::kernels::detail
