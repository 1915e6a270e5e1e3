// Inner header: for our own sources, not installed.
// Arcs and hyperbolic functions over vectors of float and double: atan2 and what follows from it, sinh and cosh; as
// simd_math.h.
#if defined(CHAINRULE_OPS_KERNELS_SIMD_MATH_ARCS_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef CHAINRULE_OPS_KERNELS_SIMD_MATH_ARCS_H_
#undef CHAINRULE_OPS_KERNELS_SIMD_MATH_ARCS_H_
#else
#define CHAINRULE_OPS_KERNELS_SIMD_MATH_ARCS_H_
#endif

#include "ops/kernels/simd/simd_math.h"

HWY_BEFORE_NAMESPACE();
namespace chainrule::kernels {
namespace HWY_NAMESPACE {
namespace simd {

/// atan(t) for 0 <= t <= 1, and subnormal t.
template <class D, class V>
HWY_INLINE V atan_below_one(D d, V t) {
  const V s = hn::Mul(t, t);
  V p;  // (atan(t) / t - 1) / s
  if constexpr (kSingle<D>) {
    constexpr float c[] = {-0.333333019F, 0.199986387F,   -0.142652459F, 0.10957579F,    -0.0841946723F,
                           0.0582346853F, -0.0314558325F, 0.0110645094F, -0.00182722788F};
    p = polynomial_by_pairs(d, s, c);
  } else {
    constexpr double c[] = {
        -0.33333333333331995,   0.19999999999774904,    -0.14285714272358985,   0.11111110705639829,
        -0.09090901659326083,   0.076922173318963302,   -0.066658922620549077,  0.058774755370707722,
        -0.052398903000037854,  0.046759015564310722,   -0.040970771673295,     0.034145429626001156,
        -0.025930935899732604,  0.017084264837361903,   -0.0092654412021046037, 0.0039004741483751217,
        -0.0011807780168651995, 0.00022685108222608211, -2.0662541890084096e-5};
    p = polynomial_by_pairs(d, s, c);
  }
  return hn::MulAdd(hn::Mul(t, s), p, t);
}

/// The angle of (x, y): that of the smaller to the larger side, turned into its eighth of the circle.
template <class D, class V>
HWY_INLINE V atan2(D d, V y, V x) {
  using T = Number<D>;
  const V zero = hn::Zero(d), one = hn::Set(d, T(1));
  const V right = hn::Set(d, T(1.5707963267948966)), straight = hn::Set(d, T(3.1415926535897932));
  const V right_rest = hn::Set(d, kSingle<D> ? T(-4.37113900018624283e-8) : T(6.12323399573676603587e-17));
  const V ax = hn::Abs(x), ay = hn::Abs(y);
  const auto steep = hn::Gt(ay, ax);
  const V low = hn::IfThenElse(steep, ax, ay), high = hn::IfThenElse(steep, ay, ax);
  // Equal sides may be two zeros, whose angle is 0, or two infinities.
  const V t = hn::IfThenElse(hn::Eq(low, high), hn::IfThenElseZero(hn::Gt(high, zero), one), hn::Div(low, high));
  const V a = atan_below_one(d, t);
  const V left = hn::CopySign(one, x);  // -1 on the left, for x = -0 too
  const auto is_left = hn::Lt(left, zero);
  const V whole = hn::IfThenElse(steep, right, hn::IfThenElseZero(is_left, straight));
  const V rest = hn::IfThenElse(steep, right_rest, hn::IfThenElseZero(is_left, hn::Add(right_rest, right_rest)));
  const V turned = hn::IfThenElse(steep, hn::Neg(hn::CopySign(a, x)), hn::CopySign(a, x));
  const V z = hn::CopySign(hn::Add(whole, hn::Add(rest, turned)), y);
  return hn::IfThenElse(hn::And(hn::Eq(x, x), hn::Eq(y, y)), z, hn::Add(x, y));
}

template <class D, class V>
HWY_INLINE V atan(D d, V x) {
  return atan2(d, x, hn::Set(d, Number<D>(1)));
}

/// sqrt(1 - x^2), NaN beyond 1.
template <class D, class V>
HWY_INLINE V circle(D d, V x) {
  const V one = hn::Set(d, Number<D>(1));
  return hn::Sqrt(hn::Mul(hn::Sub(one, x), hn::Add(one, x)));
}

template <class D, class V>
HWY_INLINE V asin(D d, V x) {
  return atan2(d, x, circle(d, x));
}

template <class D, class V>
HWY_INLINE V acos(D d, V x) {
  return atan2(d, circle(d, x), x);
}

/// e^a / 2 for a >= 0: infinite only where that is.
template <class D, class V>
HWY_INLINE V half_exp(D d, V a) {
  using T = Number<D>;
  const Reduced<V> s = reduce(d, at_most(d, a, kExpHigh<D> + 1));
  const V q = hn::MulAdd(hn::Mul(s.r, s.r), exp_tail(d, s.r), s.r), half = hn::Set(d, T(0.5));
  return scale_by_power(d, hn::MulAdd(half, q, half), s.biased);
}

template <class D, class V>
HWY_INLINE V cosh(D d, V x) {
  const V h = half_exp(d, hn::Abs(x));
  return hn::Add(h, hn::Div(hn::Set(d, Number<D>(0.25)), h));
}

/// The series up to 1, (e^a - e^-a) / 2 beyond.
template <class D, class V>
HWY_INLINE V sinh(D d, V x) {
  using T = Number<D>;
  const V a = hn::Abs(x), a2 = hn::Mul(a, a);
  V p;
  if constexpr (kSingle<D>) {
    constexpr float c[] = {1.0F / 6, 1.0F / 120, 1.0F / 5040, 1.0F / 362880, 1.0F / 39916800};
    p = polynomial(d, a2, c);
  } else {
    constexpr double c[] = {1.0 / 6,
                            1.0 / 120,
                            1.0 / 5040,
                            1.0 / 362880,
                            1.0 / 39916800,
                            1.0 / 6227020800,
                            1.0 / 1307674368000,
                            1.0 / 355687428096000,
                            1.0 / 121645100408832000};
    p = polynomial(d, a2, c);
  }
  const V near = hn::MulAdd(hn::Mul(a, a2), p, a), h = half_exp(d, a);
  const V far = hn::Sub(h, hn::Div(hn::Set(d, T(0.25)), h));
  return hn::CopySign(hn::IfThenElse(hn::Lt(a, hn::Set(d, T(1))), near, far), x);
}

}  // namespace simd
}  // namespace HWY_NAMESPACE
}  // namespace chainrule::kernels
HWY_AFTER_NAMESPACE();

#endif
