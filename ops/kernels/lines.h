// Inner header: for our own sources, not installed.
// How the loops along one axis see memory, and how they share it out.
#pragma once

#include <algorithm>
#include <cstdint>

#include "ops/kernels/parallel.h"

namespace chainrule::kernels {

/// Dense memory around one axis, seen as (outer, n, inner). A line is the n numbers of one (o, i): element k of it
/// stands at (o * n + k) * inner + i, so its numbers are `inner` apart.
struct Lines {
  std::int64_t outer = 1, n = 1, inner = 1;

  constexpr std::int64_t count() const { return outer * inner; }
  constexpr bool operator==(const Lines&) const = default;
};

/// Calls f(o, i, width) for the lines (o, i) ... (o, i + width - 1), up to `columns` neighbours at a time. Threads
/// share these strips out and get at least `work` numbers each.
template <class F>
void each_strip(const Lines& s, std::int64_t columns, std::int64_t work, const F& f) {
  const std::int64_t strips = (s.inner + columns - 1) / columns;
  const std::int64_t numbers = std::max<std::int64_t>(s.n * std::min(s.inner, columns), 1);
  parallel_for(s.outer * strips, (work + numbers - 1) / numbers, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t t = begin; t < end; ++t) {
      const std::int64_t i = t % strips * columns;
      f(t / strips, i, std::min(columns, s.inner - i));
    }
  });
}

}  // namespace chainrule::kernels
