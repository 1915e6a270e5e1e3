// Freezing, converting, copying, tying and functional calls: what changes, what stays, what is refused whole.
#include "nn/module_functions.h"

#include <doctest/doctest.h>

#include "engine/backward.h"
#include "engine/random.h"
#include "engine/stats.h"
#include "engine/traverse.h"
#include "nn/layers.h"
#include "ops/ops.h"
#include "optim/sgd.h"

using namespace chainrule;

namespace {

using Names = std::vector<std::string>;

struct Mlp : Module {
  Child<Linear> first{*this, "first", 3, 5};
  Child<Linear> second{*this, "second", 5, 2};
  Buffer mean{*this, "mean", zeros({2})};
  Buffer count{*this, "count", zeros({}, DType::int64)};
  Tensor forward(const Tensor& x) override { return second(tanh(first(x))) - mean; }
};

/// An autoencoder whose two matrices have one shape.
struct Coder : Module {
  Child<Linear> in{*this, "in", 4, 4, {.bias = false}};
  Child<Linear> out{*this, "out", 4, 4, {.bias = false}};
  Tensor forward(const Tensor& x) override { return out(tanh(in(x))); }
};

Tensor inputs(const Shape& shape, DType dtype = DType::float32) {
  Generator generator(3);
  return randn(shape, {.dtype = dtype}, generator);
}

}  // namespace

TEST_CASE("freeze and unfreeze take patterns over paths, and refuse one that fits nothing") {
  Mlp net;
  CHECK(freeze(net, "first.*") == Names{"first.weight", "first.bias"});
  const Tensor x = inputs({4, 3});
  sum(net(x)).backward();
  CHECK_FALSE(net.first.weight.has_grad());
  CHECK(net.second.weight.has_grad());
  CHECK(freeze(net, "*.b?as") == Names{"first.bias", "second.bias"});
  CHECK(unfreeze(net).size() == 4);
  for (const NamedTensor& p : net.parameters()) CHECK(p.tensor.requires_grad());
  CHECK_THROWS_WITH_AS(freeze(net, "conv*"),
                       "freeze: no parameter of Mlp fits 'conv*'; it has 'first.weight', 'first.bias', "
                       "'second.weight', 'second.bias'",
                       ValueError);
  CHECK_THROWS_AS(freeze(net, "mean"), ValueError);  // a buffer is never trained
  Coder coder;
  tie(coder, "out.weight", "in.weight");
  CHECK(freeze(coder, "out.*") == Names{"in.weight"});
}

TEST_CASE("a frozen parameter is not trained, also by an optimizer that knows it") {
  Mlp net;
  Sgd optimizer(net.parameters(), {.lr = 0.1});
  freeze(net, "second.*");
  const std::vector<double> first = net.first.weight.to_vector(), second = net.second.weight.to_vector();
  sum(net(inputs({4, 3}))).backward();
  optimizer.step();
  CHECK(net.first.weight.to_vector() != first);
  CHECK(net.second.weight.to_vector() == second);
}

TEST_CASE("to() changes parameters, gradients and floating buffers, and keeps handles and what is trained") {
  Mlp net;
  freeze(net, "first.bias");
  sum(net(inputs({4, 3}))).backward();
  const Tensor handle = net.first.weight;
  const std::vector<double> values = handle.to_vector(), gradient = handle.grad().to_vector();
  const Tensor stale = net(inputs({4, 3}));
  to(net, DType::float64);
  CHECK(handle.is(net.first.weight));
  CHECK(handle.dtype() == DType::float64);
  CHECK(handle.to_vector() == values);
  CHECK(handle.grad().dtype() == DType::float64);
  CHECK(handle.grad().to_vector() == gradient);
  CHECK(net.mean.dtype() == DType::float64);
  CHECK(net.count.dtype() == DType::int64);
  CHECK_FALSE(net.first.bias->requires_grad());
  CHECK(handle.requires_grad());
  CHECK_THROWS_AS(sum(stale).backward(), GraphError);  // it saved the old values
  net.zero_grad();
  sum(net(inputs({4, 3}, DType::float64))).backward();
  CHECK(handle.grad().dtype() == DType::float64);
  to(net, DType::float32);
  CHECK(handle.to_vector() == values);
  CHECK_THROWS_WITH_AS(to(net, DType::int64), "to: a network computes with float32 or float64, not int64", ValueError);
}

