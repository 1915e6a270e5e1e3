// Operations of users: short to write, and what their rules return is checked.
#include <doctest/doctest.h>

#include <cmath>
#include <stdexcept>

#include "engine/check/gradcheck.h"
#include "engine/factory.h"
#include "engine/types/error.h"
#include "tests/engine/custom_rule.h"
#include "tests/engine/leaf.h"

using namespace chainrule;
using chainrule::testing::leaf;
using namespace chainrule::testing;

namespace {

// z = x^3      dx = g * 3 x^2
struct Cube {
  static constexpr OpInfo info{.name = "cube"};
  static constexpr Uses uses[] = {kX};
  Tensor forward(const Tensor& x) const { return x * x * x; }
  void backward(GradContext& c, const Tensor& g) const {
    const Tensor x = c.input(0);
    c.send(0, [&] { return g * 3 * x * x; });
  }
};
Tensor cube(const Operand& x) { return record(Cube{}, x); }

// Known to have no derivative.
struct Round {
  static constexpr OpInfo info{.name = "round"};
  Tensor forward(const Tensor& x) const { return to(to(x + 0.5, DType::int64), x.dtype()); }
};

// z = w x, with an attribute and a broadcast left to the walk.
struct Scale {
  static constexpr OpInfo info{.name = "scale", .elementwise = true};
  static constexpr Uses uses[] = {kNothing};
  double w;
  Tensor forward(const Tensor& x) const { return x * w; }
  void backward(GradContext& c, const Tensor& g) const {
    c.send(0, [&] { return record(Scale{w}, g); });
  }
  std::string attributes() const { return "w=" + std::to_string(w); }
};

// Their rules read y and z, which `uses` does not name: on tensors alone, and on numbers, too.
struct Forgetful {
  static constexpr OpInfo info{.name = "forgetful", .elementwise = true, .inputs = "x y"};
  static constexpr Uses uses[] = {kX, kX};
  Tensor forward(const Tensor& x, const Tensor& y) const { return x * y; }
  void backward(GradContext& c, const Tensor& g) const {
    const Tensor x = c.input(0), y = c.input(1);
    c.send(0, [&] { return g * y; });
    c.send(1, [&] { return g * x; });
  }
};
struct ForgetfulNumber {
  static constexpr OpInfo info{.name = "forgetful_number", .elementwise = true};
  static constexpr Uses uses[] = {kX};
  Tensor forward(const Tensor& x) const { return exp(x); }
  void backward(auto& c, const auto& g) const {
    const auto z = c.output();
    c.send(0, [&] { return g * z; });
  }
};

// Sends to one input more than there are.
struct TooMany {
  static constexpr OpInfo info{.name = "too_many"};
  static constexpr Uses uses[] = {kNothing};
  Tensor forward(const Tensor& x) const { return x + 1; }
  void backward(GradContext& c, const Tensor& g) const {
    for (int i = 0; i < 2; ++i) c.send(i, [&] { return g; });
  }
};

// z = w x y for any type of number; dx = g z / x,  dy = g w x. Sends to the first `count` inputs.
struct Product {
  static constexpr OpInfo info{.name = "product"};
  static constexpr Uses uses[] = {kX | kOutput, kX};
  double w;
  int count;
  Tensor forward(const Tensor& x, const Tensor& y) const { return w * x * y; }
  void backward(auto& c, const auto& g) const {
    const auto x = c.input(0), z = c.output();
    if (count > 0) c.send(0, [&] { return g * z / x; });
    if (count > 1) c.send(1, [&] { return g * w * x; });
    if (count > 2) c.send(2, [&] { return g; });
  }
};

using Dx = std::function<Tensor(const Tensor&, const Tensor&, const Tensor&)>;
std::string fault(const Dx& second) {
  const Rule2 rule{[](const Tensor& x, const Tensor& y) { return x * y; },
                   [](const Tensor& g, const Tensor&, const Tensor& y) { return g * y; }, second};
  const Tensor x = leaf({1, 2, 3}), y = leaf({4, 5, 6});
  const std::string text = message_of<Error>([&] { sum(apply(rule, x, y).label("product")).backward(); });
  CHECK(x.has_grad() == (text == "nothing thrown"));
  return text;
}

}  // namespace

