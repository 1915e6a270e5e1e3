// Functions of one floating operand that take a few instructions, compiled once per instruction set and chosen at run
// time; the other functions are in elementwise_math.cpp and elementwise_scalar.cpp. No threads.
#include <cmath>
#include <cstddef>
#include <limits>

#include "ops/kernels/elementwise/elementwise_detail.h"
#include "ops/kernels/simd/simd_loops.h"
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

/// z = of<op>(d, x ..., settings).
struct Formulas {
  template <Unary op, class D, class V>
  static HWY_INLINE V of(D d, V x, const simd::Settings<V>& s) {
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
        return hn::CopySign(hn::Floor(x), x);  // Highway's own, without vectors, gives zeros the wrong sign
      case Unary::ceil:
        return hn::CopySign(hn::Ceil(x), x);
      case Unary::round:
        return hn::CopySign(hn::Round(x), x);
      case Unary::trunc:
        return hn::CopySign(hn::Trunc(x), x);
      case Unary::frac:
        return hn::Sub(x, hn::CopySign(hn::Trunc(x), x));
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
};

template <class T>
constexpr UnaryLoops<T> kLoops{simd::run_function<Formulas, kShortUnary, T>};
CHAINRULE_LOOPS(UnaryLoops)

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace chainrule::kernels::detail
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace chainrule::kernels {
namespace detail {

CHAINRULE_EXPORT_LOOPS(UnaryLoops);

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
