// Calls as people write them, each meaning what it says. What must not compile is in tests/refused/.
#include <doctest/doctest.h>

#include "engine/factory.h"
#include "engine/types/error.h"
#include "ops/ops.h"
#include "tests/ops/checks.h"

using namespace chainrule;
using namespace chainrule::testing;

TEST_CASE("one axis is a number") {
  const Tensor x = numbers({1, 5, 5, 7, 2, 7}, {2, 3});
  CHECK(sum(x, 1).to_vector() == Numbers{11, 16});
  CHECK(sum(x, Axes(1)).to_vector() == Numbers{11, 16});
  CHECK(sum(x, {0, 1}).item() == 27);
  CHECK(sum(x, {}).item() == 27);
  CHECK(prod(x, 0).to_vector() == Numbers{7, 10, 35});
  CHECK(mean(x, -1, true).shape() == Shape{2, 1});
  CHECK(mean(x, -1, true).to_vector()[1] == doctest::Approx(16. / 3));
  CHECK(var(x, 0).to_vector() == Numbers{18, 4.5, 2});
  CHECK(var(x, 0, 0, true).to_vector() == Numbers{9, 2.25, 1});
  CHECK(chainrule::std(x, 0).to_vector()[2] == doctest::Approx(1.4142135623730951));
  CHECK(norm(x, 1, 1).to_vector() == Numbers{11, 16});
  CHECK(norm(x, 2, 0).to_vector()[0] == doctest::Approx(7.0710678118654755));
  CHECK(amax(x, 1).to_vector() == Numbers{5, 7});
  CHECK(logsumexp(x * 0, 1).to_vector()[0] == doctest::Approx(1.0986122886681098));
  CHECK(count_nonzero(x, 1).to_vector() == Numbers{3, 3});
  CHECK(flip(x, 0).to_vector() == Numbers{7, 2, 7, 1, 5, 5});
  CHECK(squeeze(unsqueeze(x, 0), 0).shape() == Shape{2, 3});
  CHECK(squeeze(unsqueeze(x, 0), 1).shape() == Shape{1, 2, 3});
  CHECK(roll(x, 1, 1).to_vector() == Numbers{5, 1, 5, 7, 7, 2});
  CHECK(repeat(sum(x, 1), 2).to_vector() == Numbers{11, 16, 11, 16});
  CHECK(tile(x, 2).shape() == Shape{2, 6});
  CHECK_THROWS_AS(sum(x, 2), ShapeError);
}

TEST_CASE("empty braces are the defaults") {
  const Tensor x = numbers({1, 3, 2, 4}, {2, 2}), y = from_vector(std::vector<std::int64_t>{1, 0}, {2});
  CHECK(cross_entropy(x, y, {}).item() == cross_entropy(x, y).item());
  CHECK(nll_loss(x, y, {}).item() == nll_loss(x, y).item());
  CHECK(mse_loss(x, flip(x, 0), {}).item() == 1);
  CHECK(l1_loss(x, flip(x, 0), {}).item() == 1);
  CHECK(huber_loss(x, x, {}, 2).dim() == 0);
}

TEST_CASE("a bound is a number, a tensor or none") {
  const Tensor x = numbers({-2, 0.5, 3}), y = numbers({0, 1, 2});
  CHECK(clamp(x, 0).to_vector() == Numbers{0, 0.5, 3});
  CHECK(clamp(x, 0, {}).to_vector() == Numbers{0, 0.5, 3});
  CHECK(clamp(x, {}, 1).to_vector() == Numbers{-2, 0.5, 1});
  CHECK(clamp(x, y, {}).to_vector() == Numbers{0, 1, 3});
  CHECK(clamp(x, 0, y).to_vector() == Numbers{0, 0.5, 2});
  CHECK(clamp(x, Tensor(), y).to_vector() == Numbers{-2, 0.5, 2});
  CHECK(message([&] { clamp(x, {}, {}); }) == "clamp: neither min nor max is given");
  CHECK(clamp(x, 1, 0).to_vector() == Numbers{0, 0, 0});  // as in PyTorch
}

TEST_CASE("compound assignment moves a handle, and never loses a trainable leaf") {
  Tensor w = tensor({1., 2}, {.requires_grad = true}).label("w"), z = w * 1;
  const Tensor before = z;
  z += 1;
  z -= w;
  z *= 3;
  z /= 2;
  CHECK(z.to_vector() == Numbers{1.5, 1.5});
  CHECK(before.to_vector() == Numbers{1, 2});
  CHECK(message([&] { w -= 0.1; }).starts_with("w -= y: w is a trainable leaf"));
  const NoGrad in_place;
  CHECK_THROWS_AS(w += w, GraphError);
  CHECK_THROWS_AS(w *= 2, GraphError);
  CHECK_THROWS_AS(w /= 2, GraphError);
  w.copy_(w - 1);
  CHECK(w.to_vector() == Numbers{0, 1});
}

TEST_CASE("shapes of equal sizes") {
  CHECK(Shape::filled(3, 2) == Shape{2, 2, 2});
  CHECK(Strides::filled(2, 0) == Strides{0, 0});
  CHECK(Axes::filled(2, 5) == Axes{5, 5});
  CHECK_THROWS_AS(Shape::filled(9, 1), ShapeError);
}
