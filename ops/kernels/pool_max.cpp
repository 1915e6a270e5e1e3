// Max pooling of float32 and float64, compiled once per instruction set. Channels-last runs over the channels;
// row-major over the columns of a row. The gradient is gathered: each element asks the windows above it, so nothing is
// cleared first, nobody else writes there, and any number of threads gives the same bits.
#include <algorithm>
#include <cassert>
#include <limits>
#include <vector>

#include "ops/kernels/parallel.h"
#include "ops/kernels/pool.h"
#include "ops/kernels/simd_targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/kernels/pool_max.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace chainrule::kernels {
namespace HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

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

template <class D>
HWY_INLINE hn::Vec<D> load_taps(D d, const std::uint8_t* from) {
  const hn::Rebind<std::int32_t, D> whole;
  const hn::Rebind<std::uint8_t, D> bytes;
  const auto taps = hn::PromoteTo(whole, hn::LoadU(bytes, from));
  if constexpr (sizeof(hn::TFromD<D>) == 4)
    return hn::ConvertTo(d, taps);
  else
    return hn::PromoteTo(d, taps);
}

/// Calls f(k) so that runs [k, k + lanes) cover [0, n), n >= lanes: the last run may overlap the one before.
template <class F>
HWY_INLINE void cover(std::int64_t n, std::int64_t lanes, F f) {
  std::int64_t k = 0;
  for (; k + lanes <= n; k += lanes) f(k);
  if (k < n) f(n - lanes);
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

/// Output rows [begin, end) of all images; needs at least as many channels as lanes.
template <class D, class T>
void rows_channels_last(D d, const Pooling& s, const T* x, T* z, std::uint8_t* taps, std::int64_t begin,
                        std::int64_t end) {
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
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
      const std::int64_t first_tap = (x0 - s.x.start(j)) / s.x.step();
      cover(s.c, lanes, [&](std::int64_t k) HWY_ATTR {
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
  cover(hi - lo, static_cast<std::int64_t>(hn::Lanes(d)), [&](std::int64_t k) HWY_ATTR {
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
void forward_rows(const Pooling& s, bool channels_last, const T* x, T* z, std::uint8_t* taps, std::int64_t begin,
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

/// `over` holds the first and last window over every column.
template <class D, class T>
void gather_channels_last(D d, const Pooling& s, const T* g, const std::uint8_t* taps, T* dx, const std::int64_t* over,
                          std::int64_t begin, std::int64_t end) {
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  for (std::int64_t r = begin; r < end; ++r) {
    const std::int64_t y = r % s.y.length, image = r / s.y.length * s.y.positions;
    const std::int64_t i0 = s.y.first_over(y), i1 = s.y.last_over(y);
    for (std::int64_t x = 0; x < s.x.length; ++x) {
      T* to = dx + (r * s.x.length + x) * s.c;
      cover(s.c, lanes, [&](std::int64_t k) HWY_ATTR {
        auto total = hn::Zero(d);
        for (std::int64_t i = i0; i < i1; ++i) {
          for (std::int64_t j = over[2 * x]; j < over[2 * x + 1]; ++j) {
            const std::int64_t at = ((image + i) * s.x.positions + j) * s.c + k;
            const auto tap = static_cast<T>((y - s.y.start(i)) * s.x.window.size + x - s.x.start(j));
            const auto mine = hn::Eq(load_taps(d, taps + at), hn::Set(d, tap));
            total = hn::Add(total, hn::IfThenElseZero(mine, hn::LoadU(d, g + at)));
          }
        }
        hn::StoreU(total, d, to + k);
      });
    }
  }
}

template <class T>
void gather_rows(const Pooling& s, const T* g, const std::uint8_t* taps, T* dx, const std::int64_t* over,
                 std::int64_t begin, std::int64_t end) {
  const hn::ScalableTag<T> full;
  const hn::CappedTag<T, 4> small;
  if (s.c >= static_cast<std::int64_t>(hn::Lanes(full)))
    gather_channels_last(full, s, g, taps, dx, over, begin, end);
  else if (s.c >= static_cast<std::int64_t>(hn::Lanes(small)))
    gather_channels_last(small, s, g, taps, dx, over, begin, end);
  else
    gather_channels_last(hn::CappedTag<T, 1>(), s, g, taps, dx, over, begin, end);
}

void forward_float(const Pooling& s, bool channels_last, const float* x, float* z, std::uint8_t* taps,
                   std::int64_t begin, std::int64_t end) {
  forward_rows(s, channels_last, x, z, taps, begin, end);
}
void forward_double(const Pooling& s, bool channels_last, const double* x, double* z, std::uint8_t* taps,
                    std::int64_t begin, std::int64_t end) {
  forward_rows(s, channels_last, x, z, taps, begin, end);
}
void gather_float(const Pooling& s, const float* g, const std::uint8_t* taps, float* dx, const std::int64_t* over,
                  std::int64_t begin, std::int64_t end) {
  gather_rows(s, g, taps, dx, over, begin, end);
}
void gather_double(const Pooling& s, const double* g, const std::uint8_t* taps, double* dx, const std::int64_t* over,
                   std::int64_t begin, std::int64_t end) {
  gather_rows(s, g, taps, dx, over, begin, end);
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace chainrule::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace chainrule::kernels {

HWY_EXPORT(forward_float);
HWY_EXPORT(forward_double);
HWY_EXPORT(gather_float);
HWY_EXPORT(gather_double);

namespace {

constexpr std::int64_t kGrain = 1 << 14;

/// How many rows make a thread worth waking.
std::int64_t rows_per_thread(std::int64_t work) {
  return std::max<std::int64_t>(kGrain / std::max<std::int64_t>(work, 1), 1);
}

void forward(const Pooling& s, bool channels_last, const float* x, float* z, std::uint8_t* taps, std::int64_t begin,
             std::int64_t end) {
  HWY_DYNAMIC_DISPATCH(forward_float)(s, channels_last, x, z, taps, begin, end);
}
void forward(const Pooling& s, bool channels_last, const double* x, double* z, std::uint8_t* taps, std::int64_t begin,
             std::int64_t end) {
  HWY_DYNAMIC_DISPATCH(forward_double)(s, channels_last, x, z, taps, begin, end);
}
void gather(const Pooling& s, const float* g, const std::uint8_t* taps, float* dx, const std::int64_t* over,
            std::int64_t begin, std::int64_t end) {
  HWY_DYNAMIC_DISPATCH(gather_float)(s, g, taps, dx, over, begin, end);
}
void gather(const Pooling& s, const double* g, const std::uint8_t* taps, double* dx, const std::int64_t* over,
            std::int64_t begin, std::int64_t end) {
  HWY_DYNAMIC_DISPATCH(gather_double)(s, g, taps, dx, over, begin, end);
}

/// Where element (plane, place) of the inputs and of the results lies, and the place in the plane of each tap.
struct Places {
  Places(const Pooling& s, bool channels_last) : pixel(channels_last ? s.c : 1) {
    for (std::int64_t tap = 0; tap < s.taps(); ++tap)
      of_tap[tap] = tap / s.x.window.size * s.y.step() * s.x.length + tap % s.x.window.size * s.x.step();
  }
  std::int64_t pixel;
  std::int64_t of_tap[kNoTap] = {};
};

/// Calls f(offset in x, offset in z and taps) for each window of each plane that has a maximum, in reading order;
/// planes are shared out. `open(offset)` is called first for each plane.
template <class Open, class F>
void each_maximum(const Pooling& s, bool channels_last, const std::uint8_t* taps, Open open, F f) {
  const Places places(s, channels_last);
  const std::int64_t area = s.y.length * s.x.length, positions = s.y.positions * s.x.positions;
  parallel_for(s.n * s.c, rows_per_thread(area), [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t p = begin; p < end; ++p) {
      const std::int64_t plane = channels_last ? p / s.c * area * s.c + p % s.c : p * area;
      std::int64_t at = channels_last ? p / s.c * positions * s.c + p % s.c : p * positions;
      open(plane, places.pixel);
      for (std::int64_t i = 0; i < s.y.positions; ++i) {
        for (std::int64_t j = 0; j < s.x.positions; ++j, at += places.pixel) {
          const std::uint8_t tap = taps[at];
          const std::int64_t place = tap == kNoTap ? -1 : s.y.start(i) * s.x.length + s.x.start(j) + places.of_tap[tap];
          f(tap == kNoTap ? -1 : plane + place * places.pixel, at);
        }
      }
    }
  });
}

}  // namespace

void max_pool2d(DType d, const Pooling& s, bool channels_last, const void* x, void* z, std::uint8_t* taps) {
  assert(is_floating(d) && s.taps() <= kNoTap);
  const std::int64_t planes = channels_last ? s.n : s.n * s.c, width = channels_last ? s.c : 1;
  dispatch_floating(d, [&](auto zero) {
    using T = decltype(zero);
    parallel_for(planes * s.y.positions, rows_per_thread(s.x.positions * s.taps() * width),
                 [&](std::int64_t begin, std::int64_t end) {
                   forward(s, channels_last, static_cast<const T*>(x), static_cast<T*>(z), taps, begin, end);
                 });
  });
}

void max_pool2d_grad(DType d, const Pooling& s, bool channels_last, const void* g, const std::uint8_t* taps, void* dx) {
  assert(is_floating(d) && s.taps() <= kNoTap);
  const std::int64_t area = s.y.length * s.x.length;
  dispatch_floating(d, [&](auto zero) {
    using T = decltype(zero);
    const T* from = static_cast<const T*>(g);
    T* to = static_cast<T*>(dx);
    if (!channels_last || s.y.step() != 1 || s.x.step() != 1) {
      each_maximum(
          s, channels_last, taps,
          [&](std::int64_t plane, std::int64_t pixel) {
            for (std::int64_t k = 0; k < area; ++k) to[plane + k * pixel] = T(0);
          },
          [&](std::int64_t place, std::int64_t at) {
            if (place >= 0) to[place] += from[at];
          });
      return;
    }
    thread_local std::vector<std::int64_t> over;  // kept: the second call allocates nothing
    over.resize(static_cast<std::size_t>(2 * s.x.length));
    for (std::int64_t x = 0; x < s.x.length; ++x) {
      over[static_cast<std::size_t>(2 * x)] = s.x.first_over(x);
      over[static_cast<std::size_t>(2 * x + 1)] = s.x.last_over(x);
    }
    const std::int64_t* columns = over.data();
    parallel_for(s.n * s.y.length, rows_per_thread(s.x.length * s.c),
                 [&](std::int64_t begin, std::int64_t end) { gather(s, from, taps, to, columns, begin, end); });
  });
}

void max_pool2d_pick(DType d, const Pooling& s, bool channels_last, const void* x, const std::uint8_t* taps, void* z) {
  assert(is_floating(d) && s.taps() <= kNoTap);
  dispatch_floating(d, [&](auto zero) {
    using T = decltype(zero);
    each_maximum(
        s, channels_last, taps, [](std::int64_t, std::int64_t) {},
        [&](std::int64_t place, std::int64_t at) {
          static_cast<T*>(z)[at] = place < 0 ? T(0) : static_cast<const T*>(x)[place];
        });
  });
}

}  // namespace chainrule::kernels
#endif
