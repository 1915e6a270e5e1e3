// Strided elementwise loops against a loop over indices: random views, broadcasts, negative and permuted strides.
#include <doctest/doctest.h>

#include <array>
#include <memory>

#include "ops/kernels/elementwise/elementwise.h"
#include "tests/ops/kernels/support.h"

using namespace chainrule;
using namespace chainrule::kernels;
using namespace chainrule::test;

namespace {

/// Memory of an operand, where its element (0, 0, ...) stands, and its strides.
struct View {
  std::int64_t size = 1, origin = 0;
  Strides strides;
};

// Axes in random order of density, some with gaps, some backwards, some broadcast (stride 0).
View random_view(RandomNumbers& numbers, const Shape& shape, bool broadcast) {
  const int rank = static_cast<int>(shape.size());
  std::vector<int> order(static_cast<std::size_t>(rank));
  for (int a = 0; a < rank; ++a) order[a] = a;
  if (numbers.below(2) == 0) {
    for (int a = rank - 1; a > 0; --a) std::swap(order[a], order[numbers.below(a + 1)]);
  }
  View v;
  v.strides.assign(static_cast<std::size_t>(rank), 0);
  std::int64_t step = 1;
  for (int k = rank - 1; k >= 0; --k) {
    const int a = order[k];
    if (broadcast && numbers.below(4) == 0) continue;
    if (numbers.below(4) == 0) step *= 2;
    v.strides[a] = step;
    const std::int64_t span = std::max<std::int64_t>(shape[a], 1) * step;
    if (numbers.below(4) == 0) {
      v.origin += (std::max<std::int64_t>(shape[a], 1) - 1) * step;
      v.strides[a] = -step;
    }
    step = span;
  }
  v.size = step;
  return v;
}

template <class F>
void each_index(const Shape& shape, F f) {
  const std::int64_t n = numel(shape);
  for (std::int64_t flat = 0; flat < n; ++flat) {
    std::array<std::int64_t, kMaxRank> at{};
    std::int64_t rest = flat;
    for (int a = static_cast<int>(shape.size()) - 1; a >= 0; --a) {
      at[a] = rest % shape[a];
      rest /= shape[a];
    }
    f(at);
  }
}

std::int64_t place(const View& v, const std::array<std::int64_t, kMaxRank>& at) {
  std::int64_t p = v.origin;
  for (std::size_t a = 0; a < v.strides.size(); ++a) p += at[a] * v.strides[a];
  return p;
}

Shape random_shape(RandomNumbers& numbers) {
  Shape shape;
  const auto rank = numbers.below(6);
  for (std::int64_t a = 0; a < rank; ++a) {
    const std::int64_t kind = numbers.below(12);
    shape.push_back(kind == 0 ? 0 : kind < 3 ? 1 : kind < 10 ? 2 + numbers.below(4) : 33 + numbers.below(20));
  }
  return shape;
}

}  // namespace

TEST_CASE_TEMPLATE("strided loops agree with a loop over indices and leave the gaps alone", T, float, double,
                   std::int64_t) {
  RandomNumbers numbers(5);
  const DType d = dtype_of<T>();
  for (int trial = 0; trial < 400; ++trial) {
    const Shape shape = random_shape(numbers);
    const View vx = random_view(numbers, shape, true), vy = random_view(numbers, shape, true);
    const View vc = random_view(numbers, shape, true), vz = random_view(numbers, shape, false);
    const auto x = numbers.fill<T>(vx.size, -9, 9), y = numbers.fill<T>(vy.size, -9, 9);
    const auto c = std::make_unique<bool[]>(static_cast<std::size_t>(vc.size));
    for (std::int64_t i = 0; i < vc.size; ++i) c[i] = numbers.below(2) == 0;
    const std::vector<T> untouched(static_cast<std::size_t>(vz.size), T(77));

    const auto check = [&](auto launch, auto expected) {
      auto z = untouched, wanted = untouched;
      launch(z.data() + vz.origin);
      each_index(shape, [&](const auto& at) {
        wanted[place(vz, at)] = expected(x[place(vx, at)], y[place(vy, at)], c[place(vc, at)]);
      });
      CHECK(same_bits(z, wanted));
    };
    const T *px = x.data() + vx.origin, *py = y.data() + vy.origin;
    const bool* pc = c.get() + vc.origin;
    check([&](T* z) { binary_strided(Binary::sub, d, px, vx.strides, py, vy.strides, z, vz.strides, shape); },
          [](T a, T b, bool) { return static_cast<T>(a - b); });
    check([&](T* z) { unary_strided(Unary::square, d, px, vx.strides, z, vz.strides, shape); },
          [](T a, T, bool) { return static_cast<T>(a * a); });
    check([&](T* z) { copy_strided(d, px, vx.strides, z, vz.strides, shape); }, [](T a, T, bool) { return a; });
    check([&](T* z) { where_strided(d, pc, vc.strides, px, vx.strides, py, vy.strides, z, vz.strides, shape); },
          [](T a, T b, bool take) { return take ? a : b; });
    check([&](T* z) { cast_strided(DType::boolean, d, pc, vc.strides, z, vz.strides, shape); },
          [](T, T, bool take) { return static_cast<T>(take); });
    if constexpr (std::is_floating_point_v<T>) {
      check([&](T* z) { unary_strided(Unary::exp, d, px, vx.strides, z, vz.strides, shape); },
            [](T a, T, bool) { return unary_one(Unary::exp, a); });
      check([&](T* z) { unary_strided(Unary::clamp, d, px, vx.strides, z, vz.strides, shape, {.a = -1, .b = 2}); },
            [](T a, T, bool) { return std::min(std::max(a, T(-1)), T(2)); });
    }

    const auto less = std::make_unique<bool[]>(static_cast<std::size_t>(vz.size));
    compare_strided(Compare::lt, d, px, vx.strides, py, vy.strides, less.get() + vz.origin, vz.strides, shape);
    bool right = true;
    each_index(shape,
               [&](const auto& at) { right = right && less[place(vz, at)] == (x[place(vx, at)] < y[place(vy, at)]); });
    CHECK(right);
  }
}

TEST_CASE("strided: large transposed operands, one thread and two, and in place") {
  RandomNumbers numbers(6);
  const Shape shape{300, 257};
  const auto x = numbers.fill<float>(300 * 257), y = numbers.fill<float>(300 * 257);
  const auto run = [&](int threads) {
    return with_threads(threads, [&] {
      std::vector<float> z(x.size());
      binary_strided(Binary::div, DType::float32, x.data(), {257, 1}, y.data(), {1, 300}, z.data(), {257, 1}, shape);
      unary_strided(Unary::tanh, DType::float32, z.data(), {257, 1}, z.data(), {257, 1}, shape);
      unary_strided(Unary::neg, DType::float32, z.data(), {1, 300}, z.data(), {1, 300}, shape);
      return z;
    });
  };
  const auto z = run(1);
  CHECK(same_bits(z, run(2)));
  bool right = true;
  for (std::int64_t i = 0; i < 300; ++i) {
    for (std::int64_t j = 0; j < 257; ++j) {
      right = right && same_bits(z[i * 257 + j], -unary_one(Unary::tanh, x[i * 257 + j] / y[j * 300 + i]));
    }
  }
  CHECK(right);
}
