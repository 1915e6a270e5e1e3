// One rule for what grad returns: the inputs decide. A tensor gives a tensor, a list a list, and braces are a list.
#include <doctest/doctest.h>

#include <type_traits>

#include "engine/backward.h"
#include "engine/derivatives.h"
#include "engine/factory.h"
#include "tests/engine/custom_rule.h"
#include "tests/engine/leaf.h"

using namespace chainrule;
using namespace chainrule::testing;

TEST_CASE("grad: the inputs decide what comes back") {
  const Tensor x = leaf(3), y = leaf(5);
  const GradOptions keep{.retain_graph = true};
  const Tensor z = x * y, w = x * x;
  using List = std::vector<Tensor>;
  static_assert(std::is_same_v<decltype(grad(z, x)), Tensor>);
  static_assert(std::is_same_v<decltype(grad(z, {x})), List>);
  static_assert(std::is_same_v<decltype(grad({z}, {x})), List>);
  static_assert(std::is_same_v<decltype(grad({z}, x)), Tensor>);
  static_assert(std::is_same_v<decltype(grad({z, w}, x)), Tensor>);
  static_assert(std::is_same_v<decltype(grad({z, w}, {x, y})), List>);
  static_assert(std::is_same_v<decltype(grad(z, List{x, y})), List>);
  static_assert(std::is_same_v<decltype(hessian(z, x)), Tensor>);
  static_assert(std::is_same_v<decltype(hessian(z, {x})), std::vector<List>>);
  CHECK(grad(z, x, keep).item() == 5);
  CHECK(grad(z, {x}, keep)[0].item() == 5);
  CHECK(grad({z}, {x}, keep)[0].item() == 5);
  const List both = grad(z, {x, y}, keep);
  REQUIRE(both.size() == 2);
  CHECK(both[0].item() == 5);
  CHECK(both[1].item() == 3);
  CHECK(grad({z, w}, x, keep).item() == 11);
  const std::vector<NamedTensor> named{{"x", x}, {"y", y}};
  CHECK(grad(z, named)[1].item() == 3);
}
