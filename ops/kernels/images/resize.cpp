// Both directions are the same loop with a sparse matrix for each axis or its transpose, built once a call. Rows are
// shared out over threads, and each is summed in one fixed order.
#include "ops/kernels/images/resize.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <utility>
#include <vector>

#include "ops/kernels/parallel.h"

namespace chainrule::kernels {
namespace {

/// A sparse matrix, row by row. Kept by the thread, so that the second call of a size allocates nothing.
struct Sparse {
  struct Entry {
    std::int64_t column;
    double weight;
  };
  std::vector<std::int64_t> starts;  // of each row, and the end of the last
  std::vector<Entry> entries;

  void assign(const ResizeAxis& a, bool transposed) {
    starts.assign(static_cast<std::size_t>((transposed ? a.in : a.out) + 1), 0);
    const auto each = [&](auto visit) {
      for (std::int64_t i = 0; i < a.out; ++i)
        a.sources(i, [&](std::int64_t j, double weight) { visit(transposed ? j : i, transposed ? i : j, weight); });
    };
    each([&](std::int64_t row, std::int64_t, double) { ++starts[static_cast<std::size_t>(row)]; });
    std::int64_t total = 0;
    for (std::int64_t& start : starts) total += std::exchange(start, total);
    entries.resize(static_cast<std::size_t>(total));
    each([&](std::int64_t row, std::int64_t column, double weight) {
      entries[static_cast<std::size_t>(starts[static_cast<std::size_t>(row)]++)] = {column, weight};
    });
    for (std::size_t row = starts.size() - 1; row > 0; --row) starts[row] = starts[row - 1];
    starts[0] = 0;
  }
};

/// to[k] = sum over the entries of from[column * stride + k] * weight
template <class T>
void combine(const Sparse::Entry* entry, const Sparse::Entry* last, const T* from, std::int64_t stride, T* to,
             std::int64_t n) {
  if (entry == last) {
    std::fill_n(to, n, T(0));
    return;
  }
  const auto one = [&](auto put) {
    const T* row = from + entry->column * stride;
    const T weight = static_cast<T>(entry->weight);
    for (std::int64_t k = 0; k < n; ++k) put(to[k], row[k] * weight);
  };
  one([](T& sum, T v) { sum = v; });
  while (++entry != last) one([](T& sum, T v) { sum += v; });
}

/// The same for single numbers: rows of row-major images.
template <class T>
T combine(const Sparse::Entry* entry, const Sparse::Entry* last, const T* from) {
  if (entry == last) return 0;
  T sum = from[entry->column] * static_cast<T>(entry->weight);
  while (++entry != last) sum += from[entry->column] * static_cast<T>(entry->weight);
  return sum;
}

template <class T>
T* scratch(std::int64_t n) {
  thread_local std::vector<T> buffer;
  buffer.resize(std::max(buffer.size(), static_cast<std::size_t>(n)));
  return buffer.data();
}

template <class T>
void apply(const Resize& s, bool channels_last, bool transposed, const T* from, T* to) {
  thread_local Sparse rows, columns;
  rows.assign(s.y, transposed);
  columns.assign(s.x, transposed);
  const Sparse &ry = rows, &rx = columns;  // of this thread, for all of them
  const std::int64_t planes = channels_last ? s.n : s.n * s.c, pixel = channels_last ? s.c : 1;
  const std::int64_t h = transposed ? s.y.out : s.y.in, w = transposed ? s.x.out : s.x.in;
  const std::int64_t out_h = transposed ? s.y.in : s.y.out, out_w = transposed ? s.x.in : s.x.out;
  parallel_for(planes * out_h, rows_per_thread((w + out_w) * pixel), [&](std::int64_t begin, std::int64_t end) {
    T* row = scratch<T>(w * pixel);
    for (std::int64_t r = begin; r < end; ++r) {
      const auto i = static_cast<std::size_t>(r % out_h);
      combine(ry.entries.data() + ry.starts[i], ry.entries.data() + ry.starts[i + 1], from + r / out_h * h * w * pixel,
              w * pixel, row, w * pixel);
      const Sparse::Entry* const entries = rx.entries.data();
      const std::int64_t* const starts = rx.starts.data();
      T* const z = to + r * out_w * pixel;
      if (pixel == 1) {
        for (std::int64_t j = 0; j < out_w; ++j) z[j] = combine(entries + starts[j], entries + starts[j + 1], row);
        continue;
      }
      for (std::int64_t j = 0; j < out_w; ++j)
        combine(entries + starts[j], entries + starts[j + 1], row, pixel, z + j * pixel, pixel);
    }
  });
}

}  // namespace

double ResizeAxis::place(std::int64_t i) const {
  const auto at = static_cast<double>(i);
  return align_corners ? at * step : (at + 0.5) * step - 0.5;
}

void resize2d(DType d, const Resize& s, bool channels_last, const void* x, void* z) {
  assert(is_floating(d));
  dispatch_floating(d, [&](auto zero) {
    using T = decltype(zero);
    apply(s, channels_last, false, static_cast<const T*>(x), static_cast<T*>(z));
  });
}

void resize2d_grad(DType d, const Resize& s, bool channels_last, const void* g, void* dx) {
  assert(is_floating(d));
  dispatch_floating(d, [&](auto zero) {
    using T = decltype(zero);
    apply(s, channels_last, true, static_cast<const T*>(g), static_cast<T*>(dx));
  });
}

}  // namespace chainrule::kernels
