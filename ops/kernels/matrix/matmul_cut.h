// Inner header: for our own sources, not installed.
// How matmul_packed.cpp cuts a product: what is packed, and which thread computes which part of C. The same for every
// instruction set. Not for use outside ops/kernels.
#pragma once

#include <algorithm>
#include <cstdint>

namespace chainrule::kernels::detail {

// All measured; only kPieceOfK decides about bits.
constexpr std::int64_t kPieceOfK = 400;                       // slivers this long stay in the caches
constexpr std::int64_t kColumnsAtOnce = 12;                   // slivers of B that stay in the second
constexpr std::int64_t kRowsAtOnce = 4096;                    // of A, packed before B's blocks pass by
constexpr std::int64_t kInPlaceA = 768;                       // A is packed when C is wider: it pays by reuse
constexpr std::int64_t kInPlaceB = 768;                       // B when C is higher
constexpr std::int64_t kNearRows = 4096;                      // bytes from row to row of B: beyond, rows fall on the
constexpr std::int64_t kInPlaceFarB = std::int64_t{1} << 20;  // same lines of a cache, and fewer of them may
constexpr double kWorkOfThread = 1 << 21;                     // multiplications that make a thread worth waking
constexpr std::int64_t kAhead = 16;                           // rows of B fetched before they are needed

constexpr std::int64_t ceil_div(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }

// Into the first cache, and into the second.
inline void fetch(const void* p) {
#if defined(__GNUC__)
  __builtin_prefetch(p);
#else
  (void)p;
#endif
}
inline void fetch_early(const void* p) {
#if defined(__GNUC__)
  __builtin_prefetch(p, 0, 2);
#else
  (void)p;
#endif
}

struct Range {
  std::int64_t begin, end;
};

/// Up to `threads` parts of C, none of them empty: how many along the rows and the columns, which have at least one
/// sliver each. The fullest part decides the time.
struct Cut {
  std::int64_t a_slivers, b_slivers;
  std::int64_t rows = 1, columns = 1;

  Cut(std::int64_t threads, std::int64_t slivers_of_a, std::int64_t slivers_of_b)
      : a_slivers(slivers_of_a), b_slivers(slivers_of_b) {
    std::int64_t least = a_slivers * b_slivers + 1;
    for (std::int64_t r = 1; r <= std::min(threads, a_slivers); ++r) {
      const std::int64_t c = std::min(threads / r, b_slivers);
      const std::int64_t fullest = ceil_div(a_slivers, r) * ceil_div(b_slivers, c);
      if (fullest < least) {
        least = fullest;
        rows = r;
        columns = c;
      }
    }
  }
  std::int64_t parts() const { return rows * columns; }
  /// The slivers of A, and of B, that part t multiplies.
  Range of_a(std::int64_t t) const { return share(a_slivers, rows, t / columns); }
  Range of_b(std::int64_t t) const { return share(b_slivers, columns, t % columns); }

 private:
  static Range share(std::int64_t all, std::int64_t parts, std::int64_t i) {
    return {all * i / parts, all * (i + 1) / parts};
  }
};

/// How many threads a product of this size is worth, at most `most`. Counted in double: operands whose strides are 0
/// may be longer than any memory.
inline std::int64_t threads_worth(std::int64_t m, std::int64_t n, std::int64_t k, std::int64_t most) {
  const double work = static_cast<double>(m) * static_cast<double>(n) * static_cast<double>(k);
  return static_cast<std::int64_t>(std::clamp(work / kWorkOfThread, 1.0, static_cast<double>(most)));
}

/// An operand seen as slivers, `width` rows of A or columns of B each; the last is filled up to a multiple of `unit`.
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

}  // namespace chainrule::kernels::detail
