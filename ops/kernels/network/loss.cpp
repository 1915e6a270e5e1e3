// Lines of logits are taken in tiles that stay in the first cache, several short lines in one tile, so that exp runs
// over long vectors whatever the number of classes. A position's numbers never depend on its neighbours.
#include "ops/kernels/network/loss.h"

#include <algorithm>
#include <array>
#include <cassert>

#include "ops/kernels/elementwise/elementwise_detail.h"
#include "ops/kernels/parallel.h"
#include "ops/kernels/reduce/reduce_detail.h"

namespace chainrule::kernels {
namespace {

constexpr std::int64_t kTile = 1024;   // elements of scratch
constexpr std::int64_t kColumns = 32;  // positions side by side when classes are not dense
constexpr std::int64_t kGrain = 1 << 12;

/// Everything in one type, with what all positions share worked out.
template <class T>
struct Problem {
  const T* x;
  Lines lines;
  std::int64_t classes, inner;
  const std::int64_t* labels;
  std::int64_t ignore;
  const T* weight;
  T *largest, *log_sum;
  T sure, share;  // the label's weight, and that of every class
  double all_weights = 0;

  Problem(const ClassLogits& l, const ClassLabels& y, const ClassStatistics& s)
      : x(static_cast<const T*>(l.x)),
        lines(l.lines),
        classes(l.lines.n),
        inner(l.lines.inner),
        labels(y.labels),
        ignore(y.ignore),
        weight(static_cast<const T*>(y.weight)),
        largest(static_cast<T*>(s.largest)),
        log_sum(static_cast<T*>(s.log_sum)),
        sure(static_cast<T>(1 - y.smoothing)),
        share(static_cast<T>(y.smoothing / static_cast<double>(l.lines.n))) {
    for (std::int64_t k = 0; share != 0 && k < classes; ++k) all_weights += static_cast<double>(of_class(k));
  }
  T of_class(std::int64_t k) const { return weight == nullptr ? T(1) : weight[k]; }

  /// The loss at position p = (o, i), whose line of logits begins at `line`.
  T loss(std::int64_t p, const T* line) const {
    const std::int64_t y = labels[p];
    if (y == ignore) return T(0);
    const auto minus_log = [&](std::int64_t k) { return (largest[p] - line[k * inner]) + log_sum[p]; };
    T z = sure * of_class(y) * minus_log(y);
    if (share == 0) return z;
    for (std::int64_t k = 0; k < classes; ++k) z += share * of_class(k) * minus_log(k);
    return z;
  }
  /// What softmax is multiplied with: the weights of all classes together.
  T total(std::int64_t y) const {
    return sure * of_class(y) + static_cast<T>(static_cast<double>(share) * all_weights);
  }
};

// Calls rows(first, count) for lines that lie dense, else columns(o, first, width) for strips of positions.
template <class T, class Rows, class Columns>
void each_tile(const Problem<T>& s, Rows rows, Columns columns) {
  if (s.inner == 1) {
    const std::int64_t at_once = std::max<std::int64_t>(kTile / s.classes, 1);
    parallel_for(s.lines.outer, kGrain / s.classes + 1, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t o = begin; o < end; o += at_once) rows(o, std::min(at_once, end - o));
    });
    return;
  }
  each_strip(s.lines, kColumns, kGrain, columns);
}

template <class T>
void loss_rows(const Problem<T>& s, std::int64_t first, std::int64_t count, T* z) {
  std::array<T, kTile> e{};  // the compiler cannot see that it is filled before exp reads it
  const std::int64_t n = s.classes;
  for (std::int64_t k = 0; k < count; ++k) {
    const T* line = s.x + (first + k) * n;
    s.largest[first + k] = detail::fold_row<detail::Largest<T>>(n, [line](std::int64_t i) { return line[i]; });
  }
  const auto sum_exp = [&](std::int64_t begin, std::int64_t m) {
    return detail::fold_row<detail::Adding<T>>(m, [&](std::int64_t i) { return e[begin + i]; });
  };
  if (n <= kTile) {
    for (std::int64_t k = 0; k < count; ++k) {
      const T m = s.largest[first + k];
      for (std::int64_t i = 0; i < n; ++i) e[k * n + i] = s.x[(first + k) * n + i] - m;
    }
    detail::unary_run(Unary::exp, e.data(), e.data(), count * n);
    for (std::int64_t k = 0; k < count; ++k) s.log_sum[first + k] = unary_one(Unary::log, sum_exp(k * n, n));
  } else {  // one long line
    T all = 0;
    for (std::int64_t begin = 0; begin < n; begin += kTile) {
      const std::int64_t m = std::min(kTile, n - begin);
      for (std::int64_t i = 0; i < m; ++i) e[i] = s.x[first * n + begin + i] - s.largest[first];
      detail::unary_run(Unary::exp, e.data(), e.data(), m);
      all += sum_exp(0, m);
    }
    s.log_sum[first] = unary_one(Unary::log, all);
  }
  for (std::int64_t o = first; o < first + count; ++o) z[o] = s.loss(o, s.x + o * n);
}

