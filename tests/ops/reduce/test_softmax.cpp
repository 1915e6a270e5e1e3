// The softmax family: hand-computed values, cumulants, infinities, and stability at the largest logits (N4).
#include <doctest/doctest.h>

#include <cmath>

#include "engine/factory.h"
#include "engine/types/error.h"
#include "ops/ops.h"
#include "tests/ops/checks.h"

using namespace chainrule;
using namespace chainrule::testing;

namespace {

void check_finite(const Tensor& t) {
  for (const double v : t.to_vector()) CHECK(std::isfinite(v));
}

}  // namespace

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
