// Matrix products against three nested loops in higher precision: odd sizes, strides, batches, thread counts.
#include <doctest/doctest.h>

#include "ops/kernels/matrix/matmul.h"
#include "tests/ops/kernels/support.h"

using namespace chainrule;
using namespace chainrule::kernels;
using namespace chainrule::test;

namespace {

template <class T>
double tolerance(std::int64_t k) {
  if (!std::is_floating_point_v<T>) return 0;
  return 16 * static_cast<double>(std::numeric_limits<T>::epsilon()) * std::sqrt(static_cast<double>(k) + 1);
}

// A matrix of the given sizes with strides of one of several kinds, and room around it.
struct Layout {
  MatrixStrides strides;
  std::int64_t size, origin;
  Layout(int kind, std::int64_t rows, std::int64_t cols) : strides{}, size(1), origin(0) {
    const std::int64_t r = std::max<std::int64_t>(rows, 1), c = std::max<std::int64_t>(cols, 1);
    switch (kind) {
      case 0:
        strides = {c, 1}, size = r * c;
        break;
      case 1:
        strides = {1, r}, size = r * c;
        break;
      case 2:
        strides = {c + 3, 1}, size = r * (c + 3);
        break;
      case 3:
        strides = {1, r + 5}, size = c * (r + 5);
        break;
      case 4:
        strides = {2 * c, 2}, size = 2 * r * c;
        break;
      case 5:
        strides = {0, 1}, size = c;
        break;
      case 6:
        strides = {1, 0}, size = r;
        break;
      default:
        strides = {-c, -1}, size = r * c, origin = size - 1;
        break;
    }
  }
};
constexpr int kLayouts = 8;

template <class T>
void check_product(RandomNumbers& numbers, std::int64_t m, std::int64_t n, std::int64_t k, int a_kind, int b_kind) {
  CAPTURE(m);
  CAPTURE(n);
  CAPTURE(k);
  CAPTURE(a_kind);
  CAPTURE(b_kind);
  const Layout la(a_kind, m, k), lb(b_kind, k, n);
  const auto a = numbers.fill<T>(la.size, -5, 5), b = numbers.fill<T>(lb.size, -5, 5);
  const std::int64_t row = n + 2;
  const T unset = std::is_floating_point_v<T> ? std::numeric_limits<T>::quiet_NaN() : T(77);
  std::vector<T> c(static_cast<std::size_t>(m * row), unset);
  gemm(dtype_of<T>(), m, n, k, a.data() + la.origin, la.strides, b.data() + lb.origin, lb.strides, c.data(), row);
  bool right = true, gaps_kept = true;
  for (std::int64_t i = 0; i < m; ++i) {
    for (std::int64_t j = 0; j < n; ++j) {
      long double truth = 0;
      for (std::int64_t p = 0; p < k; ++p) {
        truth += static_cast<long double>(a[la.origin + i * la.strides.row + p * la.strides.column]) *
                 b[lb.origin + p * lb.strides.row + j * lb.strides.column];
      }
      right = right && near(static_cast<double>(c[i * row + j]), static_cast<double>(truth), tolerance<T>(k), 25);
    }
    for (std::int64_t j = n; j < row; ++j) gaps_kept = gaps_kept && same_bits(c[i * row + j], unset);
  }
  CHECK(right);
  CHECK(gaps_kept);
}

}  // namespace

TEST_CASE_TEMPLATE("gemm: all sizes up to a few registers, zero included", T, float, double, std::int64_t) {
  RandomNumbers numbers(21);
  for (const std::int64_t m : {0, 1, 2, 3, 8, 17}) {
    for (const std::int64_t n : {0, 1, 2, 5, 16, 33}) {
      for (const std::int64_t k : {0, 1, 2, 7, 16, 50}) check_product<T>(numbers, m, n, k, 0, 0);
    }
  }
}

