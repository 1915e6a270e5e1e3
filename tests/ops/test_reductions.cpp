// Reductions and the softmax family: hand-computed values, axes, ties, NaN, dtypes, errors, and stability at the
// largest logits (N4). Every subset of axes against naive folds is in the generated tests.
#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <string>

#include "engine/error.h"
#include "engine/factory.h"
#include "ops/ops.h"
#include "tests/ops/checks.h"

using namespace chainrule;
using namespace chainrule::testing;

namespace {

constexpr double kInf = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

Tensor numbers(const Numbers& v, const Shape& shape, DType dtype = DType::float64) {
  return from_vector(v, shape, {.dtype = dtype, .requires_grad = true});
}
void check_finite(const Tensor& t) {
  for (const double v : t.to_vector()) CHECK(std::isfinite(v));
}

}  // namespace

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

TEST_CASE("the largest value, its ties and its NaN") {
  const Tensor x = numbers({1, 5, 5, 7, 2, 3}, {2, 3});
  CHECK(amax(x, {1}).to_vector() == Numbers{5, 7});
  CHECK(slopes(amax(x, {1}), x, {4, 3}) == Numbers{0, 2, 2, 3, 0, 0});
  CHECK(slopes(amax(x), x, {2}) == Numbers{0, 0, 0, 2, 0, 0});
  const Tensor equal = numbers({2, 2, 2, 2}, {4});
  CHECK(slopes(amax(equal), equal, {1}) == Numbers{0.25, 0.25, 0.25, 0.25});
  const Tensor infinite = numbers({kInf, 1, -kInf, -kInf}, {2, 2});
  CHECK(amax(infinite, {1}).to_vector() == Numbers{kInf, -kInf});
  CHECK(slopes(amax(infinite, {1}), infinite, {1, 1}) == Numbers{1, 0, 0.5, 0.5});
  const Tensor nan = numbers({1, kNan, 3, 4}, {2, 2});
  const Numbers d = slopes(amax(nan, {1}), nan, {1, 1});
  CHECK((std::isnan(d[0]) && std::isnan(d[1])));
  CHECK((d[2] == 0 && d[3] == 1));
  CHECK(argmax(x, 1).to_vector() == Numbers{1, 0});
  CHECK(argmax(x, 0, true).shape() == Shape{1, 3});
  CHECK(argmax(x).dtype() == DType::int64);
  CHECK_FALSE(argmax(x).requires_grad());
}

