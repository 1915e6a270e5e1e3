// Average pooling of float32 and float64, sliding and adaptive, compiled once per instruction set. Both directions are
// gathered, columns of a window before its rows, so layouts and numbers of threads give the same bits.
#include <algorithm>
#include <cassert>
#include <vector>

#include "ops/kernels/images/pool_loops.h"
#include "ops/kernels/parallel.h"
#include "ops/kernels/simd/simd_loops.h"
#include "ops/kernels/simd/simd_targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/kernels/images/pool_average.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
// The order matters: highway.h first.
#include "ops/kernels/simd/simd_tails.h"

HWY_BEFORE_NAMESPACE();
namespace chainrule::kernels {
namespace HWY_NAMESPACE {
namespace {

using detail::AverageColumns;
using detail::WindowRange;

namespace hn = hwy::HWY_NAMESPACE;
namespace simd = chainrule::kernels::HWY_NAMESPACE::simd;

template <class T>
HWY_INLINE T divisor(const Averaging& a, std::int64_t rows, std::int64_t columns) {
  return static_cast<T>(a.divisor != 0 ? a.divisor : rows * columns);
}

/// Output rows [begin, end) of all images.
template <class D, class T>
void means_channels_last(D d, const Pooling& s, const Averaging& a, const AverageColumns& columns, const T* x, T* z,
                         std::int64_t begin, std::int64_t end) {
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  for (std::int64_t r = begin; r < end; ++r) {
    const std::int64_t i = r % s.y.positions, y0 = s.y.begin(i), y1 = s.y.end(i);
    const std::int64_t rows = s.y.count(i, a.count_padding);
    const T* image = x + r / s.y.positions * s.y.length * s.x.length * s.c;
    for (std::int64_t j = 0; j < s.x.positions; ++j) {
      const WindowRange across = columns.ranges[j];
      const auto by = hn::Set(d, divisor<T>(a, rows, columns.counts[j]));
      T* to = z + (r * s.x.positions + j) * s.c;
      simd::cover(s.c, lanes, [&](std::int64_t k) HWY_ATTR {
        auto total = hn::Zero(d);
        for (std::int64_t c = across.begin; c < across.end; ++c) {
          auto column = hn::Zero(d);
          for (std::int64_t y = y0; y < y1; ++y)
            column = hn::Add(column, hn::LoadU(d, image + (y * s.x.length + c) * s.c + k));
          total = hn::Add(total, column);
        }
        hn::StoreU(hn::Div(total, by), d, to + k);
      });
    }
  }
}

/// Input rows [begin, end) of all images.
template <class D, class T>
void shares_channels_last(D d, const Pooling& s, const Averaging& a, const AverageColumns& columns, const T* g, T* dx,
                          std::int64_t begin, std::int64_t end) {
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  for (std::int64_t r = begin; r < end; ++r) {
    const std::int64_t y = r % s.y.length, i0 = s.y.first_over(y), i1 = s.y.last_over(y);
    const T* image = g + r / s.y.length * s.y.positions * s.x.positions * s.c;
    for (std::int64_t x = 0; x < s.x.length; ++x) {
      const WindowRange across = columns.ranges[x];
      T* to = dx + (r * s.x.length + x) * s.c;
      simd::cover(s.c, lanes, [&](std::int64_t k) HWY_ATTR {
        auto total = hn::Zero(d);
        for (std::int64_t j = across.begin; j < across.end; ++j) {
          auto column = hn::Zero(d);
          for (std::int64_t i = i0; i < i1; ++i) {
            const auto by = hn::Set(d, divisor<T>(a, s.y.count(i, a.count_padding), columns.counts[j]));
            column = hn::Add(column, hn::Div(hn::LoadU(d, image + (i * s.x.positions + j) * s.c + k), by));
          }
          total = hn::Add(total, column);
        }
        hn::StoreU(total, d, to + k);
      });
    }
  }
}

/// sum[k] += from[k]
template <class T>
void add_row(const T* from, T* sum, std::int64_t n) {
  simd::each_vector<T>(0, n, [=](auto d, std::int64_t k) HWY_ATTR {
    hn::StoreU(hn::Add(hn::LoadU(d, sum + k), hn::LoadU(d, from + k)), d, sum + k);
  });
}

template <class T>
T sum_of(const T* row, WindowRange r) {
  T total = 0;
  for (std::int64_t k = r.begin; k < r.end; ++k) total += row[k];
  return total;
}

/// Output rows of all planes; `row` has room for a row of x.
template <class T>
void means_row_major(const Pooling& s, const Averaging& a, const AverageColumns& columns, const T* x, T* z, T* row,
                     std::int64_t begin, std::int64_t end) {
  for (std::int64_t r = begin; r < end; ++r) {
    const std::int64_t i = r % s.y.positions, rows = s.y.count(i, a.count_padding);
    const T* plane = x + r / s.y.positions * s.y.length * s.x.length;
    std::fill_n(row, s.x.length, T(0));
    for (std::int64_t y = s.y.begin(i); y < s.y.end(i); ++y) add_row(plane + y * s.x.length, row, s.x.length);
    for (std::int64_t j = 0; j < s.x.positions; ++j)
      z[r * s.x.positions + j] = sum_of(row, columns.ranges[j]) / divisor<T>(a, rows, columns.counts[j]);
  }
}

/// Input rows of all planes; `row` has room for a row of g.
template <class T>
void shares_row_major(const Pooling& s, const Averaging& a, const AverageColumns& columns, const T* g, T* dx, T* row,
                      std::int64_t begin, std::int64_t end) {
  for (std::int64_t r = begin; r < end; ++r) {
    const std::int64_t y = r % s.y.length;
    const T* plane = g + r / s.y.length * s.y.positions * s.x.positions;
    std::fill_n(row, s.x.positions, T(0));
    for (std::int64_t i = s.y.first_over(y); i < s.y.last_over(y); ++i) {
      const std::int64_t rows = s.y.count(i, a.count_padding);
      for (std::int64_t j = 0; j < s.x.positions; ++j)
        row[j] += plane[i * s.x.positions + j] / divisor<T>(a, rows, columns.counts[j]);
    }
    for (std::int64_t x = 0; x < s.x.length; ++x) dx[r * s.x.length + x] = sum_of(row, columns.ranges[x]);
  }
}

/// `row` is null for channels-last memory.
template <class T>
void means(const Pooling& s, const Averaging& a, const AverageColumns& columns, const T* x, T* z, T* row,
           std::int64_t begin, std::int64_t end) {
  const hn::ScalableTag<T> full;
  const hn::CappedTag<T, 4> small;
  if (row != nullptr)
    means_row_major(s, a, columns, x, z, row, begin, end);
  else if (s.c >= static_cast<std::int64_t>(hn::Lanes(full)))
    means_channels_last(full, s, a, columns, x, z, begin, end);
  else if (s.c >= static_cast<std::int64_t>(hn::Lanes(small)))
    means_channels_last(small, s, a, columns, x, z, begin, end);
  else
    means_channels_last(hn::CappedTag<T, 1>(), s, a, columns, x, z, begin, end);
}

template <class T>
void shares(const Pooling& s, const Averaging& a, const AverageColumns& columns, const T* g, T* dx, T* row,
            std::int64_t begin, std::int64_t end) {
  const hn::ScalableTag<T> full;
  const hn::CappedTag<T, 4> small;
  if (row != nullptr)
    shares_row_major(s, a, columns, g, dx, row, begin, end);
  else if (s.c >= static_cast<std::int64_t>(hn::Lanes(full)))
    shares_channels_last(full, s, a, columns, g, dx, begin, end);
  else if (s.c >= static_cast<std::int64_t>(hn::Lanes(small)))
    shares_channels_last(small, s, a, columns, g, dx, begin, end);
  else
    shares_channels_last(hn::CappedTag<T, 1>(), s, a, columns, g, dx, begin, end);
}

template <class T>
constexpr detail::AveragePoolLoops<T> kLoops{means<T>, shares<T>};
CHAINRULE_LOOPS(detail::AveragePoolLoops)

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace chainrule::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace chainrule::kernels {

CHAINRULE_EXPORT_LOOPS(detail::AveragePoolLoops);

namespace {

using detail::AverageColumns;
using detail::WindowRange;

/// `n` numbers that stay with the thread: the second call of the same size allocates nothing.
template <class T, int use>
T* scratch(std::int64_t n) {
  thread_local std::vector<T> buffer;
  buffer.resize(std::max(buffer.size(), static_cast<std::size_t>(n)));
  return buffer.data();
}

/// Calls rows(columns, row, begin, end) on the rows of a result whose columns sum over `range(column)`.
template <class T, class Rows, class F>
void run(const Pooling& s, const Averaging& a, bool channels_last, std::int64_t height, std::int64_t width,
         std::int64_t work, Rows rows, F range) {
  WindowRange* ranges = scratch<WindowRange, 0>(width);
  for (std::int64_t k = 0; k < width; ++k) ranges[k] = range(k);
  std::int64_t* counts = scratch<std::int64_t, 1>(s.x.positions);
  for (std::int64_t j = 0; j < s.x.positions; ++j) counts[j] = s.x.count(j, a.count_padding);
  const AverageColumns columns{ranges, counts};
  const std::int64_t planes = channels_last ? s.n : s.n * s.c;
  parallel_for(planes * height, rows_per_thread(channels_last ? work * s.c : work),
               [&](std::int64_t begin, std::int64_t end) {
                 T* row = channels_last ? nullptr : scratch<T, 2>(std::max(s.x.length, s.x.positions));
                 rows(columns, row, begin, end);
               });
}

}  // namespace

void avg_pool2d(DType d, const Pooling& s, const Averaging& a, bool channels_last, const void* x, void* z) {
  assert(is_floating(d) && s.y.step() == 1 && s.x.step() == 1);
  const std::int64_t work =
      s.x.length * std::max<std::int64_t>(s.y.length / std::max<std::int64_t>(s.y.positions, 1), 1);
  dispatch_floating(d, [&](auto zero) {
    using T = decltype(zero);
    run<T>(
        s, a, channels_last, s.y.positions, s.x.positions, work,
        [&](const AverageColumns& columns, T* row, std::int64_t begin, std::int64_t end) {
          detail::AveragePoolLoops<T>::fastest().means(s, a, columns, static_cast<const T*>(x), static_cast<T*>(z), row,
                                                       begin, end);
        },
        [&](std::int64_t j) {
          return WindowRange{s.x.begin(j), s.x.end(j)};
        });
  });
}

void avg_pool2d_grad(DType d, const Pooling& s, const Averaging& a, bool channels_last, const void* g, void* dx) {
  assert(is_floating(d) && s.y.step() == 1 && s.x.step() == 1);
  dispatch_floating(d, [&](auto zero) {
    using T = decltype(zero);
    run<T>(
        s, a, channels_last, s.y.length, s.x.length, s.x.length,
        [&](const AverageColumns& columns, T* row, std::int64_t begin, std::int64_t end) {
          detail::AveragePoolLoops<T>::fastest().shares(s, a, columns, static_cast<const T*>(g), static_cast<T*>(dx),
                                                        row, begin, end);
        },
        [&](std::int64_t x) {
          return WindowRange{s.x.first_over(x), s.x.last_over(x)};
        });
  });
}

}  // namespace chainrule::kernels
#endif
