// Inner header: for our own sources, not installed.
// Folds one axis of dense memory. The axis is cut into slabs of a fixed size; slabs are what threads share out, and
// their results are combined pairwise in a fixed order. Not for use outside ops/kernels.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <type_traits>
#include <utility>

#include "ops/kernels/lines.h"
#include "ops/kernels/parallel.h"
#include "ops/kernels/reduce/reduce_detail.h"
#include "ops/kernels/scratch.h"

namespace chainrule::kernels::detail {

inline constexpr std::int64_t kRowSlab = 1 << 14;     // elements, when the reduced axis is dense
inline constexpr std::int64_t kColumnSlab = 1 << 10;  // rows, when it is not
inline constexpr std::int64_t kColumns = 128;         // columns folded side by side
inline constexpr std::int64_t kPlainRows = 16;        // rows folded one after the other before pairing starts
inline constexpr int kLevels = 8;                     // kPlainRows * 2^kLevels > kColumnSlab
inline constexpr std::int64_t kFoldGrain = 1 << 15;

/// The numbers themselves, which vector instructions can fold.
struct Same {
  template <class In>
  In operator()(In v, std::int64_t) const {
    return v;
  }
};
template <class Rule, class In, class Map>
constexpr bool kInLanes = std::is_same_v<Map, Same>&& std::is_floating_point_v<In>;

// Folds rows of `width` <= kColumns columns: runs of kPlainRows, paired like the carries of a binary counter.
template <class Rule, class In, class Map>
void fold_columns(const In* x, std::int64_t rows, std::int64_t inner, std::int64_t width, typename Rule::Value* z,
                  const Map& map) {
  using T = typename Rule::Value;
  std::array<std::array<T, kColumns>, kLevels> level;
  int used = 0;
  std::int64_t runs = 0;
  for (std::int64_t r = 0; r < rows; r += kPlainRows, ++runs) {
    auto& top = level[used++];
    const std::int64_t end = std::min(r + kPlainRows, rows);
    if constexpr (kInLanes<Rule, In, Map>) {
      FoldLoops<T>::fastest().rows(Rule::folding, x + r * inner, end - r, inner, width, top.data());
    } else {
      top.fill(Rule::start());
      for (std::int64_t k = r; k < end; ++k) {
        const In* row = x + k * inner;
        for (std::int64_t i = 0; i < width; ++i) top[i] = Rule::combine(top[i], map(row[i], i));
      }
    }
    for (std::int64_t carry = runs; carry & 1; carry >>= 1, --used) {
      for (std::int64_t i = 0; i < width; ++i)
        level[used - 2][i] = Rule::combine(level[used - 2][i], level[used - 1][i]);
    }
  }
  for (; used > 1; --used) {
    for (std::int64_t i = 0; i < width; ++i) level[used - 2][i] = Rule::combine(level[used - 2][i], level[used - 1][i]);
  }
  for (std::int64_t i = 0; i < width; ++i) z[i] = used > 0 ? level[0][i] : Rule::start();
}

/// z[line] = fold of map(x[..], line), lines being (outer, inner). map may read z[line]: what it held before.
template <class Rule, class In, class Map>
void fold(const In* x, typename Rule::Value* z, const Lines& lines, const Map& map) {
  using T = typename Rule::Value;
  std::int64_t outer = lines.outer, inner = lines.inner;
  const std::int64_t reduced = lines.n;
  if (outer == 0 || inner == 0) return;
  if (reduced == 1) inner *= std::exchange(outer, 1);  // lines of one number are columns, side by side
  const std::int64_t slab = inner == 1 ? kRowSlab : kColumnSlab;
  const std::int64_t slabs = std::max<std::int64_t>((reduced + slab - 1) / slab, 1);
  const std::int64_t strips = (inner + kColumns - 1) / kColumns;

  T* partial = slabs > 1 ? scratch<T>(Scratch::folds, outer * slabs * inner) : z;
  const std::int64_t task = std::min(slab, std::max<std::int64_t>(reduced, 1)) * std::min(inner, kColumns);
  parallel_for(outer * slabs * strips, (kFoldGrain + task - 1) / task, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t t = begin; t < end; ++t) {
      const std::int64_t strip = t % strips, s = t / strips % slabs, o = t / strips / slabs;
      const std::int64_t r = s * slab, rows = std::min(slab, reduced - r), i = strip * kColumns;
      const In* from = x + (o * reduced + r) * inner + i;
      T* to = partial + (o * slabs + s) * inner + i;
      const std::int64_t line = o * inner + i;
      const std::int64_t width = std::min(kColumns, inner - i);
      if constexpr (kInLanes<Rule, In, Map>) {
        if (inner == 1)
          *to = fold_row<Rule>(rows, DenseRow<Rule>{from});
        else
          fold_columns<Rule>(from, rows, inner, width, to, map);
      } else if (inner == 1) {
        *to = fold_row<Rule>(rows, [&map, from, line](std::int64_t k) { return map(from[k], line); });
      } else {
        fold_columns<Rule>(from, rows, inner, width, to,
                           [&map, line](In v, std::int64_t k) { return map(v, line + k); });
      }
    }
  });
  if (slabs == 1) return;
  for (std::int64_t o = 0; o < outer; ++o) {
    T* p = partial + o * slabs * inner;
    for (std::int64_t step = 1; step < slabs; step *= 2) {
      for (std::int64_t s = 0; s + step < slabs; s += 2 * step) {
        for (std::int64_t i = 0; i < inner; ++i) {
          p[s * inner + i] = Rule::combine(p[s * inner + i], p[(s + step) * inner + i]);
        }
      }
    }
    std::copy(p, p + inner, z + o * inner);
  }
}

/// The same for the numbers themselves.
template <class Rule, class In>
void fold(const In* x, typename Rule::Value* z, const Lines& s) {
  using T = typename Rule::Value;
  if constexpr (std::is_same_v<In, T>)
    fold<Rule>(x, z, s, Same());
  else
    fold<Rule>(x, z, s, [](In v, std::int64_t) { return static_cast<T>(v); });
}

}  // namespace chainrule::kernels::detail
