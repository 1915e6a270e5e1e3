// The gradient of max pooling, float32 and float64, compiled once per instruction set, and the reading of maxima that
// the second derivative needs. The gradient is gathered: each element asks the windows above it, so nothing is cleared
// first, nobody else writes there, and any number of threads gives the same bits.
#include <algorithm>
#include <cassert>
#include <vector>

#include "ops/kernels/images/pool_loops.h"
#include "ops/kernels/parallel.h"
#include "ops/kernels/simd/simd_loops.h"
#include "ops/kernels/simd/simd_targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/kernels/images/pool_max_grad.cpp"
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

/// Numbers of taps, bytes in memory, in lanes of the values' own type.
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

/// Windows side by side, none over another or over the edge: no element has more than one.
bool is_tiling(const Pooling& s) {
  const auto abuts = [](const PoolAxis& a) {
    const WindowAxis& w = a.window;
    return w.stride == w.size && w.padding == 0 && w.dilation == 1 && a.positions * w.size <= a.length;
  };
  return abuts(s.y) && abuts(s.x);
}

/// One row y of the gradient where the windows tile.
template <class D, class T>
void gather_tiles(D d, const Pooling& s, const T* g, const std::uint8_t* taps, std::int64_t first_tap, T* dx) {
  const std::int64_t across = s.x.window.size;
  for (std::int64_t j = 0; j < s.x.positions; ++j) {
    T* to = dx + j * across * s.c;
    simd::cover(s.c, static_cast<std::int64_t>(hn::Lanes(d)), [&](std::int64_t k) HWY_ATTR {
      const auto from = hn::Add(hn::Zero(d), hn::LoadU(d, g + j * s.c + k)), where = load_taps(d, taps + j * s.c + k);
      for (std::int64_t x = 0; x < across; ++x) {
        const auto mine = hn::Eq(where, hn::Set(d, static_cast<T>(first_tap + x)));
        hn::StoreU(hn::IfThenElseZero(mine, from), d, to + x * s.c + k);
      }
    });
  }
  std::fill(dx + s.x.positions * across * s.c, dx + s.x.length * s.c, T(0));
}

/// `over` holds the first and last window over every column.
template <class D, class T>
void gather_channels_last(D d, const Pooling& s, const T* g, const std::uint8_t* taps, T* dx, const std::int64_t* over,
                          std::int64_t begin, std::int64_t end) {
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  const bool tiling = is_tiling(s);
  for (std::int64_t r = begin; r < end; ++r) {
    const std::int64_t y = r % s.y.length, image = r / s.y.length * s.y.positions;
    const std::int64_t i0 = s.y.first_over(y), i1 = s.y.last_over(y);
    if (tiling && i0 < i1) {
      const std::int64_t at = (image + i0) * s.x.positions * s.c;
      gather_tiles(d, s, g + at, taps + at, (y - s.y.start(i0)) * s.x.window.size, dx + r * s.x.length * s.c);
      continue;
    }
    for (std::int64_t x = 0; x < s.x.length; ++x) {
      T* to = dx + (r * s.x.length + x) * s.c;
      simd::cover(s.c, lanes, [&](std::int64_t k) HWY_ATTR {
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
void gather(const Pooling& s, const T* g, const std::uint8_t* taps, T* dx, const std::int64_t* over, std::int64_t begin,
            std::int64_t end) {
  const hn::ScalableTag<T> full;
  const hn::CappedTag<T, 4> small;
  if (s.c >= static_cast<std::int64_t>(hn::Lanes(full)))
    gather_channels_last(full, s, g, taps, dx, over, begin, end);
  else if (s.c >= static_cast<std::int64_t>(hn::Lanes(small)))
    gather_channels_last(small, s, g, taps, dx, over, begin, end);
  else
    gather_channels_last(hn::CappedTag<T, 1>(), s, g, taps, dx, over, begin, end);
}

template <class T>
constexpr detail::MaxPoolGradLoops<T> kLoops{gather<T>};
CHAINRULE_LOOPS(detail::MaxPoolGradLoops)

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace chainrule::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace chainrule::kernels {

CHAINRULE_EXPORT_LOOPS(detail::MaxPoolGradLoops);

namespace {

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
    parallel_for(s.n * s.y.length, rows_per_thread(s.x.length * s.c), [&](std::int64_t begin, std::int64_t end) {
      detail::MaxPoolGradLoops<T>::fastest().gather(s, from, taps, to, columns, begin, end);
    });
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
