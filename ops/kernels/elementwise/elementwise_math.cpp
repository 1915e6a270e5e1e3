// Elementary functions and the activations made of them, and the gradients of those: the formulas of simd_math.h over
// dense runs, compiled once per instruction set and chosen at run time. No threads.
#include <cstddef>

#include "ops/kernels/elementwise/elementwise_detail.h"
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

template <Unary op, class D, class V>
HWY_INLINE V apply(D d, V x, const simd::Settings<V>& s) {
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
    case Unary::tan:
      return simd::tan(d, x);
    default:
      return x;
  }
}

template <Binary op, class D, class V>
HWY_INLINE V apply(D d, V g, V x, const simd::Settings<V>& s) {  // g is the first operand of every function
  using T = hn::TFromD<D>;
  const V one = hn::Set(d, T(1));
  switch (op) {
    case Binary::silu_grad: {  // g s (1 + x (1 - s)), s = sigmoid(x)
      const V y = simd::sigmoid(d, x);
      return hn::Mul(g, hn::Mul(y, hn::MulAdd(x, hn::Sub(one, y), one)));
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
      const V y = simd::sigmoid(d, gelu_argument(d, x));
      const V near = simd::at_least(d, simd::at_most(d, x, kFar), -kFar);
      const V du =
          hn::Mul(hn::Set(d, T(kTwoRootTwoOverPi)), hn::MulAdd(hn::Set(d, T(3 * kCubic)), hn::Mul(near, near), one));
      return hn::Mul(g, hn::MulAdd(hn::Mul(near, du), hn::Mul(y, hn::Sub(one, y)), y));
    }
    case Binary::softplus_grad: {
      const V scaled = hn::Mul(s.a, x);
      return hn::IfThenElse(hn::Gt(scaled, s.b), g, hn::Mul(g, simd::sigmoid(d, scaled)));
    }
    case Binary::elu_grad:
      return hn::Mul(
          g, hn::IfThenElse(hn::Gt(x, hn::Zero(d)), s.c, hn::Mul(hn::Mul(s.a, s.b), simd::exp(d, hn::Mul(s.b, x)))));
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

template <Unary... ops, class T>
HWY_INLINE void choose(Unary op, const T* x, T* z, std::size_t n, const Parameters& p) {
  const auto run = [&]<Unary one>() {
    simd::run_unary(x, z, n, p, [](auto d, auto v, const auto& s) HWY_ATTR { return apply<one>(d, v, s); });
    return true;
  };
  (void)((op == ops && run.template operator()<ops>()) || ...);
}

template <Binary... ops, class T>
HWY_INLINE void choose(Binary op, const T* x, bool x_dense, const T* y, bool y_dense, T* z, std::size_t n,
                       const Parameters& p) {
  const auto run = [&]<Binary one>() {
    simd::run_binary(x, x_dense, y, y_dense, z, n, p,
                     [](auto d, auto u, auto v, const auto& s) HWY_ATTR { return apply<one>(d, u, v, s); });
    return true;
  };
  (void)((op == ops && run.template operator()<ops>()) || ...);
}

template <class T>
HWY_INLINE void any(Unary op, const T* x, T* z, std::size_t n, const Parameters& p) {
  choose<Unary::exp, Unary::expm1, Unary::exp2, Unary::log, Unary::log1p, Unary::log2, Unary::tanh, Unary::sigmoid,
         Unary::logsigmoid, Unary::erf, Unary::erfc, Unary::sin, Unary::cos, Unary::silu, Unary::mish, Unary::gelu,
         Unary::gelu_tanh, Unary::softplus, Unary::elu, Unary::log10, Unary::asin, Unary::acos, Unary::atan,
         Unary::sinh, Unary::cosh, Unary::tan>(op, x, z, n, p);
}
template <class T>
HWY_INLINE void any(Binary op, const T* x, bool x_dense, const T* y, bool y_dense, T* z, std::size_t n,
                    const Parameters& p) {
  choose<Binary::silu_grad, Binary::mish_grad, Binary::gelu_grad, Binary::gelu_tanh_grad, Binary::softplus_grad,
         Binary::elu_grad, Binary::atan2, Binary::hypot, Binary::fmod, Binary::remainder, Binary::logaddexp,
         Binary::xlogy>(op, x, x_dense, y, y_dense, z, n, p);
}

void math_float(Unary op, const float* x, float* z, std::size_t n, const Parameters& p) { any(op, x, z, n, p); }
void math_double(Unary op, const double* x, double* z, std::size_t n, const Parameters& p) { any(op, x, z, n, p); }
void slope_float(Binary op, const float* x, bool x_dense, const float* y, bool y_dense, float* z, std::size_t n,
                 const Parameters& p) {
  any(op, x, x_dense, y, y_dense, z, n, p);
}
void slope_double(Binary op, const double* x, bool x_dense, const double* y, bool y_dense, double* z, std::size_t n,
                  const Parameters& p) {
  any(op, x, x_dense, y, y_dense, z, n, p);
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace chainrule::kernels::detail
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace chainrule::kernels::detail {

HWY_EXPORT(math_float);
HWY_EXPORT(math_double);
HWY_EXPORT(slope_float);
HWY_EXPORT(slope_double);

void unary_math_run(Unary op, const float* x, float* z, std::int64_t n, const Parameters& p) {
  HWY_DYNAMIC_DISPATCH(math_float)(op, x, z, static_cast<std::size_t>(n), p);
}
void unary_math_run(Unary op, const double* x, double* z, std::int64_t n, const Parameters& p) {
  HWY_DYNAMIC_DISPATCH(math_double)(op, x, z, static_cast<std::size_t>(n), p);
}
void binary_math_run(Binary op, const float* x, std::int64_t x_step, const float* y, std::int64_t y_step, float* z,
                     std::int64_t n, const Parameters& p) {
  HWY_DYNAMIC_DISPATCH(slope_float)(op, x, x_step != 0, y, y_step != 0, z, static_cast<std::size_t>(n), p);
}
void binary_math_run(Binary op, const double* x, std::int64_t x_step, const double* y, std::int64_t y_step, double* z,
                     std::int64_t n, const Parameters& p) {
  HWY_DYNAMIC_DISPATCH(slope_double)(op, x, x_step != 0, y, y_step != 0, z, static_cast<std::size_t>(n), p);
}

}  // namespace chainrule::kernels::detail
#endif
