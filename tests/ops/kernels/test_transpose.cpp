// Copies between memory orders against a loop over indices: sizes around the square's side, gaps, batches, threads.
#include <doctest/doctest.h>

#include <numeric>
#include <vector>

#include "ops/kernels/matrix/transpose.h"
#include "ops/kernels/parallel.h"

using namespace chainrule;
using namespace chainrule::kernels;

namespace {

/// Strides that lie densely with the last of `order` fastest; `gap` more elements behind each run of the fastest axis.
Strides ordered(const Shape& shape, const std::vector<int>& order, std::int64_t gap) {
  Strides strides = Strides::filled(shape.size(), 0);
  std::int64_t step = 1;
  for (std::size_t i = order.size(); i-- > 0;) {
    strides[order[i]] = step;
    step *= shape[order[i]];
    if (i + 1 == order.size()) step += gap;
  }
  return strides;
}

template <class T>
void check_copy(const Shape& shape, const std::vector<int>& from, const std::vector<int>& to, std::int64_t gap) {
  const Strides xs = ordered(shape, from, gap), zs = ordered(shape, to, 2 * gap);
  const auto room = static_cast<std::size_t>(4 * (numel(shape) + 64 * (gap + 1)));
  std::vector<T> x(room * (gap + 1)), z(x.size(), T(77)), wanted = z;
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = static_cast<T>(i % 1009);
  Shape index = Shape::filled(shape.size(), 0);
  for (std::int64_t left = numel(shape); left > 0; --left) {
    std::int64_t a = 0, b = 0;
    for (std::size_t i = 0; i < shape.size(); ++i) {
      a += index[i] * xs[i];
      b += index[i] * zs[i];
    }
    wanted[static_cast<std::size_t>(b)] = x[static_cast<std::size_t>(a)];
    for (int axis = shape.rank() - 1; axis >= 0; --axis) {
      if (++index[axis] < shape[axis]) break;
      index[axis] = 0;
    }
  }
  REQUIRE(copy_transposed(dtype_of<T>(), x.data(), xs, z.data(), zs, shape));
  CHECK(z == wanted);  // the gaps too
}

}  // namespace

TEST_CASE_TEMPLATE("transposed copies of every size", T, float, double, std::int64_t) {
  for (const std::int64_t rows : {8, 9, 15, 16, 17, 31, 33, 64, 65}) {
    for (const std::int64_t columns : {8, 13, 16, 40, 129}) {
      for (const std::int64_t gap : {0, 3}) {
        check_copy<T>({rows, columns}, {0, 1}, {1, 0}, gap);
        check_copy<T>({rows, columns}, {1, 0}, {0, 1}, gap);
      }
    }
  }
  check_copy<T>({3, 20, 5, 30}, {0, 1, 2, 3}, {0, 2, 3, 1}, 0);  // channels first to last
  check_copy<T>({3, 20, 5, 30}, {0, 2, 3, 1}, {0, 1, 2, 3}, 0);
  check_copy<T>({2, 9, 3, 10}, {2, 0, 3, 1}, {0, 2, 1, 3}, 1);
  check_copy<T>({0, 9, 10}, {0, 1, 2}, {0, 2, 1}, 0);
}

TEST_CASE("transposed copies of bools, and what they leave alone") {
  std::vector<std::uint8_t> x(70 * 90), z(x.size());
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = i % 3 == 0;
  REQUIRE(copy_transposed(DType::boolean, x.data(), {90, 1}, z.data(), {1, 70}, {70, 90}));
  for (std::size_t i = 0; i < 70; ++i)
    for (std::size_t j = 0; j < 90; ++j) CHECK(z[j * 70 + i] == x[i * 90 + j]);
  std::vector<float> a(100), b(100);
  CHECK_FALSE(copy_transposed(DType::float32, a.data(), {10, 1}, b.data(), {10, 1}, {10, 10}));  // one order
  CHECK_FALSE(copy_transposed(DType::float32, a.data(), {1, 4}, b.data(), {20, 1}, {4, 20}));    // too short
  CHECK_FALSE(copy_transposed(DType::float32, a.data(), {2, 20}, b.data(), {10, 1}, {10, 5}));   // nothing dense
}

TEST_CASE("transposed copies with one thread and two") {
  const int before = num_threads();
  std::vector<float> x(600 * 700), one(x.size()), two(x.size());
  std::iota(x.begin(), x.end(), 0.0F);
  set_num_threads(1);
  copy_transposed(DType::float32, x.data(), {700, 1}, one.data(), {1, 600}, {600, 700});
  set_num_threads(2);
  copy_transposed(DType::float32, x.data(), {700, 1}, two.data(), {1, 600}, {600, 700});
  set_num_threads(before);
  CHECK(one == two);
}
