// Running sums and products: hand-computed values and derivatives, zeros, dtypes.
#include <doctest/doctest.h>

#include "engine/factory.h"
#include "engine/types/error.h"
#include "ops/ops.h"
#include "tests/ops/checks.h"

using namespace chainrule;
using namespace chainrule::testing;

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
