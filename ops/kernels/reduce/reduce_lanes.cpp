// Folds with one vector instruction for several numbers, compiled once per instruction set and chosen at run time. The
// rules are those of reduce_detail.h, number by number.
#include "ops/kernels/reduce/reduce_lanes.h"

#include <cstddef>

#include "ops/kernels/reduce/reduce_detail.h"
#include "ops/kernels/simd/simd_targets_sized.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/kernels/reduce/reduce_lanes.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace chainrule::kernels::detail {
namespace HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

template <class T>
using Tag = hn::ScalableTag<T>;
template <class T>
using Vec = hn::Vec<Tag<T>>;
template <class T>
constexpr std::int64_t kLanes = static_cast<std::int64_t>(hn::MaxLanes(Tag<T>()));

template <class T>
HWY_INLINE Vec<T> combine(Adding<T>, Vec<T> a, Vec<T> b) {
  return hn::Add(a, b);
}
template <class T>
HWY_INLINE Vec<T> combine(Multiplying<T>, Vec<T> a, Vec<T> b) {
  return hn::Mul(a, b);
}
template <class T>
HWY_INLINE Vec<T> combine(Largest<T>, Vec<T> a, Vec<T> b) {
  return hn::IfThenElse(hn::Or(hn::Gt(b, a), hn::IsNaN(b)), b, a);
}
template <class T>
HWY_INLINE Vec<T> combine(Smallest<T>, Vec<T> a, Vec<T> b) {
  return hn::IfThenElse(hn::Or(hn::Lt(b, a), hn::IsNaN(b)), b, a);
}

// `count` vectors of columns from column i on.
template <int count, class Rule, class T>
HWY_INLINE void columns(Rule rule, const T* x, std::int64_t rows, std::int64_t step, T* top) {
  const Tag<T> d;
  Vec<T> sum[count];
#pragma GCC unroll 8
  for (int v = 0; v < count; ++v) sum[v] = hn::Set(d, Rule::start());
  for (std::int64_t r = 0; r < rows; ++r, x += step) {
#pragma GCC unroll 8
    for (int v = 0; v < count; ++v) sum[v] = combine(rule, sum[v], hn::LoadU(d, x + v * kLanes<T>));
  }
#pragma GCC unroll 8
  for (int v = 0; v < count; ++v) hn::StoreU(sum[v], d, top + v * kLanes<T>);
}

struct Rows {
  template <class Rule, class T>
  static void run(Rule rule, const T* x, std::int64_t rows, std::int64_t step, std::int64_t width, T* top) {
    std::int64_t i = 0;
    for (; i + 8 * kLanes<T> <= width; i += 8 * kLanes<T>) columns<8>(rule, x + i, rows, step, top + i);
    for (; i + kLanes<T> <= width; i += kLanes<T>) columns<1>(rule, x + i, rows, step, top + i);
    for (; i < width; ++i) {
      T sum = Rule::start();
      for (std::int64_t r = 0; r < rows; ++r) sum = Rule::combine(sum, x[r * step + i]);
      top[i] = sum;
    }
  }
};

struct LanesOfRow {
  template <class Rule, class T>
  static void run(Rule rule, const T* x, std::int64_t n, T* lane) {
    constexpr int count = static_cast<int>(kFoldLanes / kLanes<T>);
    columns<count>(rule, x, n / kFoldLanes, kFoldLanes, lane);
  }
};

template <class Loop, class T, class... Arguments>
HWY_INLINE void with_rule(Folding how, Arguments... arguments) {
  switch (how) {
    case Folding::add:
      return Loop::run(Adding<T>(), arguments...);
    case Folding::multiply:
      return Loop::run(Multiplying<T>(), arguments...);
    case Folding::largest:
      return Loop::run(Largest<T>(), arguments...);
    case Folding::smallest:
      return Loop::run(Smallest<T>(), arguments...);
  }
}

void rows_float(Folding how, const float* x, std::int64_t rows, std::int64_t step, std::int64_t width, float* top) {
  with_rule<Rows, float>(how, x, rows, step, width, top);
}
void rows_double(Folding how, const double* x, std::int64_t rows, std::int64_t step, std::int64_t width, double* top) {
  with_rule<Rows, double>(how, x, rows, step, width, top);
}
void lanes_float(Folding how, const float* x, std::int64_t n, float* lane) {
  with_rule<LanesOfRow, float>(how, x, n, lane);
}
void lanes_double(Folding how, const double* x, std::int64_t n, double* lane) {
  with_rule<LanesOfRow, double>(how, x, n, lane);
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace chainrule::kernels::detail
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace chainrule::kernels::detail {

HWY_EXPORT(rows_float);
HWY_EXPORT(rows_double);
HWY_EXPORT(lanes_float);
HWY_EXPORT(lanes_double);

void fold_rows(Folding how, const float* x, std::int64_t rows, std::int64_t step, std::int64_t width, float* top) {
  HWY_DYNAMIC_DISPATCH(rows_float)(how, x, rows, step, width, top);
}
void fold_rows(Folding how, const double* x, std::int64_t rows, std::int64_t step, std::int64_t width, double* top) {
  HWY_DYNAMIC_DISPATCH(rows_double)(how, x, rows, step, width, top);
}
void fold_lanes(Folding how, const float* x, std::int64_t n, float* lane) {
  HWY_DYNAMIC_DISPATCH(lanes_float)(how, x, n, lane);
}
void fold_lanes(Folding how, const double* x, std::int64_t n, double* lane) {
  HWY_DYNAMIC_DISPATCH(lanes_double)(how, x, n, lane);
}

}  // namespace chainrule::kernels::detail
#endif
