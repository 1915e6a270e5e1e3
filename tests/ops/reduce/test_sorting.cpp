// Sorting, the largest k, medians: order, ties, NaN, dtypes, errors; long lines against the standard library's stable
// sort.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "ops/ops.h"
#include "tests/ops/checks.h"

using namespace chainrule;
using namespace chainrule::testing;

namespace {

/// Positions in order, by the standard library.
Numbers order_of(const Numbers& x, bool descending) {
  std::vector<std::size_t> at(x.size());
  std::iota(at.begin(), at.end(), std::size_t{0});
  auto less = [](double a, double b) { return std::isnan(b) ? !std::isnan(a) : a < b; };  // NaN last
  std::stable_sort(at.begin(), at.end(),
                   [&](std::size_t a, std::size_t b) { return descending ? less(x[b], x[a]) : less(x[a], x[b]); });
  return {at.begin(), at.end()};
}

}  // namespace

TEST_CASE("order, ties and NaN") {
  const Tensor x = numbers({3, kNan, -0.0, 1, 0.0, -kInf, 3, kInf}, {8});
  CHECK(argsort(x).to_vector() == Numbers{5, 2, 4, 3, 0, 6, 7, 1});
  CHECK(argsort(x, 0, true).to_vector() == Numbers{1, 7, 0, 6, 3, 2, 4, 5});
  const Numbers z = sort(x).to_vector();
  CHECK((z[0] == -kInf && z[4] == 3 && z[6] == kInf && std::isnan(z[7])));
  CHECK(std::signbit(z[1]));
  CHECK_FALSE(std::signbit(z[2]));
  CHECK(argsort(x).dtype() == DType::int64);
  CHECK_FALSE(argsort(x).requires_grad());
  CHECK(slopes(sort(x), x, {1, 2, 3, 4, 5, 6, 7, 8}) == Numbers{5, 8, 2, 4, 3, 1, 6, 7});
  const Tensor m = numbers({3, 1, 2, 9, 8, 7}, {2, 3});
  CHECK(sort(m, 0, true).to_vector() == Numbers{9, 8, 7, 3, 1, 2});
  CHECK(sort(transpose(m), 0).to_vector() == Numbers{1, 7, 2, 8, 3, 9});
  CHECK(sort(numbers({4}, {})).item() == 4);
  CHECK(sort(numbers({4}, {})).shape() == Shape{});
  CHECK(sort(zeros({2, 0})).shape() == Shape{2, 0});
}

TEST_CASE("every dtype, short lines and long ones") {
  for (const std::int64_t n : {1, 7, 100, 1023, 1024, 5000, 70000}) {
    Generator random(static_cast<std::uint64_t>(n));
    Numbers values;
    for (std::int64_t i = 0; i < 2 * n; ++i) {
      const auto v = static_cast<double>(random.below(2000) - 1000);
      values.push_back(random.below(50) == 0 ? kNan : v / 8);
    }
    for (const bool descending : {false, true}) {
      CAPTURE(n);
      CAPTURE(descending);
      const Numbers row(values.begin(), values.begin() + n);
      for (const DType d : {DType::float32, DType::float64})
        CHECK(argsort(numbers(row, {n}, d), 0, descending).to_vector() == order_of(row, descending));
      // Two columns.
      const Numbers both = argsort(numbers(values, {n, 2}), 0, descending).to_vector();
      Numbers first, wanted;
      for (std::int64_t i = 0; i < n; ++i) first.push_back(both[2 * i]), wanted.push_back(values[2 * i]);
      CHECK(first == order_of(wanted, descending));
      Numbers whole = row;
      for (double& v : whole) v = std::isnan(v) ? 0 : std::floor(v);
      const Tensor integers = to(from_vector(whole, {n}, {}), DType::int64);
      CHECK(argsort(integers, 0, descending).to_vector() == order_of(whole, descending));
      for (double& v : whole) v = v > 3;
      CHECK(argsort(gt(integers, 3), 0, descending).to_vector() == order_of(whole, descending));
    }
  }
  const std::int64_t low = std::numeric_limits<std::int64_t>::min(), high = std::numeric_limits<std::int64_t>::max();
  const Tensor far = from_vector(std::vector<std::int64_t>{0, high, low, -1}, {4});
  CHECK(argsort(far).to_vector() == Numbers{2, 3, 0, 1});
}

TEST_CASE("the largest and smallest k") {
  const Tensor x = numbers({1, 5, 3, 5, kNan, 2}, {6});
  CHECK(argtopk(x, 3).to_vector() == Numbers{4, 1, 3});
  CHECK(topk(x, 3).to_vector()[1] == 5);
  CHECK(topk(x, 2, 0, false).to_vector() == Numbers{1, 2});
  CHECK(slopes(topk(x, 3), x, {1, 2, 3}) == Numbers{0, 2, 0, 3, 1, 0});
  CHECK(topk(x, 0).shape() == Shape{0});
  const Tensor m = numbers({1, 6, 2, 5, 3, 4}, {3, 2});
  CHECK(topk(m, 2, 0).to_vector() == Numbers{3, 6, 2, 5});
  CHECK(topk(numbers({4}, {}), 1).shape() == Shape{});
  CHECK(message([&] { topk(m, 3); }) == "topk: k is 3, axis 1 of shape (3, 2) has 2 numbers to choose from");
  CHECK(message([&] { argtopk(m, -1, 0); }).starts_with("argtopk: k is -1"));
  CHECK_THROWS_AS(topk(m, 1, 2), ShapeError);
  CHECK(topk(m, 3, 0).to_vector() == sort(m, 0, true).to_vector());
}

TEST_CASE("medians") {
  const Tensor x = numbers({4, 1, 3, 2}, {4});
  CHECK(median(x).item() == 2);
  CHECK(median(x, 0).item() == 2);
  CHECK(median(x, 0, true).shape() == Shape{1});
  CHECK(slopes(median(x), x) == Numbers{0, 0, 0, 1});
  const Tensor ties = numbers({2, 2, 1, 2}, {4});
  check_close(slopes(median(ties), ties, {3}), {1, 1, 0, 1});
  const Numbers one = slopes(median(ties, 0), ties);
  CHECK(std::count(one.begin(), one.end(), 1.0) == 1);
  CHECK(one[2] == 0);
  const Tensor nan = numbers({1, kNan, 3, kNan, 5, 6, 7, 8}, {2, 4});
  CHECK(std::isnan(median(nan).item()));
  CHECK(std::isnan(median(nan, 1).to_vector()[0]));
  CHECK(median(nan, 1).to_vector()[1] == 6);
  CHECK(slopes(median(nan, 1), nan, {1, 1}) == Numbers{0, 1, 0, 0, 0, 1, 0, 0});
  CHECK(median(numbers({3}, {}), 0).item() == 3);
  CHECK(median(from_vector(std::vector<std::int64_t>{5, 1, 2}, {3})).item() == 2);
  CHECK(std::isnan(median(zeros({0})).item()));
  CHECK(message([&] { median(zeros({2, 0}), 1); }) == "median: axis 1 of shape (2, 0) is empty, so it has no median");
  CHECK(message([&] { median(gt(x, 1)); }) == "median: not defined for bool");
}
