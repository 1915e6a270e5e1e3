// What backward() and grad() give: accumulation, inner gradients, cotangents, higher orders, hooks.
#include <doctest/doctest.h>

#include <cmath>
#include <stdexcept>

#include "engine/backward.h"
#include "engine/factory.h"
#include "engine/types/error.h"
#include "tests/engine/custom_rule.h"
#include "tests/engine/leaf.h"

using namespace chainrule;
using chainrule::testing::leaf;
using namespace chainrule::testing;

namespace {

using Values = std::vector<double>;

}  // namespace

TEST_CASE("backward: two calls give exactly twice the gradient of a leaf") {
  Tensor x = leaf({0.1, 0.7, 1.3});
  const Tensor y = sum(exp(x) * x);
  y.backward({.retain_graph = true});
  const Values once = x.grad().to_vector();
  y.backward({.retain_graph = true});
  for (std::size_t i = 0; i < 3; ++i) CHECK(x.grad().to_vector()[i] == 2 * once[i]);
  x.zero_grad();
  CHECK_FALSE(x.has_grad());
  y.backward();
  CHECK(x.grad().to_vector() == once);
}

TEST_CASE("backward: inner gradients start anew in each call") {
  const Tensor x = variable(3, "x");
  const Tensor h = x * x, y = h * 2;
  y.backward();
  y.backward();  // graphs of variables are never freed
  CHECK(h.grad().item() == 2);
  CHECK(y.grad().item() == 1);
  CHECK(x.grad().item() == 24);
  // Another root that reaches only part of the graph leaves the gradient of that part, not the old one.
  (h + 0).backward();
  CHECK(h.grad().item() == 1);
}

TEST_CASE("backward: the gradient of a leaf is memory of its own") {
  Tensor a = leaf({1, 2}), b = leaf({3, 4});
  sum(a + b).backward();
  Tensor ga = a.grad();
  ga.fill_(7);
  CHECK(b.grad().to_vector() == Values{1, 1});
  CHECK(a.grad().to_vector() == Values{7, 7});
  const Tensor cotangent = tensor({2.0, 2.0}, {.dtype = DType::float64});
  Tensor c = leaf({1, 1});
  (c + 0).backward({.cotangent = cotangent});
  Tensor gc = c.grad();
  gc.fill_(5);
  CHECK(cotangent.to_vector() == Values{2, 2});
}

TEST_CASE("backward: an accumulated gradient leaves earlier handles alone") {
  const Tensor x = leaf(2);
  (x * 3).backward();
  const Tensor first = x.grad();
  (x * 4).backward();
  CHECK(x.grad().item() == 7);
  CHECK(first.item() == 3);
}

TEST_CASE("grad: returns values and touches nothing") {
  const Tensor x = leaf({1, 2}), w = leaf({3, 5});
  const Tensor h = x * w, y = sum(h * h);
  const auto g = grad({y}, {h, x, w});
  CHECK(g[0].to_vector() == Values{6, 20});
  CHECK(g[1].to_vector() == Values{18, 100});
  CHECK(g[2].to_vector() == Values{6, 40});
  CHECK_FALSE(x.has_grad());
  CHECK_FALSE(h.has_grad());
  CHECK_FALSE(g[1].requires_grad());
}

TEST_CASE("grad: several outputs, cotangents, unused inputs") {
  const Tensor x = leaf({1, 2}), other = leaf(1);
  const Tensor square = x * x, cube = square * x;
  const Tensor c1 = tensor({1, 10}, {.dtype = DType::float64}), c2 = tensor({100, 1000}, {.dtype = DType::float64});
  const auto g = grad({square, cube}, {x}, {.retain_graph = true, .cotangents = {c1, c2}});
  CHECK(g[0].to_vector() == Values{2 + 300, 40 + 12000});
  const auto with_unused = grad({sum(x)}, {x, other}, {.allow_unused = true});
  CHECK_FALSE(with_unused[1].defined());
  CHECK(contains(message_of<GraphError>([&] { (void)grad({sum(x)}, {x, other}); }), "input 2"));
  // The same output twice counts twice; an output may be an input.
  CHECK(grad({sum(x), sum(x)}, {x})[0].to_vector() == Values{2, 2});
  const Tensor y = sum(x * 3);
  CHECK(grad(y, y, {.retain_graph = true}).item() == 1);
  CHECK(grad(other, other).item() == 1);
  CHECK_THROWS_AS((void)grad({y}, {x}, {.cotangents = {c1, c2}}), ValueError);
  CHECK_THROWS_AS((void)grad({y}, {x}, {.cotangents = {c1}}), ShapeError);
  CHECK_THROWS_AS((void)grad(std::vector<Tensor>{}, {x}), ValueError);
}

TEST_CASE("grad: only what leads to the wanted inputs is run") {
  int calls = 0;
  const Rule1 counted{[](const Tensor& x) { return x * 2; },
                      [&](const Tensor& g, const Tensor&, const Tensor&) {
                        ++calls;
                        return g * 2;
                      }};
  const Tensor x = leaf(1), w = leaf(1);
  const Tensor y = apply(counted, x) * apply(counted, w);
  (void)grad({y}, {w}, {.retain_graph = true});
  CHECK(calls == 1);
}

