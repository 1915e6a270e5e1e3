// Shares the work of normalisation out over threads: dense runs and columns of rows, in blocks of fixed size whose
// results are put together in order. The loops themselves are in norm_pieces.cpp.
#include "ops/kernels/network/norm.h"

#include <algorithm>
#include <cassert>
#include <cstddef>
#include <limits>
#include <vector>

#include "ops/kernels/network/norm_detail.h"
#include "ops/kernels/parallel.h"

namespace chainrule::kernels {
namespace {

constexpr std::int64_t kBlock = 512;       // rows of columns in one task
constexpr std::int64_t kWeightBlock = 64;  // rows in one task of row_sums
constexpr std::int64_t kNormGrain = 1 << 14;

std::int64_t grain(std::int64_t each) { return kNormGrain / std::max<std::int64_t>(each, 1) + 1; }

/// Room that a thread keeps: the second call of the same size allocates nothing.
template <class T, int Which>
T* scratch(std::int64_t n) {
  thread_local std::vector<T> room;
  room.resize(std::max(room.size(), static_cast<std::size_t>(n)));
  return room.data();
}

template <class T, int Which>
const T* narrowed(const double* from, std::int64_t n) {
  T* to = scratch<T, Which>(n);
  for (std::int64_t i = 0; i < n; ++i) to[i] = static_cast<T>(from[i]);
  return to;
}

/// Calls f(block, first row, rows, sums) for blocks of rows, sums 2 * width zeros; joins(block, rows, sums) in order.
template <class F, class Join>
void by_blocks(std::int64_t rows, std::int64_t block, std::int64_t width, F f, Join join) {
  const std::int64_t blocks = (rows + block - 1) / block;
  double* all = scratch<double, 0>(blocks * 2 * width);
  std::fill(all, all + blocks * 2 * width, 0.0);
  parallel_for(blocks, grain(block * width), [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t k = begin; k < end; ++k) f(k * block, std::min(block, rows - k * block), all + k * 2 * width);
  });
  for (std::int64_t k = 0; k < blocks; ++k) join(k * block, std::min(block, rows - k * block), all + k * 2 * width);
}

void add_pairs(const double* sums, std::int64_t width, double* product, double* sum) {
  for (std::int64_t c = 0; c < width; ++c) {
    product[c] += sums[c];
    sum[c] += sums[width + c];
  }
}

/// Calls f(channel): for memory in which a channel is made of dense runs.
template <class F>
void each_channel(const Lines& s, F f) {
  parallel_for(s.n, grain(s.outer * s.inner), [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t c = begin; c < end; ++c) f(c);
  });
}

}  // namespace

void channel_moments(DType d, const void* x, const Lines& s, double* mean, double* variance) {
  assert(is_floating(d));
  const double count = static_cast<double>(s.outer * s.inner);
  dispatch_floating(d, [&](auto zero) {
    using T = decltype(zero);
    const auto& loops = detail::NormLoops<T>::fastest();
    const T* from = static_cast<const T*>(x);
    if (s.inner == 1) {
      std::fill(mean, mean + s.n, 0.0);
      std::fill(variance, variance + s.n, 0.0);
      by_blocks(
          s.outer, kBlock, s.n,
          [&](std::int64_t r, std::int64_t rows, double* to) {
            loops.column_moments(from + r * s.n, rows, s.n, to, to + s.n);
          },
          [&](std::int64_t r, std::int64_t rows, const double* part) {
            for (std::int64_t c = 0; c < s.n; ++c) {
              const auto all = detail::joined({mean[c], variance[c]}, static_cast<double>(r), {part[c], part[s.n + c]},
                                              static_cast<double>(rows));
              mean[c] = all.mean;
              variance[c] = all.squares;
            }
          });
    } else {
      each_channel(s, [&](std::int64_t c) {
        detail::Moments all{0, 0};
        const double run = static_cast<double>(s.inner);
        for (std::int64_t o = 0; o < s.outer; ++o) {
          const auto part = loops.line_moments(from + (o * s.n + c) * s.inner, s.inner);
          all = detail::joined(all, static_cast<double>(o) * run, part, run);
        }
        mean[c] = all.mean;
        variance[c] = all.squares;
      });
    }
  });
  for (std::int64_t c = 0; c < s.n; ++c) {
    variance[c] /= count;
    if (count == 0) mean[c] = std::numeric_limits<double>::quiet_NaN();
  }
}

void channel_affine(DType d, const void* x, const Lines& s, const double* mean, const double* scale,
                    const double* shift, void* z) {
  assert(is_floating(d));
  dispatch_floating(d, [&](auto zero) {
    using T = decltype(zero);
    const auto& loops = detail::NormLoops<T>::fastest();
    const T* from = static_cast<const T*>(x);
    T* to = static_cast<T*>(z);
    const std::int64_t n = s.n;
    const T *m = narrowed<T, 1>(mean, n), *a = narrowed<T, 2>(scale, n), *b = narrowed<T, 3>(shift, n);
    if (s.inner == 1) {
      parallel_for(s.outer, grain(n), [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t o = begin; o < end; ++o) loops.column_affine(from + o * n, n, m, a, b, to + o * n);
      });
    } else {
      parallel_for(s.outer * n, grain(s.inner), [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t k = begin; k < end; ++k)
          loops.line_affine(from + k * s.inner, s.inner, m[k % n], a[k % n], b[k % n], to + k * s.inner);
      });
    }
  });
}