TEST_CASE("to() keeps ties, and numbers without axes") {
  struct Scaled : Module {
    Parameter scale{*this, "scale", full({}, 2)};
    Parameter again{*this, "again", scale};
    Tensor forward(const Tensor& x) override { return x * scale * again; }
  };
  Scaled net;
  to(net, DType::float64);
  CHECK(net.again.is(net.scale));
  const Tensor y = net(full({}, 3, DType::float64));
  CHECK(y.dtype() == DType::float64);
  CHECK(y.item() == 12);
  y.backward();
  CHECK(net.scale.grad().item() == 12);  // 2 scale x
}

TEST_CASE("copy_state makes two networks equal, or changes nothing and names every difference") {
  Mlp from, to;
  {
    const NoGrad off;
    from.mean.fill_(2);
    from.count.fill_(7);
  }
  copy_state(from, to);
  for (std::size_t i = 0; i < from.state().size(); ++i) {
    CHECK(to.state()[i].tensor.to_vector() == from.state()[i].tensor.to_vector());
    CHECK_FALSE(to.state()[i].tensor.is(from.state()[i].tensor));
  }
  CHECK(to.first.weight.requires_grad());

  struct Other : Module {
    Child<Linear> first{*this, "first", 3, 5, {.bias = false}};
    Child<Linear> second{*this, "second", 4, 2};
    Parameter extra{*this, "extra", ones({1})};
  };
  Other other;
  const std::vector<double> before = other.first.weight.to_vector();
  CHECK_THROWS_WITH_AS(
      copy_state(from, other),
      "copy_state: Mlp and Other are not alike: 'second.weight' has shape (2, 5) there and (2, 4) here; "
      "the first has no 'extra'; the second has no 'first.bias'; the second has no 'mean'; "
      "the second has no 'count'",
      ValueError);
  CHECK(other.first.weight.to_vector() == before);
  chainrule::to(from, DType::float64);
  CHECK_THROWS_WITH_AS(copy_state(from, to), doctest::Contains("'mean' holds float64 there and float32 here"),
                       ValueError);
}

TEST_CASE("a tied parameter is listed, counted, saved, drawn and trained once") {
  Coder net;
  const std::int64_t before = net.parameter_count();
  tie(net, "out.weight", "in.weight");
  CHECK(net.parameter_count() == before / 2);
  REQUIRE(net.parameters().size() == 1);
  CHECK(net.parameters()[0].name == "in.weight");
  REQUIRE(net.aliases().size() == 1);
  CHECK(net.aliases()[0].name == "out.weight");
  CHECK(net.out.weight.is(net.in.weight));
  const Tensor y = sum(net(inputs({2, 4})));
  const Traversal graph(std::span(&y, 1));
  CHECK(graph.leaves().size() == 1);
  tie(net, "out.weight", "in.weight");  // once more changes nothing
  CHECK(net.parameters().size() == 1);
}

TEST_CASE("a tie holds after the module that the tensor came from is gone") {
  auto first = make<Linear>(4, 4), second = make<Linear>(4, 4);
  const Tensor kept = first->weight;
  {
    Sequential net(first, second);
    tie(net, "1.weight", "0.weight");
  }
  first.reset();
  CHECK(second->weight.is(kept));
  CHECK(second->parameters()[0].tensor.is(kept));
  Sequential moved(std::move(*second));  // the Parameter stands elsewhere now, and the list knows it
  CHECK(moved.parameters()[0].tensor.is(kept));
  CHECK(to_string(functional_call(moved, {{"0.weight", zeros({4, 4})}}, ones({1, 4}))) == "[[0, 0, 0, 0]]");
}

TEST_CASE("what cannot be tied is refused") {
  Mlp net;
  CHECK_THROWS_WITH_AS(
      tie(net, "first.weight", "second.weight"),
      "tie: 'first.weight' is float32 (5, 3) and 'second.weight' float32 (2, 5); tied parameters are alike",
      ValueError);
  CHECK_THROWS_WITH_AS(tie(net, "first.wait", "second.weight"),
                       doctest::Contains("tie: Mlp has no parameter 'first.wait'; it has 'first.weight'"), ValueError);
  CHECK_THROWS_AS(tie(net, "mean", "mean"), ValueError);
}

