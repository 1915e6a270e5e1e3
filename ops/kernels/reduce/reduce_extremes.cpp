// The largest and the smallest, and where they stand. Positions are found in two steps: the value of a chunk by the
// fold that vectorises, then its place inside the one chunk that holds the winner.
#include <algorithm>
#include <array>
#include <cassert>
#include <limits>

#include "ops/kernels/reduce/reduce.h"
#include "ops/kernels/reduce/reduce_fold.h"

namespace chainrule::kernels {
namespace {

template <template <class> class Rule>
void extreme(DType d, const void* x, void* z, const Lines& s) {
  assert(d != DType::boolean && s.n >= 1);
  dispatch(d, [&](auto zero) {
    using T = decltype(zero);
    if constexpr (!std::is_same_v<T, bool>) {
      detail::fold<Rule<T>>(static_cast<const T*>(x), static_cast<T*>(z), s);
    }
  });
}

/// True when b takes the place of a: the rule picks it and it is not the same value.
template <class Rule, class T>
constexpr bool wins(T b, T a) {
  return (a == a) & (Rule::combine(a, b) != a);  // a NaN differs from everything, and nothing beats it
}

template <class Rule, class T>
std::int64_t place_in_row(const T* x, std::int64_t n) {
  constexpr std::int64_t kChunk = 4096;
  auto best_of = [&](std::int64_t begin) {
    return detail::fold_row<Rule>(std::min(kChunk, n - begin), [&](std::int64_t i) { return x[begin + i]; });
  };
  T best = best_of(0);
  std::int64_t at = 0;
  for (std::int64_t begin = kChunk; begin < n && best == best; begin += kChunk) {
    const T other = best_of(begin);
    if (wins<Rule>(other, best)) best = other, at = begin;
  }
  while (x[at] != best && (best == best || x[at] == x[at])) ++at;
  return at;
}

/// Positions are counted in numbers as wide as T, so that both fit into vectors of one length.
template <class Rule, class Count, class T>
void place_in_columns(const T* x, std::int64_t* z, std::int64_t n, std::int64_t inner, std::int64_t width) {
  std::array<T, detail::kColumns> best;
  std::array<Count, detail::kColumns> at{};
  std::copy_n(x, width, best.begin());
  for (std::int64_t r = 1; r < n; ++r) {
    const T* row = x + r * inner;
    for (std::int64_t i = 0; i < width; ++i) {
      const bool better = wins<Rule>(row[i], best[i]);
      best[i] = better ? row[i] : best[i];
      at[i] = better ? static_cast<Count>(r) : at[i];
    }
  }
  std::copy_n(at.begin(), width, z);
}

template <template <class> class Rule>
void place(DType d, const void* x, std::int64_t* z, const Lines& s) {
  assert(d != DType::boolean && s.n >= 1);
  if (s.n == 1) return static_cast<void>(std::fill_n(z, s.count(), std::int64_t{0}));
  dispatch(d, [&](auto zero) {
    using T = decltype(zero);
    const T* from = static_cast<const T*>(x);
    each_strip(s, detail::kColumns, detail::kFoldGrain, [&](std::int64_t o, std::int64_t i, std::int64_t width) {
      const T* x0 = from + o * s.n * s.inner + i;
      std::int64_t* z0 = z + o * s.inner + i;
      if (s.inner == 1)
        *z0 = place_in_row<Rule<T>>(x0, s.n);
      else if (sizeof(T) == 4 && s.n <= std::numeric_limits<std::int32_t>::max())
        place_in_columns<Rule<T>, std::int32_t>(x0, z0, s.n, s.inner, width);
      else
        place_in_columns<Rule<T>, std::int64_t>(x0, z0, s.n, s.inner, width);
    });
  });
}

}  // namespace

void amax(DType d, const void* x, void* z, const Lines& s) { extreme<detail::Largest>(d, x, z, s); }

void amin(DType d, const void* x, void* z, const Lines& s) { extreme<detail::Smallest>(d, x, z, s); }

void argmax(DType d, const void* x, std::int64_t* z, const Lines& s) { place<detail::Largest>(d, x, z, s); }

void argmin(DType d, const void* x, std::int64_t* z, const Lines& s) { place<detail::Smallest>(d, x, z, s); }

}  // namespace chainrule::kernels
