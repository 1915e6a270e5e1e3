// Sums, products, means and counts: hand-computed values, axes, zeros, NaN, dtypes, errors. Every subset of axes
// against naive folds is in the generated tests.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <string>

#include "engine/factory.h"
#include "engine/types/error.h"
#include "ops/ops.h"
#include "tests/ops/checks.h"

using namespace chainrule;
using namespace chainrule::testing;

TEST_CASE("sums and means along axes") {
  const Tensor x = numbers({1, 2, 3, 4, 5, 6}, {2, 3});
  CHECK(sum(x).item() == 21);
  CHECK(sum(x).shape() == Shape{});
  CHECK(sum(x, {0}).to_vector() == Numbers{5, 7, 9});
  CHECK(sum(x, {-1}).to_vector() == Numbers{6, 15});
  CHECK(sum(x, {1}, true).shape() == Shape{2, 1});
  CHECK(sum(x, {1, 0}).item() == 21);
  CHECK(mean(x).item() == 3.5);
  CHECK(mean(x, {0}).to_vector() == Numbers{2.5, 3.5, 4.5});
  CHECK(slopes(sum(x, {0}), x, {1, 2, 3}) == Numbers{1, 2, 3, 1, 2, 3});
  CHECK(slopes(mean(x, {0}), x, {2, 4, 6}) == Numbers{1, 2, 3, 1, 2, 3});
  check_close(slopes(mean(x, {1}, true), x, {3, 6}), {1, 1, 1, 2, 2, 2});
  CHECK(sum(5).item() == 5);
  CHECK(sum(numbers({3}, {}), {0}).item() == 3);
}

TEST_CASE("a transposed or channels-last value is folded where it lies") {
  const Tensor x = numbers({1, 2, 3, 4, 5, 6}, {2, 3});
  const Tensor t = transpose(x);
  CHECK(sum(t, {0}).to_vector() == Numbers{6, 15});
  CHECK(sum(t, {1}).to_vector() == Numbers{5, 7, 9});
  CHECK(sum(slice(x, 1, 0, 3, 2), {0}).to_vector() == Numbers{5, 9});
  // (2, 2, 1, 3) images with channels last: element (n, c, 0, w) is 100 n + 10 c + w.
  Numbers memory;
  for (int n = 0; n < 2; ++n)
    for (int w = 0; w < 3; ++w)
      for (int c = 0; c < 2; ++c) memory.push_back(100 * n + 10 * c + w);
  const Tensor images = permute(numbers(memory, {2, 1, 3, 2}), {0, 3, 1, 2});
  CHECK(sum(images, {0, 2, 3}).to_vector() == Numbers{306, 366});
  CHECK(sum(images, {1}).to_vector() == Numbers{10, 12, 14, 210, 212, 214});
  CHECK(sum(images, {3}).to_vector() == Numbers{3, 33, 303, 333});
  CHECK(sum(images, {0}).to_vector() == Numbers{100, 102, 104, 120, 122, 124});
  CHECK(amax(images, {0}, true).to_vector() == Numbers{100, 101, 102, 110, 111, 112});
  CHECK(argmax(images, 0).to_vector() == Numbers{1, 1, 1, 1, 1, 1});
}

TEST_CASE("integers and bools") {
  const Tensor i = from_vector(std::vector<std::int64_t>{1, 2, 3}, {3});
  CHECK(sum(i).dtype() == DType::int64);
  CHECK(sum(i).item() == 6);
  CHECK(sum(gt(i, 1)).dtype() == DType::int64);
  CHECK(sum(gt(i, 1)).item() == 2);
  CHECK(amax(i).dtype() == DType::int64);
  CHECK(mean(i).dtype() == DType::float32);
  CHECK(mean(i).item() == 2);
  CHECK(prod(i).dtype() == DType::int64);
  CHECK(prod(i).item() == 6);
  CHECK(prod(gt(i, 1)).item() == 0);
  CHECK(cumsum(gt(i, 1), 0).dtype() == DType::int64);
  CHECK(cumsum(gt(i, 1), 0).to_vector() == Numbers{0, 1, 2});
  CHECK(cumprod(i, 0).to_vector() == Numbers{1, 2, 6});
  CHECK(amax(gt(i, 1)).dtype() == DType::boolean);
  CHECK(amax(gt(i, 1)).item() == 1);
  CHECK(amin(gt(i, 1)).item() == 0);
  CHECK(max_along(gt(i, 1), 0).dtype() == DType::boolean);
  CHECK(argmax(gt(i, 1)).item() == 1);
  CHECK(argmin(gt(i, 1)).item() == 0);
  CHECK(var(i).item() == 1);
  CHECK(norm(from_vector(std::vector<std::int64_t>{3, 4}, {2})).item() == 5);
  CHECK(softmax(i, 0).dtype() == DType::float32);
  CHECK(logsumexp(i).dtype() == DType::float32);
}

TEST_CASE("empty groups") {
  const Tensor x = zeros({2, 0}, {.dtype = DType::float64, .requires_grad = true});
  CHECK(sum(x, {1}).to_vector() == Numbers{0, 0});
  CHECK(sum(x, {0}).shape() == Shape{0});
  CHECK(std::isnan(mean(x, {1}).to_vector()[1]));
  CHECK(logsumexp(x, {1}).to_vector() == Numbers{-kInf, -kInf});
  CHECK(amax(x, {0}).shape() == Shape{0});
  CHECK(message([&] { amax(x, {1}); }) == "amax: axis 1 of shape (2, 0) is empty, so it has no largest value");
  CHECK(message([&] { argmax(x, 1); }).starts_with("argmax: axis 1 of shape (2, 0) is empty"));
  CHECK(softmax(x, 1).shape() == Shape{2, 0});
  CHECK(grad(sum(mean(x, {1})), x).shape() == Shape{2, 0});
}

