// Elementary functions and the activations made of them, and the gradients of those: the formulas of simd_math.h over
// dense runs, compiled once per instruction set and chosen at run time. No threads.
#include <cstddef>

#include "ops/kernels/elementwise/elementwise_detail.h"
#include "ops/kernels/simd/simd_loops.h"
#include "ops/kernels/simd/simd_targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/kernels/elementwise/elementwise_math.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
// The order matters: highway.h first.
#include "ops/kernels/elementwise/elementwise_run.h"
#include "ops/kernels/simd/simd_math_arcs.h"
#include "ops/kernels/simd/simd_math_curves.h"
#include "ops/kernels/simd/simd_math_erf.h"
#include "ops/kernels/simd/simd_math_pairs.h"

HWY_BEFORE_NAMESPACE();
namespace chainrule::kernels::detail {
namespace HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;
namespace simd = chainrule::kernels::HWY_NAMESPACE::simd;

constexpr double kTwoRootTwoOverPi = 1.5957691216057308;  // gelu's tanh form is x sigmoid(2 sqrt(2 / pi) (x + k x^3))
constexpr double kCubic = 0.044715;
constexpr double kFar = 40;  // beyond it mish(x) = x

/// e (e + 2) for e = exp(x): tanh(softplus(x)) is w / (w + 2). Every term is positive, so no digit is lost.
template <class D, class V>
HWY_INLINE V mish_weight(D d, V e) {
  return hn::Mul(e, hn::Add(e, hn::Set(d, hn::TFromD<D>(2))));
}

template <class D, class V>
HWY_INLINE V gelu_argument(D d, V x) {
  using T = hn::TFromD<D>;
  const V x3 = hn::Mul(hn::Mul(x, x), x);
  return hn::Mul(hn::Set(d, T(kTwoRootTwoOverPi)), hn::MulAdd(hn::Set(d, T(kCubic)), x3, x));
}

/// z = of<op>(d, x ..., settings).
struct Formulas {
  template <Unary op, class D, class V>
  static HWY_INLINE V of(D d, V x, const simd::Settings<V>& s) {
    using T = hn::TFromD<D>;
    switch (op) {
      case Unary::exp:
        return simd::exp(d, x);
      case Unary::expm1:
        return simd::expm1(d, x);
      case Unary::exp2:
        return simd::exp2(d, x);
      case Unary::log:
        return simd::log(d, x);
      case Unary::log1p:
        return simd::log1p(d, x);
      case Unary::log2:
        return simd::log2(d, x);
      case Unary::tanh:
        return simd::tanh(d, x);
      case Unary::sigmoid:
        return simd::sigmoid(d, x);
      case Unary::logsigmoid:
        return hn::Neg(simd::softplus(d, hn::Neg(x)));
      case Unary::erf:
        return simd::erf(d, x);
      case Unary::erfc:
        return simd::erfc(d, x);
      case Unary::sin:
        return simd::sine<0>(d, x);
      case Unary::cos:
        return simd::sine<1>(d, x);
      case Unary::silu:
        return hn::Mul(x, simd::sigmoid(d, x));
      case Unary::mish: {
        const V w = mish_weight(d, simd::exp(d, simd::at_most(d, x, kFar)));
        return hn::Mul(x, hn::Div(w, hn::Add(w, hn::Set(d, T(2)))));
      }
      case Unary::gelu:
        return hn::Mul(x, simd::normal(d, x).cdf);
      case Unary::gelu_tanh:
        return hn::Mul(x, simd::sigmoid(d, gelu_argument(d, x)));
      case Unary::softplus: {
        const V scaled = hn::Mul(s.a, x);
        return hn::IfThenElse(hn::Gt(scaled, s.b), x, hn::Div(simd::softplus(d, scaled), s.a));
      }
      case Unary::elu:
        return hn::IfThenElse(hn::Gt(x, hn::Zero(d)), hn::Mul(s.c, x), hn::Mul(s.a, simd::expm1(d, hn::Mul(s.b, x))));
      case Unary::log10:
        return simd::log10(d, x);
      case Unary::asin:
        return simd::asin(d, x);
      case Unary::acos:
        return simd::acos(d, x);
      case Unary::atan:
        return simd::atan(d, x);
      case Unary::sinh:
        return simd::sinh(d, x);
      case Unary::cosh:
        return simd::cosh(d, x);
      case Unary::bell: {  // e^-(h + l), h + l = a x^2 exactly
        const V h = hn::Mul(x, x);
        return simd::exp_minus(d, hn::Mul(s.a, h), hn::Mul(s.a, simd::square_error(d, x, h)));
      }
      case Unary::tan:
        return simd::tan(d, x);
      default:
        return x;
    }
  }

