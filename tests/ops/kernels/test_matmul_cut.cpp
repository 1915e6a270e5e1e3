// How products are shared out: for every number of threads and every thin shape each part has work, and each element of
// the result belongs to one part.
#include <doctest/doctest.h>

#include <array>

#include "ops/kernels/matrix/matmul.h"
#include "ops/kernels/matrix/matmul_cut.h"
#include "tests/ops/kernels/support.h"

using namespace chainrule;
using namespace chainrule::kernels;
using namespace chainrule::test;

namespace {

/// Are the parts of this cut full, and do they cover each pair of slivers once?
bool covers(std::int64_t threads, std::int64_t a, std::int64_t b) {
  const detail::Cut cut(threads, a, b);
  bool right = cut.parts() >= 1 && cut.parts() <= threads;
  std::int64_t area = 0, next_a = 0;
  for (std::int64_t r = 0; r < cut.rows; ++r) {
    std::int64_t next_b = 0;
    for (std::int64_t c = 0; c < cut.columns; ++c) {
      const detail::Range rows = cut.of_a(r * cut.columns + c), columns = cut.of_b(r * cut.columns + c);
      right = right && rows.begin == next_a && rows.begin < rows.end && columns.begin == next_b &&
              columns.begin < columns.end;
      area += (rows.end - rows.begin) * (columns.end - columns.begin);
      next_b = columns.end;
    }
    next_a = cut.of_a(r * cut.columns).end;
  }
  return right && area == a * b;
}

// Elements that repeat along every axis, with periods that no sliver has: sums are small whole numbers, exact in any
// order, and each is known from how often every pair meets.
constexpr std::int64_t kRowPeriod = 11, kInnerPeriod = 13, kColumnPeriod = 7;
std::int64_t a_element(std::int64_t i, std::int64_t p) { return i % kRowPeriod * 5 % 7 - p % kInnerPeriod * 3 % 5; }
std::int64_t b_element(std::int64_t p, std::int64_t j) {
  return p % kInnerPeriod * 4 % 7 - 3 + j % kColumnPeriod * 2 % 3;
}

/// The product of sizes m, n, k with operands that lie row by row or column by column, element by element.
template <class T>
bool product_is_right(std::int64_t m, std::int64_t n, std::int64_t k, bool turned_a, bool turned_b) {
  std::vector<T> a(static_cast<std::size_t>(m * k)), b(static_cast<std::size_t>(k * n)),
      c(static_cast<std::size_t>(m * n), T(-1));
  const MatrixStrides as = turned_a ? MatrixStrides{1, m} : MatrixStrides{k, 1};
  const MatrixStrides bs = turned_b ? MatrixStrides{1, k} : MatrixStrides{n, 1};
  for (std::int64_t i = 0; i < m; ++i)
    for (std::int64_t p = 0; p < k; ++p) a[static_cast<std::size_t>(i * as.row + p * as.column)] = T(a_element(i, p));
  for (std::int64_t p = 0; p < k; ++p)
    for (std::int64_t j = 0; j < n; ++j) b[static_cast<std::size_t>(p * bs.row + j * bs.column)] = T(b_element(p, j));
  gemm(dtype_of<T>(), m, n, k, a.data(), as, b.data(), bs, c.data(), n);
  std::array<std::array<std::int64_t, kColumnPeriod>, kRowPeriod> sums{};
  for (std::int64_t i = 0; i < kRowPeriod; ++i)
    for (std::int64_t j = 0; j < kColumnPeriod; ++j)
      for (std::int64_t p = 0; p < kInnerPeriod; ++p)
        sums[static_cast<std::size_t>(i)][static_cast<std::size_t>(j)] +=
            (k / kInnerPeriod + (p < k % kInnerPeriod ? 1 : 0)) * a_element(i, p) * b_element(p, j);
  bool all = true;
  for (std::int64_t i = 0; i < m; ++i)
    for (std::int64_t j = 0; j < n; ++j)
      all = all && c[static_cast<std::size_t>(i * n + j)] ==
                       T(sums[static_cast<std::size_t>(i % kRowPeriod)][static_cast<std::size_t>(j % kColumnPeriod)]);
  return all;
}

struct ProductSize {
  std::int64_t m, n, k;
};

}  // namespace

TEST_CASE("products: for 1 to 64 threads and any number of slivers no part is empty") {
  for (std::int64_t threads = 1; threads <= 64; ++threads) {
    bool right = true;
    for (const std::int64_t thin : {1, 2, 3, 4, 5, 6, 7, 8, 9, 12, 15, 16, 17, 31, 32, 33, 63, 64, 65, 1000}) {
      for (const std::int64_t other : {1, 2, 3, 5, 7, 8, 11, 16, 23, 32, 63, 64, 65, 127, 100000})
        right = right && covers(threads, thin, other) && covers(threads, other, thin);
    }
    CHECK_MESSAGE(right, threads);
  }
}

TEST_CASE_TEMPLATE("products of thin shapes with any number of threads", T, float, double) {
  constexpr std::int64_t kTwoThreads = 1 << 22;  // multiplications from which two threads share a product
  const std::array sizes{ProductSize{1, 1, kTwoThreads}, ProductSize{65537, 8, 8},       ProductSize{8, 65537, 8},
                         ProductSize{8, 8, 65537},       ProductSize{kTwoThreads, 1, 1}, ProductSize{1, kTwoThreads, 1},
                         ProductSize{1, 2100, 2011},     ProductSize{2100, 1, 2011},     ProductSize{2100, 2011, 1},
                         ProductSize{3, 5, 300000},      ProductSize{13, 90001, 5},      ProductSize{90001, 13, 5},
                         ProductSize{25, 49, 4001},      ProductSize{161, 162, 163}};
  int turn = 0;
  for (const ProductSize& s : sizes) {
    ++turn;
    const bool right =
        with_threads(64, [&] { return product_is_right<T>(s.m, s.n, s.k, turn % 2 == 0, turn % 3 == 0); });
    CHECK_MESSAGE(right, s.m << " x " << s.n << " x " << s.k);
  }
}

TEST_CASE("products that keep 64 threads busy, thin in each direction") {
  for (const ProductSize& s : {ProductSize{40, 26, 131101}, ProductSize{40, 131101, 26}, ProductSize{131101, 40, 26}}) {
    for (const int threads : {37, 64})
      CHECK_MESSAGE(with_threads(threads, [&] { return product_is_right<float>(s.m, s.n, s.k, false, false); }),
                    s.m << " x " << s.n << " x " << s.k << ", threads " << threads);
  }
}

TEST_CASE("products of operands that are longer than memory are shared out by their true size") {
  // One number that is read again and again: 2^62 of them, whose number of multiplications does not fit into 64 bits.
  CHECK(detail::threads_worth(1, 4, std::int64_t{1} << 62, 64) == 64);
  CHECK(detail::threads_worth(std::int64_t{1} << 32, std::int64_t{1} << 32, 1, 3) == 3);
  CHECK(detail::threads_worth(1, 1, 1, 64) == 1);
}