TEST_CASE("grad: derivatives of every order of x^5") {
  const Tensor x = leaf(1.5);
  Tensor derivative = x * x * x * x * x;
  double expected = std::pow(1.5, 5), factor = 1;
  for (int order = 1; order <= 5; ++order) {
    factor *= 6 - order;
    expected = factor * std::pow(1.5, 5 - order);
    derivative = grad(derivative, x, {.create_graph = true});
    CHECK(derivative.item() == doctest::Approx(expected).epsilon(1e-12));
  }
  CHECK_FALSE(derivative.requires_grad());  // 120, whatever x is
}

TEST_CASE("grad: a gradient inside a function that is differentiated") {
  // The minimiser's first step s = x - 0.1 f'(x), f = x^4: f(s) by x, against the formula.
  const Tensor x = leaf(1.2);
  auto f = [](const Tensor& t) { return t * t * t * t; };
  const Tensor s = x - 0.1 * grad(f(x), x, {.create_graph = true});
  const double at = 1.2 - 0.4 * std::pow(1.2, 3);
  CHECK(grad(f(s), x).item() == doctest::Approx(4 * std::pow(at, 3) * (1 - 1.2 * 1.2 * 1.2)).epsilon(1e-12));
}

TEST_CASE("backward: interleaved and nested graphs") {
  const Tensor x = leaf(2), w = leaf(3);
  Tensor a = x * 2, b = w * 5;
  a = a * x;
  b = b * w;
  const Tensor inner = grad(b, w, {.retain_graph = true});  // a walk while the other graph is half built
  a = a * inner;                                            // 30 * 2 x^2
  a.backward();
  b.backward();
  CHECK(x.grad().item() == 30 * 4 * 2);
  CHECK(w.grad().item() == 30);
}

TEST_CASE("backward: handles may go before the graph is walked") {
  Tensor z;
  Tensor kept;
  {
    const Tensor x = leaf(3);
    kept = x;
    const auto by_value = [](Tensor t) { return t / 1.0; };
    auto y = by_value(by_value(x * x));
    z = y * 2;
  }
  z.backward();
  CHECK(kept.grad().item() == 12);
  Tensor result = [] { return leaf(1) * 4; }();  // the leaf itself has gone
  result.backward();
}

TEST_CASE("backward: += makes a new value, also on itself") {
  const Tensor x = leaf(3);
  Tensor a = x * 1;
  const Tensor before = a;
  a += a;
  a *= a;
  a -= before;
  a /= before;
  CHECK(before.item() == 3);
  CHECK(a.item() == 11);  // (4 x^2 - x) / x
  CHECK(grad(a, x).item() == doctest::Approx(4));
  a = *&a;
  CHECK(a.item() == 11);
}

TEST_CASE("hooks: read, replace, remove") {
  const Tensor x = leaf({1, 2});
  const Tensor h = x * 3, y = sum(h * h);
  std::vector<double> seen;
  auto reader = h.register_hook([&](const Tensor& g) {
    seen = g.to_vector();
    return Tensor();
  });
  y.backward({.retain_graph = true});
  CHECK(seen == Values{6, 12});
  CHECK(x.grad().to_vector() == Values{18, 36});
  {
    const auto zero = h.register_hook([](const Tensor& g) { return g * 0; });
    CHECK(grad(y, x, {.retain_graph = true}).to_vector() == Values{0, 0});
  }
  reader.remove();
  seen.clear();
  CHECK(grad(y, x, {.retain_graph = true}).to_vector() == Values{18, 36});
  CHECK(seen.empty());
  const auto leaf_hook = x.register_hook([](const Tensor& g) { return g * 10; });
  CHECK(grad(y, x).to_vector() == Values{180, 360});
}

TEST_CASE("hooks: see the sum of all uses, once") {
  const Tensor x = leaf(2);
  const Tensor h = x * 1;
  int calls = 0;
  double sum_seen = 0;
  const auto hook = h.register_hook([&](const Tensor& g) {
    ++calls;
    sum_seen = g.item();
    return Tensor();
  });
  (h * 2 + h * 3 + h).backward();
  CHECK(calls == 1);
  CHECK(sum_seen == 6);
}

TEST_CASE("hooks: may walk the same graph again") {
  const Tensor x = leaf(3);
  const Tensor h = x * x, y = h * h;
  double inner = 0;
  bool nested = false;
  const auto hook = h.register_hook([&](const Tensor&) {
    if (!nested) {
      nested = true;
      inner = grad(y, x, {.retain_graph = true}).item();
      const EnableGrad on;  // hooks run as the walk does: not recorded
      (h * 2).backward({.retain_graph = true});
    }
    return Tensor();
  });
  y.backward({.retain_graph = true});
  CHECK(inner == 108);                        // 4 x^3
  CHECK(x.grad().item() == 108 + 2 * 2 * 3);  // and that of h * 2
}

