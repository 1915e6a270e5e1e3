// Inner header: for our own sources, not installed.
// Functions of two numbers over vectors of float and double: hypot, remainders, logaddexp and xlogy; as simd_math.h.
// NaN in either gives NaN.
#if defined(CHAINRULE_OPS_KERNELS_SIMD_MATH_PAIRS_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef CHAINRULE_OPS_KERNELS_SIMD_MATH_PAIRS_H_
#undef CHAINRULE_OPS_KERNELS_SIMD_MATH_PAIRS_H_
#else
#define CHAINRULE_OPS_KERNELS_SIMD_MATH_PAIRS_H_
#endif

#include <cmath>

#include "ops/kernels/simd/simd_math_curves.h"

HWY_BEFORE_NAMESPACE();
namespace chainrule::kernels {
namespace HWY_NAMESPACE {
namespace simd {

/// sqrt(x^2 + y^2), scaled by powers of two so that no square overflows or becomes subnormal.
template <class D, class V>
HWY_INLINE V hypot(D d, V x, V y) {
  using T = Number<D>;
  constexpr bool single = kSingle<D>;
  const V ax = hn::Abs(x), ay = hn::Abs(y), one = hn::Set(d, T(1));
  const auto swap = hn::Gt(ay, ax);
  const V high = hn::IfThenElse(swap, ay, ax), low = hn::IfThenElse(swap, ax, ay);
  const auto large = hn::Gt(high, hn::Set(d, single ? T(0x1p62) : T(0x1p510)));
  const auto small = hn::Lt(high, hn::Set(d, single ? T(0x1p-40) : T(0x1p-400)));
  const V down = hn::Set(d, single ? T(0x1p-80) : T(0x1p-600)), up = hn::Set(d, single ? T(0x1p80) : T(0x1p600));
  const V by = hn::IfThenElse(large, down, hn::IfThenElse(small, up, one));
  const V back = hn::IfThenElse(large, up, hn::IfThenElse(small, down, one));
  const V a = hn::Mul(high, by), b = hn::Mul(low, by), a2 = hn::Mul(a, a);
#if defined(HWY_NATIVE_FMA) && HWY_NATIVE_FMA
  const V rest = hn::MulAdd(b, b, square_error(d, a, a2));
#else
  const V b2 = hn::Mul(b, b), rest = hn::Add(b2, hn::Add(square_error(d, a, a2), square_error(d, b, b2)));
#endif
  const V z = hn::Mul(hn::Sqrt(hn::Add(a2, rest)), back);
  return hn::IfThenElse(hn::Lt(high, hn::Set(d, std::numeric_limits<T>::infinity())), z, hn::Add(ax, ay));
}

/// x - y trunc(x / y), exactly. A rounded quotient below 2^mantissa_bits is at most one too large, and a fused
/// multiply-add has nothing to round then; beyond, and without such an instruction, the standard library answers.
template <class D, class V>
HWY_INLINE V fmod(D d, V x, V y) {
  using T = Number<D>;
#if defined(HWY_NATIVE_FMA) && HWY_NATIVE_FMA
  const V a = hn::Abs(x), b = hn::Abs(y), zero = hn::Zero(d);
  const V q = hn::Trunc(hn::Div(a, b));
  V r = hn::NegMulAdd(q, b, a);
  r = hn::CopySign(hn::IfThenElse(hn::Lt(r, zero), hn::Add(r, b), r), x);
  const auto plain =
      hn::And(hn::Lt(q, hn::Set(d, Format<T>::shift)), hn::Lt(b, hn::Set(d, std::numeric_limits<T>::infinity())));
  if (HWY_LIKELY(hn::AllTrue(d, plain))) return r;
#endif
  HWY_ALIGN T at[hn::MaxLanes(d)], by[hn::MaxLanes(d)];
  hn::Store(x, d, at);
  hn::Store(y, d, by);
  for (std::size_t i = 0; i < hn::Lanes(d); ++i) at[i] = std::fmod(at[i], by[i]);
  return hn::Load(d, at);
}

/// x - y floor(x / y): what fmod leaves, with the sign of y.
template <class D, class V>
HWY_INLINE V remainder(D d, V x, V y) {
  const V r = fmod(d, x, y), zero = hn::Zero(d);
  const auto other_side = hn::Xor(hn::Lt(r, zero), hn::Lt(y, zero));
  return hn::IfThenElse(hn::And(hn::Ne(r, zero), other_side), hn::Add(r, y), r);
}

/// log(e^x + e^y) = max(x, y) + log(1 + e^-|x - y|); equal infinities are no distance apart.
template <class D, class V>
HWY_INLINE V logaddexp(D d, V x, V y) {
  const V apart = hn::Neg(hn::Abs(hn::IfThenZeroElse(hn::Eq(x, y), hn::Sub(x, y))));
  return hn::Add(hn::IfThenElse(hn::Gt(x, y), x, y), softplus(d, apart));
}

/// x log(y), 0 where x = 0.
template <class D, class V>
HWY_INLINE V xlogy(D d, V x, V y) {
  const V zero = hn::Zero(d);
  return hn::IfThenElse(hn::And(hn::Eq(x, zero), hn::Eq(y, y)), zero, hn::Mul(x, log(d, y)));
}

}  // namespace simd
}  // namespace HWY_NAMESPACE
}  // namespace chainrule::kernels
HWY_AFTER_NAMESPACE();

#endif
