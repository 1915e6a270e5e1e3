// Inner header: for our own sources, not installed.
// Loops of pooling: largest elements and averages of windows, their gradients, and reading and adding by place in a
// plane. Images are dense (N, C, H, W), row-major or channels-last; which windows there are is worked out by PoolAxis,
// for sliding windows and for adaptive ones alike.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "engine/types/dtype.h"
#include "ops/kernels/images/window.h"

namespace chainrule::kernels {

/// The windows along one axis: position i reads the places begin(i), begin(i) + step(), ... before end(i).
struct PoolAxis {
  std::int64_t length = 1;
  std::int64_t positions = 1;
  WindowAxis window{};    ///< size, stride, padding and dilation; unused when adaptive
  bool adaptive = false;  ///< from floor(i * length / positions) to ceil((i + 1) * length / positions)

  constexpr std::int64_t step() const { return adaptive ? 1 : window.dilation; }
  /// Where tap 0 lies, perhaps in the padding.
  constexpr std::int64_t start(std::int64_t i) const {
    return adaptive ? i * length / positions : i * window.stride - window.padding;
  }
  constexpr std::int64_t begin(std::int64_t i) const {
    const std::int64_t s = start(i);
    return s >= 0 ? s : s + (-s + step() - 1) / step() * step();
  }
  constexpr std::int64_t end(std::int64_t i) const {
    if (adaptive) return ((i + 1) * length + positions - 1) / positions;
    return std::min(start(i) + (window.size - 1) * window.dilation + 1, length);
  }
  /// Elements that an average counts along this axis: those of the padding too, but none beyond it.
  constexpr std::int64_t count(std::int64_t i, bool with_padding) const {
    if (adaptive || !with_padding) return end(i) - begin(i);
    return std::min(start(i) + window.size, length + window.padding) - start(i);
  }
  /// The windows [first_over(x), last_over(x)) read place x; only without dilation.
  constexpr std::int64_t first_over(std::int64_t x) const {
    if (adaptive) return x * positions / length;
    const std::int64_t room = x + window.padding - window.size;
    return room < 0 ? 0 : std::min(room / window.stride + 1, positions);
  }
  constexpr std::int64_t last_over(std::int64_t x) const {
    if (adaptive) return ((x + 1) * positions + length - 1) / length;
    return std::min((x + window.padding) / window.stride + 1, positions);
  }
};

struct Pooling {
  std::int64_t n = 1, c = 1;
  PoolAxis y{}, x{};

  constexpr std::int64_t taps() const { return y.window.size * x.window.size; }
};

// --- sliding windows of few taps, float32 and float64: where a maximum stood is kept as the number of its tap ---

/// Taps are numbered in reading order within the window; a window without elements has this one.
inline constexpr std::uint8_t kNoTap = 255;

/// z = largest element of each window, -inf when there is none. NaN wins, the last if there are several; among equals
/// the first. `taps` is laid out as z, or null when nobody asks. At most 255 taps.
void max_pool2d(DType d, const Pooling& s, bool channels_last, const void* x, void* z, std::uint8_t* taps);
/// dx = 0, then g is added where the maximum stood.
void max_pool2d_grad(DType d, const Pooling& s, bool channels_last, const void* g, const std::uint8_t* taps, void* dx);
/// z[p] = x where the maximum stood, 0 when there was none.
void max_pool2d_pick(DType d, const Pooling& s, bool channels_last, const void* x, const std::uint8_t* taps, void* z);

struct Averaging {
  bool count_padding = true;
  std::int64_t divisor = 0;  ///< 0: the number of elements
};
/// z = sum of each window / what it counts. Columns are summed first, so both layouts give the same bits. No dilation.
void avg_pool2d(DType d, const Pooling& s, const Averaging& a, bool channels_last, const void* x, void* z);
/// dx = sum of g / what its window counts, over the windows that read the element.
void avg_pool2d_grad(DType d, const Pooling& s, const Averaging& a, bool channels_last, const void* g, void* dx);

// --- any windows, any strides, int64 too: where a maximum stood is its place row * W + column in the unpadded plane
// ---

/// As max_pool2d; `indices` is laid out as z and -1 where a window has no elements (there int64 gives its smallest).
void max_pool2d_indexed(DType d, const Pooling& s, const void* x, const ImageStrides& x_strides, void* z,
                        std::int64_t* indices, const ImageStrides& z_strides);

/// n x c planes of h x w elements, and rows x columns places picked in each.
struct Planes {
  std::int64_t n = 1, c = 1, h = 1, w = 1, rows = 1, columns = 1;
};
/// dx = 0, then dx[n, c, indices[n, c, p]] += g[n, c, p]; -1 stands for nothing.
void plane_scatter_add(DType d, const Planes& s, const void* g, const ImageStrides& g_strides,
                       const std::int64_t* indices, const ImageStrides& index_strides, void* dx,
                       const ImageStrides& dx_strides);
/// z[n, c, p] = x[n, c, indices[n, c, p]], 0 at index -1.
void plane_gather(DType d, const Planes& s, const void* x, const ImageStrides& x_strides, const std::int64_t* indices,
                  const ImageStrides& index_strides, void* z, const ImageStrides& z_strides);
/// Of dense row-major indices that name a place twice in one plane only the last stays; the others become -1.
void keep_last_of_each(const Planes& s, std::int64_t* indices);

}  // namespace chainrule::kernels
