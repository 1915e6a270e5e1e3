// Inner header: for our own sources, not installed.
// The error function, its complement and the normal distribution over vectors of float and double; as simd_math.h.
#if defined(CHAINRULE_OPS_KERNELS_SIMD_MATH_ERF_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef CHAINRULE_OPS_KERNELS_SIMD_MATH_ERF_H_
#undef CHAINRULE_OPS_KERNELS_SIMD_MATH_ERF_H_
#else
#define CHAINRULE_OPS_KERNELS_SIMD_MATH_ERF_H_
#endif

#include "ops/kernels/simd/simd_math_curves.h"

HWY_BEFORE_NAMESPACE();
namespace chainrule::kernels {
namespace HWY_NAMESPACE {
namespace simd {

/// erf(a) / a - 1 as a polynomial in a^2, up to a = 0.925 (float) and 1 (double).
template <class D, class V>
HWY_INLINE V erf_near(D d, V a2) {
  if constexpr (kSingle<D>) {
    constexpr float c[] = {0.128379166F,   -0.376126319F,    0.11283683F,    -0.0268586893F,
                           0.00519923493F, -0.000812203856F, 8.28202174e-05F};
    return polynomial(d, a2, c);
  } else {
    constexpr double c[] = {0.12837916709551259,     -0.37612638903183748,    0.11283791670954876,
                            -0.026866170645076268,   0.0052239776248126377,   -0.0008548326980509413,
                            0.00012055331099279798,  -1.4925594957596026e-05, 1.6460995338195411e-06,
                            -1.6350256278696497e-07, 1.4659383821340068e-08,  -1.1371291831047954e-09,
                            5.9544715831534823e-11};
    return polynomial(d, a2, c);
  }
}

template <class D>
constexpr double kErfNear = kSingle<D> ? 0.925 : 1;

template <class D, class V>
HWY_INLINE V erf(D d, V x) {
  using T = Number<D>;
  const V a = hn::Abs(x), one = hn::Set(d, T(1));
  const V near = hn::MulAdd(a, erf_near(d, hn::Mul(a, a)), a);
  const V t = at_most(d, a, kSingle<D> ? 4 : 6);  // 1 from there on
  V q;                                            // -log(erfc(t)) / t - 1
  if constexpr (kSingle<D>) {
    constexpr float c[] = {0.12850666F, 0.635744929F, 0.105226114F, -0.0228667315F, 0.00320764375F, -0.000213094143F};
    q = polynomial(d, t, c);
  } else {
    constexpr double c[] = {
        0.12837921720221107,     0.63661920027536867,     0.10277568363550053,    -0.019138849560938132,
        -0.00018447800109030151, 0.0016522840221305062,   -0.0005295760146877338, -4.0359831090973071e-05,
        0.00012275034246628474,  -7.1112242537897094e-05, 2.702837032307109e-05,  -7.7518472109483152e-06,
        1.7454982127508737e-06,  -3.1113169243597321e-07, 4.3548096143387476e-08, -4.6850366335926264e-09,
        3.7318270983514014e-10,  -2.0652218015166659e-11, 7.0482865262627226e-13, -1.1077722583809838e-14};
    q = polynomial(d, t, c);
  }
  const V far = hn::Sub(one, exp_of(d, reduce(d, hn::Neg(hn::MulAdd(t, q, t)))));
  return hn::CopySign(hn::IfThenElse(hn::Lt(a, hn::Set(d, T(kErfNear<D>))), near, far), x);
}

/// erfc(t) for t >= 0, given t^2 = h + l: e^-h times a polynomial in (t - k) / (t + k), as in Shepherd and Laframboise,
/// "Chebyshev approximation of (1 + 2x) exp(x^2) erfc x" (1981); small in relative error to the end of the exponents.
template <class D, class V>
HWY_INLINE V erfc_above(D d, V t, V h, V l) {
  using T = Number<D>;
  const V one = hn::Set(d, T(1)), k = hn::Set(d, kSingle<D> ? T(2) : T(4));
  const V a = at_most(d, t, kSingle<D> ? 10.2 : 27.3);
  const V weight = hn::MulAdd(hn::Set(d, T(2)), a, one), sum = hn::Add(a, k);
  const V inverse = hn::Div(one, hn::Mul(weight, sum));
  const V q = hn::Mul(hn::Mul(hn::Sub(a, k), weight), inverse);
  V p;
  if constexpr (kSingle<D>) {
    constexpr float c[] = {1.27697837F,    -0.0927639157F, -0.166030407F, 0.164054245F,    -0.0542150587F,
                           -0.0080576092F, 0.00866948348F, 0.0013248988F, -0.00127277395F, -0.000428000902F};
    p = polynomial_by_pairs(d, q, c);
  } else {
    constexpr double c[] = {
        1.2329951186255526,     -0.13962111684056286,    0.015379652102620996,    0.068097054254734682,
        -0.10103906603636773,   0.093732834996872696,    -0.066330365811154465,   0.03716751556148306,
        -0.016197734063710445,  0.0050319697622847361,   -0.00075777330913793324, -0.00019925552619520982,
        0.00015062210715057866, -2.4403165369627111e-05, -1.1224436722701745e-05, 5.7180194304286331e-06,
        3.0082269716067099e-07, -8.355403600708081e-07,  6.3099318920481242e-08,  1.1579545491817747e-07,
        -7.770852409868655e-09, -1.3870633436752771e-08, -1.8822551750393533e-09};
    p = polynomial_by_pairs(d, q, c);
  }
  const V e = exp_of(d, reduce(d, hn::Neg(at_most(d, h, -kExpLow<D>))));
  const V far = hn::Mul(hn::Mul(hn::Mul(p, hn::Mul(sum, inverse)), hn::Sub(one, l)), e);
  const V near = hn::Sub(one, hn::MulAdd(t, erf_near(d, h), t));
  return hn::IfThenElse(hn::Lt(t, hn::Set(d, T(0.5))), near, far);
}

/// e^-(h + l) for h >= 0 and a small l, which does not count where h is infinite.
template <class D, class V>
HWY_INLINE V exp_minus(D d, V h, V l) {
  Reduced<V> s = reduce(d, hn::Neg(at_most(d, h, -kExpLow<D>)));
  const auto finite = hn::Lt(h, hn::Set(d, std::numeric_limits<Number<D>>::infinity()));
  s.r = hn::Sub(s.r, hn::IfThenElseZero(finite, l));
  return exp_of(d, s);
}

template <class D, class V>
HWY_INLINE V erfc(D d, V x) {
  const V h = hn::Mul(x, x);
  const V lost =
      hn::IfThenElseZero(hn::Lt(h, hn::Set(d, std::numeric_limits<Number<D>>::infinity())), square_error(d, x, h));
  const V z = erfc_above(d, hn::Abs(x), h, lost);
  return hn::IfThenElse(hn::Lt(x, hn::Zero(d)), hn::Sub(hn::Set(d, Number<D>(2)), z), z);
}

/// The normal distribution function, erfc(-x / sqrt 2) / 2, and its density exp(-x^2 / 2) / sqrt(2 pi).
template <class V>
struct Normal {
  V cdf, density;
};

/// With a = abs(x), the smaller side of the distribution is e^-a^2/2 times a polynomial in (a - k) / (a + k), over
/// a + k. The power of e is 2^64 times too large until the end, so that it is never subnormal before.
template <class D, class V>
HWY_INLINE Normal<V> normal(D d, V x) {
  using T = Number<D>;
  using F = Format<T>;
  const hn::RebindToUnsigned<D> du;
  constexpr T shrink = T(0x1p-64);
  constexpr T k = kSingle<D> ? T(4) : T(5);
  const V one = hn::Set(d, T(1));
  // 0 from there on; what becomes of NaN here is nothing to callers, who multiply by x.
  const V a = hn::Min(hn::Abs(x), hn::Set(d, kSingle<D> ? T(14.5) : T(38.6)));
  const V inverse = hn::Div(hn::Set(d, shrink), hn::Add(a, hn::Set(d, k)));
  const V q = hn::Mul(hn::MulSub(a, hn::Set(d, 1 / shrink), hn::Set(d, k / shrink)), inverse);  // (a - k) / (a + k)
  V p;
  if constexpr (kSingle<D>) {
    constexpr float c[] = {0.755285139F,    -0.607896606F,   0.38713668F,    -0.186523006F,   0.0604064697F,
                           -0.00752721291F, -0.00352357406F, 0.00156931365F, 0.000194801851F, -0.000122983157F};
    p = polynomial_by_pairs(d, q, c);
  } else {
    constexpr double c[] = {
        0.76919304975006297,    -0.6653825028900568,    0.49530561596997424,    -0.31353315667129622,
        0.1650203661704963,     -0.069118638706507799,  0.020795066797636459,   -0.0029933767686925815,
        -0.0007978693753298077, 0.00054489905959486082, -5.9375865136792167e-5, -4.9762839299093711e-5,
        1.6681705950251497e-5,  3.9811461260077456e-6,  -2.7703407188248636e-6, -3.3744169640828281e-7,
        4.3448695018813603e-7,  4.3719212847605634e-8,  -6.6728207851274768e-8, -1.0614920322927864e-8,
        7.6531206394379502e-9,  2.2323332791752097e-9};
    p = polynomial(d, q, c);
  }
  const V square = hn::Mul(a, a), lost = square_error(d, a, square), minus_half = hn::Set(d, T(-0.5));
  const Reduced<V> s = reduce(d, hn::Mul(square, minus_half), T(64));
  const V r = hn::MulAdd(lost, minus_half, s.r);
  const V m = hn::Add(hn::MulAdd(hn::Mul(r, r), exp_tail<kSingle<D>>(d, r), r), one);
  const V e = hn::BitCast(d, hn::Add(hn::BitCast(du, m), hn::ShiftLeft<F::mantissa_bits>(hn::BitCast(du, s.biased))));
  const V z = hn::Mul(hn::Mul(p, inverse), e);
  return {hn::IfThenElse(hn::Lt(x, hn::Zero(d)), z, hn::Sub(one, z)),
          hn::Mul(e, hn::Set(d, T(0.3989422804014327) * shrink))};
}

}  // namespace simd
}  // namespace HWY_NAMESPACE
}  // namespace chainrule::kernels
HWY_AFTER_NAMESPACE();

#endif
