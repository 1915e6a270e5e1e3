// Index operations: hand-computed values, scalars, broadcasting, dtypes, and errors that say where the index stands.
#include <doctest/doctest.h>

#include "ops/ops.h"
#include "tests/ops/checks.h"

using namespace chainrule;
using namespace chainrule::testing;

namespace {

Tensor places(const std::vector<std::int64_t>& v, const Shape& shape) { return from_vector(v, shape); }

}  // namespace

TEST_CASE("picking and adding by index") {
  const Tensor x = numbers({1, 2, 3, 4, 5, 6}, {2, 3}), y = numbers({10, 20, 30}, {1, 3});
  CHECK(gather(x, 1, places({2, 0}, {2, 1})).to_vector() == Numbers{3, 4});
  const Tensor z = scatter_add(x, 0, places({1, 1, 0}, {1, 3}), y);
  CHECK(z.to_vector() == Numbers{1, 2, 33, 14, 25, 6});
  CHECK(slopes(z, x, {1, 2, 3, 4, 5, 6}) == Numbers{1, 2, 3, 4, 5, 6});
  CHECK(slopes(z, y, {1, 2, 3, 4, 5, 6}) == Numbers{4, 5, 3});
  // Only the part of src that the index covers; repeated places add up.
  const Tensor part = scatter_add(x, 1, places({0, 0}, {1, 2}), numbers({10, 20, 30, 40, 50, 60}, {2, 3}));
  CHECK(part.to_vector() == Numbers{31, 2, 3, 4, 5, 6});
  const Tensor i = scatter_add(places({1, 2}, {2}), 0, places({1, 1}, {2}), places({10, 20}, {2}));
  CHECK(i.dtype() == DType::int64);
  CHECK(i.to_vector() == Numbers{1, 32});
}

TEST_CASE("scalars have one element along their one axis") {
  const Tensor x = numbers({3}, {}), zero = places({0}, {});
  CHECK(gather(x, 0, zero).item() == 3);
  CHECK(index_select(x, 0, places({0}, {1})).shape() == Shape{});
  CHECK(index_select(numbers({3, 4}, {2}), 0, places({1}, {})).shape() == Shape{1});
  CHECK(scatter_add(x, 0, zero, numbers({4}, {})).item() == 7);
  CHECK(slopes(scatter_add(x, 0, zero, x * x), x)[0] == 7);
  CHECK(take_along_dim(x, zero, 0).item() == 3);
}

TEST_CASE("take_along_dim broadcasts") {
  const Tensor x = numbers({3, 1, 2, 6, 5, 4}, {2, 3});
  CHECK(take_along_dim(x, argsort(x, 1), 1).to_vector() == sort(x, 1).to_vector());
  CHECK(take_along_dim(x, places({5, 0}, {2})).to_vector() == Numbers{4, 3});
  CHECK(take_along_dim(x, places({1}, {1, 1}), 1).to_vector() == Numbers{1, 5});
  CHECK(message([&] { take_along_dim(x, places({6}, {1})); }) ==
        "take_along_dim: index 0 is 6, outside axis 0 of size 6");
  CHECK_THROWS_AS(take_along_dim(x, places({0}, {1}), 1), ShapeError);
  CHECK_THROWS_AS(take_along_dim(x, places({0, 0, 0}, {3, 1}), 1), ShapeError);
}

TEST_CASE("masked_fill") {
  const Tensor x = numbers({1, 2, 3, 4}, {2, 2}), v = numbers({9}, {});
  const Tensor z = masked_fill(x, gt(x, 2), v);
  CHECK(z.to_vector() == Numbers{1, 2, 9, 9});
  CHECK(slopes(z, x) == Numbers{1, 1, 0, 0});
  CHECK(slopes(z, v)[0] == 2);
  CHECK(masked_fill(x, gt(numbers({0, 1}, {2}), 0), -1).to_vector() == Numbers{1, -1, 3, -1});
  CHECK(masked_fill(places({1, 2}, {2}), gt(places({0, 1}, {2}), 0), 1.5).dtype() == DType::int64);
  CHECK(message([&] { masked_fill(x, places({1}, {1}), 0); }) ==
        "masked_fill: the mask holds int64, it must hold bool; compare first, as in x > 0");
  CHECK(message([&] {
          masked_fill(numbers({1, 2}, {2}), gt(x, 2), 0);
        }) == "masked_fill: the mask (2, 2) is larger than x (2,)");
  CHECK(message([&] { masked_fill(x, gt(x, 2), numbers({1}, {1})); }).starts_with("masked_fill: the value has shape"));
}

