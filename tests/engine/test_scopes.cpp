// Scopes: each changes one thing for its thread, and puts it back however it is left.
#include <doctest/doctest.h>

#include <stdexcept>
#include <thread>

#include "engine/factory.h"
#include "engine/node.h"
#include "ops/ops.h"
#include "tests/engine/leaf.h"

using namespace chainrule;
using chainrule::testing::leaf;

namespace {}  // namespace

TEST_CASE("scopes: NoGrad and EnableGrad nest") {
  const Tensor x = leaf(2);
  CHECK((x * 2).requires_grad());
  {
    const NoGrad off;
    CHECK_FALSE((x * 2).requires_grad());
    {
      const EnableGrad on;
      CHECK((x * 2).requires_grad());
      const EnableGrad off_again(false);
      CHECK_FALSE((x * 2).requires_grad());
    }
    CHECK_FALSE((x * 2).requires_grad());
  }
  CHECK((x * 2).requires_grad());
}

TEST_CASE("scopes: an exception puts everything back") {
  const ThreadState before = thread_state();
  try {
    const NoGrad off;
    const AnomalyMode watch;
    const TeachingMode keep;
    const ModuleScope module("net");
    throw std::runtime_error("leave");
  } catch (const std::runtime_error&) {}
  CHECK(thread_state().recording == before.recording);
  CHECK(thread_state().anomaly == before.anomaly);
  CHECK(thread_state().teaching == before.teaching);
  CHECK(thread_state().module == before.module);
}

TEST_CASE("scopes: a thread's scopes are its own") {
  const NoGrad off;
  bool recorded = false;
  std::thread([&] { recorded = (leaf(1) * 2).requires_grad(); }).join();
  CHECK(recorded);
}

TEST_CASE("scopes: TeachingMode keeps values and gradients of ordinary leaves") {
  const Tensor x = leaf(3);
  Tensor h, y;
  {
    const TeachingMode keep;
    h = x * x;
    y = h * 2;
  }
  y.backward();
  y.backward();
  CHECK(h.grad().item() == 2);
  CHECK(y.grad().item() == 1);
  CHECK(x.grad().item() == 24);
  CHECK(h.node()->meta->value.item() == 9);
  const Tensor plain = x * x;
  CHECK_FALSE(plain.node()->teaching);
}

TEST_CASE("scopes: graphs of variables keep everything without a scope") {
  const Tensor apple = variable(100, "apple"), count = variable(2, "count"), tax = variable(1.1, "tax");
  const Tensor fruit = apple * count;
  const Tensor price = (fruit * tax).label("price");
  price.backward();
  CHECK(price.item() == doctest::Approx(220));
  CHECK(fruit.grad().item() == doctest::Approx(1.1));
  CHECK(apple.grad().item() == doctest::Approx(2.2));
  CHECK(count.grad().item() == doctest::Approx(110));
  CHECK(tax.grad().item() == doctest::Approx(200));
  CHECK(price.label() == "price");
  CHECK(apple.label() == "apple");
}

TEST_CASE("scopes: module paths") {
  const Tensor x = leaf(1);
  Tensor y, z;
  {
    const ModuleScope net("net", "Net", 10);
    const ModuleScope layer("conv1", "Conv2d", 4);
    y = x * 2;
  }
  {
    const ModuleScope net("net", "Net", 10);
    const ModuleScope layer("conv1", "Conv2d", 4);
    z = x * 3;
  }
  REQUIRE(y.node()->module != nullptr);
  CHECK(y.node()->module->full() == "net.conv1");
  CHECK(y.node()->module->kind == "Conv2d");
  CHECK(y.node()->module->parameters == 4);
  CHECK(y.node()->module == z.node()->module);  // interned
  CHECK((x * 2).node()->module == nullptr);
}

TEST_CASE("scopes: source lines of operations") {
  const Tensor x = leaf(1);
  const Tensor y = exp(x);
  CHECK(y.node()->where.line() == __LINE__ - 1);
  const Tensor z = x * y;
  CHECK(z.node()->where.line() == __LINE__ - 1);
}