TEST_CASE("products with zeros, to the second order") {
  const Tensor none = numbers({2, 3, 4}, {3}), one = numbers({2, 0, 4}, {3}), two = numbers({0, 3, 0}, {3});
  CHECK(slopes(prod(none), none) == Numbers{12, 8, 6});
  CHECK(slopes(prod(one), one) == Numbers{0, 8, 0});
  CHECK(slopes(prod(two), two) == Numbers{0, 0, 0});
  // d/dx1 of the gradient's sum: sums of products of the third number.
  for (const auto& [x, wanted] : {std::pair{none, Numbers{7, 6, 5}}, {one, {4, 6, 2}}, {two, {3, 0, 3}}}) {
    const Tensor dx = grad(prod(x), x, {.create_graph = true});
    CHECK(slopes(sum(dx), x) == wanted);
  }
  const Tensor x = numbers({1, 2, 0, 4, 0, 6}, {2, 3});
  CHECK(prod(x, {0}).to_vector() == Numbers{4, 0, 0});
  CHECK(slopes(prod(x, {0}), x) == Numbers{4, 0, 6, 1, 2, 0});
  CHECK(prod(zeros({0})).item() == 1);
  CHECK(prod(zeros({2, 0}), {1}).to_vector() == Numbers{1, 1});
  // No quotient z / x: the product vanishes, its derivatives do not.
  const Tensor tiny = numbers({1e-200, 1e-200}, {2});
  CHECK(slopes(prod(tiny), tiny) == Numbers{1e-200, 1e-200});
}

TEST_CASE("the gradient of a product, along rows and columns of every length") {
  Generator generator(3);
  for (const DType d : {DType::float32, DType::float64}) {
    for (const std::int64_t outer : {1, 3, 4, 9}) {
      for (const std::int64_t n : {1, 2, 3, 8, 65}) {
        for (const std::int64_t inner : {1, 2, 70}) {
          CAPTURE(outer);
          CAPTURE(n);
          CAPTURE(inner);
          const Tensor x = rand({outer, n, inner}, {.dtype = d}, generator) + 0.5;
          const Tensor leaf = numbers(x.to_vector(), x.shape(), d);
          const Numbers v = x.to_vector(), dx = slopes(prod(leaf, {1}), leaf);
          double worst = 0;
          for (std::int64_t i = 0; i < x.numel(); ++i) {
            const std::int64_t first = i / (n * inner) * n * inner + i % inner;
            long double others = 1;
            for (std::int64_t k = 0; k < n; ++k)
              if (const auto at = first + k * inner; at != i) others *= v[static_cast<std::size_t>(at)];
            const auto wanted = static_cast<double>(others);
            worst = std::max(worst, std::abs(dx[static_cast<std::size_t>(i)] / wanted - 1));
          }
          CHECK(worst < (d == DType::float32 ? 2e-7 : 5e-14));
        }
      }
    }
  }
}

TEST_CASE("masks and counts") {
  const Tensor x = numbers({1, 0, 3, 0, 0, kNan}, {2, 3});
  CHECK(all(x, {0}).to_vector() == Numbers{0, 0, 1});
  CHECK(any(x, {0}).to_vector() == Numbers{1, 0, 1});
  CHECK(all(x, {0}).dtype() == DType::boolean);
  CHECK(any(x, {1}, true).shape() == Shape{2, 1});
  CHECK(count_nonzero(x).item() == 3);
  CHECK(count_nonzero(x, {1}).to_vector() == Numbers{2, 1});
  CHECK(count_nonzero(x).dtype() == DType::int64);
  CHECK(all(gt(x, 5)).item() == 0);
  CHECK(any(from_vector(std::vector<std::int64_t>{0, 7}, {2})).item() == 1);
  const Tensor empty = zeros({2, 0});
  CHECK(all(empty).item() == 1);
  CHECK(any(empty).item() == 0);
  CHECK(all(empty, {1}).to_vector() == Numbers{1, 1});
  CHECK(count_nonzero(empty, {0}).shape() == Shape{0});
}

TEST_CASE("axes that do not exist or come twice") {
  const Tensor x = zeros({2, 3});
  for (Tensor (*f)(const Operand&, const Axes&, bool) : {sum, mean, prod, amax, amin, logsumexp, all, any}) {
    CHECK_THROWS_AS(f(x, {2}, false), ShapeError);
    CHECK_THROWS_AS(f(x, {-3}, false), ShapeError);
    CHECK_THROWS_AS(f(x, {1, -1}, false), ShapeError);
    CHECK_THROWS_AS(f(zeros({}), {0, 0}, false), ShapeError);
  }
  CHECK(message([&] { sum(x, {1, -1}); }) == "sum: axis 1 is given twice in (1, -1)");
  CHECK_THROWS_AS(max_along(x, 2), ShapeError);
  CHECK_THROWS_AS(var(x, {0, -2}), ShapeError);
  CHECK_THROWS_AS(softmax(x, 2), ShapeError);
  CHECK_THROWS_AS(argmax(x, 2), ShapeError);
}