TEST_CASE("custom op: a cube in a dozen lines") {
  const Tensor x = leaf({1, 2});
  const Tensor z = sum(cube(x));
  CHECK(z.item() == 9);
  z.backward();
  CHECK(x.grad().to_vector() == std::vector<double>{3, 12});
  CHECK(gradcheck([](const Tensor& t) { return cube(t); }, {x}, {.order = 2}).ok());
  CHECK(cube(x).node()->title().starts_with("cube#"));
  CHECK(cube(x).node()->info->name == Cube::info.name);
}

TEST_CASE("custom op: its forward is never recorded") {
  const auto before = live_nodes();
  const Tensor x = leaf({1, 2});
  const Tensor z = cube(x);
  CHECK(live_nodes() == before + 1);
}

TEST_CASE("custom op: attributes") {
  const Tensor x = leaf(2);
  const Tensor z = record(Scale{2.5}, x);
  CHECK(z.node()->attributes() == "w=2.500000");
  CHECK(gradcheck([](const Tensor& t) { return record(Scale{2.5}, t); }, {x}, {.order = 2}).ok());
}

TEST_CASE("custom op: what a rule returns is checked by argument") {
  auto zero = [](const Tensor& g, const Tensor&, const Tensor&) { return g * 0; };
  CHECK(fault(zero) == "nothing thrown");
  const std::string shape = fault([](const Tensor& g, const Tensor&, const Tensor&) { return sum(g); });
  for (const char* part : {"'product' (custom2#", "argument 2 (y)", "shape ()", "(3,)"})
    CHECK_MESSAGE(contains(shape, part), shape);
  const std::string dtype = fault([](const Tensor& g, const Tensor&, const Tensor&) { return to(g, DType::float32); });
  for (const char* part : {"argument 2 (y)", "float32", "float64"}) CHECK_MESSAGE(contains(dtype, part), dtype);
  const std::string none = fault([](const Tensor&, const Tensor&, const Tensor&) { return Tensor(); });
  for (const char* part : {"argument 2 (y)", "not sent", "send zeros"}) CHECK_MESSAGE(contains(none, part), none);
  const std::string many = message_of<GraphError>([] { sum(record(TooMany{}, leaf({1, 2}))).backward(); });
  for (const char* part : {"too_many#", "input 2", "has 1 input"}) CHECK_MESSAGE(contains(many, part), many);
}

TEST_CASE("custom op: one rule for numbers and tensors, checked in both") {
  for (const Nested& at : {Nested(2), Nested{2, 2}}) {
    const Tensor x = leaf(at), y = leaf(at);
    const Tensor z = record(Product{0.5, 2}, x, y);
    CHECK(z.node()->numbers == (x.dim() == 0));
    CHECK(z.node()->shape() == x.shape());
    sum(z).backward();
    CHECK(x.grad().to_vector() == std::vector<double>(x.numel(), 1));
    CHECK(y.grad().to_vector() == std::vector<double>(x.numel(), 1));
    const std::string none = message_of<GraphError>([&] { sum(record(Product{1, 1}, x, y)).backward(); });
    for (const char* part : {"argument 2 (y)", "not sent"}) CHECK_MESSAGE(contains(none, part), none);
    const std::string many = message_of<GraphError>([&] { sum(record(Product{1, 3}, x, y)).backward(); });
    for (const char* part : {"product#", "input 3", "has 2 inputs"}) CHECK_MESSAGE(contains(many, part), many);
    CHECK(y.grad().to_vector() == std::vector<double>(x.numel(), 1));
  }
}

