// Unfold and fold. Threads share out planes (one channel of one image), so every sum has one fixed order.
#include "ops/kernels/images/window.h"

#include <algorithm>

#include "ops/kernels/by_dtype.h"
#include "ops/kernels/parallel.h"

namespace chainrule::kernels {
namespace {

constexpr std::int64_t kGrain = 1 << 14;

/// Calls f(image, channel) for every plane; `work` is what one costs, in elements.
template <class F>
void each_plane(const Windows& s, std::int64_t work, F f) {
  parallel_for(s.n * s.c, std::max<std::int64_t>(kGrain / std::max<std::int64_t>(work, 1), 1),
               [&](std::int64_t begin, std::int64_t end) {
                 for (std::int64_t p = begin; p < end; ++p) f(p / s.c, p % s.c);
               });
}

/// Positions [first, last) of a window for which tap `tap` falls inside an axis of `length`.
struct Inside {
  std::int64_t first, last;
  Inside(const WindowAxis& a, std::int64_t tap, std::int64_t length, std::int64_t positions) {
    const std::int64_t shift = tap * a.dilation - a.padding;  // where position 0 reads
    first = std::min(shift >= 0 ? 0 : (-shift + a.stride - 1) / a.stride, positions);
    last = shift >= length ? first : std::clamp((length - 1 - shift) / a.stride + 1, first, positions);
  }
};

template <class T>
void zero_plane(T* plane, const Windows& s, const ImageStrides& strides) {
  for (std::int64_t i = 0; i < s.h; ++i) {
    for (std::int64_t j = 0; j < s.w; ++j) plane[i * strides[2] + j * strides[3]] = T(0);
  }
}

// One row of the column matrix is one tap: where the tap lies inside the image it is a strided copy, elsewhere zeros.
template <class T>
void unfold_plane(const Windows& s, const T* plane, const ImageStrides& strides, T* to) {
  const std::int64_t oh = s.out_h(), ow = s.out_w();
  for (std::int64_t ky = 0; ky < s.y.size; ++ky) {
    const Inside rows(s.y, ky, s.h, oh);
    for (std::int64_t kx = 0; kx < s.x.size; ++kx) {
      const Inside columns(s.x, kx, s.w, ow);
      for (std::int64_t i = 0; i < oh; ++i, to += ow) {
        if (i < rows.first || i >= rows.last) {
          std::fill_n(to, ow, T(0));
          continue;
        }
        const std::int64_t y = i * s.y.stride + ky * s.y.dilation - s.y.padding;
        const std::int64_t x = kx * s.x.dilation - s.x.padding, step = s.x.stride * strides[3];
        const T* from = plane + y * strides[2] + x * strides[3];
        std::fill_n(to, columns.first, T(0));
        for (std::int64_t j = columns.first; j < columns.last; ++j) to[j] = from[j * step];
        std::fill(to + columns.last, to + ow, T(0));
      }
    }
  }
}

template <class T>
void fold_plane(const Windows& s, const T* from, T* plane, const ImageStrides& strides) {
  const std::int64_t oh = s.out_h(), ow = s.out_w();
  zero_plane(plane, s, strides);
  for (std::int64_t ky = 0; ky < s.y.size; ++ky) {
    const Inside rows(s.y, ky, s.h, oh);
    for (std::int64_t kx = 0; kx < s.x.size; ++kx, from += oh * ow) {
      const Inside columns(s.x, kx, s.w, ow);
      for (std::int64_t i = rows.first; i < rows.last; ++i) {
        const std::int64_t y = i * s.y.stride + ky * s.y.dilation - s.y.padding;
        const std::int64_t x = kx * s.x.dilation - s.x.padding, step = s.x.stride * strides[3];
        T* to = plane + y * strides[2] + x * strides[3];
        for (std::int64_t j = columns.first; j < columns.last; ++j) to[j * step] += from[i * ow + j];
      }
    }
  }
}

}  // namespace

void im2col(DType d, const Windows& s, const void* x, const ImageStrides& x_strides, void* columns) {
  by_size(d, [&](auto zero) {
    using T = decltype(zero);
    const std::int64_t size = s.y.size * s.x.size * s.out_h() * s.out_w();
    each_plane(s, size, [&](std::int64_t n, std::int64_t c) {
      const T* plane = offset(static_cast<const T*>(x), n * x_strides[0] + c * x_strides[1]);
      unfold_plane(s, plane, x_strides, static_cast<T*>(columns) + (n * s.c + c) * size);
    });
  });
}

void col2im(DType d, const Windows& s, const void* columns, void* x, const ImageStrides& x_strides) {
  by_sum(d, [&](auto zero) {
    using T = decltype(zero);
    const std::int64_t size = s.y.size * s.x.size * s.out_h() * s.out_w();
    each_plane(s, size, [&](std::int64_t n, std::int64_t c) {
      T* plane = offset(static_cast<T*>(x), n * x_strides[0] + c * x_strides[1]);
      fold_plane(s, static_cast<const T*>(columns) + (n * s.c + c) * size, plane, x_strides);
    });
  });
}

}  // namespace chainrule::kernels
