// Reductions, running sums and the softmax family: hand-computed values, axes, ties, NaN, dtypes, errors, and stability
// at the largest logits (N4). Every subset of axes against naive folds is in the generated tests.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

#include "engine/factory.h"
#include "engine/types/error.h"
#include "ops/ops.h"
#include "tests/ops/checks.h"
#include "tests/ops/values.h"

using namespace chainrule;
using chainrule::testing::kInf;
using chainrule::testing::kNan;
using chainrule::testing::numbers;
using namespace chainrule::testing;

namespace {

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
  CHECK(argmin(x, 1).to_vector() == Numbers{0, 1});
  CHECK(argmax(x).item() == 3);
  CHECK(argmin(x).item() == 0);
  CHECK(argmax(transpose(x)).item() == 1);  // in row-major order, whatever the order in memory
  CHECK(argmax(x, {}, true).shape() == Shape{1, 1});
  CHECK(argmax(nan, 1).to_vector() == Numbers{1, 1});
  CHECK(argmin(nan, 1).to_vector() == Numbers{1, 0});
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
  CHECK(max(gt(i, 1), 0).dtype() == DType::boolean);
  CHECK(message([&] { argmax(gt(i, 1)); }) == "argmax: not defined for bool");
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

TEST_CASE("max and min as torch has them") {
  const Tensor x = numbers({1, 5, 5, 7, 2, 7}, {2, 3});
  CHECK(max(x).item() == 7);
  CHECK(min(x).item() == 1);
  CHECK(slopes(max(x), x, {2}) == Numbers{0, 0, 0, 1, 0, 1});  // over everything equals share
  CHECK(max(x, 1).to_vector() == Numbers{5, 7});
  CHECK(max(x, 1, true).shape() == Shape{2, 1});
  CHECK(slopes(max(x, 1), x, {4, 3}) == Numbers{0, 4, 0, 3, 0, 0});  // along an axis the first takes all
  CHECK(slopes(min(x, -2, true), x, {4, 3, 2}) == Numbers{4, 0, 2, 0, 3, 0});
  CHECK(max(x, 4.0).to_vector() == Numbers{4, 5, 5, 7, 4, 7});
  CHECK(min(x, numbers({2}, {1})).to_vector() == Numbers{1, 2, 2, 2, 2, 2});
  const Tensor nan = numbers({1, kNan, 3, 4}, {2, 2});
  CHECK(std::isnan(max(nan, 1).to_vector()[0]));
  CHECK(std::isnan(min(nan, 1).to_vector()[0]));
  CHECK(min(nan, 1).to_vector()[1] == 3);
  CHECK(max(numbers({3}, {}), 0).item() == 3);
  const Tensor empty = zeros({2, 0});
  CHECK(message([&] { max(empty, 1); }) == "max: axis 1 of shape (2, 0) is empty, so it has no largest value");
  CHECK(message([&] { min(empty); }).starts_with("amin: axis 1 of shape (2, 0) is empty"));
  CHECK(max(empty, 0).shape() == Shape{0});
  CHECK(message([&] { argmax(empty); }).starts_with("argmax: axis 1"));
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

TEST_CASE("running sums and products") {
  const Tensor x = numbers({1, 2, 3, 4}, {4});
  CHECK(cumsum(x, 0).to_vector() == Numbers{1, 3, 6, 10});
  CHECK(slopes(cumsum(x, -1), x, {1, 10, 100, 1000}) == Numbers{1111, 1110, 1100, 1000});
  const Tensor y = numbers({2, 0, 3, 0, 5}, {5});
  CHECK(cumprod(y, 0).to_vector() == Numbers{2, 0, 0, 0, 0});
  CHECK(slopes(cumprod(y, 0), y) == Numbers{1, 2 + 6, 0, 0, 0});
  CHECK(cumsum(numbers({3}, {}), 0).item() == 3);
  CHECK(cumprod(numbers({3}, {}), 0).item() == 3);
  CHECK(cumsum(zeros({2, 0}), 1).shape() == Shape{2, 0});
  CHECK_THROWS_AS(cumsum(x, 1), ShapeError);
  CHECK(message([&] { cumprod(x, 1); }).starts_with("cumprod: "));
  // What each addition rounds off is not lost: 1 + n * 2^-60 in float64, a long sum in float32.
  Numbers small(1001, 0x1p-60);
  small[0] = 1;
  CHECK(cumsum(numbers(small, {1001}), 0).to_vector().back() == 1 + 0x1p-50);
  const Tensor many = full({1 << 20}, 0.1, {.dtype = DType::float32});
  CHECK(cumsum(many, 0).to_vector().back() == doctest::Approx(static_cast<double>(0.1f) * (1 << 20)).epsilon(1e-7));
  const Numbers infinite = cumsum(numbers({1, kInf, 2}, {3}), 0).to_vector();
  CHECK((infinite[1] == kInf && infinite[2] == kInf));
}

TEST_CASE("variance and deviation") {
  const Tensor x = numbers({1, 2, 3, 6}, {4});
  CHECK(var(x).item() == doctest::Approx(14.0 / 3));
  CHECK(var(x, {}, 0).item() == 3.5);
  CHECK(chainrule::std(x, {0}, 0, true).shape() == Shape{1});
  CHECK(chainrule::std(x).item() == doctest::Approx(std::sqrt(14.0 / 3)));
  check_close(slopes(var(x, {}, 0), x), {-1, -0.5, 0, 1.5});
  // Far from 0 nothing cancels.
  CHECK(var(numbers({1e9 + 1, 1e9 + 2, 1e9 + 3}, {3})).item() == 1);
  const Tensor equal = numbers({2, 2, 2}, {3}), one = numbers({5}, {1});
  CHECK(chainrule::std(equal).item() == 0);
  CHECK(slopes(chainrule::std(equal), equal) == Numbers{0, 0, 0});
  const Tensor d = grad(chainrule::std(equal), equal, {.create_graph = true});
  CHECK(slopes(sum(d * numbers({1, 2, 4}, {3})), equal) == Numbers{0, 0, 0});
  for (const Tensor& z : {var(one), chainrule::std(one)}) {
    CHECK(std::isnan(z.item()));
    CHECK(std::isnan(slopes(z, one)[0]));
  }
  CHECK(var(one, {}, 0).item() == 0);
  CHECK(std::isnan(var(zeros({0})).item()));
  CHECK(std::isnan(chainrule::std(zeros({2, 0}), {1}).to_vector()[1]));
  CHECK(var(x, {}, 4).item() == kInf);
}

TEST_CASE("norms") {
  const Tensor x = numbers({3, -4, 0}, {3}), zero = numbers({0, 0}, {2});
  CHECK(norm(x).item() == 5);
  CHECK(norm(x, 1).item() == 7);
  CHECK(norm(x, 0).item() == 2);
  CHECK(norm(x, kInf).item() == 4);
  CHECK(norm(x, -kInf).item() == 0);
  CHECK(norm(x, 3).item() == doctest::Approx(std::cbrt(91.0)));
  check_close(slopes(norm(x), x), {0.6, -0.8, 0});
  check_close(slopes(norm(x, 3), x), {9 / std::pow(91.0, 2.0 / 3), -16 / std::pow(91.0, 2.0 / 3), 0});
  CHECK(slopes(norm(x, 0.5), x)[2] == 0);
  CHECK(slopes(norm(x, 1), x) == Numbers{1, -1, 0});
  CHECK(slopes(norm(x, kInf), x) == Numbers{0, -1, 0});
  CHECK(slopes(norm(x, 0), x) == Numbers{0, 0, 0});
  for (const double p : {0.0, 0.5, 1.0, 1.5, 2.0, 3.0, kInf, -kInf}) {
    CAPTURE(p);
    CHECK(norm(zero, p).item() == 0);
    CHECK(slopes(norm(zero, p), zero) == Numbers{0, 0});
  }
  const Tensor d = grad(norm(zero), zero, {.create_graph = true});
  CHECK(slopes(sum(d * numbers({1, 2}, {2})), zero) == Numbers{0, 0});
  // Squares that overflow or vanish.
  const Tensor large = numbers({3e300, 4e300, 0, 0}, {2, 2}), small = numbers({3e-300, 4e-300}, {2});
  CHECK(norm(large).item() == doctest::Approx(5e300));
  CHECK(norm(small).item() == doctest::Approx(5e-300));
  check_close(slopes(norm(large, 2, {1}), large), {0.6, 0.8, 0, 0});
  CHECK(norm(numbers({1, kInf}, {2})).item() == kInf);
  CHECK(std::isnan(norm(numbers({1, kNan}, {2})).item()));
  for (const double p : {0.0, 1.0, 2.0, 3.0, kInf}) CHECK(norm(zeros({2, 0}), p, {1}).to_vector() == Numbers{0, 0});
  CHECK(message([&] { norm(x, kNan); }).starts_with("norm: p is NaN"));
  CHECK(norm(numbers({3, 4, 6, 8}, {2, 2}), 2, {1}, true).shape() == Shape{2, 1});
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
  CHECK_THROWS_AS(max(x, 2), ShapeError);
  CHECK_THROWS_AS(var(x, {0, -2}), ShapeError);
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
