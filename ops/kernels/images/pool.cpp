// Pooling with places as indices, for every type and layout. Threads share out planes (one channel of one image), so
// every sum has one fixed order. The quick loops for small windows are in pool_max.cpp and pool_average.cpp.
#include "ops/kernels/images/pool.h"

#include <cassert>
#include <limits>
#include <type_traits>
#include <vector>

#include "ops/kernels/by_dtype.h"
#include "ops/kernels/parallel.h"

namespace chainrule::kernels {
namespace {

/// Calls f(image, channel) for every plane; `work` is what one costs, in elements.
template <class F>
void each_plane(std::int64_t n, std::int64_t c, std::int64_t work, F f) {
  parallel_for(n * c, rows_per_thread(work), [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t p = begin; p < end; ++p) f(p / c, p % c);
  });
}

template <class T>
void pool_plane(const Pooling& s, const T* plane, const ImageStrides& strides, T* z, std::int64_t* indices,
                const ImageStrides& z_strides) {
  constexpr T kLowest =
      std::is_floating_point_v<T> ? -std::numeric_limits<T>::infinity() : std::numeric_limits<T>::lowest();
  for (std::int64_t i = 0; i < s.y.positions; ++i) {
    const std::int64_t y0 = s.y.begin(i), y1 = s.y.end(i);
    for (std::int64_t j = 0; j < s.x.positions; ++j) {
      const std::int64_t x0 = s.x.begin(j), x1 = s.x.end(j);
      T best = kLowest;
      std::int64_t at = -1;
      for (std::int64_t y = y0; y < y1; y += s.y.step()) {
        for (std::int64_t x = x0; x < x1; x += s.x.step()) {
          const T v = plane[y * strides[2] + x * strides[3]];
          if (at < 0 || v > best || v != v) {
            best = v;
            at = y * s.x.length + x;
          }
        }
      }
      z[i * z_strides[2] + j * z_strides[3]] = best;
      indices[i * z_strides[2] + j * z_strides[3]] = at;
    }
  }
}

}  // namespace

void max_pool2d_indexed(DType d, const Pooling& s, const void* x, const ImageStrides& x_strides, void* z,
                        std::int64_t* indices, const ImageStrides& z_strides) {
  assert(d != DType::boolean);
  dispatch(d, [&](auto zero) {
    using T = decltype(zero);
    each_plane(s.n, s.c, s.y.length * s.x.length, [&](std::int64_t n, std::int64_t c) {
      const std::int64_t at = n * z_strides[0] + c * z_strides[1];
      pool_plane(s, offset(static_cast<const T*>(x), n * x_strides[0] + c * x_strides[1]), x_strides,
                 offset(static_cast<T*>(z), at), offset(indices, at), z_strides);
    });
  });
}

void plane_scatter_add(DType d, const Planes& s, const void* g, const ImageStrides& g_strides,
                       const std::int64_t* indices, const ImageStrides& index_strides, void* dx,
                       const ImageStrides& dx_strides) {
  by_sum(d, [&](auto zero) {
    using T = decltype(zero);
    each_plane(s.n, s.c, s.h * s.w, [&](std::int64_t n, std::int64_t c) {
      const T* from = offset(static_cast<const T*>(g), n * g_strides[0] + c * g_strides[1]);
      const std::int64_t* index = offset(indices, n * index_strides[0] + c * index_strides[1]);
      T* plane = offset(static_cast<T*>(dx), n * dx_strides[0] + c * dx_strides[1]);
      for (std::int64_t i = 0; i < s.h; ++i) {
        for (std::int64_t j = 0; j < s.w; ++j) plane[i * dx_strides[2] + j * dx_strides[3]] = T(0);
      }
      for (std::int64_t i = 0; i < s.rows; ++i) {
        for (std::int64_t j = 0; j < s.columns; ++j) {
          const std::int64_t at = index[i * index_strides[2] + j * index_strides[3]];
          if (at < 0) continue;
          plane[at / s.w * dx_strides[2] + at % s.w * dx_strides[3]] += from[i * g_strides[2] + j * g_strides[3]];
        }
      }
    });
  });
}

void plane_gather(DType d, const Planes& s, const void* x, const ImageStrides& x_strides, const std::int64_t* indices,
                  const ImageStrides& index_strides, void* z, const ImageStrides& z_strides) {
  by_size(d, [&](auto zero) {
    using T = decltype(zero);
    each_plane(s.n, s.c, s.rows * s.columns, [&](std::int64_t n, std::int64_t c) {
      const T* plane = offset(static_cast<const T*>(x), n * x_strides[0] + c * x_strides[1]);
      const std::int64_t* index = offset(indices, n * index_strides[0] + c * index_strides[1]);
      T* to = offset(static_cast<T*>(z), n * z_strides[0] + c * z_strides[1]);
      for (std::int64_t i = 0; i < s.rows; ++i) {
        for (std::int64_t j = 0; j < s.columns; ++j) {
          const std::int64_t at = index[i * index_strides[2] + j * index_strides[3]];
          to[i * z_strides[2] + j * z_strides[3]] =
              at < 0 ? T(0) : plane[at / s.w * x_strides[2] + at % s.w * x_strides[3]];
        }
      }
    });
  });
}

void keep_last_of_each(const Planes& s, std::int64_t* indices) {
  const std::int64_t picked = s.rows * s.columns;
  thread_local std::vector<std::int64_t> seen;  // the last plane that named each place; kept, so it allocates once
  seen.assign(static_cast<std::size_t>(s.h * s.w), -1);
  for (std::int64_t p = 0; p < s.n * s.c; ++p) {
    for (std::int64_t i = (p + 1) * picked; i-- > p * picked;) {
      if (indices[i] < 0) continue;
      std::int64_t& by = seen[static_cast<std::size_t>(indices[i])];
      if (by == p) indices[i] = -1;
      by = p;
    }
  }
}

}  // namespace chainrule::kernels
