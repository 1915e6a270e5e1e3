// How matmul_packed.cpp cuts a product: what is packed, and which thread computes which part of C. The same for every
// instruction set. Not for use outside ops/kernels.
#pragma once

#include <algorithm>
#include <cstdint>

namespace chainrule::kernels::detail {

// All measured; only kPieceOfK decides about bits.
constexpr std::int64_t kPieceOfK = 384;                        // a sliver of A this long stays in the first cache
constexpr std::int64_t kColumnsAtOnce = 12;                    // slivers of B that stay in the second
constexpr std::int64_t kPackedBytes = std::int64_t{1} << 20;   // of both operands before another piece is begun
constexpr std::int64_t kInPlaceA = 768;                        // A is packed when C is wider: it pays by reuse
constexpr std::int64_t kInPlaceB = 256;                        // B when C is higher
constexpr std::int64_t kSliversOfJob = 8;                      // packed by one thread at a time
constexpr std::int64_t kWorkOfThread = std::int64_t{1} << 21;  // multiplications that make a thread worth waking
constexpr std::int64_t kAhead = 16;                            // rows of B fetched before they are needed

inline std::int64_t ceil_div(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }
inline void fetch(const void* p) {
#if defined(__GNUC__)
  __builtin_prefetch(p);
#else
  (void)p;
#endif
}

/// `threads` tiles of C: how many along the rows and the columns. The fullest tile decides the time.
struct Cut {
  std::int64_t rows = 1, columns = 1;
  Cut(std::int64_t threads, std::int64_t a_slivers, std::int64_t b_slivers) {
    std::int64_t least = a_slivers * b_slivers + 1;
    for (std::int64_t r = 1; r <= threads; ++r) {
      const std::int64_t c = threads / r;
      const std::int64_t fullest = ceil_div(a_slivers, r) * ceil_div(b_slivers, c);
      if (fullest < least) {
        least = fullest;
        rows = r;
        columns = c;
      }
    }
  }
};

/// Where the slivers of one packed operand lie: piece after piece of k, in each sliver after sliver.
struct Slivers {
  std::int64_t length, width, unit, count, padded;

  Slivers(std::int64_t size, std::int64_t sliver, std::int64_t least)
      : length(size),
        width(sliver),
        unit(least),
        count(ceil_div(size, sliver)),
        padded(ceil_div(size, least) * least) {}
  std::int64_t used(std::int64_t i) const { return std::min(width, length - i * width); }
  std::int64_t breadth(std::int64_t i) const { return std::min(width, padded - i * width); }
};

struct Range {
  std::int64_t begin, end;
};

}  // namespace chainrule::kernels::detail
