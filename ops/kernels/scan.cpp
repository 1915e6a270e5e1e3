// One walker for all: it carries a state for each of up to kColumns columns, or for a single row.
#include "ops/kernels/scan.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <utility>

#include "ops/kernels/parallel.h"

namespace chainrule::kernels {
namespace {

constexpr std::int64_t kColumns = 64;
constexpr std::int64_t kGrain = 1 << 14;

/// Calls walk(first, columns) for every group of neighbouring lines; `first` is the place of their first number.
template <class Walk>
void each_group(std::int64_t outer, std::int64_t n, std::int64_t inner, const Walk& walk) {
  if (n == 1) inner *= std::exchange(outer, 1);  // lines of one number are columns, side by side
  const std::int64_t strips = (inner + kColumns - 1) / kColumns;
  const std::int64_t task = std::max<std::int64_t>(n * std::min(inner, kColumns), 1);
  parallel_for(outer * strips, (kGrain + task - 1) / task, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t t = begin; t < end; ++t) {
      const std::int64_t i = t % strips * kColumns;
      walk(t / strips * n * inner + i, std::min(kColumns, inner - i));
    }
  });
}

/// step(state, place) in the order of the axis, with a state for each column.
template <class State, class Step>
void scan(std::int64_t outer, std::int64_t n, std::int64_t inner, bool reverse, const Step& step) {
  each_group(outer, n, inner, [&](std::int64_t first, std::int64_t columns) {
    const std::int64_t start = reverse ? first + (n - 1) * inner : first, stride = reverse ? -inner : inner;
    if (columns == 1) {
      State state;
      for (std::int64_t k = 0; k < n; ++k) step(state, start + k * stride);
      return;
    }
    std::array<State, kColumns> state{};
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

template <template <class> class Running>
void running(DType d, const void* x, void* z, std::int64_t outer, std::int64_t n, std::int64_t inner, bool reverse) {
  dispatch(d, [&](auto zero) {
    using In = decltype(zero);
    using T = std::conditional_t<std::is_floating_point_v<In>, In, std::uint64_t>;
    const In* from = static_cast<const In*>(x);
    T* to = static_cast<T*>(z);
    scan<Running<T>>(outer, n, inner, reverse,
                     [from, to](Running<T>& state, std::int64_t k) { to[k] = state.add(static_cast<T>(from[k])); });
  });
}

}  // namespace

void cumsum(DType d, const void* x, void* z, std::int64_t outer, std::int64_t n, std::int64_t inner, bool reverse) {
  running<Sum>(d, x, z, outer, n, inner, reverse);
}

void cumprod(DType d, const void* x, void* z, std::int64_t outer, std::int64_t n, std::int64_t inner, bool reverse) {
  running<Product>(d, x, z, outer, n, inner, reverse);
}

void recurrence(DType d, const void* a, const void* b, void* z, std::int64_t outer, std::int64_t n, std::int64_t inner,
                bool reverse) {
  dispatch_floating(d, [&](auto zero) {
    using T = decltype(zero);
    const T *factor = static_cast<const T*>(a), *term = static_cast<const T*>(b);
    T* to = static_cast<T*>(z);
    // The factor of the first number has nothing to multiply: it is not read, so that it may be infinite.
    struct State {
      double before = 0;
      bool first = true;
    };
    scan<State>(outer, n, inner, reverse, [=](State& state, std::int64_t k) {
      const double t = static_cast<double>(term[k]);
      state.before = state.first ? t : t + static_cast<double>(factor[k]) * state.before;
      state.first = false;
      to[k] = static_cast<T>(state.before);
    });
  });
}

}  // namespace chainrule::kernels
