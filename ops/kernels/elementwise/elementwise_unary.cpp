// Functions of one floating operand that take a few instructions, compiled once per instruction set and chosen at run
// time; the other functions are in elementwise_math.cpp and elementwise_scalar.cpp. No threads.
#include <cmath>
#include <cstddef>
#include <limits>

#include "ops/kernels/elementwise/elementwise_detail.h"
#include "ops/kernels/simd/simd_targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/kernels/elementwise/elementwise_unary.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
// The order matters: highway.h first.
#include "ops/kernels/elementwise/elementwise_run.h"

HWY_BEFORE_NAMESPACE();
namespace chainrule::kernels::detail {
namespace HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;
namespace simd = chainrule::kernels::HWY_NAMESPACE::simd;

template <class V>
HWY_INLINE V clamp(V x, V low, V high) {  // NaN passes
  const V raised = hn::IfThenElse(hn::Lt(x, low), low, x);
  return hn::IfThenElse(hn::Gt(raised, high), high, raised);
}

template <Unary op, class D, class V>
HWY_INLINE V apply(D d, V x, const simd::Settings<V>& s) {
  using T = hn::TFromD<D>;
  const V zero = hn::Zero(d);
  const V one = hn::Set(d, T(1)), three = hn::Set(d, T(3)), six = hn::Set(d, T(6));
  const auto unless_nan = [&](V z) { return hn::IfThenElse(hn::IsNaN(x), x, z); };
  switch (op) {
    case Unary::neg:
      return hn::Neg(x);
    case Unary::abs:
      return hn::Abs(x);
    case Unary::sqrt:
      return hn::Sqrt(x);
    case Unary::square:
      return hn::Mul(x, x);
    case Unary::reciprocal:
      return hn::Div(one, x);
    case Unary::rsqrt:
      return hn::Div(one, hn::Sqrt(x));
    case Unary::sign:
      return unless_nan(hn::Sub(hn::IfThenElseZero(hn::Gt(x, zero), one), hn::IfThenElseZero(hn::Lt(x, zero), one)));
    case Unary::step:
      return unless_nan(hn::IfThenElseZero(hn::Gt(x, zero), one));
    case Unary::flat:
      return unless_nan(zero);
    case Unary::floor:
      return hn::Floor(x);
    case Unary::ceil:
      return hn::Ceil(x);
    case Unary::round:
      return hn::Round(x);
    case Unary::trunc:
      return hn::Trunc(x);
    case Unary::frac:
      return hn::Sub(x, hn::Trunc(x));
    case Unary::relu:
      return hn::IfThenElse(hn::Le(x, zero), zero, x);  // a NaN is not <= 0 and passes
    case Unary::softsign:
      return hn::Div(x, hn::Add(one, hn::Abs(x)));
    case Unary::hardsigmoid:
      return hn::Div(clamp(hn::Add(x, three), zero, six), six);
    case Unary::hardswish:
      return hn::Div(hn::Mul(x, clamp(hn::Add(x, three), zero, six)), six);
    case Unary::leaky_relu:
      return hn::IfThenElse(hn::Gt(x, zero), x, hn::Mul(s.a, x));
    case Unary::clamp:
      return clamp(x, s.a, s.b);
    case Unary::threshold:
      return hn::IfThenElse(hn::Le(x, s.a), s.b, x);
    default:
      return x;
  }
}

/// Runs the one of `ops` that is wanted.
template <Unary... ops, class T>
HWY_INLINE void choose(Unary op, const T* x, T* z, std::size_t n, const Parameters& p) {
  const auto run = [&]<Unary one>() {
    simd::run_unary(x, z, n, p, [](auto d, auto v, const auto& s) HWY_ATTR { return apply<one>(d, v, s); });
    return true;
  };
  (void)((op == ops && run.template operator()<ops>()) || ...);
}

template <class T>
HWY_INLINE void any(Unary op, const T* x, T* z, std::size_t n, const Parameters& p) {
  choose<Unary::neg, Unary::abs, Unary::sqrt, Unary::square, Unary::reciprocal, Unary::rsqrt, Unary::sign, Unary::step,
         Unary::flat, Unary::floor, Unary::ceil, Unary::round, Unary::trunc, Unary::frac, Unary::relu, Unary::softsign,
         Unary::hardsigmoid, Unary::hardswish, Unary::leaky_relu, Unary::clamp, Unary::threshold>(op, x, z, n, p);
}

void unary_float(Unary op, const float* x, float* z, std::size_t n, const Parameters& p) { any(op, x, z, n, p); }
void unary_double(Unary op, const double* x, double* z, std::size_t n, const Parameters& p) { any(op, x, z, n, p); }

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace chainrule::kernels::detail
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace chainrule::kernels {
namespace detail {

HWY_EXPORT(unary_float);
HWY_EXPORT(unary_double);

void unary_run(Unary op, const float* x, float* z, std::int64_t n, const Parameters& p) {
  if (loop_of(op) == Loop::long_vector) return unary_math_run(op, x, z, n, p);
  if (loop_of(op) == Loop::scalar) return unary_scalar_run(op, x, z, n, p);
  HWY_DYNAMIC_DISPATCH(unary_float)(op, x, z, static_cast<std::size_t>(n), p);
}
void unary_run(Unary op, const double* x, double* z, std::int64_t n, const Parameters& p) {
  if (loop_of(op) == Loop::long_vector) return unary_math_run(op, x, z, n, p);
  if (loop_of(op) == Loop::scalar) return unary_scalar_run(op, x, z, n, p);
  HWY_DYNAMIC_DISPATCH(unary_double)(op, x, z, static_cast<std::size_t>(n), p);
}

}  // namespace detail

namespace {

// One rounding or none: plain C++ gives the bits of the vector instruction. The others ask the vector code.
template <class T>
T one(Unary op, T x, const Parameters& p) {
  switch (op) {
    case Unary::neg:
      return -x;
    case Unary::abs:
      return std::abs(x);
    case Unary::sqrt:
      return std::sqrt(x);
    case Unary::square:
      return x * x;
    case Unary::relu:
      return x <= 0 ? T(0) : x;
    case Unary::reciprocal:
      return T(1) / x;
    default:
      T z;
      detail::unary_run(op, &x, &z, 1, p);
      return z;
  }
}

}  // namespace

float unary_one(Unary op, float x, const Parameters& p) { return one(op, x, p); }
double unary_one(Unary op, double x, const Parameters& p) { return one(op, x, p); }

}  // namespace chainrule::kernels
#endif
