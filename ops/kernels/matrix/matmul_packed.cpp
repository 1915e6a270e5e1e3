// Goto's scheme (Goto and van de Geijn, "Anatomy of high-performance matrix multiplication", 2008): packed slivers of A
// and B, a tile of C held in registers, k cut into equal pieces by its length alone. Every sum runs over k in order, so
// neither the cut of C nor the number of threads changes a bit. What packing is, is in matmul_pack.h.
#include "ops/kernels/matrix/matmul_packed.h"

#include <algorithm>
#include <cstddef>
#include <type_traits>

#include "ops/kernels/matrix/matmul_cut.h"
#include "ops/kernels/parallel.h"
#include "ops/kernels/scratch.h"
#include "ops/kernels/simd/simd_loops.h"
#include "ops/kernels/simd/simd_targets_sized.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/kernels/matrix/matmul_packed.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "ops/kernels/matrix/matmul_pack.h"
#include "ops/kernels/simd/simd_tails.h"

HWY_BEFORE_NAMESPACE();
namespace chainrule::kernels::detail {
namespace HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;
namespace simd = chainrule::kernels::HWY_NAMESPACE::simd;

template <class T>
using Tag = hn::ScalableTag<T>;
template <class T>
constexpr std::int64_t kLanes = static_cast<std::int64_t>(hn::MaxLanes(Tag<T>()));

// A tile of kRows x kVectors registers: 24 of 32, or 12 of 16, beside those that hold what is multiplied.
#if HWY_MAX_BYTES == 64 || HWY_ARCH_ARM_A64
constexpr int kRows = 12, kVectors = 2;
#else
constexpr int kRows = 4, kVectors = 3;
#endif
constexpr int kQuad = 4;  // the last sliver of A is rounded up to this
static_assert(kRows % kQuad == 0);
template <class T>
constexpr std::int64_t kLine = 64 / static_cast<std::int64_t>(sizeof(T));  // elements of a cache line
template <class T>
constexpr std::int64_t kStretch = kLine<T>*(kRows > 2 * kQuad ? 1 : 4);  // steps between fetches

// --- the tile --------------------------------------------------------------------------------------------------------

/// What becomes of a tile: `first` overwrites C, else it is added; the bias comes with the last piece of k.
template <class T>
struct Target {
  T* c;
  std::int64_t row;
  bool first;
  const T* bias;  // of this tile's first column; null but in the last piece
};

/// A sliver of an operand: packed, or where the caller has it. Of A, row i is `step` from row i + 1 and its elements
/// are dense (step 0: packed); of B, rows of whole vectors are `step` apart.
template <class T>
struct Sliver {
  const T* data;
  std::int64_t step;
};

/// What is read soon, fetched a line at a time while a tile is summed: the next tile of C, and shares of A's next
/// sliver and of what B's next block is packed from.
template <class T>
struct Ahead {
  const T *c, *a, *b;
  std::int64_t c_row, b_step, b_second;
};

template <bool packed, int rows, int vectors, class T>
HWY_INLINE void tile(std::int64_t length, Sliver<T> left, Sliver<T> right, const Target<T>& to, Ahead<T> next) {
  const Tag<T> d;
  using V = hn::Vec<Tag<T>>;
  constexpr std::int64_t lanes = kLanes<T>;
  V sum[rows][vectors];
#pragma GCC unroll 16
  for (int i = 0; i < rows; ++i) {
#pragma GCC unroll 4
    for (int j = 0; j < vectors; ++j) sum[i][j] = hn::Zero(d);
  }
  const T *a = left.data, *b = right.data;
  const T *a4 = a + 4 * left.step, *a8 = a4 + 4 * left.step;
  const std::int64_t one = left.step, three = 3 * one;
  std::int64_t c_rows = rows;
  for (std::int64_t p = 0; p < length;) {
    const std::int64_t stop = std::min(p + kStretch<T>, length);
    fetch_early(next.a);
    next.a += kLine<T>;
    fetch_early(next.b);
    fetch_early(next.b + next.b_second);
    next.b += next.b_step;
    for (int twice = 0; twice < 2 && c_rows > 0; ++twice, --c_rows, next.c += next.c_row) {
      for (int j = 0; j < vectors; ++j) fetch(next.c + j * lanes);
    }
    for (; p < stop; ++p) {
      V y[vectors];
#pragma GCC unroll 4
      for (int j = 0; j < vectors; ++j) {
        y[j] = hn::LoadU(d, b + j * lanes);
        fetch(b + kAhead * right.step + j * lanes);
      }
#pragma GCC unroll 16
      for (int i = 0; i < rows; ++i) {
        const T* quad = packed || i < 4 ? a : i < 8 ? a4 : a8;
        const V x = hn::Set(d, packed ? a[i] : quad[i % 4 == 0 ? 0 : i % 4 == 1 ? one : i % 4 == 2 ? 2 * one : three]);
#pragma GCC unroll 4
        for (int j = 0; j < vectors; ++j) sum[i][j] = hn::MulAdd(x, y[j], sum[i][j]);
      }
      a += packed ? rows : 1;
      if (!packed) {
        ++a4;
        ++a8;
      }
      b += right.step;
    }
  }
  T* row = to.c;
  const std::int64_t step = to.row;
  const bool first = to.first;
  V bias[vectors];
#pragma GCC unroll 4
  for (int j = 0; j < vectors; ++j) bias[j] = to.bias != nullptr ? hn::LoadU(d, to.bias + j * lanes) : hn::Zero(d);
  const bool with_bias = to.bias != nullptr;
#pragma GCC unroll 16
  for (int i = 0; i < rows; ++i, row += step) {
#pragma GCC unroll 4
    for (int j = 0; j < vectors; ++j) {
      V z = sum[i][j];
      if (!first) z = hn::Add(hn::LoadU(d, row + j * lanes), z);
      if (with_bias) z = hn::Add(z, bias[j]);
      hn::StoreU(z, d, row + j * lanes);
    }
  }
}

template <bool packed, class T, int vectors>
void tile_of(int rows, std::int64_t length, Sliver<T> a, Sliver<T> b, const Target<T>& to, const Ahead<T>& next) {
  if (rows == kRows) return tile<packed, kRows, vectors>(length, a, b, to, next);
  if constexpr (kRows > 2 * kQuad) {
    if (rows == 2 * kQuad) return tile<packed, 2 * kQuad, vectors>(length, a, b, to, next);
  }
  tile<packed, kQuad, vectors>(length, a, b, to, next);
}

template <class T>
void tile_of(int rows, int vectors, std::int64_t length, Sliver<T> a, Sliver<T> b, const Target<T>& to,
             const Ahead<T>& next) {
  const bool packed = a.step == 0;
  const auto go = [&](auto n) HWY_ATTR {
    packed ? tile_of<true, T, n>(rows, length, a, b, to, next) : tile_of<false, T, n>(rows, length, a, b, to, next);
  };
  if (vectors == kVectors) return go(std::integral_constant<int, kVectors>());
  if constexpr (kVectors > 2) {
    if (vectors == 2) return go(std::integral_constant<int, 2>());
  }
  go(std::integral_constant<int, 1>());
}

// The first `used` elements of rows that are a whole tile wide on one side and may end there on the other.
template <class T>
void copy_edge(std::int64_t rows, std::int64_t used, const T* from, std::int64_t from_row, T* to, std::int64_t to_row) {
  const Tag<T> d;
  for (std::int64_t i = 0; i < rows; ++i, from += from_row, to += to_row) {
    std::int64_t j = 0;
    for (; j + kLanes<T> <= used; j += kLanes<T>) hn::StoreU(hn::LoadU(d, from + j), d, to + j);
    if (j == used) continue;
    const auto some = static_cast<std::size_t>(used - j);
    simd::store_some(d, simd::load_some(d, from + j, some, T(0)), to + j, some);
  }
}

// A tile at the edge of C goes through a whole one of its own: the same instructions, and nothing outside is touched.
template <class T>
void edge_tile(int rows, int vectors, std::int64_t length, Sliver<T> a, Sliver<T> b, std::int64_t used_rows,
               std::int64_t used_columns, const Target<T>& to, const Ahead<T>& next) {
  constexpr std::int64_t width = kVectors * kLanes<T>;
  HWY_ALIGN T whole[kRows * width];
  HWY_ALIGN T bias[width];
  const Target<T> inner{whole, width, to.first, to.bias != nullptr ? bias : nullptr};
  if (to.bias != nullptr) {
    std::fill_n(bias, width, T(0));
    std::copy_n(to.bias, used_columns, bias);
  }
  if (!to.first) {
    std::fill_n(whole, rows * width, T(0));
    copy_edge(used_rows, used_columns, to.c, to.row, whole, width);
  }
  tile_of<T>(rows, vectors, length, a, b, inner, next);
  copy_edge(used_rows, used_columns, whole, width, to.c, to.row);
}

// --- the product -----------------------------------------------------------------------------------------------------

/// An operand of a part: its slivers, and which of them are read where they lie; those from `first` on are packed.
template <class T>
struct Packing : Slivers {
  const T* from;
  std::int64_t along, across;  // strides: along k, and across the sliver
  std::int64_t first;