TEST_CASE("a functional call computes with other tensors and leaves the network as it was") {
  Mlp net;
  const Tensor x = inputs({2, 3});
  const std::vector<double> plain = net(x).to_vector();
  const Tensor kept = *net.second.bias;
  const Tensor y = functional_call(net, {{"second.bias", ones({2})}, {"mean", full({2}, 5)}}, x);
  for (std::size_t i = 0; i < plain.size(); ++i) CHECK(y.to_vector()[i] == doctest::Approx(plain[i] + 1 - 5));
  CHECK(net.second.bias->is(kept));
  CHECK(net(x).to_vector() == plain);
  CHECK_THROWS_AS(functional_call(net, {{"second.bias", ones({2})}}, ones({2, 4})), ShapeError);
  CHECK(net.second.bias->is(kept));
}

TEST_CASE("a functional call refuses what it cannot place, before anything is computed") {
  Mlp net;
  const Tensor x = inputs({2, 3});
  CHECK_THROWS_WITH_AS(functional_call(net, {{"second.bia", ones({2})}}, x),
                       doctest::Contains("functional_call: Mlp has no parameter or buffer 'second.bia'"), ValueError);
  CHECK_THROWS_WITH_AS(functional_call(net, {{"second.bias", ones({3})}}, x),
                       "functional_call: 'second.bias' has shape (2,), not (3,)", ShapeError);
  CHECK_THROWS_WITH_AS(functional_call(net, {{"second.bias", ones({2}, DType::float64)}}, x),
                       "functional_call: 'second.bias' holds float32, not float64", ValueError);
  CHECK_THROWS_WITH_AS(functional_call(net, {{"second.bias", Tensor()}}, x),
                       "functional_call: the tensor for 'second.bias' is an empty handle", ValueError);
  Coder coder;
  tie(coder, "out.weight", "in.weight");
  const Tensor w = zeros({4, 4});
  CHECK_THROWS_WITH_AS(functional_call(coder, {{"in.weight", w}, {"out.weight", w}}, ones({1, 4})),
                       "functional_call: 'in.weight' and 'out.weight' are the same tensor; give one", ValueError);
  CHECK(sum(functional_call(coder, {{"out.weight", w}}, ones({1, 4}))).item() == 0);  // under both paths
}

TEST_CASE("an operation inside a functional call is at the line of the network, its first call at the caller's") {
  Linear net(3, 2);
  const Tensor y = functional_call(net, {{"weight", ones({2, 3})}}, ones({1, 3}));
  CHECK(to_string(y.node()->where) == "test_module_functions.cpp:" + std::to_string(__LINE__ - 1));
}

TEST_CASE("the gradient through an inner step of MAML is that of finite differences") {
  Mlp net;
  to(net, DType::float64);
  Generator generator(5);
  const TensorOptions doubles{.dtype = DType::float64};
  const Tensor x = randn({6, 3}, doubles, generator), t = randn({6, 2}, doubles, generator);
  const Tensor x2 = randn({6, 3}, doubles, generator), t2 = randn({6, 2}, doubles, generator);
  const std::vector<NamedTensor> parameters = net.parameters();
  const auto outer = [&](bool create_graph) {
    const Tensor inner = mse_loss(net(x), t);
    const std::vector<Tensor> g = grad(inner, parameters, {.create_graph = create_graph});
    std::vector<NamedTensor> fast;
    for (std::size_t i = 0; i < g.size(); ++i) fast.push_back({parameters[i].name, parameters[i].tensor - 0.3 * g[i]});
    return mse_loss(functional_call(net, fast, x2), t2);
  };
  const std::vector<Tensor> exact = grad(outer(true), parameters);
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    Tensor p = parameters[i].tensor;
    const std::vector<double> middle = p.to_vector(), derivative = exact[i].to_vector();
    for (std::size_t k = 0; k < middle.size(); ++k) {
      const auto at = [&](double step) {
        std::vector<double> moved = middle;
        moved[k] += step;
        {
          const NoGrad off;
          p.copy_(from_vector(moved, p.shape()));
        }
        return outer(false).item();
      };
      const double h = 1e-4;
      // Fourth order, so that the difference's own error is below the bound.
      const double difference = (8 * (at(h) - at(-h)) - (at(2 * h) - at(-2 * h))) / (12 * h);
      CHECK(derivative[k] == doctest::Approx(difference).epsilon(1e-7));
    }
    const NoGrad off;
    p.copy_(from_vector(middle, p.shape()));
  }
}
