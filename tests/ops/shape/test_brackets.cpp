// x[...] in C++: the same as index(), which test_subscripts.cpp holds against the language and against NumPy's rules.
#include <doctest/doctest.h>

#include "engine/check/gradcheck.h"
#include "engine/traverse.h"
#include "ops/ops.h"
#include "tests/ops/checks.h"

using namespace chainrule;
using namespace chainrule::testing;

TEST_CASE("brackets select as in NumPy") {
  const Tensor x = counting({2, 3, 4});
  CHECK(x[0].shape() == Shape{3, 4});
  CHECK(x[-1].to_vector()[0] == 12);
  CHECK(x[1][2][3].item() == 23);
  CHECK(x[{1, 2, 3}].item() == 23);
  CHECK(x[{0}].shape() == Shape{3, 4});
  CHECK(x[{}].shape() == x.shape());
  CHECK(x[{0, Slice(1, 3), None}].shape() == Shape{2, 1, 4});
  CHECK(x[{0, Slice(1, 3), None}].to_vector() == Numbers{4, 5, 6, 7, 8, 9, 10, 11});
  CHECK(x[{Ellipsis, 0}].to_vector() == Numbers{0, 4, 8, 12, 16, 20});
  CHECK(x[Slice(None, None, -1)].to_vector()[0] == 12);
  CHECK(x[None].shape() == Shape{1, 2, 3, 4});
  for (std::size_t i = 0; i < 2; ++i) CHECK(x[i].to_vector()[0] == 12. * static_cast<double>(i));
  CHECK(x[{tensor({1, 0}), tensor({2, 2})}].shape() == Shape{2, 4});
  CHECK(x[tensor({{1, 0}})].shape() == Shape{1, 2, 3, 4});
  CHECK(x[x > 21].to_vector() == Numbers{22, 23});
  CHECK_THROWS_AS(x[2], ValueError);
  CHECK_THROWS_AS((x[{0, 0, 0, 0}]), ShapeError);
  CHECK_THROWS_AS(x[tensor({0.5})], ValueError);
}

TEST_CASE("brackets are differentiable, and say the line that they stand in") {
  const Tensor x = numbers({1, 2, 3, 4, 5, 6}, {2, 3});
  CHECK(slopes(x[{Slice(), tensor({0, 0, 2})}], x) == Numbers{2, 0, 1, 2, 0, 1});
  CHECK(slopes(x[x > 4], x) == Numbers{0, 0, 0, 0, 1, 1});
  CHECK(gradcheck([](const Tensor& t) { return sum(exp(t[{0, Slice(1, 3), None}])); }, {x}, {.order = 2}).ok());
  const unsigned line = __LINE__ + 1;
  const Tensor z = x[{0, 1}];
  CHECK(z.node()->where.line() == line);
}
