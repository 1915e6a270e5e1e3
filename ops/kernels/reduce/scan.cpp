// One walker for all: it carries a state for each of up to kScanColumns columns, or for a single row.
#include "ops/kernels/reduce/scan.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <type_traits>
#include <utility>

#include "ops/kernels/parallel.h"

namespace chainrule::kernels {
namespace {

constexpr std::int64_t kScanColumns = 64;
constexpr std::int64_t kScanGrain = 1 << 14;

/// Calls walk(first, columns) for every group of neighbouring lines; `first` is the place of their first number.
template <class Walk>
void each_group(Lines s, const Walk& walk) {
  if (s.n == 1) s.inner *= std::exchange(s.outer, 1);  // lines of one number are columns, side by side
  each_strip(s, kScanColumns, kScanGrain,
             [&](std::int64_t o, std::int64_t i, std::int64_t width) { walk(o * s.n * s.inner + i, width); });
}

/// step(state, place) in the order of the axis, with a state for each column.
template <class State, class Step>
void scan(const Lines& s, bool reverse, const Step& step) {
  each_group(s, [&](std::int64_t first, std::int64_t columns) {
    const std::int64_t n = s.n, inner = s.inner;
    const std::int64_t start = reverse ? first + (n - 1) * inner : first, stride = reverse ? -inner : inner;
    if (columns == 1) {
      State state;
      for (std::int64_t k = 0; k < n; ++k) step(state, start + k * stride);
      return;
    }
    std::array<State, kScanColumns> state{};
    for (std::int64_t k = 0; k < n; ++k) {
      for (std::int64_t i = 0; i < columns; ++i) step(state[i], start + k * stride + i);
    }
  });
}

template <class T>
struct Sum {  // float, in double
  double total = 0;
  T add(T v) { return static_cast<T>(total += static_cast<double>(v)); }
};

template <>
struct Sum<double> {
  double total = 0, lost = 0;
  double add(double v) {
    const double next = total + v;
    lost += std::abs(total) >= std::abs(v) ? (total - next) + v : (v - next) + total;
    total = next;
    // Once infinite, what was lost is not a number.
    return std::abs(total) <= std::numeric_limits<double>::max() ? total + lost : total;
  }
};

template <>
struct Sum<std::uint64_t> {
  std::uint64_t total = 0;
  std::uint64_t add(std::uint64_t v) { return total += v; }
};

template <class T>
struct Product {
  double total = 1;
  T add(T v) { return static_cast<T>(total *= static_cast<double>(v)); }
};

template <>
struct Product<std::uint64_t> {
  std::uint64_t total = 1;
  std::uint64_t add(std::uint64_t v) { return total *= v; }
};

/// Lines `apart` from each other, at most `most`. From both ends at once: up to the middle z keeps the product before a
/// number, or behind it; beyond, the other one is multiplied in.
template <int most, class T, class Count>
void others(const T* x, T* z, std::int64_t n, std::int64_t stride, Count lines, std::int64_t apart) {
  std::array<double, most> before, behind;
  before.fill(1);
  behind.fill(1);
  const auto each = [&](std::int64_t k, const auto& set) {
    const std::int64_t low = k * stride, high = (n - 1 - k) * stride;
    for (std::int64_t i = 0; i < lines; ++i) {
      const std::int64_t p = low + i * apart, q = high + i * apart;
      const double u = static_cast<double>(x[p]), v = static_cast<double>(x[q]);
      if (low == high) {
        z[p] = static_cast<T>(before[i] * behind[i]);
      } else {
        set(z[p], before[i]);
        set(z[q], behind[i]);
      }
      before[i] *= u;
      behind[i] *= v;
    }
  };
  std::int64_t k = 0;
  for (; 2 * k < n; ++k) each(k, [](T& to, double v) { to = static_cast<T>(v); });
  for (; k < n; ++k) each(k, [](T& to, double v) { to = static_cast<T>(v * static_cast<double>(to)); });
}

template <template <class> class Running>
void running(DType d, const void* x, void* z, const Lines& s, bool reverse) {
  dispatch(d, [&](auto zero) {
    using In = decltype(zero);
    using T = std::conditional_t<std::is_floating_point_v<In>, In, std::uint64_t>;
    const In* from = static_cast<const In*>(x);
    T* to = static_cast<T*>(z);
    scan<Running<T>>(s, reverse,
                     [from, to](Running<T>& state, std::int64_t k) { to[k] = state.add(static_cast<T>(from[k])); });
  });
}

}  // namespace

void cumsum(DType d, const void* x, void* z, const Lines& s, bool reverse) { running<Sum>(d, x, z, s, reverse); }

void cumprod(DType d, const void* x, void* z, const Lines& s, bool reverse) { running<Product>(d, x, z, s, reverse); }

// A product waits for the one before it, so of rows some are taken together.
void products_of_others(DType d, const void* x, void* z, const Lines& s) {
  constexpr int kRows = 4;
  dispatch_floating(d, [&](auto zero) {
    using T = decltype(zero);
    const T* from = static_cast<const T*>(x);
    T* to = static_cast<T*>(z);
    const std::int64_t outer = s.outer, n = s.n;
    if (s.inner != 1) {
      return each_group(s, [&](std::int64_t first, std::int64_t columns) {
        others<kScanColumns>(from + first, to + first, n, s.inner, columns, 1);
      });
    }
    const std::int64_t task = std::max<std::int64_t>(n * kRows, 1);
    parallel_for((outer + kRows - 1) / kRows, (kScanGrain + task - 1) / task,
                 [&](std::int64_t begin, std::int64_t end) {
                   for (std::int64_t row = begin * kRows; row < std::min(end * kRows, outer); row += kRows) {
                     const T* x0 = from + row * n;
                     T* z0 = to + row * n;
                     if (row + kRows <= outer) {
                       others<kRows>(x0, z0, n, 1, std::integral_constant<int, kRows>{}, n);
                     } else {
                       for (std::int64_t i = 0; i < outer - row; ++i)
                         others<1>(x0 + i * n, z0 + i * n, n, 1, std::integral_constant<int, 1>{}, n);
                     }
                   }
                 });
  });
}

void recurrence(DType d, const void* a, const void* b, void* z, const Lines& s, bool reverse) {
  dispatch_floating(d, [&](auto zero) {
    using T = decltype(zero);
    const T *factor = static_cast<const T*>(a), *term = static_cast<const T*>(b);
    T* to = static_cast<T*>(z);
    // The factor of the first number has nothing to multiply: it is not read, so that it may be infinite.
    struct State {
      double before = 0;
      bool first = true;
    };
    scan<State>(s, reverse, [=](State& state, std::int64_t k) {
      const double t = static_cast<double>(term[k]);
      state.before = state.first ? t : t + static_cast<double>(factor[k]) * state.before;
      state.first = false;
      to[k] = static_cast<T>(state.before);
    });
  });
}

}  // namespace chainrule::kernels
