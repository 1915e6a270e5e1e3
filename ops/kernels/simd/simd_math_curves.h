// Inner header: for our own sources, not installed.
// exp2, log2, log10, log1p, tanh, sigmoid, softplus, sin, cos and tan over vectors of float and double; as simd_math.h.
#if defined(CHAINRULE_OPS_KERNELS_SIMD_MATH_CURVES_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef CHAINRULE_OPS_KERNELS_SIMD_MATH_CURVES_H_
#undef CHAINRULE_OPS_KERNELS_SIMD_MATH_CURVES_H_
#else
#define CHAINRULE_OPS_KERNELS_SIMD_MATH_CURVES_H_
#endif

#include <cmath>

#include "ops/kernels/simd/simd_math.h"

HWY_BEFORE_NAMESPACE();
namespace chainrule::kernels {
namespace HWY_NAMESPACE {
namespace simd {

/// What x^2 lost when it was rounded to `square`; without a fused multiply-add by halves of x, whose products are exact
/// (Dekker, "A floating-point technique for extending the available precision", Numerische Mathematik 18, 1971).
template <class D, class V>
HWY_INLINE V square_error(D d, V x, V square) {
#if defined(HWY_NATIVE_FMA) && HWY_NATIVE_FMA
  (void)d;
  return hn::MulSub(x, x, square);
#else
  const hn::RebindToUnsigned<D> du;
  using U = hn::TFromD<decltype(du)>;
  const auto upper = hn::Set(du, ~((U(1) << (Format<Number<D>>::mantissa_bits / 2 + 1)) - 1));
  const V high = hn::BitCast(d, hn::And(hn::BitCast(du, x), upper)), low = hn::Sub(x, high);
  const V first = hn::Sub(hn::Mul(high, high), square), second = hn::Mul(hn::Add(high, high), low);
  return hn::Add(hn::Add(first, second), hn::Mul(low, low));
#endif
}

template <class D, class V>
HWY_INLINE V exp2(D d, V x) {
  using T = Number<D>;
  const T high = kSingle<D> ? T(129) : T(1025), low = kSingle<D> ? T(-151) : T(-1076);
  x = at_least(d, at_most(d, x, high), low);
  const V magic = hn::Set(d, Format<T>::magic);
  const V biased = hn::Add(x, magic), n = hn::Sub(biased, magic);
  return exp_of(d, Reduced<V>{n, hn::Mul(hn::Sub(x, n), hn::Set(d, T(0.69314718055994531))), biased});
}

/// The whole part is added last, so powers of two are exact.
template <class D, class V>
HWY_INLINE V log2(D d, V x) {
  using T = Number<D>;
  const Split<V> s = split_any(d, x);
  const V f = log_of(d, hn::Zero(d), hn::Sub(s.m, hn::Set(d, T(1))), hn::Zero(d));
  return log_edges(d, x, hn::MulAdd(f, hn::Set(d, T(1.4426950408889634)), s.k), T(0));
}

/// k log10(2) + log10(m), the first product in two parts.
template <class D, class V>
HWY_INLINE V log10(D d, V x) {
  using T = Number<D>;
  const T high = kSingle<D> ? T(0.301025390625) : T(3.01029995663611771306e-01);
  const T low = kSingle<D> ? T(4.6050389811952137e-06) : T(3.69423907715893078616e-13);
  const Split<V> s = split_any(d, x);
  const V f = log_of(d, hn::Zero(d), hn::Sub(s.m, hn::Set(d, T(1))), hn::Zero(d));
  const V rest = hn::MulAdd(f, hn::Set(d, T(0.43429448190325183)), hn::Mul(s.k, hn::Set(d, low)));
  return log_edges(d, x, hn::MulAdd(s.k, hn::Set(d, high), rest), T(0));
}

/// log(1 + x): what 1 + x rounds away is added back, divided by 1 + x.
template <class D, class V>
HWY_INLINE V log1p(D d, V x) {
  using T = Number<D>;
  const V one = hn::Set(d, T(1));
  const V u = hn::Add(x, one);
  const Split<V> s = split(d, u);
  const V lost = hn::IfThenElse(hn::Gt(x, one), hn::Sub(one, hn::Sub(u, x)), hn::Sub(x, hn::Sub(u, one)));
  const auto near_one = hn::Eq(s.k, hn::Zero(d));
  const V f = hn::IfThenElse(near_one, x, hn::Sub(s.m, one));
  const V c = hn::IfThenElse(near_one, hn::Zero(d), hn::Div(lost, u));
  const V z = log_edges(d, x, log_of(d, s.k, f, c), T(-1));
  return hn::IfThenElse(hn::Lt(hn::Abs(x), hn::Set(d, std::numeric_limits<T>::epsilon() / 4)), x, z);
}

/// A polynomial near 0, 1 - 2 / (e^2x + 1) elsewhere.
template <class D, class V>
HWY_INLINE V tanh(D d, V x) {
  using T = Number<D>;
  const V a = hn::Abs(x), x2 = hn::Mul(x, x), one = hn::Set(d, T(1));
  V p;
  if constexpr (kSingle<D>) {
    constexpr float c[] = {-0.333333343F, 0.133333221F, -0.0539641976F, 0.0218132604F, -0.00850476976F, 0.00249537965F};
    p = polynomial(d, x2, c);
  } else {
    constexpr double c[] = {-0.33333333333333331,   0.13333333333332467,    -0.053968253967145149,
                            0.021869488480722565,   -0.0088632341048022287, 0.0035921065864719789,
                            -0.001455632070932804,  0.000588792024475583,   -0.0002342148186711548,
                            8.4437195671030721e-05, -2.0141494563083882e-05};
    p = polynomial(d, x2, c);
  }
  const V near = hn::MulAdd(hn::Mul(a, x2), p, a);
  const V e = exp_of(d, reduce(d, at_most(d, hn::Add(a, a), kExpHigh<D>)));
  const V far = hn::Sub(one, hn::Div(hn::Set(d, T(2)), hn::Add(e, one)));
  return hn::CopySign(hn::IfThenElse(hn::Lt(a, hn::Set(d, T(0.55))), near, far), x);
}

/// e^-|x|: never overflows.
template <class D, class V>
HWY_INLINE V exp_below(D d, V x) {
  return exp_of(d, reduce(d, at_least(d, hn::Neg(hn::Abs(x)), kExpLow<D>)));
}

/// With e = e^-|x|: 1 / (1 + e) for x >= 0, e / (1 + e) below. What 1 + e loses in rounding is made good to first
/// order, with 1.5 - u / 2 for 1 / u.
template <class D, class V>
HWY_INLINE V sigmoid(D d, V x) {
  using T = Number<D>;
  const V one = hn::Set(d, T(1)), half = hn::Set(d, T(0.5));
  const V e = exp_below(d, x), u = hn::Add(one, e);
  const V lost = hn::Mul(hn::Sub(e, hn::Sub(u, one)), hn::NegMulAdd(half, u, hn::Set(d, T(1.5))));
  const V z = hn::Div(hn::IfThenElse(hn::Lt(x, hn::Zero(d)), e, one), u);
  return hn::NegMulAdd(z, lost, z);
}

/// sigmoid(x) and sigmoid(-x), which is 1 - sigmoid(x) without the cancelling.
template <class V>
struct Sigmoids {
  V of, of_minus;
};

template <class D, class V>
HWY_INLINE Sigmoids<V> sigmoids(D d, V x) {
  const V one = hn::Set(d, Number<D>(1)), e = exp_below(d, x), large = hn::Div(one, hn::Add(one, e));
  const V small = hn::Mul(e, large);
  const auto below = hn::Lt(x, hn::Zero(d));
  return {hn::IfThenElse(below, small, large), hn::IfThenElse(below, large, small)};
}

/// log(1 + e^x) = max(x, 0) + log(1 + e), e = e^-|x|. As in log1p, but 1 / u is between 0.5 and 0.71 where it matters.
template <class D, class V>
HWY_INLINE V softplus(D d, V x) {
  using T = Number<D>;
  const V one = hn::Set(d, T(1)), e = exp_below(d, x), u = hn::Add(e, one);
  const Split<V> s = split(d, u);
  const V c = hn::Mul(hn::Sub(e, hn::Sub(u, one)), hn::Set(d, T(0.6)));
  const auto near_one = hn::Eq(s.k, hn::Zero(d));
  const V f = hn::IfThenElse(near_one, e, hn::Sub(s.m, one));
  return hn::Add(at_least(d, x, 0), log_of(d, s.k, f, hn::IfThenZeroElse(near_one, c)));
}

/// x = q pi / 2 + r, |r| <= pi / 4; `biased` holds the bits of q + magic.
template <class V>
struct Turned {
  V sine, cosine, biased;  // of r
};

template <class D, class V>
HWY_INLINE Turned<V> turned(D d, V x) {
  using T = Number<D>;
  constexpr bool single = kSingle<D>;
  const V magic = hn::Set(d, Format<T>::magic);
  const V biased = hn::MulAdd(x, hn::Set(d, T(0.63661977236758134)), magic);
  const V q = hn::Sub(biased, magic);
  // pi / 2 in four parts with few bits each, as in SLEEF.
  const T parts[] = {T(0.5) * (single ? T(3.140625) : T(3.1415926218032836914)),
                     T(0.5) * (single ? T(0.0009670257568359375) : T(3.1786509424591713469e-8)),
                     T(0.5) * (single ? T(6.2771141529083251953e-07) : T(1.2246467864107188502e-16)),
                     T(0.5) * (single ? T(1.2154201256553420762e-10) : T(1.2736634327021899816e-24))};
  V r = x;
  for (const T part : parts) r = hn::NegMulAdd(q, hn::Set(d, part), r);
  const V r2 = hn::Mul(r, r);
  V s, c;
  if constexpr (single) {
    constexpr float s_of[] = {-0.166666672F, 0.00833333191F, -0.000198400827F, 2.72493139e-06F};
    constexpr float c_of[] = {0.0416666642F, -0.00138883002F, 2.45474366e-05F};
    s = polynomial(d, r2, s_of), c = polynomial(d, r2, c_of);
  } else {
    constexpr double s_of[] = {-0.16666666666666666,   0.0083333333333333315,   -0.00019841269841265017,
                               2.7557319219301936e-06, -2.5052106219528367e-08, 1.6058529573291737e-10,
                               -7.5865766484052611e-13};
    constexpr double c_of[] = {0.041666666666666664,    -0.0013888888888887382, 2.480158729874308e-05,
                               -2.7557317260014708e-07, 2.0876143829213935e-09, -1.1382456865840483e-11};
    s = polynomial(d, r2, s_of), c = polynomial(d, r2, c_of);
  }
  const V one = hn::Set(d, T(1));
  const V half = hn::Mul(r2, hn::Set(d, T(0.5))), rest = hn::Sub(one, half);  // what 1 - half lost comes back
  const V cosine = hn::Add(rest, hn::MulAdd(hn::Mul(r2, r2), c, hn::Sub(hn::Sub(one, rest), half)));
  return {hn::MulAdd(hn::Mul(r, r2), s, r), cosine, biased};
}

/// Whether the whole number of quarter turns is odd.
template <class D, class U>
HWY_INLINE auto is_odd(D d, U turns) {
  const hn::RebindToUnsigned<D> du;
  const auto one = hn::Set(du, hn::TFromD<decltype(du)>(1));
  return hn::RebindMask(d, hn::Eq(hn::And(turns, one), one));
}

/// z, but f(x) far from 0, where the reduction by multiples of pi / 2 would lose digits.
template <class D, class V, class F>
HWY_INLINE V unless_far(D d, V x, V z, F f) {
  using T = Number<D>;
  constexpr T limit = kSingle<D> ? T(30000) : T(1e6);
  if (HWY_LIKELY(hn::AllTrue(d, hn::Le(hn::Abs(x), hn::Set(d, limit))))) return z;
  HWY_ALIGN T at[hn::MaxLanes(d)], to[hn::MaxLanes(d)];
  hn::Store(x, d, at);
  hn::Store(z, d, to);
  for (std::size_t i = 0; i < hn::Lanes(d); ++i) {
    if (!(std::abs(at[i]) <= limit)) to[i] = f(at[i]);
  }
  return hn::Load(d, to);
}

/// sin(x + quarter * pi / 2).
template <int quarter, class D, class V>
HWY_INLINE V sine(D d, V x) {
  using T = Number<D>;
  const hn::RebindToUnsigned<D> du;
  using U = hn::TFromD<decltype(du)>;
  const Turned<V> t = turned(d, x);
  const auto turns = hn::Add(hn::BitCast(du, t.biased), hn::Set(du, static_cast<U>(quarter)));
  const auto sign = hn::ShiftLeft<sizeof(T) * 8 - 2>(hn::And(turns, hn::Set(du, U(2))));
  V z = hn::Xor(hn::IfThenElse(is_odd(d, turns), t.cosine, t.sine), hn::BitCast(d, sign));
  if constexpr (quarter == 0) z = hn::IfThenElse(hn::Eq(x, hn::Zero(d)), x, z);  // -0 stays
  return unless_far(d, x, z, [](T v) { return quarter == 0 ? std::sin(v) : std::cos(v); });
}

template <class D, class V>
HWY_INLINE V tan(D d, V x) {
  const hn::RebindToUnsigned<D> du;
  const Turned<V> t = turned(d, x);
  const auto odd = is_odd(d, hn::BitCast(du, t.biased));
  const V z = hn::Div(hn::IfThenElse(odd, t.cosine, t.sine), hn::IfThenElse(odd, hn::Neg(t.sine), t.cosine));
  return unless_far(d, x, hn::IfThenElse(hn::Eq(x, hn::Zero(d)), x, z), [](Number<D> v) { return std::tan(v); });
}

}  // namespace simd
}  // namespace HWY_NAMESPACE
}  // namespace chainrule::kernels
HWY_AFTER_NAMESPACE();

#endif