TEST_CASE_TEMPLATE("gemm: every pair of layouts", T, float, double, std::int64_t) {
  RandomNumbers numbers(22);
  for (int a = 0; a < kLayouts; ++a) {
    for (int b = 0; b < kLayouts; ++b) {
      check_product<T>(numbers, 13, 9, 21, a, b);
      check_product<T>(numbers, 1, 9, 21, a, b);
      check_product<T>(numbers, 13, 1, 21, a, b);
      check_product<T>(numbers, 13, 9, 1, a, b);
    }
  }
}

TEST_CASE_TEMPLATE("gemm: sizes that are cut into blocks", T, float, double) {
  RandomNumbers numbers(23);
  check_product<T>(numbers, 300, 257, 129, 0, 0);
  check_product<T>(numbers, 2049, 33, 65, 1, 0);
  check_product<T>(numbers, 17, 1999, 130, 0, 1);
  check_product<T>(numbers, 130, 131, 1000, 3, 3);
}

// Where operands are read in place, where they are packed, and where k is cut.
TEST_CASE_TEMPLATE("gemm: sizes on both sides of every choice", T, float, double) {
  RandomNumbers numbers(26);
  for (const std::int64_t k : {399, 400, 401, 801}) {
    for (int kind = 0; kind < 2; ++kind) {
      check_product<T>(numbers, 13, 70, k, kind, 0);
      check_product<T>(numbers, 13, 70, k, 0, kind);
    }
  }
  for (const std::int64_t m : {767, 768, 769}) check_product<T>(numbers, m, 37, 20, 0, 0);
  for (const std::int64_t m : {127, 128, 255, 256, 257}) check_product<T>(numbers, m, 1024, 5, 0, 0);
  for (const std::int64_t n : {767, 768, 769}) check_product<T>(numbers, 14, n, 20, 0, 0);
  for (int kind = 0; kind < 2; ++kind) check_product<T>(numbers, 4100, 770, 3, kind, kind);
}

TEST_CASE_TEMPLATE("gemm: an element's bits depend on its row and column only", T, float, double) {
  RandomNumbers numbers(27);
  const std::int64_t m = 301, n = 790, k = 400;
  const auto a = numbers.fill<T>(m * k), b = numbers.fill<T>(k * n);
  std::vector<T> all(static_cast<std::size_t>(m * n));
  gemm(dtype_of<T>(), m, n, k, a.data(), {k, 1}, b.data(), {n, 1}, all.data(), n);
  for (const std::int64_t height : {1, 5, 12, 31}) {
    for (const std::int64_t width : {1, 3, 16, 32, 77}) {
      const std::int64_t i0 = m - height, j0 = n - width;
      std::vector<T> part(static_cast<std::size_t>(height * width));
      gemm(dtype_of<T>(), height, width, k, a.data() + i0 * k, {k, 1}, b.data() + j0, {n, 1}, part.data(), width);
      bool same = true;
      for (std::int64_t i = 0; i < height; ++i) {
        for (std::int64_t j = 0; j < width; ++j)
          same = same && same_bits(part[i * width + j], all[(i0 + i) * n + j0 + j]);
      }
      CHECK(same);
    }
  }
}

TEST_CASE_TEMPLATE("gemm: a bias is the product plus the bias", T, float, double, std::int64_t) {
  RandomNumbers numbers(28);
  for (const std::int64_t k : {0, 5, 800}) {
    const std::int64_t m = 30, n = 45;
    const auto a = numbers.fill<T>(m * k, -5, 5), b = numbers.fill<T>(k * n, -5, 5), bias = numbers.fill<T>(n, -5, 5);
    std::vector<T> plain(static_cast<std::size_t>(m * n)), with(plain);
    gemm(dtype_of<T>(), m, n, k, a.data(), {k, 1}, b.data(), {n, 1}, plain.data(), n);
    gemm(dtype_of<T>(), m, n, k, a.data(), {k, 1}, b.data(), {n, 1}, with.data(), n, bias.data());
    for (std::size_t i = 0; i < plain.size(); ++i) plain[i] += bias[i % static_cast<std::size_t>(n)];
    CHECK(same_bits(with, plain));
  }
}