TEST_CASE("hooks: what throws leaves leaves alone, and the next step works") {
  const Tensor x = leaf(3), w = leaf(1);
  (x * w).backward();
  const auto before = live_nodes();
  {
    const Tensor h = x * 2;
    const Tensor y = h * h + w;
    const auto hook = h.register_hook([](const Tensor&) -> Tensor { throw std::runtime_error("stop"); });
    CHECK_THROWS_AS(y.backward(), std::runtime_error);
    const auto wrong = w.register_hook([](const Tensor&) { return zeros({2}); });
    CHECK_THROWS_AS((w * 2).backward(), GraphError);
  }
  CHECK(x.grad().item() == 1);
  CHECK(w.grad().item() == 3);
  CHECK(live_nodes() == before);
  (x * x).backward();
  CHECK(x.grad().item() == 7);
}

TEST_CASE("hooks: own no graph, and may drop it") {
  const auto before = live_nodes();
  {
    Tensor x = leaf(2);
    Tensor h = x * 2;
    HookHandle hook;
    Tensor y = h * h;
    hook = h.register_hook([&](const Tensor&) {
      y = Tensor();  // the last handle of the graph that is being walked
      h = Tensor();
      return Tensor();
    });
    y.backward();
    CHECK(x.grad().item() == 16);
  }
  CHECK(live_nodes() == before);
}

TEST_CASE("retain_grad: keeps the gradient of an inner value") {
  const Tensor x = leaf(3);
  Tensor h = x * x;
  h.retain_grad();
  (h * 5).backward();
  CHECK(h.grad().item() == 5);
  (h.detach() * x).backward();
  CHECK(x.grad().item() == 30 + 9);
}

TEST_CASE("detach: shares the values and cuts the history") {
  const Tensor x = leaf({1, 2});
  const Tensor h = x * 2;
  Tensor d = h.detach();
  CHECK_FALSE(d.requires_grad());
  CHECK(d.data() == h.data());
  CHECK(grad(sum(h * d), x).to_vector() == Values{4, 8});
  d.set_requires_grad();
  CHECK(grad(sum(d * 3), d).to_vector() == Values{3, 3});
}

TEST_CASE("backward: dtypes meet and gradients come back in the leaf's own") {
  const Tensor narrow = tensor({1., 2}, {.requires_grad = true});
  const Tensor wide = leaf({3, 4});
  sum(narrow * wide).backward();
  CHECK(narrow.grad().dtype() == DType::float32);
  CHECK(wide.grad().dtype() == DType::float64);
  CHECK(narrow.grad().to_vector() == Values{3, 4});
}

TEST_CASE("backward: a value that nothing trainable made costs no node") {
  const auto before = live_nodes();
  const Tensor x = leaf(2), constant = tensor(3.);
  const Tensor y = constant * constant + 1;
  Tensor z;
  {
    const NoGrad off;
    z = exp(x) * x;
  }
  CHECK(live_nodes() == before);
  CHECK_FALSE(y.requires_grad());
  CHECK_FALSE(z.requires_grad());
  CHECK(x.requires_grad());
}

TEST_CASE("grad: what is not reached is told before anything is freed") {
  const Tensor x = leaf({1, 2}), other = leaf(1), inner = other * 2;
  const Tensor loss = sum(x * x);
  const std::string text = message_of<GraphError>([&] { (void)grad({loss}, {x, other}); });
  for (const char* part : {"input 2", "allow_unused", "materialize_grads"}) CHECK(contains(text, part));
  CHECK_THROWS_AS((void)grad({loss}, {x, inner}), GraphError);
  // So the call that the message suggests works.
  const auto g = grad({loss}, {x, other, inner}, {.retain_graph = true, .materialize_grads = true});
  CHECK(g[0].to_vector() == Values{2, 4});
  CHECK(g[1].item() == 0);
  CHECK(g[2].item() == 0);
  CHECK(g[1].shape() == other.shape());
  CHECK_FALSE(grad({loss}, {x, other}, {.allow_unused = true})[1].defined());
}

TEST_CASE("grad: materialize_grads goes on where the derivative has become a constant") {
  const Tensor x = leaf(1.5);
  Tensor d = x * x * x;
  Values found;
  for (int order = 1; order <= 6; ++order) {
    d = grad(d, x, {.create_graph = true, .materialize_grads = true});
    found.push_back(d.item());
  }
  CHECK(found == Values{3 * 2.25, 9, 6, 0, 0, 0});
  // Without it the constant is an error, as before; beside a recorded output it adds nothing.
  CHECK_THROWS_AS((void)grad(d, x), GraphError);
  CHECK(grad({x * x, d}, {x}, {.materialize_grads = true})[0].item() == 3);
  CHECK(grad({d, x * x}, {x}, {.materialize_grads = true, .cotangents = {d, d + 2}})[0].item() == 6);
  // What is wrong stays an error.
  CHECK_THROWS_AS((void)grad({d}, {x}, {.materialize_grads = true, .cotangents = {d, d}}), ValueError);
  CHECK_THROWS_AS((void)grad({x * x}, {d}, {.materialize_grads = true}), GraphError);
}
