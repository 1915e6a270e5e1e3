// Inner header: for our own sources, not installed.
// exp, log and their relatives over vectors of float and double, the base of the other simd_math files. Right at
// infinities, zeros, subnormals and NaN; how accurate is in elementwise/README.md.
// Compiled once per instruction set: include it after hwy/foreach_target.h. Polynomials are near-minimax fits.
#if defined(CHAINRULE_OPS_KERNELS_SIMD_MATH_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef CHAINRULE_OPS_KERNELS_SIMD_MATH_H_
#undef CHAINRULE_OPS_KERNELS_SIMD_MATH_H_
#else
#define CHAINRULE_OPS_KERNELS_SIMD_MATH_H_
#endif

#include <hwy/highway.h>

#include <cstdint>
#include <limits>
#include <type_traits>

HWY_BEFORE_NAMESPACE();
namespace chainrule::kernels {
namespace HWY_NAMESPACE {
namespace simd {

namespace hn = hwy::HWY_NAMESPACE;

template <class D>
using Number = hn::TFromD<D>;
template <class D>
constexpr bool kSingle = sizeof(Number<D>) == 4;

/// What the number formats are made of.
template <class T>
struct Format {
  static constexpr int mantissa_bits = std::numeric_limits<T>::digits - 1;
  static constexpr int bias = std::numeric_limits<T>::max_exponent - 1;
  static constexpr T magic = sizeof(T) == 4 ? T(12582912) : T(6755399441055744);  // 1.5 * 2^mantissa_bits: rounds sums
  static constexpr T shift = sizeof(T) == 4 ? T(8388608) : T(4503599627370496);   // 2^mantissa_bits
};

/// c[0] + c[1] x + c[2] x^2 ..., by Horner's rule.
template <class D, class V, std::size_t n>
HWY_INLINE V polynomial(D d, V x, const Number<D> (&c)[n]) {
  V y = hn::Set(d, c[n - 1]);
  for (std::size_t i = n - 1; i-- > 0;) y = hn::MulAdd(y, x, hn::Set(d, c[i]));
  return y;
}

/// x and its powers 2, 4, 8 and 16.
template <class V>
struct Powers {
  V x, x2, x4, x8, x16;
};

template <std::size_t n, class D, class V>
HWY_INLINE V by_pairs(D d, const Powers<V>& p, const Number<D>* c) {
  if constexpr (n == 1) {
    return hn::Set(d, c[0]);
  } else {
    constexpr std::size_t low = n > 16 ? 16 : n > 8 ? 8 : n > 4 ? 4 : n > 2 ? 2 : 1;
    const V x = low == 16 ? p.x16 : low == 8 ? p.x8 : low == 4 ? p.x4 : low == 2 ? p.x2 : p.x;
    return hn::MulAdd(by_pairs<n - low>(d, p, c + low), x, by_pairs<low>(d, p, c));
  }
}

/// The same by pairs and pairs of pairs (Estrin's scheme): for long polynomials that the result waits for.
template <class D, class V, std::size_t n>
HWY_INLINE V polynomial_by_pairs(D d, V x, const Number<D> (&c)[n]) {
  static_assert(n <= 32);
  const V x2 = hn::Mul(x, x), x4 = hn::Mul(x2, x2), x8 = hn::Mul(x4, x4);
  return by_pairs<n>(d, Powers<V>{x, x2, x4, x8, hn::Mul(x8, x8)}, c);
}

/// x = n ln 2 + r, |r| <= ln 2 / 2; `biased` holds the bits of n + magic + up.
template <class V>
struct Reduced {
  V n, r, biased;
};

template <class D, class V>
HWY_INLINE Reduced<V> reduce(D d, V x, Number<D> up = 0) {
  using T = Number<D>;
  const V magic = hn::Set(d, Format<T>::magic + up);
  const V biased = hn::MulAdd(x, hn::Set(d, T(1.4426950408889634)), magic);
  const V n = hn::Sub(biased, magic);
  const T high = kSingle<D> ? T(0.693359375) : T(6.93147180369123816490e-01);
  const T low = kSingle<D> ? T(-2.12194440e-4) : T(1.90821492927058770002e-10);
  const V r = hn::NegMulAdd(n, hn::Set(d, low), hn::NegMulAdd(n, hn::Set(d, high), x));
  return {n, r, biased};
}

/// (e^r - 1 - r) / r^2
template <bool pairs = false, class D, class V>
HWY_INLINE V exp_tail(D d, V r) {
  if constexpr (kSingle<D>) {
    constexpr float c[] = {0.5F, 0.166666672F, 0.041666463F, 0.00833331048F, 0.00139338814F, 0.000198912472F};
    return pairs ? polynomial_by_pairs(d, r, c) : polynomial(d, r, c);
  } else {
    constexpr double c[] = {0.5,
                            0.16666666666666671,
                            0.041666666666666671,
                            0.0083333333333259849,
                            0.0013888888888883642,
                            0.00019841269875342141,
                            2.4801587325920163e-05,
                            2.7557254740405416e-06,
                            2.7557273171941026e-07,
                            2.5105490906986696e-08,
                            2.091488256348507e-09};
    return pairs ? polynomial_by_pairs(d, r, c) : polynomial(d, r, c);
  }
}

/// p * 2^n, in two factors so that results may be subnormal and n one beyond the largest exponent.
template <class D, class V>
HWY_INLINE V scale_by_power(D d, V p, V biased) {
  using F = Format<Number<D>>;
  const hn::RebindToUnsigned<D> du;
  const auto sum = hn::Add(hn::Sub(hn::BitCast(du, biased), hn::BitCast(du, hn::Set(d, F::magic))),
                           hn::Set(du, hn::TFromD<decltype(du)>{2 * F::bias}));
  const auto a = hn::ShiftRight<1>(sum), b = hn::Sub(sum, a);
  const V first = hn::BitCast(d, hn::ShiftLeft<F::mantissa_bits>(a));
  const V second = hn::BitCast(d, hn::ShiftLeft<F::mantissa_bits>(b));
  return hn::Mul(hn::Mul(p, first), second);
}

template <class D, class V>
HWY_INLINE V at_most(D d, V x, double bound) {  // lets NaN through
  const V b = hn::Set(d, static_cast<Number<D>>(bound));
  return hn::IfThenElse(hn::Gt(x, b), b, x);
}
template <class D, class V>
HWY_INLINE V at_least(D d, V x, double bound) {
  const V b = hn::Set(d, static_cast<Number<D>>(bound));
  return hn::IfThenElse(hn::Lt(x, b), b, x);
}

template <class D, class V>
HWY_INLINE V exp_of(D d, const Reduced<V>& x) {
  const V r = x.r;
  const V p = hn::Add(hn::MulAdd(hn::Mul(r, r), exp_tail(d, r), r), hn::Set(d, Number<D>(1)));
  return scale_by_power(d, p, x.biased);
}

/// Bounds outside which exp is 0 or infinite in any rounding.
template <class D>
constexpr double kExpHigh = kSingle<D> ? 89 : 710;
template <class D>
constexpr double kExpLow = kSingle<D> ? -104 : -746;

template <class D, class V>
HWY_INLINE V exp(D d, V x) {
  return exp_of(d, reduce(d, at_least(d, at_most(d, x, kExpHigh<D>), kExpLow<D>)));
}

/// e^x - 1 = 2^n (e^r - 1) + (2^n - 1), in halves so that 2^n stays finite.
template <class D, class V>
HWY_INLINE V expm1(D d, V x) {
  using T = Number<D>;
  using F = Format<T>;
  const hn::RebindToUnsigned<D> du;
  using U = hn::TFromD<decltype(du)>;
  const Reduced<V> s = reduce(d, at_least(d, at_most(d, x, kExpHigh<D>), kSingle<D> ? -18 : -40));
  const V q = hn::MulAdd(hn::Mul(s.r, s.r), exp_tail(d, s.r), s.r);
  const auto exponent = hn::Add(hn::Sub(hn::BitCast(du, s.biased), hn::BitCast(du, hn::Set(d, F::magic))),
                                hn::Set(du, static_cast<U>(F::bias - 1)));
  const V half = hn::BitCast(d, hn::ShiftLeft<F::mantissa_bits>(exponent));  // 2^(n - 1)
  const V z = hn::MulAdd(half, q, hn::Sub(half, hn::Set(d, T(0.5))));
  const V tiny = hn::Set(d, std::numeric_limits<T>::epsilon() / 4);
  return hn::IfThenElse(hn::Lt(hn::Abs(x), tiny), x, hn::Add(z, z));
}

/// u = 2^k m, sqrt(1/2) <= m < sqrt(2), for positive normal u.
template <class V>
struct Split {
  V k, m;
};

template <class D, class V>
HWY_INLINE Split<V> split(D d, V u) {
  using T = Number<D>;
  using F = Format<T>;
  const hn::RebindToUnsigned<D> du;
  using U = hn::TFromD<decltype(du)>;
  const auto root = hn::BitCast(du, hn::Set(d, T(0.70710678118654752)));
  const auto one = hn::BitCast(du, hn::Set(d, T(1)));
  const auto bits = hn::Add(hn::BitCast(du, u), hn::Sub(one, root));
  const auto fraction = hn::And(bits, hn::Set(du, (U(1) << F::mantissa_bits) - 1));
  const auto shift = hn::BitCast(du, hn::Set(d, F::shift));
  const V k =
      hn::Sub(hn::BitCast(d, hn::Or(hn::ShiftRight<F::mantissa_bits>(bits), shift)), hn::Set(d, F::shift + T(F::bias)));
  return {k, hn::BitCast(d, hn::Add(fraction, root))};
}

/// k ln 2 + log(1 + f) + c for a small c.
template <class D, class V>
HWY_INLINE V log_of(D d, V k, V f, V c) {
  if constexpr (kSingle<D>) {
    constexpr float p[] = {0.333333313F,  -0.24999997F, 0.2000072F,    -0.166678131F, 0.142488807F,
                           -0.124252841F, 0.116868913F, -0.114836246F, 0.0697247609F};
    const V f2 = hn::Mul(f, f);
    V y = hn::MulAdd(hn::Mul(f2, f), polynomial(d, f, p), c);
    y = hn::MulAdd(k, hn::Set(d, -2.12194440e-4F), y);
    y = hn::NegMulAdd(hn::Set(d, 0.5F), f2, y);
    return hn::MulAdd(k, hn::Set(d, 0.693359375F), hn::Add(f, y));
  } else {  // the series in s = f / (2 + f) of Sun's fdlibm (e_log.c)
    constexpr double p[] = {6.666666666666735130e-01, 3.999999999940941908e-01, 2.857142874366239149e-01,
                            2.222219843214978396e-01, 1.818357216161805012e-01, 1.531383769920937332e-01,
                            1.479819860511658591e-01};
    const V s = hn::Div(f, hn::Add(f, hn::Set(d, 2.0))), s2 = hn::Mul(s, s);
    const V half = hn::Mul(hn::Mul(f, f), hn::Set(d, 0.5));
    const V series = hn::Mul(s2, polynomial(d, s2, p));
    V y = hn::MulAdd(s, hn::Add(half, series), c);
    y = hn::MulAdd(k, hn::Set(d, 1.90821492927058770002e-10), y);
    return hn::MulAdd(k, hn::Set(d, 6.93147180369123816490e-01), hn::Add(hn::Sub(y, half), f));
  }
}

/// What a logarithm is outside (0, inf); `at` is where it is -inf.
template <class D, class V>
HWY_INLINE V log_edges(D d, V x, V z, Number<D> at) {
  using T = Number<D>;
  const V zero = hn::Set(d, at), infinity = hn::Set(d, std::numeric_limits<T>::infinity());
  z = hn::IfThenElse(hn::Lt(x, infinity), z, x);  // infinity and NaN stay
  z = hn::IfThenElse(hn::Eq(x, zero), hn::Neg(infinity), z);
  return hn::IfThenElse(hn::Lt(x, zero), hn::Set(d, std::numeric_limits<T>::quiet_NaN()), z);
}

/// Splits x > 0, subnormal numbers too.
template <class D, class V>
HWY_INLINE Split<V> split_any(D d, V x) {
  using T = Number<D>;
  constexpr T up = kSingle<D> ? T(33554432) : T(18014398509481984);  // 2^25, 2^54
  const auto small = hn::Lt(x, hn::Set(d, std::numeric_limits<T>::min()));
  Split<V> s = split(d, hn::IfThenElse(small, hn::Mul(x, hn::Set(d, up)), x));
  s.k = hn::Sub(s.k, hn::IfThenElseZero(small, hn::Set(d, kSingle<D> ? T(25) : T(54))));
  return s;
}

template <class D, class V>
HWY_INLINE V log(D d, V x) {
  const Split<V> s = split_any(d, x);
  const V z = log_of(d, s.k, hn::Sub(s.m, hn::Set(d, Number<D>(1))), hn::Zero(d));
  return log_edges(d, x, z, Number<D>(0));
}

}  // namespace simd
}  // namespace HWY_NAMESPACE
}  // namespace chainrule::kernels
HWY_AFTER_NAMESPACE();

#endif