template <class T>
void loss_columns(const Problem<T>& s, std::int64_t o, std::int64_t first, std::int64_t width, T* z) {
  std::array<T, kTile> e;
  std::array<T, kColumns> m;
  std::array<double, kColumns> all{};
  m.fill(detail::Largest<T>::start());
  const T* x = s.x + o * s.classes * s.inner + first;
  for (std::int64_t k = 0; k < s.classes; ++k) {
    for (std::int64_t i = 0; i < width; ++i) m[i] = detail::Largest<T>::combine(m[i], x[k * s.inner + i]);
  }
  const std::int64_t at_once = kTile / width;
  for (std::int64_t k = 0; k < s.classes; k += at_once) {
    const std::int64_t rows = std::min(at_once, s.classes - k);
    for (std::int64_t r = 0; r < rows; ++r) {
      for (std::int64_t i = 0; i < width; ++i) e[r * width + i] = x[(k + r) * s.inner + i] - m[i];
    }
    detail::unary_run(Unary::exp, e.data(), e.data(), rows * width);
    for (std::int64_t r = 0; r < rows; ++r) {
      for (std::int64_t i = 0; i < width; ++i) all[i] += static_cast<double>(e[r * width + i]);
    }
  }
  for (std::int64_t i = 0; i < width; ++i) {
    const std::int64_t p = o * s.inner + first + i;
    s.largest[p] = m[i];
    s.log_sum[p] = unary_one(Unary::log, static_cast<T>(all[i]));
    z[p] = s.loss(p, x + i);
  }
}

// One position and class: p is the softmax there.
template <class T>
T slope(const Problem<T>& s, T p, std::int64_t k, std::int64_t y, T total) {
  const T own = s.share * s.of_class(k);
  return p * total - (k == y ? s.sure * s.of_class(y) + own : own);
}

template <class T>
void grad_rows(const Problem<T>& s, std::int64_t first, std::int64_t count, const T* g, std::int64_t g_step, T scale,
               T* dx) {
  const std::int64_t n = s.classes;
  for (std::int64_t o = first; o < first + count; ++o) {
    for (std::int64_t i = 0; i < n; ++i) dx[o * n + i] = (s.x[o * n + i] - s.largest[o]) - s.log_sum[o];
  }
  detail::unary_run(Unary::exp, dx + first * n, dx + first * n, count * n);
  for (std::int64_t o = first; o < first + count; ++o) {
    T* line = dx + o * n;
    const std::int64_t y = s.labels[o];
    if (y == s.ignore) {
      std::fill(line, line + n, T(0));
      continue;
    }
    const T a = g[o * g_step] * scale, total = s.total(y), at_label = a * slope(s, line[y], y, y, total);
    if (s.share == 0) {
      for (std::int64_t k = 0; k < n; ++k) line[k] = a * (line[k] * total);
    } else {
      for (std::int64_t k = 0; k < n; ++k) line[k] = a * slope(s, line[k], k, -1, total);
    }
    line[y] = at_label;
  }
}

template <class T>
void grad_columns(const Problem<T>& s, std::int64_t o, std::int64_t first, std::int64_t width, const T* g,
                  std::int64_t g_step, T scale, T* dx) {
  std::array<T, kColumns> a, total;
  const std::int64_t from = o * s.classes * s.inner + first, p = o * s.inner + first;
  const std::int64_t* y = s.labels + p;
  for (std::int64_t i = 0; i < width; ++i) {
    a[i] = g[(p + i) * g_step] * scale;
    total[i] = y[i] == s.ignore ? T(0) : s.total(y[i]);
  }
  for (std::int64_t k = 0; k < s.classes; ++k) {
    const T* x = s.x + from + k * s.inner;
    T* z = dx + from + k * s.inner;
    std::array<T, kColumns> e;
    for (std::int64_t i = 0; i < width; ++i) e[i] = (x[i] - s.largest[p + i]) - s.log_sum[p + i];
    detail::unary_run(Unary::exp, e.data(), e.data(), width);
    for (std::int64_t i = 0; i < width; ++i) z[i] = y[i] == s.ignore ? T(0) : a[i] * slope(s, e[i], k, y[i], total[i]);
  }
}

}  // namespace

std::int64_t first_bad_label(const std::int64_t* labels, std::int64_t n, std::int64_t classes, std::int64_t ignore) {
  for (std::int64_t i = 0; i < n; ++i) {
    if ((labels[i] < 0 || labels[i] >= classes) && labels[i] != ignore) return i;
  }
  return -1;
}

void cross_entropy(DType d, const ClassLogits& logits, const ClassLabels& y, const ClassStatistics& statistics,
                   void* z) {
  assert(is_floating(d) && logits.lines.n >= 1);
  dispatch_floating(d, [&](auto zero) {
    using T = decltype(zero);
    const Problem<T> s(logits, y, statistics);
    T* out = static_cast<T*>(z);
    each_tile(
        s, [&](std::int64_t first, std::int64_t count) { loss_rows(s, first, count, out); },
        [&](std::int64_t o, std::int64_t first, std::int64_t width) { loss_columns(s, o, first, width, out); });
  });
}

void cross_entropy_grad(DType d, const ClassLogits& logits, const ClassLabels& y, const ClassStatistics& statistics,
                        const void* g, std::int64_t g_step, double scale, void* dx) {
  assert(is_floating(d) && logits.lines.n >= 1);
  dispatch_floating(d, [&](auto zero) {
    using T = decltype(zero);
    const Problem<T> s(logits, y, statistics);
    const T *from = static_cast<const T*>(g), factor = static_cast<T>(scale);
    T* out = static_cast<T*>(dx);
    each_tile(
        s, [&](std::int64_t first, std::int64_t count) { grad_rows(s, first, count, from, g_step, factor, out); },
        [&](std::int64_t o, std::int64_t first, std::int64_t width) {
          grad_columns(s, o, first, width, from, g_step, factor, out);
        });
  });
}

}  // namespace chainrule::kernels