void channel_sums(DType d, const void* g, const void* x, const Lines& s, const double* mean, double* product,
                  double* sum) {
  assert(is_floating(d));
  std::fill(product, product + s.n, 0.0);
  std::fill(sum, sum + s.n, 0.0);
  dispatch_floating(d, [&](auto zero) {
    using T = decltype(zero);
    const auto& loops = detail::NormLoops<T>::fastest();
    const T *gs = static_cast<const T*>(g), *xs = static_cast<const T*>(x);
    const std::int64_t n = s.n;
    const T* m = narrowed<T, 1>(mean, n);
    if (s.inner == 1) {
      by_blocks(
          s.outer, kBlock, n,
          [&](std::int64_t r, std::int64_t rows, double* to) {
            loops.column_sums(gs + r * n, xs + r * n, rows, n, m, to, to + n);
          },
          [&](std::int64_t, std::int64_t, const double* part) { add_pairs(part, n, product, sum); });
    } else {
      each_channel(s, [&](std::int64_t c) {
        for (std::int64_t o = 0; o < s.outer; ++o) {
          const std::int64_t at = (o * n + c) * s.inner;
          loops.line_sums(gs + at, xs + at, s.inner, m[c], product + c, sum + c);
        }
      });
    }
    // The mean was rounded to T on the way.
    for (std::int64_t c = 0; c < n; ++c) product[c] += (static_cast<double>(m[c]) - mean[c]) * sum[c];
  });
}

void channel_grad(DType d, const void* g, const void* x, const Lines& s, const double* mean, const double* scale,
                  const double* offset, const double* slope, void* dx) {
  assert(is_floating(d));
  dispatch_floating(d, [&](auto zero) {
    using T = decltype(zero);
    const auto& loops = detail::NormLoops<T>::fastest();
    const T *gs = static_cast<const T*>(g), *xs = static_cast<const T*>(x);
    T* to = static_cast<T*>(dx);
    const std::int64_t n = s.n;
    const T *m = narrowed<T, 1>(mean, n), *a = narrowed<T, 2>(scale, n), *k0 = narrowed<T, 3>(offset, n),
            *k1 = narrowed<T, 4>(slope, n);
    if (s.inner == 1) {
      parallel_for(s.outer, grain(n), [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t o = begin; o < end; ++o)
          loops.column_grad(gs + o * n, xs + o * n, n, m, a, k0, k1, to + o * n);
      });
    } else {
      parallel_for(s.outer * n, grain(s.inner), [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t k = begin; k < end; ++k) {
          const std::int64_t c = k % n, at = k * s.inner;
          loops.line_grad(gs + at, xs + at, s.inner, m[c], a[c], k0[c], k1[c], to + at);
        }
      });
    }
  });
}

void row_affine(DType d, const void* x, std::int64_t rows, std::int64_t n, const double* mean, const double* factor,
                const void* w, const void* b, void* z) {
  assert(is_floating(d));
  dispatch_floating(d, [&](auto zero) {
    using T = decltype(zero);
    const auto& loops = detail::NormLoops<T>::fastest();
    parallel_for(rows, grain(n), [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t r = begin; r < end; ++r)
        loops.row_affine(static_cast<const T*>(x) + r * n, n, static_cast<T>(mean[r]), static_cast<T>(factor[r]),
                         static_cast<const T*>(w), static_cast<const T*>(b), static_cast<T*>(z) + r * n);
    });
  });
}

void row_grad(DType d, const void* g, const void* x, std::int64_t rows, std::int64_t n, const double* mean,
              const double* factor, const void* w, bool centred, void* dx) {
  assert(is_floating(d));
  dispatch_floating(d, [&](auto zero) {
    using T = decltype(zero);
    const auto& loops = detail::NormLoops<T>::fastest();
    parallel_for(rows, grain(n), [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t r = begin; r < end; ++r)
        loops.row_grad(static_cast<const T*>(g) + r * n, static_cast<const T*>(x) + r * n, n, mean[r], factor[r],
                       static_cast<const T*>(w), centred, static_cast<T*>(dx) + r * n);
    });
  });
}

void row_sums(DType d, const void* g, const void* x, std::int64_t rows, std::int64_t n, const double* mean,
              const double* factor, double* product, double* sum) {
  assert(is_floating(d));
  std::fill(product, product + n, 0.0);
  std::fill(sum, sum + n, 0.0);
  dispatch_floating(d, [&](auto zero) {
    using T = decltype(zero);
    const auto& loops = detail::NormLoops<T>::fastest();
    by_blocks(
        rows, kWeightBlock, n,
        [&](std::int64_t r, std::int64_t count, double* to) {
          loops.weight_sums(static_cast<const T*>(g) + r * n, static_cast<const T*>(x) + r * n, count, n, mean + r,
                            factor + r, to, to + n);
        },
        [&](std::int64_t, std::int64_t, const double* part) { add_pairs(part, n, product, sum); });
  });
}

}  // namespace chainrule::kernels
