// Joining, cutting, rolling and repeating beyond the table: dtypes, memory, NumPy's and PyTorch's corner
// cases, sentences.
#include <limits>

#include "tests/ops/checks.h"
#include "tests/ops/layouts.h"

using namespace chainrule;
using namespace chainrule::cases;
using namespace chainrule::testing;

namespace {

constexpr auto kMax = std::numeric_limits<std::int64_t>::max(), kMin = std::numeric_limits<std::int64_t>::min();

}  // namespace

TEST_CASE("cat promotes and joins any number of tensors") {
  const Tensor z = cat({integers({1, 2}), tensor({0.5}), from_vector<double>({0.25}, {1})});
  CHECK(z.dtype() == DType::float64);
  CHECK(z.to_vector() == Numbers{1, 2, 0.5, 0.25});
  CHECK(cat({integers({1}), integers({2})}).dtype() == DType::int64);
  CHECK(cat({gt(tensor({1., -1}), 0), gt(tensor({2.}), 0)}).to_vector() == Numbers{1, 0, 1});
  std::vector<Tensor> many;
  for (int i = 0; i < 1000; ++i) many.push_back(tensor({1. * i}, {.requires_grad = i % 2 == 1}));
  const Tensor joined = cat(many);
  sum(joined * joined).backward();
  CHECK(many[501].grad().item() == 1002);
  CHECK_FALSE(many[500].has_grad());
  // The same tensor twice: both places add up.
  const Tensor x = tensor({3.0}, {.requires_grad = true});
  sum(cat({x, x}) * tensor({1., 10})).backward();
  CHECK(x.grad().item() == 11);
  CHECK(stack({integers({1, 2}), tensor({0.5, 1})}, -1).to_vector() == Numbers{1, 0.5, 2, 1});
}

TEST_CASE("channels-last images stay so when they are joined and padded") {
  const Tensor x = laid_out(random_values({.shape = {2, 3, 4, 5}}, 1), Layout::channels_last, DType::float32);
  CHECK(cat({x, x}, 1).strides()[1] == 1);
  CHECK(pad(x, {1, 1, 1, 1}).strides()[1] == 1);
}

TEST_CASE("split and chunk cut as PyTorch does") {
  const Tensor x = counting({7, 2});
  auto sizes = [](const std::vector<Tensor>& pieces, int axis) {
    std::vector<std::int64_t> list;
    for (const Tensor& t : pieces) list.push_back(t.size(axis));
    return list;
  };
  using Sizes = std::vector<std::int64_t>;
  CHECK(sizes(split(x, 3), 0) == Sizes{3, 3, 1});
  CHECK(sizes(split(x, 100), 0) == Sizes{7});
  CHECK(sizes(split(x, kMax), 0) == Sizes{7});
  CHECK(sizes(split(zeros({0, 2}), 3), 0) == Sizes{0});
  CHECK(sizes(split(zeros({0, 2}), 0), 0) == Sizes{0});
  CHECK(sizes(split(x, Sizes{0, 7}), 0) == Sizes{0, 7});
  CHECK(sizes(chunk(x, 3), 0) == Sizes{3, 3, 1});
  CHECK(sizes(chunk(x, 5), 0) == Sizes{2, 2, 2, 1});  // fewer than asked
  CHECK(sizes(chunk(x, 100), 0) == Sizes{1, 1, 1, 1, 1, 1, 1});
  CHECK(sizes(chunk(x, 3, -1), 1) == Sizes{1, 1});
  CHECK(sizes(chunk(zeros({0}), 3), 0) == Sizes{0, 0, 0});
  for (const Tensor& piece : split(x, 3)) CHECK(shares_memory(piece, x));
  CHECK_THROWS_AS(split(x, 0), ValueError);
  CHECK_THROWS_AS(split(x, -1), ValueError);
  CHECK_THROWS_WITH_AS(split(x, Sizes{3, 3}),
                       "split: sizes (3, 3) do not add up to axis 0 of shape (7, 2), which has 7", ShapeError);
  CHECK_THROWS_AS(split(x, Sizes{8, -1}), ShapeError);
  CHECK_THROWS_AS(split(x, Sizes{kMax, kMax, 9}), ShapeError);
  CHECK_THROWS_AS(split(x, 2, 2), ShapeError);
  CHECK_THROWS_AS(split(zeros({}), 1), ShapeError);
  CHECK_THROWS_AS(chunk(x, 0), ValueError);
}

