// Max pooling of float32 and float64, compiled once per instruction set. Channels-last runs over the channels;
// row-major over the columns of a row. Its gradient is in pool_max_grad.cpp.
#include <algorithm>
#include <cassert>
#include <limits>

#include "ops/kernels/images/pool_loops.h"
#include "ops/kernels/parallel.h"
#include "ops/kernels/simd/simd_loops.h"
#include "ops/kernels/simd/simd_targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/kernels/images/pool_max.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
// The order matters: highway.h first.
#include "ops/kernels/simd/simd_tails.h"

HWY_BEFORE_NAMESPACE();
namespace chainrule::kernels {
namespace HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;
namespace simd = chainrule::kernels::HWY_NAMESPACE::simd;

/// Numbers of taps travel in lanes of the values' own type, which holds 0 to 255 exactly, and in memory as bytes.
template <class D, class V>
HWY_INLINE void store_taps(D /*d*/, V taps, std::uint8_t* to) {
  const hn::Rebind<std::int32_t, D> whole;
  const hn::Rebind<std::uint8_t, D> bytes;
  if constexpr (sizeof(hn::TFromD<D>) == 4)
    hn::StoreU(hn::DemoteTo(bytes, hn::ConvertTo(whole, taps)), bytes, to);
  else
    hn::StoreU(hn::DemoteTo(bytes, hn::DemoteTo(whole, taps)), bytes, to);
}

/// The largest of the elements at(y, x), one in each lane; the window has at least one element.
template <class D, class T, class At>
HWY_INLINE void best_of(D d, const Pooling& s, std::int64_t i, std::int64_t first_tap, std::int64_t x0, std::int64_t x1,
                        T* z, std::uint8_t* taps, At at) {
  const std::int64_t y0 = s.y.begin(i), y1 = s.y.end(i), across = s.x.window.size;
  std::int64_t row_tap = (y0 - s.y.start(i)) / s.y.step() * across + first_tap;
  auto best = at(y0, x0), where = hn::Set(d, static_cast<T>(row_tap));
  for (std::int64_t y = y0; y < y1; y += s.y.step(), row_tap += across) {
    std::int64_t tap = row_tap;
    for (std::int64_t x = x0; x < x1; x += s.x.step(), ++tap) {
      const auto v = at(y, x);
      const auto wins = hn::Or(hn::Gt(v, best), hn::IsNaN(v));
      best = hn::IfThenElse(wins, v, best);
      where = hn::IfThenElse(wins, hn::Set(d, static_cast<T>(tap)), where);
    }
  }
  hn::StoreU(best, d, z);
  if (taps != nullptr) store_taps(d, where, taps);
}

/// The same for a whole window of 2 x 2, the usual one: `x` is its first element, a column and a row further the
/// others.
template <class D, class T>
HWY_INLINE void best_of_four(D d, const T* x, std::int64_t column, std::int64_t row, T* z, std::uint8_t* taps) {
  auto best = hn::LoadU(d, x), where = hn::Zero(d);
  const auto next = [&](const T* from, T tap) HWY_ATTR {
    const auto v = hn::LoadU(d, from);
    const auto wins = hn::Or(hn::Gt(v, best), hn::IsNaN(v));
    best = hn::IfThenElse(wins, v, best);
    where = hn::IfThenElse(wins, hn::Set(d, tap), where);
  };
  next(x + column, T(1));
  next(x + row, T(2));
  next(x + row + column, T(3));
  hn::StoreU(best, d, z);
  if (taps != nullptr) store_taps(d, where, taps);
}

/// Output rows [begin, end) of all images; needs at least as many channels as lanes.
template <class D, class T>
void rows_channels_last(D d, const Pooling& s, const T* x, T* z, std::uint8_t* taps, std::int64_t begin,
                        std::int64_t end) {
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  const bool four = s.y.window.size == 2 && s.x.window.size == 2 && s.y.step() == 1 && s.x.step() == 1;
  const std::int64_t line = s.x.length * s.c;
  for (std::int64_t r = begin; r < end; ++r) {
    const std::int64_t i = r % s.y.positions;
    const T* image = x + r / s.y.positions * s.y.length * s.x.length * s.c;
    for (std::int64_t j = 0; j < s.x.positions; ++j) {
      const std::int64_t x0 = s.x.begin(j), x1 = s.x.end(j), to = (r * s.x.positions + j) * s.c;
      if (x0 >= x1 || s.y.begin(i) >= s.y.end(i)) {
        std::fill_n(z + to, s.c, -std::numeric_limits<T>::infinity());
        if (taps != nullptr) std::fill_n(taps + to, s.c, kNoTap);
        continue;
      }
      if (four && x1 - x0 == 2 && s.y.end(i) - s.y.begin(i) == 2) {
        const T* corner = image + s.y.begin(i) * line + x0 * s.c;
        simd::cover(s.c, lanes, [&](std::int64_t k) HWY_ATTR {
          best_of_four(d, corner + k, s.c, line, z + to + k, taps != nullptr ? taps + to + k : nullptr);
        });
        continue;
      }
      const std::int64_t first_tap = (x0 - s.x.start(j)) / s.x.step();
      simd::cover(s.c, lanes, [&](std::int64_t k) HWY_ATTR {
        best_of(d, s, i, first_tap, x0, x1, z + to + k, taps != nullptr ? taps + to + k : nullptr,
                [&](std::int64_t row, std::int64_t column)
                    HWY_ATTR { return hn::LoadU(d, image + (row * s.x.length + column) * s.c + k); });
      });
    }
  }
}

/// Elements from, from + 2, ...: the upper half is read one element early, so nothing beyond the last is touched.
template <class D, class T>
HWY_INLINE hn::Vec<D> load_every_second(D d, const T* from) {
#if HWY_TARGET == HWY_SCALAR
  return hn::LoadU(d, from);
#else
  const auto lanes = hn::Lanes(d);
  const auto low = hn::LoadU(d, from), high = hn::LoadU(d, from + lanes - 1);
  return hn::ConcatUpperLower(d, hn::ConcatOdd(d, high, high), hn::ConcatEven(d, low, low));
#endif
}

/// One window, number by number.
template <class T>
void one_window(const Pooling& s, const T* plane, std::int64_t i, std::int64_t j, T* z, std::uint8_t* tap) {
  T best = -std::numeric_limits<T>::infinity();
  std::int64_t where = kNoTap;
  for (std::int64_t y = s.y.begin(i); y < s.y.end(i); y += s.y.step()) {
    for (std::int64_t x = s.x.begin(j); x < s.x.end(j); x += s.x.step()) {
      const T v = plane[y * s.x.length + x];
      if (where != kNoTap && !(v > best) && v == v) continue;
      best = v;
      where = (y - s.y.start(i)) / s.y.step() * s.x.window.size + (x - s.x.start(j)) / s.x.step();
    }
  }
  *z = best;
  if (tap != nullptr) *tap = static_cast<std::uint8_t>(where);
}

/// Positions [lo, hi) of one row, whose windows lie inside the columns; stride 1 or 2, at least as many as lanes.
template <class D, class T>
void inner_row(D d, const Pooling& s, const T* plane, std::int64_t i, std::int64_t lo, std::int64_t hi, T* z,
               std::uint8_t* taps) {
  const std::int64_t span = (s.x.window.size - 1) * s.x.step() + 1, stride = s.x.window.stride;
  simd::cover(hi - lo, static_cast<std::int64_t>(hn::Lanes(d)), [&](std::int64_t k) HWY_ATTR {
    const std::int64_t first = s.x.start(lo + k);
    best_of(d, s, i, 0, 0, span, z + lo + k, taps != nullptr ? taps + lo + k : nullptr,
            [&](std::int64_t row, std::int64_t column) HWY_ATTR {
              const T* from = plane + row * s.x.length + first + column;
              return stride == 1 ? hn::LoadU(d, from) : load_every_second(d, from);
            });
  });
}

/// Output rows [begin, end) of all planes.
template <class T>
void rows_row_major(const Pooling& s, const T* x, T* z, std::uint8_t* taps, std::int64_t begin, std::int64_t end) {
  const hn::ScalableTag<T> full;
  const hn::CappedTag<T, 4> small;
  const WindowAxis& w = s.x.window;
  const std::int64_t room = s.x.length + w.padding - (w.size - 1) * w.dilation - 1;
  const std::int64_t lo = std::min((w.padding + w.stride - 1) / w.stride, s.x.positions);
  const std::int64_t hi = room < 0 ? lo : std::clamp(room / w.stride + 1, lo, s.x.positions);
  const auto few = static_cast<std::int64_t>(hn::Lanes(small)), many = static_cast<std::int64_t>(hn::Lanes(full));
  for (std::int64_t r = begin; r < end; ++r) {
    const std::int64_t i = r % s.y.positions, to = r * s.x.positions;
    const T* plane = x + r / s.y.positions * s.y.length * s.x.length;
    std::uint8_t* tap = taps != nullptr ? taps + to : nullptr;
    const bool wide = w.stride <= 2 && few > 1 && hi - lo >= few && s.y.begin(i) < s.y.end(i);
    const auto single = [&](std::int64_t first, std::int64_t last) {
      for (std::int64_t j = first; j < last; ++j)
        one_window(s, plane, i, j, z + to + j, tap != nullptr ? tap + j : nullptr);
    };
    single(0, wide ? lo : s.x.positions);
    if (!wide) continue;
    if (hi - lo >= many)
      inner_row(full, s, plane, i, lo, hi, z + to, tap);
    else
      inner_row(small, s, plane, i, lo, hi, z + to, tap);
    single(hi, s.x.positions);
  }
}

template <class T>
void forward(const Pooling& s, bool channels_last, const T* x, T* z, std::uint8_t* taps, std::int64_t begin,
             std::int64_t end) {
  const hn::ScalableTag<T> full;
  const hn::CappedTag<T, 4> small;
  if (!channels_last)
    rows_row_major(s, x, z, taps, begin, end);
  else if (s.c >= static_cast<std::int64_t>(hn::Lanes(full)))
    rows_channels_last(full, s, x, z, taps, begin, end);
  else if (s.c >= static_cast<std::int64_t>(hn::Lanes(small)))
    rows_channels_last(small, s, x, z, taps, begin, end);
  else
    rows_channels_last(hn::CappedTag<T, 1>(), s, x, z, taps, begin, end);
}

template <class T>
constexpr detail::MaxPoolLoops<T> kLoops{forward<T>};
CHAINRULE_LOOPS(detail::MaxPoolLoops)

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace chainrule::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace chainrule::kernels {

CHAINRULE_EXPORT_LOOPS(detail::MaxPoolLoops);

void max_pool2d(DType d, const Pooling& s, bool channels_last, const void* x, void* z, std::uint8_t* taps) {
  assert(is_floating(d) && s.taps() <= kNoTap);
  const std::int64_t planes = channels_last ? s.n : s.n * s.c, width = channels_last ? s.c : 1;
  dispatch_floating(d, [&](auto zero) {
    using T = decltype(zero);
    parallel_for(planes * s.y.positions, rows_per_thread(s.x.positions * s.taps() * width),
                 [&](std::int64_t begin, std::int64_t end) {
                   detail::MaxPoolLoops<T>::fastest().forward(s, channels_last, static_cast<const T*>(x),
                                                              static_cast<T*>(z), taps, begin, end);
                 });
  });
}

}  // namespace chainrule::kernels
#endif