  Packing(const T* data, std::int64_t k_stride, std::int64_t other, const Slivers& s, bool in_place)
      : Slivers(s), from(data), along(k_stride), across(other), first(0) {
    if (in_place) first = length % unit == 0 ? count : count - 1;
  }
  bool packed(std::int64_t i) const { return i >= first; }
  const T* source(std::int64_t i, std::int64_t k0) const { return from + k0 * along + i * width * across; }
};

/// The operands of a part of C, a piece of k, and where its slivers were packed.
template <class T>
struct Piece {
  const Product<T>& p;
  const Packing<T>&a, &b;
  const T *packed_a, *packed_b;
  std::int64_t k0, length;
};

// What B's next block is packed from, cut into shares for the tiles of this one: tile (i, j) fetches that many rows of
// two lines, or one or two columns of sliver j.
template <class T>
void fetch_block(const Packing<T>& b, const T* source, std::int64_t length, std::int64_t i, std::int64_t count,
                 Ahead<T>& next) {
  if (b.across == 1) {
    next.b = source + i * length / count * b.along;
    next.b_step = b.along;
    next.b_second = kLine<T>;
  } else if (i < b.width) {
    next.b = source + i * b.across;
    next.b_step = kLine<T>;
    next.b_second = i + count < b.width ? count * b.across : 0;
  }
}

// What one piece of k adds to the tiles of some slivers. `soon` is the sliver of B that the next block begins with, at
// the element of k where it begins.
template <class T>
void multiply_block(const Piece<T>& piece, Range rows, Range columns, const T* soon, std::int64_t soon_slivers) {
  const Product<T>& p = piece.p;
  const Packing<T>&a = piece.a, &b = piece.b;
  const std::int64_t k0 = piece.k0, length = piece.length;
  const T* bias = k0 + length == p.k ? p.bias : nullptr;
  const auto left = [&](std::int64_t i) {
    return a.packed(i) ? Sliver<T>{piece.packed_a + (i - std::max(rows.begin, a.first)) * a.width * length, 0}
                       : Sliver<T>{a.source(i, k0), a.across};
  };
  for (std::int64_t i = rows.begin; i < rows.end; ++i) {
    const int height = static_cast<int>(a.breadth(i));
    const Sliver<T> now = left(i), after = left(std::min(i + 1, rows.end - 1));
    for (std::int64_t j = columns.begin; j < columns.end; ++j) {
      const std::int64_t at = j - columns.begin;
      const int vectors = static_cast<int>(b.breadth(j) / kLanes<T>);
      const Sliver<T> right =
          b.packed(j)
              ? Sliver<T>{piece.packed_b + (j - std::max(columns.begin, b.first)) * b.width * length, b.breadth(j)}
              : Sliver<T>{b.source(j, k0), b.along};
      T* c = p.c + i * a.width * p.c_row + j * b.width;
      const Target<T> target{c, p.c_row, k0 == 0, bias != nullptr ? bias + j * b.width : nullptr};
      Ahead<T> next{c + b.width, now.data, now.data, p.c_row, 0, 0};
      if (j + 1 == columns.end) next.c = c - at * b.width + (i + 1 < rows.end ? a.width * p.c_row : 0);
      next.a = after.data + at * (after.step == 0 ? length / kLine<T> * kLine<T> : at < a.breadth(i) ? after.step : 0);
      if (soon != nullptr && at < soon_slivers)
        fetch_block(b, soon + at * b.width * b.across, length, i - rows.begin, rows.end - rows.begin, next);
      if (a.used(i) == height && b.used(j) == vectors * kLanes<T>)
        tile_of<T>(height, vectors, length, now, right, target, next);
      else
        edge_tile<T>(height, vectors, length, now, right, a.used(i), b.used(j), target, next);
    }
  }
}

// On one thread: for each piece of k, A is packed, then block after block of B, which meets all of A while it is near.
template <class T>
void run_part(const Product<T>& p, bool a_in_place, bool b_in_place) {
  const Packing<T> a(p.a, p.a_strides.column, p.a_strides.row, {p.m, kRows, kQuad}, a_in_place);
  const Packing<T> b(p.b, p.b_strides.row, p.b_strides.column, {p.n, kVectors * kLanes<T>, kLanes<T>}, b_in_place);
  const std::int64_t pieces = ceil_div(p.k, kPieceOfK), piece = ceil_div(p.k, pieces);
  const std::int64_t some_columns = ceil_div(b.count, ceil_div(b.count, kColumnsAtOnce));
  const std::int64_t some_rows = ceil_div(a.count, ceil_div(p.m, kRowsAtOnce));
  const std::int64_t block_size = std::min(some_columns, b.count - b.first) * b.width * piece;
  T* const packed_b =
      scratch<T>(Scratch::packed, block_size + std::min(some_rows, a.count - a.first) * a.width * piece);
  T* const packed_a = packed_b + block_size;
  for (std::int64_t row = 0; row < a.count; row += some_rows) {
    const Range rows{row, std::min(row + some_rows, a.count)};
    for (std::int64_t k0 = 0; k0 < p.k; k0 += piece) {
      const std::int64_t length = std::min(piece, p.k - k0);
      if (const std::int64_t i = std::max(a.first, rows.begin); i < rows.end)
        packing::pack<kRows>(a, i, rows.end, a.source(i, k0), a.along, a.across, length, packed_a);
      for (std::int64_t j = 0; j < b.count; j += some_columns) {
        const Range columns{j, std::min(j + some_columns, b.count)};
        if (const std::int64_t from = std::max(b.first, j); from < columns.end)
          packing::pack<kVectors * kLanes<T>>(b, from, columns.end, b.source(from, k0), b.along, b.across, length,
                                              packed_b);
        const bool last = columns.end == b.count;
        const std::int64_t soon = last ? 0 : columns.end, soon_k = last ? k0 + piece : k0;
        multiply_block<T>({p, a, b, packed_a, packed_b, k0, length}, rows, columns,
                          soon >= b.first && soon_k < p.k ? b.source(soon, soon_k) : nullptr, b.count - soon);
      }
    }
  }
}

// Each thread packs for itself what its part needs: no thread waits for another but at the end.
template <class T>
void multiply(const Product<T>& p) {
  const bool a_in_place = p.a_strides.column == 1 && p.a_strides.row != 0 && p.n <= kInPlaceA;
  const auto row_bytes = p.b_strides.row * static_cast<std::int64_t>(sizeof(T));
  const bool b_in_place =
      p.b_strides.column == 1 && (row_bytes < kNearRows ? p.m <= kInPlaceB : p.m * row_bytes < kInPlaceFarB);
  const std::int64_t threads = threads_worth(p.m, p.n, p.k, num_threads());
  const std::int64_t height = kRows, width = kVectors * kLanes<T>;
  const Cut cut(threads, ceil_div(p.m, height), ceil_div(p.n, width));
  parallel_for(cut.parts(), 1, [&](std::int64_t from, std::int64_t to) {
    for (std::int64_t t = from; t < to; ++t) {
      const Range rows = cut.of_a(t), columns = cut.of_b(t);
      const std::int64_t i = rows.begin * height, j = columns.begin * width;
      Product<T> part = p;
      part.m = std::min(rows.end * height, p.m) - i;
      part.n = std::min(columns.end * width, p.n) - j;
      part.a += i * p.a_strides.row;
      part.b += j * p.b_strides.column;
      part.c += i * p.c_row + j;
      if (p.bias != nullptr) part.bias += j;
      run_part(part, a_in_place, b_in_place);
    }
  });
}

template <class T>
constexpr ProductLoops<T> kLoops{multiply<T>};
CHAINRULE_LOOPS(ProductLoops)

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace chainrule::kernels::detail
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace chainrule::kernels::detail {

CHAINRULE_EXPORT_LOOPS(ProductLoops);

}  // namespace chainrule::kernels::detail
#endif
