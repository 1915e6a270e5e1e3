// Padding beyond the table: every mode by hand, cutting off, sentences.
#include <doctest/doctest.h>

#include <limits>

#include "engine/factory.h"
#include "engine/types/error.h"
#include "ops/ops.h"
#include "tests/ops/checks.h"

using namespace chainrule;
using namespace chainrule::testing;

namespace {

constexpr auto kLargest = std::numeric_limits<std::int64_t>::max(),
               kSmallest = std::numeric_limits<std::int64_t>::min();

}  // namespace

TEST_CASE("padding, by hand") {
  const Tensor x = counting({2, 3});
  CHECK(pad(x, {1, 0}).to_vector() == Numbers{0, 0, 1, 2, 0, 3, 4, 5});
  CHECK(pad(x, {0, 0, 1, 0}, PadMode::constant, 7).to_vector() == Numbers{7, 7, 7, 0, 1, 2, 3, 4, 5});
  CHECK(pad(x, {1, 1}, PadMode::reflect).to_vector() == Numbers{1, 0, 1, 2, 1, 4, 3, 4, 5, 4});
  CHECK(pad(x, {0, 2, 1, 0}, PadMode::replicate).to_vector() == Numbers{0, 1, 2, 2, 2, 0, 1, 2, 2, 2, 3, 4, 5, 5, 5});
  CHECK(pad(x, {1, 0, 0, 1}, PadMode::circular).to_vector() == Numbers{2, 0, 1, 2, 5, 3, 4, 5, 2, 0, 1, 2});
  CHECK(pad(x, {-1, 0}, PadMode::reflect).to_vector() == Numbers{1, 2, 4, 5});
  CHECK(pad(integers({1}), {1, 1}, PadMode::constant, 9).values<std::int64_t>() == std::vector<std::int64_t>{9, 1, 9});
  CHECK(pad(gt(tensor({1.0}), 0), {0, 1}).to_vector() == Numbers{1, 0});
  CHECK(pad(tensor({1.0, 2, 3}), {-4, 4}).to_vector() == Numbers{0, 0, 0});  // all of it cut off
  CHECK(pad(tensor({1.0, 2, 3}), {-1, -2}).shape() == Shape{0});
  CHECK(pad(zeros({0, 2}), {0, 0, 1, 0}, PadMode::constant, 5).to_vector() == Numbers{5, 5});
  CHECK_THROWS_WITH_AS(pad(x, {3, 0}, PadMode::reflect),
                       "pad: axis 1 of (2, 3) padded by 3 and 0: this mode reaches 2 elements at most", ShapeError);
  CHECK_THROWS_AS(pad(x, {4, 0}, PadMode::circular), ShapeError);
  CHECK_THROWS_AS(pad(zeros({0}), {1, 0}, PadMode::replicate), ShapeError);
  CHECK_THROWS_AS(pad(x, {-2, -2}), ShapeError);
  CHECK_THROWS_AS(pad(x, {1}), ShapeError);
  CHECK_THROWS_AS(pad(x, {1, 1, 1, 1, 1, 1}), ShapeError);
  CHECK_THROWS_AS(pad(x, {kLargest, kLargest}), ShapeError);
  CHECK_THROWS_AS(pad(x, {kSmallest, 0}), ShapeError);
  CHECK_THROWS_AS(pad(x, {kLargest / 8, 0, kLargest / 8, 0}), ShapeError);
}

TEST_CASE("circular padding with a cut on one side goes round what is left") {
  const Tensor x = numbers({0.5, 0.1, 0.9, 0.7});
  CHECK(pad(x, {-1, 1}, PadMode::circular).to_vector() == Numbers{0.1, 0.9, 0.7, 0.1});
  CHECK(pad(x, {2, -1}, PadMode::circular).to_vector() == Numbers{0.1, 0.9, 0.5, 0.1, 0.9});
  CHECK(slopes(pad(x, {-1, 1}, PadMode::circular), x) == Numbers{0, 2, 1, 1});
  CHECK(pad(numbers({0.5, 0.1, 0.9, 0.7}, {2, 2}), {-1, 1}, PadMode::circular).to_vector() ==
        Numbers{0.1, 0.1, 0.7, 0.7});
  CHECK_THROWS_AS(pad(x, {-3, 2}, PadMode::circular), ShapeError);
  CHECK(pad(x, {-1, 1}, PadMode::reflect).to_vector() == Numbers{0.1, 0.9, 0.7, 0.9});
}
