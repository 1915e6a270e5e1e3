// Folds with one vector instruction for several numbers, compiled once per instruction set and chosen at run time. The
// rules are those of reduce_detail.h, number by number.
#include "ops/kernels/reduce/reduce_lanes.h"

#include <cstddef>

#include "ops/kernels/reduce/reduce_detail.h"
#include "ops/kernels/simd/simd_loops.h"
#include "ops/kernels/simd/simd_targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/kernels/reduce/reduce_lanes.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
// The order matters: highway.h first.
#include "ops/kernels/simd/simd_tails.h"

HWY_BEFORE_NAMESPACE();
namespace chainrule::kernels::detail {
namespace HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;
namespace simd = chainrule::kernels::HWY_NAMESPACE::simd;

template <class T>
using Tag = hn::ScalableTag<T>;
template <class T>
constexpr std::int64_t kLanes = static_cast<std::int64_t>(hn::MaxLanes(Tag<T>()));

template <class T, class V>
HWY_INLINE V combine(Adding<T>, V a, V b) {
  return hn::Add(a, b);
}
template <class T, class V>
HWY_INLINE V combine(Multiplying<T>, V a, V b) {
  return hn::Mul(a, b);
}
template <class T, class V>
HWY_INLINE V combine(Largest<T>, V a, V b) {
  return hn::IfThenElse(hn::Or(hn::Gt(b, a), hn::IsNaN(b)), b, a);
}
template <class T, class V>
HWY_INLINE V combine(Smallest<T>, V a, V b) {
  return hn::IfThenElse(hn::Or(hn::Lt(b, a), hn::IsNaN(b)), b, a);
}

// `count` vectors of columns.
template <int count, class Rule, class D, class T>
HWY_INLINE void columns(D d, Rule rule, const T* x, std::int64_t rows, std::int64_t step, T* top) {
  constexpr auto lanes = static_cast<std::int64_t>(hn::MaxLanes(D()));
  hn::Vec<D> sum[count];
#pragma GCC unroll 8
  for (int v = 0; v < count; ++v) sum[v] = hn::Set(d, Rule::start());
  for (std::int64_t r = 0; r < rows; ++r, x += step) {
#pragma GCC unroll 8
    for (int v = 0; v < count; ++v) sum[v] = combine(rule, sum[v], hn::LoadU(d, x + v * lanes));
  }
#pragma GCC unroll 8
  for (int v = 0; v < count; ++v) hn::StoreU(sum[v], d, top + v * lanes);
}

// f(rule) with the rule known to the compiler.
template <class T, class F>
HWY_INLINE void with_rule(Folding how, const F& f) {
  switch (how) {
    case Folding::add:
      return f(Adding<T>());
    case Folding::multiply:
      return f(Multiplying<T>());
    case Folding::largest:
      return f(Largest<T>());
    case Folding::smallest:
      return f(Smallest<T>());
  }
}

template <class T>
void rows(Folding how, const T* x, std::int64_t count, std::int64_t step, std::int64_t width, T* top) {
  with_rule<T>(how, [=](auto rule) HWY_ATTR {
    std::int64_t i = 0;
    for (; i + 8 * kLanes<T> <= width; i += 8 * kLanes<T>) columns<8>(Tag<T>(), rule, x + i, count, step, top + i);
    simd::each_vector<T>(i, width,
                         [=](auto d, std::int64_t k) HWY_ATTR { columns<1>(d, rule, x + k, count, step, top + k); });
  });
}

template <class T>
void lanes(Folding how, const T* x, std::int64_t n, T* lane) {
  constexpr int count = static_cast<int>(kFoldLanes / kLanes<T>);
  with_rule<T>(how, [=](auto rule) HWY_ATTR { columns<count>(Tag<T>(), rule, x, n / kFoldLanes, kFoldLanes, lane); });
}

template <class T>
constexpr FoldLoops<T> kLoops{rows<T>, lanes<T>};
CHAINRULE_LOOPS(FoldLoops)

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace chainrule::kernels::detail
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace chainrule::kernels::detail {

CHAINRULE_EXPORT_LOOPS(FoldLoops);

}  // namespace chainrule::kernels::detail
#endif
