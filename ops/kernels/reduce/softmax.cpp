// The softmax family along one axis, fused. Rows (a dense axis) are in softmax_rows.cpp; columns (any other) are cut
// into tiles that stay in the first cache, where exp and log are the vector loops of the elementwise family.
#include <array>
#include <cassert>
#include <cmath>

#include "ops/kernels/elementwise/elementwise_detail.h"
#include "ops/kernels/parallel.h"
#include "ops/kernels/reduce/reduce.h"
#include "ops/kernels/reduce/reduce_detail.h"
#include "ops/kernels/reduce/softmax_rows.h"

namespace chainrule::kernels {
namespace {

constexpr std::int64_t kTile = 1024;          // elements of scratch
constexpr std::int64_t kSoftmaxColumns = 32;  // columns side by side; sums are kept in double there
constexpr std::int64_t kSoftmaxGrain = 1 << 12;

template <class T>
using Tile = std::array<T, kTile>;

// What is taken out before exp. An infinite maximum would make inf - inf; logsumexp goes through with 0 instead.
template <class T>
T finite_shift(T m) {
  return std::isinf(m) ? T(0) : m;
}

/// Up to kSoftmaxColumns columns of one (n, inner) plane.
template <class T>
struct Strip {
  std::int64_t n, inner, width;
  std::int64_t tile_rows() const { return kTile / width; }

  std::array<T, kSoftmaxColumns> max(const T* x) const {
    std::array<T, kSoftmaxColumns> m;
    m.fill(detail::Largest<T>::start());
    for (std::int64_t r = 0; r < n; ++r) {
      for (std::int64_t i = 0; i < width; ++i) m[i] = detail::Largest<T>::combine(m[i], x[r * inner + i]);
    }
    return m;
  }

  // Calls use(row, e) for each row, e the `width` values exp(x - shift).
  template <class F>
  void each_exp(const T* x, const std::array<T, kSoftmaxColumns>& shift, F use) const {
    Tile<T> e;
    for (std::int64_t r = 0; r < n; r += tile_rows()) {
      const std::int64_t rows = std::min(tile_rows(), n - r);
      for (std::int64_t k = 0; k < rows; ++k) {
        for (std::int64_t i = 0; i < width; ++i) e[k * width + i] = x[(r + k) * inner + i] - shift[i];
      }
      detail::unary_run(Unary::exp, e.data(), e.data(), rows * width);
      for (std::int64_t k = 0; k < rows; ++k) use(r + k, e.data() + k * width);
    }
  }

  std::array<T, kSoftmaxColumns> sum_exp(const T* x, const std::array<T, kSoftmaxColumns>& shift) const {
    std::array<double, kSoftmaxColumns> s{};
    each_exp(x, shift, [&](std::int64_t, const T* e) {
      for (std::int64_t i = 0; i < width; ++i) s[i] += static_cast<double>(e[i]);
    });
    return narrow(s);
  }

