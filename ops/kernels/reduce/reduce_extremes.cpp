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
void extreme(DType d, const void* x, void* z, std::int64_t outer, std::int64_t reduced, std::int64_t inner) {
  assert(d != DType::boolean && reduced >= 1);
  dispatch(d, [&](auto zero) {
    using T = decltype(zero);
    if constexpr (!std::is_same_v<T, bool>) {
      detail::fold<Rule<T>>(static_cast<const T*>(x), static_cast<T*>(z), outer, reduced, inner);
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
void place_in_columns(const T* x, std::int64_t* z, std::int64_t reduced, std::int64_t inner, std::int64_t width) {
  std::array<T, detail::kColumns> best;
  std::array<Count, detail::kColumns> at{};
  std::copy_n(x, width, best.begin());
  for (std::int64_t r = 1; r < reduced; ++r) {
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
void place(DType d, const void* x, std::int64_t* z, std::int64_t outer, std::int64_t reduced, std::int64_t inner) {
  assert(d != DType::boolean && reduced >= 1);
  if (reduced == 1) return static_cast<void>(std::fill_n(z, outer * inner, std::int64_t{0}));
  const std::int64_t strips = (inner + detail::kColumns - 1) / detail::kColumns;
  const std::int64_t task = std::max<std::int64_t>(reduced * std::min(inner, detail::kColumns), 1);
  const std::int64_t grain = (detail::kFoldGrain + task - 1) / task;
  dispatch(d, [&](auto zero) {
    using T = decltype(zero);
    const T* from = static_cast<const T*>(x);
    parallel_for(outer * strips, grain, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t t = begin; t < end; ++t) {
        const std::int64_t o = t / strips, i = t % strips * detail::kColumns;
        const std::int64_t width = std::min(detail::kColumns, inner - i);
        if (inner == 1)
          z[o] = place_in_row<Rule<T>>(from + o * reduced, reduced);
        else if (sizeof(T) == 4 && reduced <= std::numeric_limits<std::int32_t>::max())
          place_in_columns<Rule<T>, std::int32_t>(from + o * reduced * inner + i, z + o * inner + i, reduced, inner,
                                                  width);
        else
          place_in_columns<Rule<T>, std::int64_t>(from + o * reduced * inner + i, z + o * inner + i, reduced, inner,
                                                  width);
      }
    });
  });
}

}  // namespace

void amax(DType d, const void* x, void* z, std::int64_t outer, std::int64_t reduced, std::int64_t inner) {
  extreme<detail::Largest>(d, x, z, outer, reduced, inner);
}

void amin(DType d, const void* x, void* z, std::int64_t outer, std::int64_t reduced, std::int64_t inner) {
  extreme<detail::Smallest>(d, x, z, outer, reduced, inner);
}

void argmax(DType d, const void* x, std::int64_t* z, std::int64_t outer, std::int64_t reduced, std::int64_t inner) {
  place<detail::Largest>(d, x, z, outer, reduced, inner);
}

void argmin(DType d, const void* x, std::int64_t* z, std::int64_t outer, std::int64_t reduced, std::int64_t inner) {
  place<detail::Smallest>(d, x, z, outer, reduced, inner);
}

}  // namespace chainrule::kernels
