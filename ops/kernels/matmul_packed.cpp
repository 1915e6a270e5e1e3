// Goto's scheme (Goto and van de Geijn, "Anatomy of high-performance matrix multiplication", 2008): packed slivers of A
// and B, a tile of C held in registers, k cut into equal pieces by its length alone. Every sum runs over k in order, so
// neither the cut of C nor the number of threads changes a bit.
#include "ops/kernels/matmul_packed.h"

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <type_traits>

#include "ops/kernels/matmul_cut.h"
#include "ops/kernels/parallel.h"
#include "ops/kernels/scratch.h"
#include "ops/kernels/simd_targets.h"

// Tiles are arrays of vectors, which sizeless vectors cannot form.
#undef HWY_DISABLED_TARGETS
#define HWY_DISABLED_TARGETS \
  (HWY_SSSE3 | HWY_SSE4 | HWY_AVX3_DL | HWY_AVX3_ZEN4 | HWY_AVX3_SPR | HWY_SVE | HWY_SVE2 | HWY_RVV)

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/kernels/matmul_packed.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace chainrule::kernels::detail {
namespace HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

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

// --- packing ---------------------------------------------------------------------------------------------------------

#if HWY_TARGET == HWY_SCALAR
constexpr bool kTurns = false;
template <class T>
void turn(const T*, std::int64_t, T*, std::int64_t) {}
#else
constexpr bool kTurns = true;
// A 4 x 4 (float) or 2 x 2 (double) corner turned around: `from` has dense columns `step` apart, `to` dense rows.
HWY_INLINE void turn(const float* from, std::int64_t step, float* to, std::int64_t width) {
  const hn::FixedTag<float, 4> d;
  const hn::FixedTag<double, 2> wide;
  const auto a = hn::LoadU(d, from), b = hn::LoadU(d, from + step);
  const auto e = hn::LoadU(d, from + 2 * step), f = hn::LoadU(d, from + 3 * step);
  const auto ab = hn::BitCast(wide, hn::InterleaveLower(d, a, b)),
             ab_high = hn::BitCast(wide, hn::InterleaveUpper(d, a, b));
  const auto ef = hn::BitCast(wide, hn::InterleaveLower(d, e, f)),
             ef_high = hn::BitCast(wide, hn::InterleaveUpper(d, e, f));
  hn::StoreU(hn::BitCast(d, hn::InterleaveLower(wide, ab, ef)), d, to);
  hn::StoreU(hn::BitCast(d, hn::InterleaveUpper(wide, ab, ef)), d, to + width);
  hn::StoreU(hn::BitCast(d, hn::InterleaveLower(wide, ab_high, ef_high)), d, to + 2 * width);
  hn::StoreU(hn::BitCast(d, hn::InterleaveUpper(wide, ab_high, ef_high)), d, to + 3 * width);
}
HWY_INLINE void turn(const double* from, std::int64_t step, double* to, std::int64_t width) {
  const hn::FixedTag<double, 2> d;
  const auto a = hn::LoadU(d, from), b = hn::LoadU(d, from + step);
  hn::StoreU(hn::InterleaveLower(d, a, b), d, to);
  hn::StoreU(hn::InterleaveUpper(d, a, b), d, to + width);
}
#endif

// Slivers [begin, end) of k's elements [0, length): to[p * breadth + i] = from[p * along + i * across] in each, and 0
// where the operand has ended. `from` and `to` are those of the first sliver.
template <class T>
void pack(const Slivers& s, std::int64_t begin, std::int64_t end, const T* from, std::int64_t along,
          std::int64_t across, std::int64_t length, T* to, std::int64_t room) {
  constexpr std::int64_t side = sizeof(T) == 4 ? 4 : 2, line = 64 / static_cast<std::int64_t>(sizeof(T));
  const Tag<T> d;
  // Dense rows are read whole, through all slivers.
  if (across == 1) {
    for (std::int64_t p = 0; p < length; ++p) {
      for (std::int64_t sliver = begin; sliver < end; ++sliver) {
        const std::int64_t used = s.used(sliver), breadth = s.breadth(sliver);
        const T* row = from + p * along + (sliver - begin) * s.width;
        T* out = to + (sliver - begin) * s.width * room + p * breadth;
        std::int64_t i = 0;
        for (; i + kLanes<T> <= used; i += kLanes<T>) hn::StoreU(hn::LoadU(d, row + i), d, out + i);
        for (; i + kQuad <= used; i += kQuad) std::memcpy(out + i, row + i, kQuad * sizeof(T));
        for (; i < used; ++i) out[i] = row[i];
        for (; i < breadth; ++i) out[i] = T(0);
      }
    }
    return;
  }
  for (std::int64_t sliver = begin; sliver < end; ++sliver) {
    const std::int64_t used = s.used(sliver), breadth = s.breadth(sliver);
    const T* source = from + (sliver - begin) * s.width * across;
    T* out = to + (sliver - begin) * s.width * room;
    std::int64_t whole = 0, even = 0;  // columns and elements turned in corners, a line of each column at a time
    if (kTurns && along == 1) {
      whole = used - used % side;
      even = length - length % side;
      for (std::int64_t start = 0; start < even; start += line) {
        const std::int64_t stop = std::min(start + line, even);
        for (std::int64_t i = 0; i < whole; i += side) {
          for (std::int64_t p = start; p < stop; p += side)
            turn(source + p + i * across, across, out + p * breadth + i, breadth);
        }
      }
    }
    for (std::int64_t p = 0; p < length; ++p) {
      for (std::int64_t i = p < even ? whole : 0; i < used; ++i) out[p * breadth + i] = source[p * along + i * across];
      for (std::int64_t i = used; i < breadth; ++i) out[p * breadth + i] = T(0);
    }
  }
}

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

template <bool packed, int rows, int vectors, class T>
HWY_INLINE void tile(std::int64_t length, Sliver<T> left, Sliver<T> right, const Target<T>& to) {
  const Tag<T> d;
  using V = hn::Vec<Tag<T>>;
  constexpr std::int64_t lanes = kLanes<T>;
  V sum[rows][vectors];
#pragma GCC unroll 16
  for (int i = 0; i < rows; ++i) {
#pragma GCC unroll 4
    for (int j = 0; j < vectors; ++j) sum[i][j] = hn::Zero(d);
  }
  if (!to.first) {
#pragma GCC unroll 16
    for (int i = 0; i < rows; ++i) {
      for (int j = 0; j < vectors; ++j) fetch(to.c + i * to.row + j * lanes);
    }
  }
  const T *a = left.data, *b = right.data;
  const T *a4 = a + 4 * left.step, *a8 = a4 + 4 * left.step;
  const std::int64_t one = left.step, three = 3 * one;
  for (std::int64_t p = 0; p < length; ++p) {
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
void tile_of(int rows, std::int64_t length, Sliver<T> a, Sliver<T> b, const Target<T>& to) {
  if (rows == kRows) return tile<packed, kRows, vectors>(length, a, b, to);
  if constexpr (kRows > 2 * kQuad) {
    if (rows == 2 * kQuad) return tile<packed, 2 * kQuad, vectors>(length, a, b, to);
  }
  tile<packed, kQuad, vectors>(length, a, b, to);
}

template <class T>
void tile_of(int rows, int vectors, std::int64_t length, Sliver<T> a, Sliver<T> b, const Target<T>& to) {
  const bool packed = a.step == 0;
  const auto go = [&](auto n) HWY_ATTR {
    packed ? tile_of<true, T, n>(rows, length, a, b, to) : tile_of<false, T, n>(rows, length, a, b, to);
  };
  if (vectors == kVectors) return go(std::integral_constant<int, kVectors>());
  if constexpr (kVectors > 2) {
    if (vectors == 2) return go(std::integral_constant<int, 2>());
  }
  go(std::integral_constant<int, 1>());
}

// A tile at the edge of C goes through a whole one of its own: the same instructions, and nothing outside is touched.
template <class T>
void edge_tile(int rows, int vectors, std::int64_t length, Sliver<T> a, Sliver<T> b, std::int64_t used_rows,
               std::int64_t used_columns, const Target<T>& to) {
  constexpr std::int64_t width = kVectors * kLanes<T>;
  HWY_ALIGN T whole[kRows * width];
  HWY_ALIGN T bias[width];
  const Target<T> inner{whole, width, to.first, to.bias != nullptr ? bias : nullptr};
  if (to.bias != nullptr) {
    std::fill_n(bias, width, T(0));
    std::copy_n(to.bias, used_columns, bias);
  }
  if (!to.first) {
    std::fill_n(whole, kRows * width, T(0));
    for (std::int64_t i = 0; i < used_rows; ++i) std::copy_n(to.c + i * to.row, used_columns, whole + i * width);
  }
  tile_of<T>(rows, vectors, length, a, b, inner);
  for (std::int64_t i = 0; i < used_rows; ++i) std::copy_n(whole + i * width, used_columns, to.c + i * to.row);
}

// --- the product -----------------------------------------------------------------------------------------------------

/// An operand of a product: which of its slivers are read where they lie, and where the others are packed.
template <class T>
struct Packing : Slivers {
  const T* from;
  std::int64_t along, across;  // strides: along k, and across the sliver
  std::int64_t first;          // slivers from here on are packed
  T* to = nullptr;

  Packing(const T* data, std::int64_t k_stride, std::int64_t other, const Slivers& s, bool in_place)
      : Slivers(s), from(data), along(k_stride), across(other), first(0) {
    if (in_place) first = length % unit == 0 ? count : count - 1;
  }
  std::int64_t packed_width() const { return std::max<std::int64_t>(padded - first * width, 0); }
  std::int64_t jobs() const { return ceil_div(count - first, kSliversOfJob); }
  T* place(std::int64_t i, std::int64_t piece_at, std::int64_t piece) const {
    return to + piece_at * piece * packed_width() + (i - first) * width * piece;
  }
};

// What one piece of k adds to the tiles of some slivers.
template <class T>
void multiply_part(const Product<T>& p, const Packing<T>& a, const Packing<T>& b, Range rows, Range columns,
                   std::int64_t which, std::int64_t at, std::int64_t piece) {
  const std::int64_t k0 = which * piece, length = std::min(piece, p.k - k0);
  const T* bias = k0 + length == p.k ? p.bias : nullptr;
  for (std::int64_t block = columns.begin; block < columns.end; block += kColumnsAtOnce) {
    const std::int64_t block_end = std::min(block + kColumnsAtOnce, columns.end);
    for (std::int64_t i = rows.begin; i < rows.end; ++i) {
      const int height = static_cast<int>(a.breadth(i));
      const Sliver<T> left =
          i < a.first ? Sliver<T>{p.a + k0 + i * a.width * a.across, a.across} : Sliver<T>{a.place(i, at, piece), 0};
      for (std::int64_t j = block; j < block_end; ++j) {
        const int vectors = static_cast<int>(b.breadth(j) / kLanes<T>);
        const Sliver<T> right = j < b.first ? Sliver<T>{p.b + k0 * b.along + j * b.width, b.along}
                                            : Sliver<T>{b.place(j, at, piece), b.breadth(j)};
        const Target<T> target{p.c + i * a.width * p.c_row + j * b.width, p.c_row, which == 0,
                               bias != nullptr ? bias + j * b.width : nullptr};
        if (a.used(i) == height && b.used(j) == vectors * kLanes<T>)
          tile_of<T>(height, vectors, length, left, right, target);
        else
          edge_tile<T>(height, vectors, length, left, right, a.used(i), b.used(j), target);
      }
    }
  }
}

template <class T>
void run(const Product<T>& p) {
  const Slivers rows(p.m, kRows, kQuad), columns(p.n, kVectors * kLanes<T>, kLanes<T>);
  Packing<T> a(p.a, p.a_strides.column, p.a_strides.row, rows,
               p.a_strides.column == 1 && p.a_strides.row != 0 && p.n <= kInPlaceA);
  Packing<T> b(p.b, p.b_strides.row, p.b_strides.column, columns, p.b_strides.column == 1 && p.m <= kInPlaceB);
  const std::int64_t pieces = ceil_div(p.k, kPieceOfK), piece = ceil_div(p.k, pieces);
  const std::int64_t size = (a.packed_width() + b.packed_width()) * piece;
  const std::int64_t most = kPackedBytes / static_cast<std::int64_t>(sizeof(T));
  const std::int64_t at_once = std::clamp<std::int64_t>(most / std::max<std::int64_t>(size, 1), 1, pieces);
  b.to = scratch<T>(Scratch::packed, size * at_once);
  a.to = b.to + b.packed_width() * piece * at_once;
  const std::int64_t threads = std::clamp<std::int64_t>(p.m * p.n * p.k / kWorkOfThread, 1, num_threads());
  const Cut cut(threads, rows.count, columns.count);

  for (std::int64_t begin = 0; begin < pieces; begin += at_once) {
    const std::int64_t end = std::min(begin + at_once, pieces);
    // One job packs some slivers of one piece.
    const std::int64_t each = a.jobs() + b.jobs(), jobs = each * (end - begin);
    parallel_for(jobs, ceil_div(jobs, threads), [&](std::int64_t from, std::int64_t to) {
      for (std::int64_t job = from; job < to; ++job) {
        const std::int64_t at = job / each, which = job % each, k0 = (begin + at) * piece;
        const Packing<T>& x = which < b.jobs() ? b : a;
        const std::int64_t i = x.first + (which < b.jobs() ? which : which - b.jobs()) * kSliversOfJob;
        const std::int64_t length = std::min(piece, p.k - k0);
        pack(x, i, std::min(i + kSliversOfJob, x.count), x.from + k0 * x.along + i * x.width * x.across, x.along,
             x.across, length, x.place(i, at, piece), piece);
      }
    });
    parallel_for(cut.rows * cut.columns, 1, [&](std::int64_t from, std::int64_t to) {
      for (std::int64_t t = from; t < to; ++t) {
        const std::int64_t r = t / cut.columns, c = t % cut.columns;
        for (std::int64_t at = 0; at < end - begin; ++at) {
          multiply_part(p, a, b, {rows.count * r / cut.rows, rows.count * (r + 1) / cut.rows},
                        {columns.count * c / cut.columns, columns.count * (c + 1) / cut.columns}, begin + at, at,
                        piece);
        }
      }
    });
  }
}

void product_float(const Product<float>& p) { run(p); }
void product_double(const Product<double>& p) { run(p); }

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace chainrule::kernels::detail
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace chainrule::kernels::detail {

HWY_EXPORT(product_float);
HWY_EXPORT(product_double);

void multiply_packed(const Product<float>& p) { HWY_DYNAMIC_DISPATCH(product_float)(p); }
void multiply_packed(const Product<double>& p) { HWY_DYNAMIC_DISPATCH(product_double)(p); }

}  // namespace chainrule::kernels::detail
#endif
