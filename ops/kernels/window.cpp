// Unfold, fold and max pooling. Threads share out planes (one channel of one image), so every sum has one fixed order.
#include "ops/kernels/window.h"

#include <algorithm>
#include <cassert>
#include <limits>
#include <type_traits>

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

template <class T>
void pool_plane(const Windows& s, const T* plane, const ImageStrides& strides, T* z, std::int64_t* indices,
                const ImageStrides& z_strides) {
  const std::int64_t oh = s.out_h(), ow = s.out_w();
  constexpr T kLowest =
      std::is_floating_point_v<T> ? -std::numeric_limits<T>::infinity() : std::numeric_limits<T>::lowest();
  for (std::int64_t i = 0; i < oh; ++i) {
    for (std::int64_t j = 0; j < ow; ++j) {
      T best = kLowest;
      std::int64_t at = -1;
      for (std::int64_t ky = 0; ky < s.y.size; ++ky) {
        const std::int64_t y = i * s.y.stride + ky * s.y.dilation - s.y.padding;
        if (y < 0 || y >= s.h) continue;
        for (std::int64_t kx = 0; kx < s.x.size; ++kx) {
          const std::int64_t x = j * s.x.stride + kx * s.x.dilation - s.x.padding;
          if (x < 0 || x >= s.w) continue;
          const T v = plane[y * strides[2] + x * strides[3]];
          // A NaN replaces any number and is never replaced: nothing compares greater, and best != best stops the rest.
          if (at < 0 || v > best || (v != v && best == best)) {
            best = v;
            at = y * s.w + x;
          }
        }
      }
      z[i * z_strides[2] + j * z_strides[3]] = best;
      indices[i * z_strides[2] + j * z_strides[3]] = at;
    }
  }
}

template <class F>
void by_size(DType d, F f) {
  assert(d != DType::boolean);
  if (item_size(d) == 4)
    f(std::uint32_t{});
  else
    f(std::uint64_t{});
}

template <class F>
void by_sum(DType d, F f) {
  assert(d != DType::boolean);
  if (d == DType::int64)
    f(std::uint64_t{});  // wraps around
  else
    dispatch_floating(d, f);
}

}  // namespace

void im2col(DType d, const Windows& s, const void* x, const ImageStrides& x_strides, void* columns) {
  by_size(d, [&](auto zero) {
    using T = decltype(zero);
    const std::int64_t size = s.y.size * s.x.size * s.out_h() * s.out_w();
    each_plane(s, size, [&](std::int64_t n, std::int64_t c) {
      const T* plane = static_cast<const T*>(x) + n * x_strides[0] + c * x_strides[1];
      unfold_plane(s, plane, x_strides, static_cast<T*>(columns) + (n * s.c + c) * size);
    });
  });
}

void col2im(DType d, const Windows& s, const void* columns, void* x, const ImageStrides& x_strides) {
  by_sum(d, [&](auto zero) {
    using T = decltype(zero);
    const std::int64_t size = s.y.size * s.x.size * s.out_h() * s.out_w();
    each_plane(s, size, [&](std::int64_t n, std::int64_t c) {
      T* plane = static_cast<T*>(x) + n * x_strides[0] + c * x_strides[1];
      fold_plane(s, static_cast<const T*>(columns) + (n * s.c + c) * size, plane, x_strides);
    });
  });
}

void max_pool2d(DType d, const Windows& s, const void* x, const ImageStrides& x_strides, void* z, std::int64_t* indices,
                const ImageStrides& z_strides) {
  assert(d != DType::boolean);
  dispatch(d, [&](auto zero) {
    using T = decltype(zero);
    each_plane(s, s.y.size * s.x.size * s.out_h() * s.out_w(), [&](std::int64_t n, std::int64_t c) {
      const std::int64_t at = n * z_strides[0] + c * z_strides[1];
      pool_plane(s, static_cast<const T*>(x) + n * x_strides[0] + c * x_strides[1], x_strides, static_cast<T*>(z) + at,
                 indices + at, z_strides);
    });
  });
}

void plane_scatter_add(DType d, const Windows& s, const void* g, const ImageStrides& g_strides,
                       const std::int64_t* indices, const ImageStrides& index_strides, void* dx,
                       const ImageStrides& dx_strides) {
  by_sum(d, [&](auto zero) {
    using T = decltype(zero);
    const std::int64_t oh = s.out_h(), ow = s.out_w();
    each_plane(s, s.h * s.w, [&](std::int64_t n, std::int64_t c) {
      const T* from = static_cast<const T*>(g) + n * g_strides[0] + c * g_strides[1];
      const std::int64_t* index = indices + n * index_strides[0] + c * index_strides[1];
      T* plane = static_cast<T*>(dx) + n * dx_strides[0] + c * dx_strides[1];
      zero_plane(plane, s, dx_strides);
      for (std::int64_t i = 0; i < oh; ++i) {
        for (std::int64_t j = 0; j < ow; ++j) {
          const std::int64_t at = index[i * index_strides[2] + j * index_strides[3]];
          if (at < 0) continue;
          plane[at / s.w * dx_strides[2] + at % s.w * dx_strides[3]] += from[i * g_strides[2] + j * g_strides[3]];
        }
      }
    });
  });
}

void plane_gather(DType d, const Windows& s, const void* x, const ImageStrides& x_strides, const std::int64_t* indices,
                  const ImageStrides& index_strides, void* z, const ImageStrides& z_strides) {
  by_size(d, [&](auto zero) {
    using T = decltype(zero);
    const std::int64_t oh = s.out_h(), ow = s.out_w();
    each_plane(s, oh * ow, [&](std::int64_t n, std::int64_t c) {
      const T* plane = static_cast<const T*>(x) + n * x_strides[0] + c * x_strides[1];
      const std::int64_t* index = indices + n * index_strides[0] + c * index_strides[1];
      T* to = static_cast<T*>(z) + n * z_strides[0] + c * z_strides[1];
      for (std::int64_t i = 0; i < oh; ++i) {
        for (std::int64_t j = 0; j < ow; ++j) {
          const std::int64_t at = index[i * index_strides[2] + j * index_strides[3]];
          to[i * z_strides[2] + j * z_strides[3]] =
              at < 0 ? T(0) : plane[at / s.w * x_strides[2] + at % s.w * x_strides[3]];
        }
      }
    });
  });
}

}  // namespace chainrule::kernels