TEST_CASE("one_hot") {
  const Tensor z = one_hot(places({0, 2, 1}, {3}));
  CHECK(z.shape() == Shape{3, 3});
  CHECK(z.dtype() == DType::int64);
  CHECK(z.to_vector() == Numbers{1, 0, 0, 0, 0, 1, 0, 1, 0});
  CHECK(one_hot(places({1}, {}), 4).to_vector() == Numbers{0, 1, 0, 0});
  CHECK(one_hot(places({}, {0, 2}), 5).shape() == Shape{0, 2, 5});
  CHECK(message([&] {
          one_hot(places({0, 3, 1, 0}, {2, 2}), 3);
        }) == "one_hot: the class at (0, 1) is 3, with 3 classes it must be from 0 to 2");
  CHECK(message([&] { one_hot(places({-1}, {1})); }).starts_with("one_hot: the class at 0 is -1"));
  CHECK_THROWS_AS(one_hot(places({}, {0})), ValueError);
  CHECK_THROWS_AS(one_hot(places({0}, {1}), 0), ValueError);
  CHECK_THROWS_AS(one_hot(numbers({0}, {1})), ValueError);
}

TEST_CASE("indices that do not fit") {
  const Tensor x = numbers({1, 2, 3, 4, 5, 6}, {2, 3});
  CHECK(message([&] {
          gather(x, 1, places({0, 3}, {2, 1}));
        }) == "gather: index (1, 0) is 3, outside axis 1 of size 3");
  CHECK(message([&] {
          index_select(x, 0, places({0, -1}, {2}));
        }) == "index_select: index 1 is -1, outside axis 0 of size 2");
  CHECK(message([&] {
          scatter_add(x, 0, places({5}, {1, 1}), x);
        }) == "scatter_add: index (0, 0) is 5, outside axis 0 of size 2");
  CHECK(message([&] {
          scatter_add(x, 0, places({0, 0}, {2, 1}), numbers({1}, {1, 1}));
        }) == "scatter_add: index (2, 1) is larger than src (1, 1) along axis 0: 2 and 1");
  CHECK_THROWS_AS(gather(x, 0, places({0, 0, 0}, {3})), ShapeError);
  CHECK_THROWS_AS(gather(x, 2, places({0}, {1, 1})), ShapeError);
  CHECK_THROWS_AS(scatter_add(x, 0, places({0}, {1, 1}), places({1}, {1, 1})), ValueError);
  CHECK_THROWS_AS(gather(x, 0, numbers({0}, {1, 1})), ValueError);
}

TEST_CASE("index operations on integers, bools and repeated indices") {
  CHECK(index_select(integers({10, 20, 30}), 0, integers({2, 0})).values<std::int64_t>() ==
        std::vector<std::int64_t>{30, 10});
  CHECK(index_select(gt(tensor({1., -1}), 0), 0, integers({1, 0, 0})).to_vector() == std::vector<double>{0, 1, 1});
  const Tensor x = ones({3, 2}, {.requires_grad = true});
  sum(index_select(x, 0, integers({1, 1, 1}))).backward();
  CHECK(x.grad().to_vector() == std::vector<double>{0, 0, 3, 3, 0, 0});
}

TEST_CASE("indices are checked before anything is read") {
  const Tensor x = zeros({3, 4});
  CHECK_THROWS_WITH_AS(index_select(x, 0, integers({0, 1, -1})),
                       "index_select: index 2 is -1, outside axis 0 of size 3", ValueError);
  CHECK_THROWS_WITH_AS(index_select(x, -1, integers({4})), "index_select: index 0 is 4, outside axis 1 of size 4",
                       ValueError);
  CHECK_THROWS_WITH_AS(index_select(x, 0, tensor({1.0})), doctest::Contains("the index holds float32"), ValueError);
  CHECK_THROWS_AS(index_select(x, 0, from_vector<std::int64_t>({0}, {1, 1})), ShapeError);
  CHECK_THROWS_AS(index_select(x, 2, integers({0})), ShapeError);
  CHECK_THROWS_AS(index_select(x, 0, Tensor()), ValueError);
  CHECK_THROWS_WITH_AS(gather(x, 1, from_vector<std::int64_t>({0, 1, 2, 9}, {2, 2})),
                       "gather: index (1, 1) is 9, outside axis 1 of size 4", ValueError);
  CHECK_THROWS_WITH_AS(gather(x, 1, from_vector<std::int64_t>({0, 0, 0, 0}, {4, 1})),
                       doctest::Contains("index (4, 1) is larger than x (3, 4) along axis 0: 4 and 3"), ShapeError);
  CHECK_THROWS_AS(gather(x, 0, integers({0})), ShapeError);
}