  template <Binary op, class D, class V>
  static HWY_INLINE V of(D d, V g, V x, const simd::Settings<V>& s) {  // g is the first operand of every function
    using T = hn::TFromD<D>;
    const V one = hn::Set(d, T(1));
    switch (op) {
      case Binary::silu_grad: {  // g s (1 + x (1 - s)), s = sigmoid(x)
        const auto y = simd::sigmoids(d, x);
        return hn::Mul(g, hn::Mul(y.of, hn::MulAdd(x, y.of_minus, one)));
      }
      case Binary::mish_grad: {  // g (w / (w + 2) + x * 4 e (1 + e) / (w + 2)^2), e = exp(x), w = e (e + 2)
        const V near = simd::at_most(d, x, kFar);
        const V e = simd::exp(d, near), w = mish_weight(d, e);
        const V inverse = hn::Div(one, hn::Add(w, hn::Set(d, T(2))));
        const V slope = hn::Mul(hn::Mul(hn::Mul(hn::Set(d, T(4)), e), inverse), hn::Mul(hn::Add(one, e), inverse));
        return hn::Mul(g, hn::MulAdd(near, slope, hn::Mul(w, inverse)));
      }
      case Binary::gelu_grad: {  // g (Phi(x) + x phi(x))
        const auto phi = simd::normal(d, x);
        return hn::Mul(g, hn::MulAdd(x, phi.density, phi.cdf));
      }
      case Binary::gelu_tanh_grad: {  // g (s + x s (1 - s) u'), s = sigmoid(u); the second term is 0 far from 0
        const auto y = simd::sigmoids(d, gelu_argument(d, x));
        const V near = simd::at_least(d, simd::at_most(d, x, kFar), -kFar);
        const V du =
            hn::Mul(hn::Set(d, T(kTwoRootTwoOverPi)), hn::MulAdd(hn::Set(d, T(3 * kCubic)), hn::Mul(near, near), one));
        return hn::Mul(g, hn::MulAdd(hn::Mul(y.of, hn::Mul(near, du)), y.of_minus, y.of));
      }
      case Binary::softplus_grad: {
        const V scaled = hn::Mul(s.a, x);
        return hn::IfThenElse(hn::Gt(scaled, s.b), g, hn::Mul(g, simd::sigmoid(d, scaled)));
      }
      case Binary::elu_grad:
        return hn::Mul(
            g, hn::IfThenElse(hn::Gt(x, hn::Zero(d)), s.c, hn::Mul(hn::Mul(s.a, s.b), simd::exp(d, hn::Mul(s.b, x)))));
      case Binary::tanh_grad: {  // 4 s (1 - s), s = sigmoid(2 x)
        const V e = simd::exp_below(d, hn::Add(x, x)), u = hn::Add(one, e);
        return hn::Mul(g, hn::Div(hn::Mul(hn::Set(d, T(4)), e), hn::Mul(u, u)));
      }
      case Binary::sigmoid_grad: {
        const V e = simd::exp_below(d, x), u = hn::Add(one, e);
        return hn::Mul(g, hn::Div(e, hn::Mul(u, u)));
      }
      case Binary::atan2:
        return simd::atan2(d, g, x);
      case Binary::hypot:
        return simd::hypot(d, g, x);
      case Binary::fmod:
        return simd::fmod(d, g, x);
      case Binary::remainder:
        return simd::remainder(d, g, x);
      case Binary::logaddexp:
        return simd::logaddexp(d, g, x);
      case Binary::xlogy:
        return simd::xlogy(d, g, x);
      default:
        return x;
    }
  }
};

template <class T>
constexpr MathLoops<T> kLoops{simd::run_function<Formulas, kLongUnary, T>,
                              simd::run_function<Formulas, kLongBinary, T>};
CHAINRULE_LOOPS(MathLoops)

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace chainrule::kernels::detail
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace chainrule::kernels::detail {

CHAINRULE_EXPORT_LOOPS(MathLoops);

}  // namespace chainrule::kernels::detail
#endif
