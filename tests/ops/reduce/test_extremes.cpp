// The largest and the smallest value: ties, NaN, places, torch's forms of max and min.
#include <doctest/doctest.h>

#include <cmath>

#include "engine/factory.h"
#include "engine/types/error.h"
#include "ops/ops.h"
#include "tests/ops/checks.h"

using namespace chainrule;
using namespace chainrule::testing;

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
  CHECK(message([&] { min(empty); }).starts_with("min: axis 1 of shape (2, 0) is empty"));
  CHECK(max(empty, 0).shape() == Shape{0});
  CHECK(message([&] { argmax(empty); }).starts_with("argmax: axis 1"));
}
