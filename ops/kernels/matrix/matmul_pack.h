// Inner header: for our own sources, not installed.
// Copies slivers of a matrix into the order in which the tiles of matmul_packed.cpp read them. Where slivers lie is
// matmul_cut.h's business. Compiled once per instruction set: include it after hwy/foreach_target.h.
#if defined(CHAINRULE_OPS_KERNELS_MATMUL_PACK_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef CHAINRULE_OPS_KERNELS_MATMUL_PACK_H_
#undef CHAINRULE_OPS_KERNELS_MATMUL_PACK_H_
#else
#define CHAINRULE_OPS_KERNELS_MATMUL_PACK_H_
#endif

#include <hwy/highway.h>

#include <algorithm>
#include <cstdint>
#include <cstring>

#include "ops/kernels/matrix/matmul_cut.h"

HWY_BEFORE_NAMESPACE();
namespace chainrule::kernels::detail {
namespace HWY_NAMESPACE {
namespace packing {

namespace hn = hwy::HWY_NAMESPACE;

template <class T>
constexpr std::int64_t kSide = 16 / static_cast<std::int64_t>(sizeof(T));

#if HWY_TARGET == HWY_SCALAR
template <class D, class T, std::size_t blocks>
void turn(D, const T* const (&)[blocks], std::int64_t, std::int64_t, T*, std::int64_t) {}
template <class T>
constexpr bool kTurns = false;
#else
template <class T>
constexpr bool kTurns = true;

// kSide elements from each lane's column: block b of the c-th vector is column b * kSide + c. `from[b]` is the first
// column of a block, and columns are `step` apart.
template <class D, class T, class V, std::size_t blocks>
HWY_INLINE void gather_blocks(D d, const T* const (&from)[blocks], std::int64_t at, std::int64_t step,
                              V (&x)[kSide<T>]) {
  const std::int64_t apart[4] = {0, step, 2 * step, 3 * step};
#pragma GCC unroll 4
  for (std::int64_t c = 0; c < kSide<T>; ++c) {
    x[c] = hn::LoadDup128(d, from[0] + at + apart[c]);
#pragma GCC unroll 4
    for (std::size_t b = 1; b < blocks; ++b)
      x[c] = hn::IfThenElse(hn::FirstN(d, b * kSide<T>), x[c], hn::LoadDup128(d, from[b] + at + apart[c]));
  }
}

// `to` gets kSide dense rows `width` apart.
template <class D, std::size_t blocks>
HWY_INLINE void turn(D d, const float* const (&from)[blocks], std::int64_t at, std::int64_t step, float* to,
                     std::int64_t width) {
  const hn::Repartition<double, D> pairs;
  hn::Vec<D> x[4];
  gather_blocks(d, from, at, step, x);
  const auto low = hn::BitCast(pairs, hn::InterleaveLower(d, x[0], x[1])),
             high = hn::BitCast(pairs, hn::InterleaveUpper(d, x[0], x[1]));
  const auto low2 = hn::BitCast(pairs, hn::InterleaveLower(d, x[2], x[3])),
             high2 = hn::BitCast(pairs, hn::InterleaveUpper(d, x[2], x[3]));
  hn::StoreU(hn::BitCast(d, hn::InterleaveLower(pairs, low, low2)), d, to);
  hn::StoreU(hn::BitCast(d, hn::InterleaveUpper(pairs, low, low2)), d, to + width);
  hn::StoreU(hn::BitCast(d, hn::InterleaveLower(pairs, high, high2)), d, to + 2 * width);
  hn::StoreU(hn::BitCast(d, hn::InterleaveUpper(pairs, high, high2)), d, to + 3 * width);
}
template <class D, std::size_t blocks>
HWY_INLINE void turn(D d, const double* const (&from)[blocks], std::int64_t at, std::int64_t step, double* to,
                     std::int64_t width) {
  hn::Vec<D> x[2];
  gather_blocks(d, from, at, step, x);
  hn::StoreU(hn::InterleaveLower(d, x[0], x[1]), d, to);
  hn::StoreU(hn::InterleaveUpper(d, x[0], x[1]), d, to + width);
}
#endif

// Columns [i, used) as far as groups of `lanes` go, elements [start, stop) of each. Returns where it ended.
template <std::size_t lanes, class T>
HWY_INLINE std::int64_t turn_columns(std::int64_t i, std::int64_t used, std::int64_t start, std::int64_t stop,
                                     const T* from, std::int64_t across, T* to, std::int64_t breadth) {
  const hn::CappedTag<T, lanes> d;
  constexpr auto n = static_cast<std::int64_t>(hn::MaxLanes(hn::CappedTag<T, lanes>()));
  constexpr std::int64_t blocks = std::max<std::int64_t>(n / kSide<T>, 1);
  for (; i + n <= used; i += n) {
    const T* block[blocks];
    for (std::int64_t b = 0; b < blocks; ++b) block[b] = from + (i + b * kSide<T>)*across;
    for (std::int64_t p = start; p < stop; p += kSide<T>) turn(d, block, p, across, to + p * breadth + i, breadth);
  }
  return i;
}

// One sliver with any strides, `used` of its `breadth` columns filled from the operand and 0 beyond.
template <class T>
void pack_sliver(std::int64_t used, std::int64_t breadth, const T* from, std::int64_t along, std::int64_t across,
                 std::int64_t length, T* to) {
  constexpr std::int64_t stretch = 256 / static_cast<std::int64_t>(sizeof(T));
  if (used < breadth) std::fill_n(to, breadth * length, T(0));
  std::int64_t whole = 0, even = 0;  // columns and elements that are turned, four lines of each column at a time
  if (kTurns<T> && along == 1) {
    whole = used - used % kSide<T>;
    even = length - length % kSide<T>;
    for (std::int64_t start = 0; start < even; start += stretch) {
      const std::int64_t stop = std::min(start + stretch, even);
      std::int64_t i = turn_columns<64 / sizeof(T)>(0, whole, start, stop, from, across, to, breadth);
      i = turn_columns<32 / sizeof(T)>(i, whole, start, stop, from, across, to, breadth);
      turn_columns<16 / sizeof(T)>(i, whole, start, stop, from, across, to, breadth);
    }
  }
  for (std::int64_t p = whole == used ? even : 0; p < length; ++p) {
    for (std::int64_t i = p < even ? whole : 0; i < used; ++i) to[p * breadth + i] = from[p * along + i * across];
  }
}

/// Slivers [begin, end) of k's elements [0, length): to[p * breadth + i] = from[p * along + i * across] in each, and 0
/// where the operand has ended. `from` and `to` are those of the first sliver; `width` is s.width.
template <int width, class T>
void pack(const Slivers& s, std::int64_t begin, std::int64_t end, const T* from, std::int64_t along,
          std::int64_t across, std::int64_t length, T* to) {
  // Dense rows are read whole, through all slivers.
  if (across == 1) {
    const std::int64_t whole = end == s.count && s.used(end - 1) != width ? end - 1 : end;
    for (std::int64_t p = 0; p < length; ++p) {
      const T* row = from + p * along;
      T* out = to + p * width;
      for (std::int64_t sliver = begin; sliver < whole; ++sliver, row += width, out += width * length)
        std::memcpy(out, row, width * sizeof(T));
    }
    from += (whole - begin) * width;
    to += (whole - begin) * width * length;
    begin = whole;
  }
  for (; begin < end; ++begin, from += width * across, to += width * length)
    pack_sliver(s.used(begin), s.breadth(begin), from, along, across, length, to);
}

}  // namespace packing
}  // namespace HWY_NAMESPACE
}  // namespace chainrule::kernels::detail
HWY_AFTER_NAMESPACE();

#endif
