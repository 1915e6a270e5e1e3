// Sum, mean, largest, smallest and where the largest stands. The reduced axis is cut into slabs of a fixed size; slabs
// are what threads share out, and their results are combined pairwise in a fixed order.
#include "ops/kernels/reduce.h"

#include <array>
#include <cassert>
#include <cstddef>
#include <vector>

#include "ops/kernels/parallel.h"
#include "ops/kernels/reduce_detail.h"

namespace chainrule::kernels {
namespace {

constexpr std::int64_t kRowSlab = 1 << 14;     // elements, when the reduced axis is dense
constexpr std::int64_t kColumnSlab = 1 << 10;  // rows, when it is not
constexpr std::int64_t kColumns = 64;          // columns folded side by side
constexpr std::int64_t kPlainRows = 16;        // rows folded one after the other before pairing starts
constexpr int kLevels = 8;                     // kPlainRows * 2^kLevels > kColumnSlab
constexpr std::int64_t kGrain = 1 << 15;

// Folds rows of `width` <= kColumns columns: runs of kPlainRows, paired like the carries of a binary counter.
template <class Rule, class In>
void fold_columns(const In* x, std::int64_t rows, std::int64_t inner, std::int64_t width, typename Rule::Value* z) {
  using T = typename Rule::Value;
  std::array<std::array<T, kColumns>, kLevels> level;
  int used = 0;
  std::int64_t runs = 0;
  for (std::int64_t r = 0; r < rows; r += kPlainRows, ++runs) {
    auto& top = level[used++];
    top.fill(Rule::start());
    for (std::int64_t k = r; k < std::min(r + kPlainRows, rows); ++k) {
      const In* row = x + k * inner;
      for (std::int64_t i = 0; i < width; ++i) top[i] = Rule::combine(top[i], static_cast<T>(row[i]));
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

template <class Rule, class In>
void fold(const In* x, typename Rule::Value* z, std::int64_t outer, std::int64_t reduced, std::int64_t inner) {
  using T = typename Rule::Value;
  if (outer == 0 || inner == 0) return;
  const std::int64_t slab = inner == 1 ? kRowSlab : kColumnSlab;
  const std::int64_t slabs = std::max<std::int64_t>((reduced + slab - 1) / slab, 1);
  const std::int64_t strips = (inner + kColumns - 1) / kColumns;

  // One buffer a thread, kept: the second call of the same size allocates nothing.
  thread_local std::vector<T> scratch;
  T* partial = z;
  if (slabs > 1) {
    scratch.resize(std::max(scratch.size(), static_cast<std::size_t>(outer * slabs * inner)));
    partial = scratch.data();
  }
  const std::int64_t task = std::min(slab, std::max<std::int64_t>(reduced, 1)) * std::min(inner, kColumns);
  parallel_for(outer * slabs * strips, (kGrain + task - 1) / task, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t t = begin; t < end; ++t) {
      const std::int64_t strip = t % strips, s = t / strips % slabs, o = t / strips / slabs;
      const std::int64_t r = s * slab, rows = std::min(slab, reduced - r), i = strip * kColumns;
      const In* from = x + (o * reduced + r) * inner + i;
      T* to = partial + (o * slabs + s) * inner + i;
      if (inner == 1)
        *to = detail::fold_row<Rule>(rows, [from](std::int64_t k) { return static_cast<T>(from[k]); });
      else
        fold_columns<Rule>(from, rows, inner, std::min(kColumns, inner - i), to);
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

template <template <class> class Rule>
void extreme(DType d, const void* x, void* z, std::int64_t outer, std::int64_t reduced, std::int64_t inner) {
  assert(d != DType::boolean && reduced >= 1);
  dispatch(d, [&](auto zero) {
    using T = decltype(zero);
    if constexpr (!std::is_same_v<T, bool>) {
      fold<Rule<T>>(static_cast<const T*>(x), static_cast<T*>(z), outer, reduced, inner);
    }
  });
}

template <class T>
void argmax_row(const T* x, std::int64_t* z, std::int64_t reduced, std::int64_t inner) {
  for (std::int64_t i = 0; i < inner; ++i) {
    T best = x[i];
    std::int64_t at = 0;
    for (std::int64_t r = 1; r < reduced && best == best; ++r) {
      const T v = x[r * inner + i];
      if (v > best || v != v) {
        best = v;
        at = r;
      }
    }
    z[i] = at;
  }
}

}  // namespace

void sum(DType d, const void* x, void* z, std::int64_t outer, std::int64_t reduced, std::int64_t inner) {
  using Wrapping = std::uint64_t;  // integer sums wrap around instead of being undefined
  dispatch(d, [&](auto zero) {
    using T = decltype(zero);
    const auto* from = static_cast<const T*>(x);
    if constexpr (std::is_floating_point_v<T>) {
      fold<detail::Adding<T>>(from, static_cast<T*>(z), outer, reduced, inner);
    } else {
      fold<detail::Adding<Wrapping>>(from, static_cast<Wrapping*>(z), outer, reduced, inner);
    }
  });
}

void mean(DType d, const void* x, void* z, std::int64_t outer, std::int64_t reduced, std::int64_t inner) {
  assert(is_floating(d));
  sum(d, x, z, outer, reduced, inner);
  dispatch_floating(d, [&](auto zero) {
    using T = decltype(zero);
    T* to = static_cast<T*>(z);
    for (std::int64_t i = 0; i < outer * inner; ++i) to[i] /= static_cast<T>(reduced);
  });
}

void amax(DType d, const void* x, void* z, std::int64_t outer, std::int64_t reduced, std::int64_t inner) {
  extreme<detail::Largest>(d, x, z, outer, reduced, inner);
}

void amin(DType d, const void* x, void* z, std::int64_t outer, std::int64_t reduced, std::int64_t inner) {
  extreme<detail::Smallest>(d, x, z, outer, reduced, inner);
}

void argmax(DType d, const void* x, std::int64_t* z, std::int64_t outer, std::int64_t reduced, std::int64_t inner) {
  assert(d != DType::boolean && reduced >= 1);
  const std::int64_t task = std::max<std::int64_t>(reduced * inner, 1);
  parallel_for(outer, (kGrain + task - 1) / task, [&](std::int64_t begin, std::int64_t end) {
    dispatch(d, [&](auto zero) {
      using T = decltype(zero);
      for (std::int64_t o = begin; o < end; ++o) {
        argmax_row(static_cast<const T*>(x) + o * reduced * inner, z + o * inner, reduced, inner);
      }
    });
  });
}

}  // namespace chainrule::kernels