TEST_CASE("gemm: NaN and infinity go through") {
  constexpr float nan = std::numeric_limits<float>::quiet_NaN(), inf = std::numeric_limits<float>::infinity();
  const std::vector<float> a{nan, 0, inf, 1}, b{0, 1, 1, 1};
  std::vector<float> c(4);
  gemm(DType::float32, 2, 2, 2, a.data(), {2, 1}, b.data(), {2, 1}, c.data(), 2);
  CHECK(std::isnan(c[0]));
  CHECK(std::isnan(c[1]));
  CHECK(std::isnan(c[2]));
  CHECK(c[3] == inf);
}

TEST_CASE("gemm of int64 wraps around") {
  const std::int64_t big = std::int64_t{1} << 62;
  const std::vector<std::int64_t> a{big, big, big, 3}, b{1, 1, 2, -5};
  std::int64_t c = 0;
  gemm(DType::int64, 1, 1, 4, a.data(), {4, 1}, b.data(), {1, 1}, &c, 1);
  CHECK(c == -15);  // 4 * 2^62 = 2^64 = 0
}

TEST_CASE_TEMPLATE("gemm_batched: shared and strided operands equal single products", T, float, double, std::int64_t) {
  RandomNumbers numbers(24);
  const std::int64_t count = 5, m = 6, n = 7, k = 4;
  for (const int kind : {0, 1, 4}) {
    const Layout la(kind, m, k), lb(kind, k, n);
    const auto a = numbers.fill<T>(la.size * count, -5, 5), b = numbers.fill<T>(lb.size * count, -5, 5);
    for (const bool share_a : {false, true}) {
      for (const bool share_b : {false, true}) {
        const BatchStrides batch{share_a ? 0 : la.size, share_b ? 0 : lb.size, m * n};
        std::vector<T> c(static_cast<std::size_t>(count * m * n)), one(c);
        gemm_batched(dtype_of<T>(), count, batch, m, n, k, a.data(), la.strides, b.data(), lb.strides, c.data(), n);
        for (std::int64_t t = 0; t < count; ++t) {
          gemm(dtype_of<T>(), m, n, k, a.data() + t * batch.a, la.strides, b.data() + t * batch.b, lb.strides,
               one.data() + t * m * n, n);
        }
        CHECK(same_bits(c, one));
      }
    }
  }
}

TEST_CASE_TEMPLATE("gemm: one thread and two give the same bits", T, float, double) {
  RandomNumbers numbers(25);
  struct Size {
    std::int64_t m, n, k;
  };
  for (const Size& size : {Size{1, 1, 100000}, Size{4, 4, 30000}, Size{1, 5000, 300}, Size{5000, 1, 300},
                           Size{3000, 10, 500}, Size{10, 3000, 500}, Size{32, 32, 20000}, Size{100, 50, 784},
                           Size{333, 444, 222}, Size{128, 512, 512}, Size{16, 25000, 27}}) {
    const std::int64_t m = size.m, n = size.n, k = size.k;
    const auto a = numbers.fill<T>(m * k), b = numbers.fill<T>(k * n);
    const auto run = [&](int threads, bool transposed) {
      return with_threads(threads, [&] {
        std::vector<T> c(static_cast<std::size_t>(m * n));
        gemm(dtype_of<T>(), m, n, k, a.data(), transposed ? MatrixStrides{1, m} : MatrixStrides{k, 1}, b.data(),
             transposed ? MatrixStrides{1, k} : MatrixStrides{n, 1}, c.data(), n);
        return c;
      });
    };
    for (const bool transposed : {false, true}) {
      const auto c = run(1, transposed);
      CHECK(same_bits(c, run(2, transposed)));
      CHECK(same_bits(c, run(4, transposed)));
    }
  }
}
