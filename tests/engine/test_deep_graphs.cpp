// Graphs that are long, wide or much shared: no recursion, each rule once, nothing left behind.
#include <doctest/doctest.h>

#include <cmath>
#include <stdexcept>
#include <thread>

#include "engine/backward.h"
#include "engine/factory.h"
#include "tests/engine/custom_rule.h"
#include "tests/engine/leaf.h"
#include "tests/engine/small_stack.h"

using namespace chainrule;
using chainrule::testing::leaf;
using namespace chainrule::testing;

namespace {

const std::int64_t kMany = sanitized() ? 50'000 : 1'000'000;

// x (1 + 1/n)^n, one node for each factor.
Tensor chain(const Tensor& x, std::int64_t n) {
  const Tensor factor = tensor(1 + 1 / static_cast<double>(n), {.dtype = DType::float64});
  Tensor y = x;
  for (std::int64_t i = 0; i < n; ++i) y = y * factor;
  return y;
}
double chain_slope(std::int64_t n) { return std::pow(1 + 1 / static_cast<double>(n), static_cast<double>(n)); }

}  // namespace

TEST_CASE("deep graphs: a million nodes on a small stack") {
  const auto before = live_nodes();
  on_small_stack([&] {
    const Tensor x = leaf(2);
    Tensor y = chain(x, kMany);
    CHECK(live_nodes() == before + kMany);
    y.backward();
    CHECK(x.grad().item() == doctest::Approx(chain_slope(kMany)).epsilon(1e-9));
  });
  CHECK(live_nodes() == before);
}

TEST_CASE("deep graphs: a million nodes that keep their results, and everything for learning") {
  const auto before = live_nodes();
  on_small_stack([&] {
    Tensor x = leaf(0.5), y = x;
    for (std::int64_t i = 0; i < kMany; ++i) y = sigmoid(y);
    y.backward();
    CHECK(x.grad().item() < 1e-100);
    const Tensor learner = variable(0.5, "learner");
    Tensor z = learner;
    for (std::int64_t i = 0; i < kMany / 10; ++i) z = z + 1;
    z.backward();
    CHECK(learner.grad().item() == 1);
  });
  CHECK(live_nodes() == before);
}

TEST_CASE("deep graphs: destroyed while an exception unwinds") {
  const auto before = live_nodes();
  CHECK_THROWS_AS(on_small_stack([] {
                    const Tensor y = chain(leaf(1), kMany);
                    throw std::runtime_error("unwind");
                  }),
                  std::runtime_error);
  CHECK(live_nodes() == before);
}

TEST_CASE("deep graphs: destroyed on another thread than built") {
  const auto before = live_nodes();
  Tensor y = chain(leaf(1), kMany);
  on_small_stack([&] { y = Tensor(); });
  CHECK(live_nodes() == before);
  on_small_stack([&] { y = chain(leaf(1), kMany); });
  CHECK(live_nodes() == before + kMany);
  y.backward();
  y = Tensor();
  CHECK(live_nodes() == before);
}

TEST_CASE("deep graphs: the gradient of a long chain is itself a long graph") {
  const auto before = live_nodes();
  on_small_stack([&] {
    const Tensor x = leaf(1.5);
    Tensor y = x;
    const auto n = kMany / 10;
    for (std::int64_t i = 0; i < n; ++i) y = y + x * x * (1.0 / static_cast<double>(n));  // x + x^2
    const Tensor slope = grad(y, x, {.create_graph = true});
    CHECK(slope.item() == doctest::Approx(4).epsilon(1e-9));
    CHECK(grad(slope, x).item() == doctest::Approx(2).epsilon(1e-9));
  });
  CHECK(live_nodes() == before);
}

TEST_CASE("deep graphs: one value used a million times") {
  const auto before = live_nodes();
  on_small_stack([&] {
    const Tensor x = leaf(3), h = x * 2;
    Tensor s = h;
    for (std::int64_t i = 1; i < kMany; ++i) s = s + h;
    s.backward();
    CHECK(x.grad().item() == 2 * static_cast<double>(kMany));
  });
  CHECK(live_nodes() == before);
}

TEST_CASE("deep graphs: a million inputs of one operation") {
  on_small_stack([&] {
    const Tensor x = tensor({3}, {.dtype = DType::float64, .requires_grad = true}), h = x * 2;
    const std::vector<Tensor> same(static_cast<std::size_t>(kMany), h);
    sum(cat(same)).backward();
    CHECK(x.grad().item() == 2 * static_cast<double>(kMany));

    std::vector<Tensor> leaves;  // all different
    for (std::int64_t i = 0; i < kMany / 5; ++i)
      leaves.push_back(tensor({static_cast<double>(i)}, {.dtype = DType::float64, .requires_grad = true}));
    const Tensor all = cat(leaves);
    sum(all * all).backward();
    bool right = true;
    for (std::size_t i = 0; i < leaves.size(); ++i) right &= leaves[i].grad().item() == 2.0 * static_cast<double>(i);
    CHECK(right);
  });
}

TEST_CASE("deep graphs: sixty doublings take sixty rule calls") {
  int calls = 0;
  const Rule2 counted_add{[](const Tensor& x, const Tensor& y) { return x + y; },
                          [&](const Tensor& g, const Tensor&, const Tensor&) {
                            ++calls;
                            return g * 1;
                          },
                          [](const Tensor& g, const Tensor&, const Tensor&) { return g * 1; }};
  const Tensor x = leaf(1);
  Tensor y = x;
  for (int i = 0; i < 60; ++i) y = apply(counted_add, y, y);
  y.backward({.retain_graph = true});
  CHECK(calls == 60);
  CHECK(x.grad().item() == std::ldexp(1.0, 60));
  CHECK(grad(y, x, {.create_graph = true}).item() == std::ldexp(1.0, 60));
  CHECK(calls == 120);
}

TEST_CASE("deep graphs: shared values, by hand") {
  const Tensor a = leaf(3), b = leaf(5);
  (a + a).backward();
  CHECK(a.grad().item() == 2);
  CHECK(grad(a * a, a).item() == 6);
  const Tensor z = (a * b) * (a + b);  // a^2 b + a b^2
  CHECK(grad({z}, {a, b}, {.retain_graph = true})[0].item() == 2 * 3 * 5 + 25);
  CHECK(grad({z}, {a, b})[1].item() == 9 + 2 * 3 * 5);
}