TEST_CASE("custom op: without a rule") {
  const Tensor x = leaf({1.2, 2.7});
  const std::string text = message_of<GraphError>([&] { (void)record(Round{}, x); });  // when used, not in backward
  for (const char* part : {"round", "no derivative", "detach()", "NoGrad"}) CHECK_MESSAGE(contains(text, part), text);
  CHECK(record(Round{}, x.detach()).to_vector() == std::vector<double>{1, 3});
  const NoGrad off;
  CHECK(record(Round{}, x).to_vector() == std::vector<double>{1, 3});
}

TEST_CASE("custom op: exceptions leave the engine as it was") {
  const auto before = live_nodes();
  {
    const Tensor x = leaf(2);
    int fail_at = 0;
    const Rule1 rule{[&](const Tensor& t) {
                       if (fail_at == 1) throw std::runtime_error("forward");
                       return t * 2;
                     },
                     [&](const Tensor& g, const Tensor&, const Tensor&) {
                       if (fail_at == 2) throw std::runtime_error("backward");
                       return g * 2;
                     }};
    fail_at = 1;
    CHECK_THROWS_AS((void)apply(rule, x), std::runtime_error);
    CHECK(thread_state().recording);
    fail_at = 2;
    CHECK_THROWS_AS((apply(rule, x) * x).backward(), std::runtime_error);
    CHECK(thread_state().recording);
    CHECK_FALSE(x.has_grad());
    fail_at = 0;
    (apply(rule, x) * x).backward();
    CHECK(x.grad().item() == 8);
  }
  CHECK(live_nodes() == before);
}

TEST_CASE("custom op: a rule that walks the graph it belongs to") {
  const Tensor x = leaf(3);
  Tensor h = x * x;
  double inner = 0;
  const Rule1 rule{[](const Tensor& t) { return t * 1; },
                   [&](const Tensor& g, const Tensor&, const Tensor&) {
                     inner = grad(h, x, {.retain_graph = true}).item();
                     return g * 1;
                   }};
  apply(rule, h).backward();
  CHECK(inner == 6);
  CHECK(x.grad().item() == 6);
}

TEST_CASE("custom op: a forward that returns its input makes a value of its own") {
  const Rule1 identity{[](const Tensor& t) { return t; },
                       [](const Tensor& g, const Tensor&, const Tensor&) { return g * 10; }};
  const Tensor x = leaf(3);
  const Tensor y = apply(identity, x);
  CHECK_FALSE(y.is(x));
  CHECK(x.is_leaf());
  y.backward();
  CHECK(x.grad().item() == 10);
}

TEST_CASE("custom op: a rule that reads what `uses` does not name is told so") {
  const Tensor x = leaf(2), y = leaf(5), xs = leaf({1, 2}), ys = leaf({3, 4});
  for (const Tensor& loss : {sum(record(Forgetful{}, xs, ys)), record(Forgetful{}, x, y)}) {
    const std::string text = message_of<GraphError>([&] { loss.backward(); });
    for (const char* part : {"backward of forgetful#", "uses", "input y"}) CHECK(contains(text, part));
    CHECK_FALSE(contains(text, "input x"));
  }
  // Only what somebody needs is missed.
  const Tensor w = leaf(2);
  record(Forgetful{}, tensor(3., {.dtype = DType::float64}), w).backward();
  CHECK(w.grad().item() == 3);
  // Without the check a graph of numbers would give NaN in silence.
  for (const Tensor& loss : {record(ForgetfulNumber{}, x), sum(record(ForgetfulNumber{}, xs))}) {
    const std::string text = message_of<GraphError>([&] { loss.backward(); });
    for (const char* part : {"backward of forgetful_number#", "uses", "the result"}) CHECK(contains(text, part));
  }
  // A NaN that is one stays one.
  const Tensor nan = leaf(NAN);
  (nan * nan).backward();
  CHECK(std::isnan(nan.grad().item()));
}
