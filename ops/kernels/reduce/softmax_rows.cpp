// Rows of the softmax family in whole vectors, the last one masked, so that a row of ten is one vector. Sums run in
// lanes over blocks of kBlock numbers, and the blocks are added up in double.
#include "ops/kernels/reduce/softmax_rows.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>

#include "ops/kernels/simd/simd_loops.h"
#include "ops/kernels/simd/simd_targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/kernels/reduce/softmax_rows.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
// The order matters: highway.h first.
#include "ops/kernels/simd/simd_math.h"
#include "ops/kernels/simd/simd_tails.h"

HWY_BEFORE_NAMESPACE();
namespace chainrule::kernels::detail {
namespace HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;
namespace simd = chainrule::kernels::HWY_NAMESPACE::simd;

constexpr std::size_t kBlock = 2048;

/// Rows of one length: how they fall into vectors.
template <class T>
struct Row {
  using D = hn::ScalableTag<T>;
  using V = hn::Vec<D>;
  D d{};
  std::size_t n, lanes = hn::Lanes(d);

  /// use(place) for whole vectors, tail(place, count) for the rest.
  template <class Whole, class Tail>
  HWY_INLINE void each(std::size_t begin, std::size_t end, const Whole& use, const Tail& tail) const {
    std::size_t i = begin;
    for (; i + lanes <= end; i += lanes) use(i);
    if (i < end) tail(i, end - i);
  }

  HWY_INLINE T max(const T* x) const {
    V m = hn::Set(d, -std::numeric_limits<T>::infinity());
    // A NaN may get lost here; the sum of exponentials will hold it.
    each(
        0, n, [&](std::size_t i) HWY_ATTR { m = hn::Max(m, hn::LoadU(d, x + i)); },
        [&](std::size_t i, std::size_t count)
            HWY_ATTR { m = hn::Max(m, simd::load_some(d, x + i, count, -std::numeric_limits<T>::infinity())); });
    return hn::GetLane(hn::MaxOfLanes(d, m));
  }

  /// The sum of term(vectors...) over the row; the same term, with zeros behind `count`, for the last vector.
  template <class Whole, class Tail>
  HWY_INLINE T sum(const Whole& term, const Tail& tail) const {
    double total = 0;
    for (std::size_t begin = 0;; begin += kBlock) {
      V s = hn::Zero(d);
      each(
          begin, std::min(n, begin + kBlock), [&](std::size_t i) HWY_ATTR { s = hn::Add(s, term(i)); },
          [&](std::size_t i, std::size_t count) HWY_ATTR { s = hn::Add(s, tail(i, count)); });
      const T part = hn::GetLane(hn::SumOfLanes(d, s));
      if (n <= kBlock) return part;
      total += static_cast<double>(part);
      if (begin + kBlock >= n) return static_cast<T>(total);
    }
  }

  /// sum of exp(x - m); `keep` is where the exponentials go, or null.
  HWY_INLINE T sum_exp(const T* x, T m, T* keep) const {
    const V shift = hn::Set(d, m);
    return sum(
        [&](std::size_t i) HWY_ATTR {
          const V e = simd::exp(d, hn::Sub(hn::LoadU(d, x + i), shift));
          if (keep) hn::StoreU(e, d, keep + i);
          return e;
        },
        [&](std::size_t i, std::size_t count) HWY_ATTR {
          V e = simd::exp(d, hn::Sub(simd::load_some(d, x + i, count, m), shift));
          e = hn::IfThenElseZero(hn::FirstN(d, count), e);
          if (keep) simd::store_some(d, e, keep + i, count);
          return e;
        });
  }

  /// z = f(x, y)
  template <class F>
  HWY_INLINE void map(const T* x, const T* y, T* z, const F& f) const {
    each(
        0, n, [&](std::size_t i) HWY_ATTR { hn::StoreU(f(hn::LoadU(d, x + i), hn::LoadU(d, y + i)), d, z + i); },
        [&](std::size_t i, std::size_t count) HWY_ATTR {
          simd::store_some(d, f(simd::load_some(d, x + i, count, T(0)), simd::load_some(d, y + i, count, T(0))), z + i,
                           count);
        });
  }

  HWY_INLINE T log(T s) const { return hn::GetLane(simd::log(d, hn::Set(d, s))); }
};

template <class T>
HWY_INLINE void one_row(Rows op, const Row<T>& row, const T* x, const T* y, T* z) {
  const auto d = row.d;
  using V = typename Row<T>::V;
  switch (op) {
    case Rows::logsumexp: {
      const T largest = row.max(x), m = std::isinf(largest) ? T(0) : largest;  // inf - inf would be NaN
      *z = m + row.log(row.sum_exp(x, m, nullptr));
      return;
    }
    case Rows::softmax: {
      const T s = row.sum_exp(x, row.max(x), z);
      const V total = hn::Set(d, s);
      return row.map(z, z, z, [&](V e, V) HWY_ATTR { return hn::Div(e, total); });
    }
    case Rows::log_softmax: {
      const T m = row.max(x);
      const V shift = hn::Set(d, m), log_s = hn::Set(d, row.log(row.sum_exp(x, m, nullptr)));
      return row.map(x, x, z, [&](V v, V) HWY_ATTR { return hn::Sub(hn::Sub(v, shift), log_s); });
    }
    case Rows::softmax_grad: {
      const V s = hn::Set(
          d, row.sum([&](std::size_t i) HWY_ATTR { return hn::Mul(hn::LoadU(d, x + i), hn::LoadU(d, y + i)); },
                     [&](std::size_t i, std::size_t count) HWY_ATTR {
                       return hn::Mul(simd::load_some(d, x + i, count, T(0)), simd::load_some(d, y + i, count, T(0)));
                     }));
      return row.map(x, y, z, [&](V g, V v) HWY_ATTR { return hn::Mul(v, hn::Sub(g, s)); });
    }
    case Rows::log_softmax_grad: {
      const V s = hn::Set(d, row.sum([&](std::size_t i) HWY_ATTR { return hn::LoadU(d, x + i); },
                                     [&](std::size_t i, std::size_t count)
                                         HWY_ATTR { return simd::load_some(d, x + i, count, T(0)); }));
      return row.map(x, y, z, [&](V g, V v) HWY_ATTR { return hn::Sub(g, hn::Mul(simd::exp(d, v), s)); });
    }
  }
}

template <class T>
void rows(Rows op, const T* x, const T* y, T* z, std::int64_t count, std::int64_t n) {
  Row<T> row{.n = static_cast<std::size_t>(n)};
  for (std::int64_t r = 0; r < count; ++r)
    one_row(op, row, x + r * n, y + r * n, op == Rows::logsumexp ? z + r : z + r * n);
}

template <class T>
constexpr SoftmaxLoops<T> kLoops{rows<T>};
CHAINRULE_LOOPS(SoftmaxLoops)

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace chainrule::kernels::detail
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace chainrule::kernels::detail {

CHAINRULE_EXPORT_LOOPS(SoftmaxLoops);

}  // namespace chainrule::kernels::detail
#endif
