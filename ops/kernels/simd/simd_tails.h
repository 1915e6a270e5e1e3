// Inner header: for our own sources, not installed.
// The ways to end a loop over vectors. All give an element the same instructions wherever it stands, so its bits do not
// depend on its place, and none touches memory outside the arrays:
//     each_vector              ends in narrower and narrower vectors; for short bodies, since it compiles one of each
//     cover                    the last vector overlaps the one before; for results that may be written twice
//     load_some, store_some    the last vector is partly filled; for loops that carry sums, or whose rows are short
//     run_unary, run_binary    (elementwise_run.h) the last vector goes through buffers; one copy of a long formula
// Compiled once per instruction set: include it after hwy/foreach_target.h.
#if defined(CHAINRULE_OPS_KERNELS_SIMD_TAILS_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef CHAINRULE_OPS_KERNELS_SIMD_TAILS_H_
#undef CHAINRULE_OPS_KERNELS_SIMD_TAILS_H_
#else
#define CHAINRULE_OPS_KERNELS_SIMD_TAILS_H_
#endif

#include <hwy/highway.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>

HWY_BEFORE_NAMESPACE();
namespace chainrule::kernels {
namespace HWY_NAMESPACE {
namespace simd {

namespace hn = hwy::HWY_NAMESPACE;

template <class T>
constexpr std::size_t kWidest = hn::MaxLanes(hn::ScalableTag<T>());

/// Calls f(d, i) for vectors that cover [i, n): as many wide ones as fit, then halves.
template <class T, std::size_t N = kWidest<T>, class F>
HWY_INLINE void each_vector(std::int64_t i, std::int64_t n, const F& f) {
  const hn::CappedTag<T, N> d;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  for (; i + lanes <= n; i += lanes) f(d, i);
  if constexpr (N > 1) {
    if (i < n) each_vector<T, N / 2>(i, n, f);
  }
}

/// Calls f(k) so that runs [k, k + lanes) cover [0, n), n >= lanes: the last run may overlap the one before.
template <class F>
HWY_INLINE void cover(std::int64_t n, std::int64_t lanes, F f) {
  std::int64_t k = 0;
  for (; k + lanes <= n; k += lanes) f(k);
  if (k < n) f(n - lanes);
}

/// The first `count` numbers, `fill` behind them; nothing beyond them is read.
template <class D, class T = hn::TFromD<D>, class V = hn::Vec<D>>
HWY_INLINE V load_some(D d, const T* x, std::size_t count, T fill) {
#if HWY_MEM_OPS_MIGHT_FAULT
  HWY_ALIGN T buffer[hn::MaxLanes(d)];
  std::fill_n(std::copy_n(x, count, buffer), hn::Lanes(d) - count, fill);
  return hn::Load(d, buffer);
#else
  const auto mask = hn::FirstN(d, count);
  return hn::IfThenElse(mask, hn::MaskedLoad(mask, d, x), hn::Set(d, fill));
#endif
}

/// The first `count` lanes of v; nothing beyond them is written.
template <class D, class V, class T = hn::TFromD<D>>
HWY_INLINE void store_some(D d, V v, T* z, std::size_t count) {
#if HWY_MEM_OPS_MIGHT_FAULT
  HWY_ALIGN T buffer[hn::MaxLanes(d)];
  hn::Store(v, d, buffer);
  std::copy_n(buffer, count, z);
#else
  hn::BlendedStore(v, hn::FirstN(d, count), d, z);
#endif
}

}  // namespace simd
}  // namespace HWY_NAMESPACE
}  // namespace chainrule::kernels
HWY_AFTER_NAMESPACE();

#endif
