// Hooks on modules: what they see, what they replace, when they end.
#include "nn/hooks.h"

#include <doctest/doctest.h>

#include "engine/random.h"
#include "engine/types/error.h"
#include "nn/layers.h"
#include "ops/ops.h"

using namespace chainrule;

namespace {

struct Hooked : Module {
  Child<Linear> first{*this, "first", 3, 4};
  Child<Linear> second{*this, "second", 4, 2};
  Tensor forward(const Tensor& x) override { return second(first(x)); }
};

struct Pair : ModuleOf<Pair> {
  struct Result {
    Tensor sum, nothing;
    std::vector<Tensor> parts;
    int count = 0;
  };
  struct Input {
    Tensor a;
    std::optional<Tensor> b;
  };
  Result forward(const Input& in, double scale) { return {in.a * scale + *in.b, {}, {in.a * 1, *in.b * 1}, 2}; }
};

}  // namespace

TEST_CASE("a forward hook sees each call of its module, until its handle is gone") {
  Hooked net;
  int calls = 0;
  HookHandle handle = net.first.register_forward_hook(
      [&](ModuleBase& module, std::span<const Tensor> inputs, std::span<Tensor> outputs) {
        CHECK(&module == &net.first);
        REQUIRE(inputs.size() == 1);
        REQUIRE(outputs.size() == 1);
        CHECK(inputs[0].shape() == Shape{5, 3});
        CHECK(outputs[0].shape() == Shape{5, 4});
        ++calls;
      });
  net(ones({5, 3}));
  net.first(ones({5, 3}));
  CHECK(calls == 2);
  handle.remove();
  net(ones({5, 3}));
  CHECK(calls == 2);
}

TEST_CASE("a forward hook replaces what comes out") {
  Hooked net;
  const HookHandle first = net.first.register_forward_hook(
      [](ModuleBase&, std::span<const Tensor>, std::span<Tensor> y) { y[0] = y[0] * 0; });
  const HookHandle then = net.first.register_forward_hook(
      [](ModuleBase&, std::span<const Tensor>, std::span<Tensor> y) { y[0] = y[0] + 1; });  // sees the first one's
  CHECK(net.first(ones({1, 3})).to_vector() == std::vector<double>(4, 1));
}

TEST_CASE("hooks find tensors in structs, optionals and vectors") {
  Pair pair;
  std::size_t in = 0;
  const HookHandle handle =
      pair.register_forward_hook([&](ModuleBase&, std::span<const Tensor> x, std::span<Tensor> y) {
        in = x.size();
        REQUIRE(y.size() == 3);  // the empty one is left out
        y[2] = y[2] + 10;
      });
  const Pair::Result result = pair(Pair::Input{ones({2}), ones({2})}, 3.0);
  CHECK(in == 2);
  CHECK(result.parts[1].to_vector() == std::vector<double>{11, 11});
  CHECK(result.parts[0].to_vector() == std::vector<double>{1, 1});
}

TEST_CASE("a gradient hook sees the gradient of each output, and replaces it") {
  Hooked net;
  std::vector<double> seen;
  int calls = 0;
  HookHandle handle = net.first.register_gradient_hook([&](ModuleBase& m, std::size_t output, const Tensor& g) {
    CHECK(&m == &net.first);
    CHECK(output == 0);
    ++calls;
    seen = g.to_vector();
    return g * 2;
  });
  const Tensor x = ones({1, 3}, {.requires_grad = true});
  sum(net(x)).backward();
  CHECK(calls == 1);
  const std::vector<double> expected = sum(net.second.weight.detach(), 0).to_vector();
  for (std::size_t i = 0; i < 4; ++i) CHECK(seen[i] == doctest::Approx(expected[i]));
  const std::vector<double> doubled = net.first.bias->grad().to_vector();
  for (std::size_t i = 0; i < 4; ++i) CHECK(doubled[i] == doctest::Approx(2 * expected[i]));
  handle.remove();
  net.zero_grad();
  sum(net(x)).backward();
  CHECK(calls == 1);
  CHECK(net.first.bias->grad().to_vector()[0] == doctest::Approx(expected[0]));
}

TEST_CASE("a hook moves with its module, and does nothing after it is gone") {
  int forwards = 0, gradients = 0;
  HookHandle forward, gradient;
  Tensor y;
  {
    Linear layer(2, 2);
    forward = layer.register_forward_hook([&](ModuleBase&, std::span<const Tensor>, std::span<Tensor>) { ++forwards; });
    gradient = layer.register_gradient_hook([&](ModuleBase& m, std::size_t, const Tensor&) {
      CHECK(m.parameter_count() == 6);  // no reading of what is gone
      ++gradients;
      return Tensor();
    });
    Sequential net(std::move(layer));
    y = sum(net(ones({1, 2})));
    y.backward({.retain_graph = true});
    CHECK(forwards == 1);
    CHECK(gradients == 1);
  }
  y.backward();
  CHECK(gradients == 1);
}

TEST_CASE("an empty hook is refused, and an error in a hook says the module") {
  Hooked net;
  CHECK_THROWS_WITH_AS(net.first.register_forward_hook({}), "Linear: register_forward_hook needs a function",
                       ValueError);
  CHECK_THROWS_WITH_AS(net.first.register_gradient_hook({}), "Linear: register_gradient_hook needs a function",
                       ValueError);
  const HookHandle bad = net.first.register_forward_hook(
      [](ModuleBase&, std::span<const Tensor>, std::span<Tensor>) { throw ValueError("my hook: no"); });
  CHECK_THROWS_WITH_AS(net(ones({1, 3})), doctest::Contains("my hook: no; in first (Linear)"), ValueError);
}
