// Functions of one floating operand, compiled once per instruction set and chosen at run time. Highway's approximations
// of exp, log and tanh are made exact at infinities, zeros and NaN here. No threads.
#include <cmath>
#include <cstddef>
#include <limits>

#include "ops/kernels/elementwise_detail.h"
#include "ops/kernels/simd_targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/kernels/elementwise_unary.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
// The order matters: highway.h first.
#include <hwy/contrib/math/math-inl.h>

HWY_BEFORE_NAMESPACE();
namespace chainrule::kernels::detail {
namespace HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

// Not inlined: body and tail of a run then share the very same instructions.

template <class D, class V>
HWY_NOINLINE V exact_exp(D d, V x) {
  using T = hn::TFromD<D>;
  const V overflow = hn::Set(d, sizeof(T) == 4 ? T(89) : T(710));  // beyond log(max), where the estimate stops working
  const V infinity = hn::Set(d, std::numeric_limits<T>::infinity());
  const V y = hn::IfThenElse(hn::Gt(x, overflow), infinity, hn::Exp(d, x));
  return hn::IfThenElse(hn::IsNaN(x), x, y);
}

template <class D, class V>
HWY_NOINLINE V exact_log(D d, V x) {
  using T = hn::TFromD<D>;
  const V zero = hn::Zero(d);
  const V infinity = hn::Set(d, std::numeric_limits<T>::infinity());
  V y = hn::Log(d, x);
  y = hn::IfThenElse(hn::Eq(x, infinity), infinity, y);
  y = hn::IfThenElse(hn::Eq(x, zero), hn::Neg(infinity), y);
  y = hn::IfThenElse(hn::Lt(x, zero), hn::Set(d, std::numeric_limits<T>::quiet_NaN()), y);
  return hn::IfThenElse(hn::IsNaN(x), x, y);
}

template <class D, class V>
HWY_NOINLINE V exact_tanh(D d, V x) {
  return hn::IfThenElse(hn::IsNaN(x), x, hn::Tanh(d, x));
}

// With e = exp(-|x|) nothing overflows: 1 / (1 + e) for x >= 0, e / (1 + e) below.
template <class D, class V>
HWY_NOINLINE V exact_sigmoid(D d, V x) {
  using T = hn::TFromD<D>;
  const V one = hn::Set(d, T(1));
  const V e = exact_exp(d, hn::Neg(hn::Abs(x)));
  return hn::Div(hn::IfThenElse(hn::Ge(x, hn::Zero(d)), one, e), hn::Add(one, e));
}

template <class D, class V>
HWY_INLINE V apply(D d, V x, Unary op) {
  using T = hn::TFromD<D>;
  const V zero = hn::Zero(d);
  const V one = hn::Set(d, T(1));
  switch (op) {
    case Unary::neg:
      return hn::Neg(x);
    case Unary::abs:
      return hn::Abs(x);
    case Unary::exp:
      return exact_exp(d, x);
    case Unary::log:
      return exact_log(d, x);
    case Unary::sqrt:
      return hn::Sqrt(x);
    case Unary::square:
      return hn::Mul(x, x);
    case Unary::tanh:
      return exact_tanh(d, x);
    case Unary::sigmoid:
      return exact_sigmoid(d, x);
    case Unary::relu:
      return hn::IfThenElse(hn::Le(x, zero), zero, x);  // a NaN is not <= 0 and passes
    case Unary::reciprocal:
      return hn::Div(one, x);
    case Unary::sign: {
      const V s = hn::Sub(hn::IfThenElseZero(hn::Gt(x, zero), one), hn::IfThenElseZero(hn::Lt(x, zero), one));
      return hn::IfThenElse(hn::IsNaN(x), x, s);
    }
    case Unary::step:
      return hn::IfThenElse(hn::IsNaN(x), x, hn::IfThenElseZero(hn::Gt(x, zero), one));
  }
  return x;
}

// The tail goes through a padded buffer, so it takes the same vector instructions and no load leaves the array.
template <Unary op, class T>
void run(const T* x, T* z, std::size_t n) {
  const hn::ScalableTag<T> d;
  const std::size_t lanes = hn::Lanes(d);
  std::size_t i = 0;
  for (; i + lanes <= n; i += lanes) hn::StoreU(apply(d, hn::LoadU(d, x + i), op), d, z + i);
  if (i == n) return;
  HWY_ALIGN T buffer[hn::MaxLanes(d)] = {};
  for (std::size_t j = i; j < n; ++j) buffer[j - i] = x[j];
  hn::Store(apply(d, hn::Load(d, buffer), op), d, buffer);
  for (std::size_t j = i; j < n; ++j) z[j] = buffer[j - i];
}

template <class T>
void choose(Unary op, const T* x, T* z, std::size_t n) {
  switch (op) {
    case Unary::neg:
      return run<Unary::neg>(x, z, n);
    case Unary::abs:
      return run<Unary::abs>(x, z, n);
    case Unary::exp:
      return run<Unary::exp>(x, z, n);
    case Unary::log:
      return run<Unary::log>(x, z, n);
    case Unary::sqrt:
      return run<Unary::sqrt>(x, z, n);
    case Unary::square:
      return run<Unary::square>(x, z, n);
    case Unary::tanh:
      return run<Unary::tanh>(x, z, n);
    case Unary::sigmoid:
      return run<Unary::sigmoid>(x, z, n);
    case Unary::relu:
      return run<Unary::relu>(x, z, n);
    case Unary::reciprocal:
      return run<Unary::reciprocal>(x, z, n);
    case Unary::sign:
      return run<Unary::sign>(x, z, n);
    case Unary::step:
      return run<Unary::step>(x, z, n);
  }
}

void unary_float(Unary op, const float* x, float* z, std::size_t n) { choose(op, x, z, n); }
void unary_double(Unary op, const double* x, double* z, std::size_t n) { choose(op, x, z, n); }

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace chainrule::kernels::detail
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace chainrule::kernels {
namespace detail {

HWY_EXPORT(unary_float);
HWY_EXPORT(unary_double);

void unary_run(Unary op, const float* x, float* z, std::int64_t n) {
  HWY_DYNAMIC_DISPATCH(unary_float)(op, x, z, static_cast<std::size_t>(n));
}
void unary_run(Unary op, const double* x, double* z, std::int64_t n) {
  HWY_DYNAMIC_DISPATCH(unary_double)(op, x, z, static_cast<std::size_t>(n));
}

}  // namespace detail

namespace {

// One rounding or none: plain C++ gives the bits of the vector instruction.
template <class T>
T one(Unary op, T x) {
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
    case Unary::sign:
      return x > 0 ? T(1) : x < 0 ? T(-1) : x == 0 ? T(0) : x;
    case Unary::step:
      return x > 0 ? T(1) : x <= 0 ? T(0) : x;
    case Unary::exp:
    case Unary::log:
    case Unary::tanh:
    case Unary::sigmoid:
      break;
  }
  T z;
  detail::unary_run(op, &x, &z, 1);
  return z;
}

}  // namespace

float unary_one(Unary op, float x) { return one(op, x); }
double unary_one(Unary op, double x) { return one(op, x); }

}  // namespace chainrule::kernels
#endif
