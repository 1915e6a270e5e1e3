// Compound assignment, and operations of empty handles.
#include <doctest/doctest.h>

#include "engine/factory.h"
#include "engine/scopes.h"
#include "engine/types/error.h"
#include "ops/ops.h"

using namespace chainrule;

TEST_CASE("a compound assignment to a trainable leaf is refused, and says how it is done in place") {
  Tensor w = tensor({1, 2}, {.dtype = DType::float64, .requires_grad = true});
  sum(w * w).backward();
  CHECK_THROWS_WITH_AS(w -= 0.1 * w.grad(),
                       "x -= y: x is a trainable leaf, and this would bind the handle to a new value that is not "
                       "trained; in place it is { const NoGrad off; x.copy_(x - y); }, and a new value is z = x - y",
                       GraphError);
  w.label("w");
  const auto opens = [](const char* text) { return doctest::Contains(text); };
  CHECK_THROWS_WITH_AS(w += 1, opens("w += y: w is a trainable leaf"), GraphError);
  CHECK_THROWS_WITH_AS(w *= 2, opens("w.copy_(w * y)"), GraphError);
  CHECK_THROWS_WITH_AS(w /= 2, opens("z = w / y"), GraphError);
  {
    const NoGrad off;
    CHECK_THROWS_AS(w -= w.grad(), GraphError);
    w.copy_(w - 0.5 * w.grad());
  }
  CHECK(w.to_vector() == std::vector<double>{0, 0});
  CHECK(w.requires_grad());
}

TEST_CASE("a compound assignment to anything else computes a new value") {
  const Tensor w = tensor({1, 2}, {.dtype = DType::float64, .requires_grad = true});
  Tensor total = zeros({2}, {.dtype = DType::float64}), before = total;
  total += w;
  total *= w;
  CHECK(before.to_vector() == std::vector<double>{0, 0});
  CHECK(total.to_vector() == std::vector<double>{1, 4});
  total -= 1 * total;
  total /= 2;
  sum(total).backward();
  CHECK(w.grad().to_vector() == std::vector<double>{0, 0});
}

TEST_CASE("an operation of an empty handle names itself and the input") {
  const Tensor e, x = ones({2}), whole = ones({2}, {.dtype = DType::int64});
  const auto says = [](const char* name, auto&& call) {
    try {
      call();
      FAIL_CHECK(name << ": no error");
    } catch (const ValueError& error) {
      const std::string text = error.what();
      CHECK_MESSAGE(text.starts_with(name), name << " said " << text);
      CHECK_MESSAGE(text.find("is an empty tensor handle") != std::string::npos, text);
    }
  };
  says("add: input x", [&] { return e + 1; });
  says("add: input y", [&] { return 1 + e; });
  says("add: input y", [&] { return whole + e; });
  says("sub: input x", [&] { return e - x; });
  says("mul: input x", [&] { return e * 2; });
  says("div: input y", [&] { return 1 / e; });
  says("pow: input x", [&] { return pow(e, 2); });
  says("neg: input x", [&] { return -e; });
  says("sqrt: input x", [&] { return sqrt(e); });
  says("exp: input x", [&] { return exp(e); });
  says("atan2: input y", [&] { return atan2(e, x); });
  says("maximum: input y", [&] { return maximum(1, e); });
  says("gt", [&] { return e > 0; });
  says("lt", [&] { return x < e; });
  says("where", [&] { return where(x > 0, e, 0); });
  says("where", [&] { return where(e, x, 0); });
  says("lerp", [&] { return lerp(x, e, 0.5); });
}