  static std::array<T, kSoftmaxColumns> narrow(const std::array<double, kSoftmaxColumns>& s) {
    std::array<T, kSoftmaxColumns> z;
    for (std::int64_t i = 0; i < kSoftmaxColumns; ++i) z[i] = static_cast<T>(s[i]);
    return z;
  }
};

// Shares out rows, which go to softmax_rows, when inner == 1, else strips of columns, whose lines begin at `at` and
// give the results `out` on: column(strip, at, out).
template <class T, class Column>
void each_line(detail::Rows op, const T* x, const T* y, T* z, const Lines& lines, Column column) {
  const std::int64_t n = lines.n, inner = lines.inner;
  if (inner == 1 && n > 0)
    return parallel_for(lines.outer, (kSoftmaxGrain + n - 1) / n, [&](std::int64_t begin, std::int64_t end) {
      detail::SoftmaxLoops<T>::fastest().rows(op, x + begin * n, y + begin * n,
                                              z + begin * (op == detail::Rows::logsumexp ? 1 : n), end - begin, n);
    });
  each_strip(lines, kSoftmaxColumns, kSoftmaxGrain, [&](std::int64_t o, std::int64_t i, std::int64_t width) {
    column(Strip<T>{n, inner, width}, o * n * inner + i, o * inner + i);
  });
}

template <class T>
void logsumexp_of(const T* x, T* z, const Lines& lines) {
  each_line<T>(detail::Rows::logsumexp, x, x, z, lines, [&](Strip<T> strip, std::int64_t at, std::int64_t out) {
    auto m = strip.max(x + at);
    for (auto& v : m) v = finite_shift(v);
    const auto s = strip.sum_exp(x + at, m);
    for (std::int64_t i = 0; i < strip.width; ++i) z[out + i] = m[i] + unary_one(Unary::log, s[i]);
  });
}

template <class T>
void softmax_of(const T* x, T* z, const Lines& lines) {
  each_line<T>(detail::Rows::softmax, x, x, z, lines, [&](Strip<T> strip, std::int64_t at, std::int64_t) {
    std::array<double, kSoftmaxColumns> s{};
    strip.each_exp(x + at, strip.max(x + at), [&](std::int64_t r, const T* e) {
      for (std::int64_t i = 0; i < strip.width; ++i) {
        z[at + r * strip.inner + i] = e[i];
        s[i] += static_cast<double>(e[i]);
      }
    });
    const auto total = strip.narrow(s);
    for (std::int64_t r = 0; r < strip.n; ++r) {
      for (std::int64_t i = 0; i < strip.width; ++i) z[at + r * strip.inner + i] /= total[i];
    }
  });
}

template <class T>
void log_softmax_of(const T* x, T* z, const Lines& lines) {
  each_line<T>(detail::Rows::log_softmax, x, x, z, lines, [&](Strip<T> strip, std::int64_t at, std::int64_t) {
    const auto m = strip.max(x + at);
    auto log_s = strip.sum_exp(x + at, m);
    for (std::int64_t i = 0; i < strip.width; ++i) log_s[i] = unary_one(Unary::log, log_s[i]);
    for (std::int64_t r = 0; r < strip.n; ++r) {
      for (std::int64_t i = 0; i < strip.width; ++i) {
        const std::int64_t k = at + r * strip.inner + i;
        z[k] = x[k] - m[i] - log_s[i];
      }
    }
  });
}

template <class T>
void softmax_grad_of(const T* g, const T* z, T* dx, const Lines& lines) {
  each_line<T>(detail::Rows::softmax_grad, g, z, dx, lines, [&](Strip<T> strip, std::int64_t at, std::int64_t) {
    std::array<double, kSoftmaxColumns> s{};
    for (std::int64_t r = 0; r < strip.n; ++r) {
      for (std::int64_t i = 0; i < strip.width; ++i) {
        const std::int64_t k = at + r * strip.inner + i;
        s[i] += static_cast<double>(g[k]) * static_cast<double>(z[k]);
      }
    }
    const auto total = strip.narrow(s);
    for (std::int64_t r = 0; r < strip.n; ++r) {
      for (std::int64_t i = 0; i < strip.width; ++i) {
        const std::int64_t k = at + r * strip.inner + i;
        dx[k] = z[k] * (g[k] - total[i]);
      }
    }
  });
}

template <class T>
void log_softmax_grad_of(const T* g, const T* z, T* dx, const Lines& lines) {
  each_line<T>(detail::Rows::log_softmax_grad, g, z, dx, lines, [&](Strip<T> strip, std::int64_t at, std::int64_t) {
    std::array<double, kSoftmaxColumns> s{};
    for (std::int64_t r = 0; r < strip.n; ++r) {
      for (std::int64_t i = 0; i < strip.width; ++i) s[i] += static_cast<double>(g[at + r * strip.inner + i]);
    }
    const auto total = strip.narrow(s);
    strip.each_exp(z + at, {}, [&](std::int64_t r, const T* e) {
      for (std::int64_t i = 0; i < strip.width; ++i) {
        const std::int64_t k = at + r * strip.inner + i;
        dx[k] = g[k] - e[i] * total[i];
      }
    });
  });
}

}  // namespace

void logsumexp(DType d, const void* x, void* z, const Lines& s) {
  assert(is_floating(d));
  dispatch_floating(d, [&](auto zero) {
    using T = decltype(zero);
    logsumexp_of(static_cast<const T*>(x), static_cast<T*>(z), s);
  });
}

void softmax(DType d, const void* x, void* z, const Lines& s) {
  assert(is_floating(d));
  dispatch_floating(d, [&](auto zero) {
    using T = decltype(zero);
    softmax_of(static_cast<const T*>(x), static_cast<T*>(z), s);
  });
}

void log_softmax(DType d, const void* x, void* z, const Lines& s) {
  assert(is_floating(d));
  dispatch_floating(d, [&](auto zero) {
    using T = decltype(zero);
    log_softmax_of(static_cast<const T*>(x), static_cast<T*>(z), s);
  });
}

void softmax_grad(DType d, const void* g, const void* z, void* dx, const Lines& s) {
  assert(is_floating(d));
  dispatch_floating(d, [&](auto zero) {
    using T = decltype(zero);
    softmax_grad_of(static_cast<const T*>(g), static_cast<const T*>(z), static_cast<T*>(dx), s);
  });
}

void log_softmax_grad(DType d, const void* g, const void* z, void* dx, const Lines& s) {
  assert(is_floating(d));
  dispatch_floating(d, [&](auto zero) {
    using T = decltype(zero);
    log_softmax_grad_of(static_cast<const T*>(g), static_cast<const T*>(z), static_cast<T*>(dx), s);
  });
}

}  // namespace chainrule::kernels
