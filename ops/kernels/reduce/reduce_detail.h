// Inner header: for our own sources, not installed.
// Sums and maxima of one dense row in a fixed order, shared by the reductions and the softmax family.
// Not for use outside ops/kernels.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <type_traits>

#include "ops/kernels/reduce/reduce_lanes.h"

namespace chainrule::kernels::detail {

/// Folding rules: start value and combination. Integers add with wrap-around, hence std::uint64_t as their sum.
template <class T>
struct Adding {
  using Value = T;
  static constexpr Folding folding = Folding::add;
  static constexpr T start() { return T(0); }
  static constexpr T combine(T a, T b) { return a + b; }
};

template <class T>
struct Multiplying {
  using Value = T;
  static constexpr Folding folding = Folding::multiply;
  static constexpr T start() { return T(1); }
  static constexpr T combine(T a, T b) { return a * b; }
};

template <class T>
struct Largest {
  using Value = T;
  static constexpr Folding folding = Folding::largest;
  static constexpr T start() {
    return std::is_floating_point_v<T> ? -std::numeric_limits<T>::infinity() : std::numeric_limits<T>::lowest();
  }
  // The second choice lets a NaN in; once in, no comparison drives it out.
  static constexpr T combine(T a, T b) {
    const T larger = b > a ? b : a;
    return b != b ? b : larger;
  }
};

template <class T>
struct Smallest {
  using Value = T;
  static constexpr Folding folding = Folding::smallest;
  static constexpr T start() {
    return std::is_floating_point_v<T> ? std::numeric_limits<T>::infinity() : std::numeric_limits<T>::max();
  }
  static constexpr T combine(T a, T b) {
    const T smaller = b < a ? b : a;
    return b != b ? b : smaller;
  }
};

/// Folds f(0) ... f(n - 1): up to 4096 at a time in 32 interleaved lanes, those pairwise. A fixed number of lanes,
/// whatever the vector length, keeps the bits the same on all machines. An f that has them fills the lanes itself.
template <class Rule, class F>
typename Rule::Value fold_row(std::int64_t n, const F& f, std::int64_t first = 0) {
  using T = typename Rule::Value;
  constexpr std::int64_t kLanes = kFoldLanes, kChunk = 4096;
  if (n > kChunk) {
    const std::int64_t half = (n / 2 + kChunk - 1) / kChunk * kChunk;
    return Rule::combine(fold_row<Rule>(half, f, first), fold_row<Rule>(n - half, f, first + half));
  }
  T total = Rule::start();
  std::int64_t i = 0;
  if (n >= kLanes) {
    std::array<T, kLanes> lane;
    if constexpr (requires { f.fill_lanes(first, n, lane.data()); }) {
      i = n / kLanes * kLanes;
      f.fill_lanes(first, i, lane.data());
    } else {
      lane.fill(Rule::start());
      for (; i + kLanes <= n; i += kLanes) {
        for (std::int64_t j = 0; j < kLanes; ++j) lane[j] = Rule::combine(lane[j], f(first + i + j));
      }
    }
    for (std::int64_t width = kLanes / 2; width > 0; width /= 2) {
      for (std::int64_t j = 0; j < width; ++j) lane[j] = Rule::combine(lane[j], lane[j + width]);
    }
    total = lane[0];
  }
  for (; i < n; ++i) total = Rule::combine(total, f(first + i));
  return total;
}

/// The numbers of a dense row, for fold_row.
template <class Rule>
struct DenseRow {
  using T = typename Rule::Value;
  const T* x;
  T operator()(std::int64_t i) const { return x[i]; }
  void fill_lanes(std::int64_t first, std::int64_t n, T* lane) const {
    FoldLoops<T>::fastest().lanes(Rule::folding, x + first, n, lane);
  }
};

}  // namespace chainrule::kernels::detail