TEST_CASE("roll and flip of every layout, of integers and of nothing") {
  const Array x = random_values({.shape = {3, 4, 2}}, 1);
  const Tensor plain = leaf(x, DType::float64);
  for (const Layout layout : {Layout::reversed_axes, Layout::stepped, Layout::backwards}) {
    const Tensor t = laid_out(x, layout, DType::float64);
    CHECK(difference(roll(t, {1, -1}, {0, 1}), to_array(roll(plain, {1, -1}, {0, 1})), 0) == "");
    CHECK(difference(flip(t, {0, 2}), to_array(flip(plain, {0, 2})), 0) == "");
  }
  CHECK(shares_memory(flip(plain, {1}), plain));
  CHECK(roll(integers({1, 2, 3}), {1}).values<std::int64_t>() == std::vector<std::int64_t>{3, 1, 2});
  CHECK(roll(integers({1, 2, 3}), {kMin}).values<std::int64_t>() == std::vector<std::int64_t>{3, 1, 2});  // -2^63 mod 3
  CHECK(roll(zeros({0, 2}), {5}, {0}).shape() == Shape{0, 2});
  CHECK(roll(tensor(3.0), {2}).item() == 3);
  CHECK(flip(tensor(3.0), {0}).item() == 3);
  CHECK_THROWS_WITH_AS(roll(plain, {1, 2}, {0}), doctest::Contains("roll: 2 shifts for 1 axes"), ValueError);
  CHECK_THROWS_AS(roll(plain, {1, 2}), ValueError);
  CHECK_THROWS_AS(roll(plain, {1}, {3}), ShapeError);
  CHECK_THROWS_AS(roll(plain, {}, {}), ValueError);
  CHECK_THROWS_WITH_AS(flip(plain, {0, -3}), "flip: axis 0 is named twice in (0, -3)", ShapeError);
  CHECK_THROWS_AS(flip(plain, {3}), ShapeError);
}

TEST_CASE("repeat and tile") {
  const Tensor x = integers({1, 2});
  CHECK(repeat(x, {2}).to_vector() == Numbers{1, 2, 1, 2});
  CHECK(repeat(x, {2, 1}).shape() == Shape{2, 2});
  CHECK(repeat(x, {0}).shape() == Shape{0});
  CHECK(repeat(x, {3, 0, 2}).shape() == Shape{3, 0, 4});
  CHECK(repeat(ones({1, 1, 1, 1, 1, 1, 1, 2}), {1, 1, 1, 1, 1, 1, 2, 2}).shape() == Shape{1, 1, 1, 1, 1, 1, 2, 4});
  CHECK(tile(counting({2, 2}), {2}).to_vector() == Numbers{0, 1, 0, 1, 2, 3, 2, 3});
  CHECK(tile(x, {2, 2}).shape() == Shape{2, 4});
  CHECK(tile(x, {}).to_vector() == Numbers{1, 2});
  CHECK_THROWS_WITH_AS(repeat(counting({2, 2}), {2}), "repeat: 1 numbers for the 2 axes of (2, 2); tile takes fewer",
                       ShapeError);
  CHECK_THROWS_AS(repeat(x, {-1}), ValueError);
  CHECK_THROWS_AS(repeat(x, {kMax}), ValueError);
  CHECK_THROWS_AS(repeat(x, {kMax / 4, 8}), ShapeError);
  CHECK_THROWS_AS(repeat(x, {1, 1, 1, 1, 1, 1, 1, 1, 1}), ShapeError);
}

TEST_CASE("joining says what does not fit") {
  CHECK_THROWS_WITH_AS(
      cat({zeros({2, 3}), zeros({2, 4})}, 0),
      "cat: tensor 2 has shape (2, 4), the first has (2, 3): axis 1 has sizes 4 and 3, and only axis 0 "
      "is joined",
      ShapeError);
  CHECK_THROWS_AS(cat({zeros({2, 3}), zeros({2})}, 0), ShapeError);
  CHECK_THROWS_AS(cat({zeros({2}), zeros({2})}, 1), ShapeError);
  CHECK_THROWS_AS(cat({zeros({}), zeros({})}), ShapeError);
  CHECK_THROWS_AS(cat(std::span<const Tensor>()), ValueError);
  CHECK_THROWS_AS(cat({zeros({2}), Tensor()}), ValueError);
  CHECK_THROWS_WITH_AS(stack({zeros({2, 3}), zeros({3, 2})}),
                       "stack: tensor 2 has shape (3, 2), the first has (2, 3); all must be alike", ShapeError);
  CHECK_THROWS_AS(stack(std::span<const Tensor>()), ValueError);
  CHECK_THROWS_AS(stack({zeros({2})}, 2), ShapeError);
  CHECK_THROWS_AS(stack({Tensor()}), ValueError);
  CHECK_THROWS_AS(stack({zeros({1, 1, 1, 1, 1, 1, 1, 1})}), ShapeError);
}
