// Index loops. The reading ones copy whole runs where the inner axis is long; the adding ones split over (outer, inner)
// only, so that no two threads meet at one element and the order of additions is fixed.
#include "ops/kernels/index.h"

#include <algorithm>
#include <cassert>
#include <cstddef>
#include <type_traits>

#include "ops/kernels/by_dtype.h"
#include "ops/kernels/parallel.h"

namespace chainrule::kernels {

std::int64_t first_outside(const std::int64_t* index, std::int64_t n, std::int64_t axis) {
  for (std::int64_t i = 0; i < n; ++i) {
    if (index[i] < 0 || index[i] >= axis) return i;
  }
  return -1;
}

void index_select(DType d, const void* x, const Lines& s, const std::int64_t* index, std::int64_t count, void* z) {
  by_size(d, [&](auto zero) {
    using T = decltype(zero);
    const T* from = static_cast<const T*>(x);
    T* to = static_cast<T*>(z);
    parallel_for(s.outer * count, rows_per_thread(s.inner), [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t row = begin; row < end; ++row) {
        const T* source = from + (row / count * s.n + index[row % count]) * s.inner;
        std::copy_n(source, s.inner, to + row * s.inner);
      }
    });
  });
}

void index_add(DType d, const void* g, const Lines& s, const std::int64_t* index, std::int64_t count, void* x) {
  by_sum(d, [&](auto zero) {
    using T = decltype(zero);
    const T* from = static_cast<const T*>(g);
    T* to = static_cast<T*>(x);
    std::fill_n(to, s.count() * s.n, T(0));
    // Cut along inner when there is one plane only: an embedding's gradient is the common case.
    const bool by_plane = s.outer > 1;
    const std::int64_t pieces = by_plane ? s.outer : s.inner, piece = count * (by_plane ? s.inner : 1);
    parallel_for(pieces, rows_per_thread(piece), [&](std::int64_t begin, std::int64_t end) {
      const std::int64_t first = by_plane ? 0 : begin, last = by_plane ? s.inner : end;
      for (std::int64_t o = by_plane ? begin : 0; o < (by_plane ? end : s.outer); ++o) {
        for (std::int64_t j = 0; j < count; ++j) {
          const T* source = from + (o * count + j) * s.inner;
          T* target = to + (o * s.n + index[j]) * s.inner;
          for (std::int64_t i = first; i < last; ++i) target[i] += source[i];
        }
      }
    });
  });
}

void gather(DType d, const void* x, const Lines& s, const std::int64_t* index, std::int64_t count, void* z) {
  by_size(d, [&](auto zero) {
    using T = decltype(zero);
    const T* from = static_cast<const T*>(x);
    T* to = static_cast<T*>(z);
    parallel_for(s.outer * count, rows_per_thread(s.inner), [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t row = begin; row < end; ++row) {
        const T* plane = from + row / count * s.n * s.inner;
        const std::int64_t k = row * s.inner;
        for (std::int64_t i = 0; i < s.inner; ++i) to[k + i] = plane[index[k + i] * s.inner + i];
      }
    });
  });
}

void scatter_add(DType d, const void* g, const Lines& s, const std::int64_t* index, std::int64_t count, void* x) {
  by_sum(d, [&](auto zero) {
    using T = decltype(zero);
    const T* from = static_cast<const T*>(g);
    T* to = static_cast<T*>(x);
    std::fill_n(to, s.count() * s.n, T(0));
    parallel_for(s.outer, rows_per_thread(count * s.inner), [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t o = begin; o < end; ++o) {
        T* plane = to + o * s.n * s.inner;
        for (std::int64_t j = 0; j < count; ++j) {
          const std::int64_t k = (o * count + j) * s.inner;
          for (std::int64_t i = 0; i < s.inner; ++i) plane[index[k + i] * s.inner + i] += from[k + i];
        }
      }
    });
  });
}

}  // namespace chainrule::kernels