TEST_CASE("integers and bools") {
  const Tensor i = from_vector(std::vector<std::int64_t>{1, 2, 3}, {3});
  CHECK(sum(i).dtype() == DType::int64);
  CHECK(sum(i).item() == 6);
  CHECK(sum(gt(i, 1)).dtype() == DType::int64);
  CHECK(sum(gt(i, 1)).item() == 2);
  CHECK(amax(i).dtype() == DType::int64);
  CHECK(message([&] { mean(i); }).starts_with("mean: int64"));
  CHECK_THROWS_AS(amax(gt(i, 1)), ValueError);
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

TEST_CASE("axes that do not exist or come twice") {
  const Tensor x = zeros({2, 3});
  for (Tensor (*f)(const Operand&, const Axes&, bool) : {sum, mean, amax, logsumexp}) {
    CHECK_THROWS_AS(f(x, {2}, false), ShapeError);
    CHECK_THROWS_AS(f(x, {-3}, false), ShapeError);
    CHECK_THROWS_AS(f(x, {1, -1}, false), ShapeError);
    CHECK_THROWS_AS(f(zeros({}), {0, 0}, false), ShapeError);
  }
  CHECK(message([&] { sum(x, {1, -1}); }).starts_with("sum: axis 1 is given twice"));
  CHECK_THROWS_AS(softmax(x, 2), ShapeError);
  CHECK_THROWS_AS(argmax(x, 2), ShapeError);
}

TEST_CASE("softmax by hand") {
  const double e = std::exp(1.0), n = 1 + e + e * e;
  const Tensor x = numbers({0, 1, 2}, {3});
  check_close(softmax(x).to_vector(), {1 / n, e / n, e * e / n});
  check_close(log_softmax(x).to_vector(), {-std::log(n), 1 - std::log(n), 2 - std::log(n)});
  CHECK(logsumexp(x).item() == doctest::Approx(std::log(n)));
  check_close(slopes(logsumexp(x), x, {1}), {1 / n, e / n, e * e / n});
  const Numbers z{1 / n, e / n, e * e / n};
  check_close(slopes(softmax(x), x, {1, 0, 0}), {z[0] * (1 - z[0]), -z[0] * z[1], -z[0] * z[2]});
  check_close(slopes(log_softmax(x), x, {1, 0, 0}), {1 - z[0], -z[1], -z[2]});
  // Over several axes at once, and all of them.
  const Tensor m = numbers({0, 1, 2, 3, 4, 5, 6, 7}, {2, 2, 2});
  Numbers wanted(2, 0);
  for (int i = 0; i < 8; ++i) wanted[static_cast<std::size_t>(i / 2 % 2)] += std::exp(i);
  check_close(logsumexp(m, {0, 2}).to_vector(), {std::log(wanted[0]), std::log(wanted[1])});
  CHECK(logsumexp(m, {0, 2}, true).shape() == Shape{1, 2, 1});
  CHECK(logsumexp(m).item() == doctest::Approx(std::log(wanted[0] + wanted[1])));
}

TEST_CASE("second and third derivatives of logsumexp are the cumulants") {
  // For logits (x, 0) with p = 1 / (1 + exp(-x)): p, p (1 - p), p (1 - p) (1 - 2 p).
  for (const double at : {-2.0, 0.3, 5.0}) {
    const Tensor x = numbers({at}, {1});
    const Tensor logits = cat({x, zeros({1}, {.dtype = DType::float64})});
    Tensor z = logsumexp(logits);
    const double p = 1 / (1 + std::exp(-at));
    for (const double wanted : {p, p * (1 - p), p * (1 - p) * (1 - 2 * p)}) {
      z = grad(sum(z), x, {.create_graph = true});
      CHECK(z.item() == doctest::Approx(wanted).epsilon(1e-11));
    }
  }
}

TEST_CASE("the largest logits stay finite, with derivatives of order one and two (N4)") {
  struct Scale {
    DType dtype;
    double large;
  };
  for (const auto [dtype, large] : {Scale{DType::float32, 1e4}, Scale{DType::float64, 1e300}}) {
    const double ulp = dtype == DType::float32 ? 0x1p-23 : 0x1p-52;
    const std::vector<Numbers> rows = {{large, -large, 0}, {large, large, large}, {-large, -large, -large},
                                       {0, 0, large},      {0, 0, -large},        {large, large - large / 1e3, 1},
                                       {0, 0, 0},          {-large, 1, 2}};
    for (const Numbers& row : rows) {
      for (const bool columns : {false, true}) {  // the reduced axis dense in memory or not
        Numbers values;
        for (const double v : row) values.insert(values.end(), columns ? 2 : 1, v);
        const Tensor x = numbers(values, columns ? Shape{3, 2} : Shape{1, 3}, dtype);
        const std::int64_t dim = columns ? 0 : 1;
        for (const double p : sum(softmax(x, dim), {dim}).to_vector()) CHECK(std::abs(p - 1) <= 4 * 3 * ulp);
        for (const Tensor& z : {softmax(x, dim), log_softmax(x, dim), logsumexp(x, {dim})}) {
          check_finite(z);
          const Tensor weights =
              from_vector(Numbers(static_cast<std::size_t>(z.numel()), 0.7), z.shape(), {.dtype = dtype});
          const Tensor dx = grad(std::vector{z}, std::vector{x}, {.create_graph = true, .cotangents = {weights}})[0];
          check_finite(dx);
          check_finite(grad(sum(dx * dx), x, {.retain_graph = true}));
        }
      }
    }
  }
}

TEST_CASE("infinite logits") {
  const Tensor masked = numbers({1, -kInf, 1}, {3});
  CHECK(softmax(masked).to_vector() == Numbers{0.5, 0, 0.5});
  CHECK(slopes(softmax(masked), masked, {1, 1, 0}) == Numbers{0.25, 0, -0.25});
  CHECK(log_softmax(masked).to_vector()[1] == -kInf);
  CHECK(slopes(log_softmax(masked), masked, {1, 0, 0}) == Numbers{0.5, 0, -0.5});
  const Tensor nothing = numbers({-kInf, -kInf}, {2}), one = numbers({kInf, 0}, {2});
  CHECK(logsumexp(nothing).item() == -kInf);
  CHECK(logsumexp(one).item() == kInf);
  for (const Tensor& x : {nothing, one})
    for (const double v : softmax(x).to_vector()) CHECK((std::isnan(v) || v == 0));
}
