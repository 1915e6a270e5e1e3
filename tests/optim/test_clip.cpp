// Clipping against its formula, what is not finite, and norms that would overflow.
#include "optim/clip.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "engine/factory.h"
#include "engine/types/error.h"

using namespace chainrule;

namespace {

const double kInf = std::numeric_limits<double>::infinity(), kNan = std::numeric_limits<double>::quiet_NaN();

Tensor with_gradient(const std::vector<double>& g, DType dtype = DType::float64) {
  Tensor p = zeros({std::ssize(g)}, {.dtype = dtype, .requires_grad = true});
  p.set_grad(from_vector(g, {std::ssize(g)}, dtype));
  return p;
}

}  // namespace

TEST_CASE("the norm is that of all gradients as one vector, of any type") {
  const Tensor a = with_gradient({3, -4}), b = with_gradient({12}),
               none = zeros({2}, {.dtype = DType::float64, .requires_grad = true});
  const std::vector<NamedTensor> all{{"a", a}, {"none", none}, {"b", b}};
  CHECK(grad_norm(all) == doctest::Approx(13).epsilon(1e-15));
  CHECK(grad_norm(all, 1) == doctest::Approx(19).epsilon(1e-15));
  CHECK(grad_norm(all, 3) == doctest::Approx(std::cbrt(27 + 64 + 1728)).epsilon(1e-14));
  CHECK(grad_norm(all, kInf) == 12);
  CHECK(grad_norm({{"none", none}}) == 0);
  std::vector<double> many;
  double sum = 0;
  for (int i = 1; i <= 1003; ++i) {
    many.push_back(std::sin(i));
    sum += std::sin(i) * std::sin(i);
  }
  CHECK(grad_norm({{"m", with_gradient(many)}}) == doctest::Approx(std::sqrt(sum)).epsilon(1e-13));
  CHECK(grad_norm({{"m", with_gradient({3e200, 4e200})}}) == doctest::Approx(5e200).epsilon(1e-14));
  CHECK(grad_norm({{"m", with_gradient({3e-30, 4e-30}, DType::float32)}}) == doctest::Approx(5e-30).epsilon(1e-6));
}

TEST_CASE("gradients above the norm are scaled, others are not touched") {
  const Tensor a = with_gradient({3, -4}), b = with_gradient({12});
  CHECK(clip_grad_norm({{"a", a}, {"b", b}}, 13) == doctest::Approx(13));
  CHECK(clip_grad_norm({{"a", a}, {"b", b}}, 20) == doctest::Approx(13));
  CHECK(b.grad().item() == doctest::Approx(12));
  const double scale = 6.5 / (13 + 1e-6);
  CHECK(clip_grad_norm({{"a", a}, {"b", b}}, 6.5) == doctest::Approx(13));
  CHECK(a.grad().to_vector()[1] == doctest::Approx(-4 * scale).epsilon(1e-6));
  CHECK(b.grad().item() == doctest::Approx(12 * scale).epsilon(1e-6));
  CHECK(grad_norm({{"a", a}, {"b", b}}) == doctest::Approx(6.5).epsilon(1e-6));
}

TEST_CASE("elements are clipped one by one") {
  const Tensor a = with_gradient({3, -4, 0.5});
  CHECK(clip_grad_value({{"a", a}}, 5) == 4);
  CHECK(a.grad().to_vector() == std::vector<double>{3, -4, 0.5});
  CHECK(clip_grad_value({{"a", a}}, 1) == 4);
  CHECK(a.grad().to_vector() == std::vector<double>{1, -1, 0.5});
}

TEST_CASE("NaN and infinities are refused by name, and nothing is changed") {
  const Tensor a = with_gradient({3}), b = with_gradient({kInf, 1}), c = with_gradient({1, kNan});
  const std::vector<NamedTensor> all{{"a", a}, {"b", b}, {"c", c}};
  CHECK_THROWS_WITH_AS(clip_grad_norm(all, 1),
                       "clip_grad_norm: gradients hold NaN or infinities, which clipping does not mend: b, c",
                       NumericError);
  CHECK_THROWS_WITH_AS(clip_grad_value(all, 1),
                       "clip_grad_value: gradients hold NaN or infinities, which clipping does not mend: b, c",
                       NumericError);
  CHECK(std::isnan(clip_grad_norm(all, 1, {.error_if_nonfinite = false})));
  CHECK(clip_grad_value({{"b", b}}, 1, {.error_if_nonfinite = false}) == kInf);
  CHECK(a.grad().item() == 3);
  CHECK(b.grad().to_vector() == std::vector<double>{kInf, 1});
  CHECK(std::isnan(grad_norm(all)));
  CHECK(grad_norm({{"b", b}}) == kInf);
}

TEST_CASE("limits out of range are refused: a negative one would turn all gradients round") {
  for (const double bad : {-1.0, 0.0, kNan, kInf}) {
    CHECK_THROWS_AS(clip_grad_norm({}, bad), ValueError);
    CHECK_THROWS_AS(clip_grad_value({}, bad), ValueError);
  }
  CHECK_THROWS_WITH_AS(clip_grad_norm({}, -1), "clip_grad_norm: max_norm must be a finite number above 0, not -1",
                       ValueError);
  CHECK_THROWS_WITH_AS(clip_grad_norm({}, 1, {.norm_type = 0}), "clip_grad_norm: norm_type must be above 0, not 0",
                       ValueError);
}
