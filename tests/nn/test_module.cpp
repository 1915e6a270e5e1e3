// Modules: registration by declaration, names, order, sharing, scopes and what is refused.
#include <doctest/doctest.h>

#include <set>

#include "engine/node.h"
#include "engine/traverse.h"
#include "engine/types/error.h"
#include "nn/layers.h"

using namespace chainrule;

namespace {

struct Block : Module {
  Child<Linear> first{*this, "first", 3, 5};
  Child<Linear> second{*this, "second", 5, 2, {.bias = false}};
  static constexpr unsigned kLine = __LINE__ + 1;
  Tensor forward(const Tensor& x) override { return second(relu(first(x))); }
};

struct Net : Module {
  Parameter scale{*this, "scale", ones({2})};
  Child<Block> block{*this, "block"};
  Child<Linear> out{*this, "out", 2, 4};
  static constexpr unsigned kLine = __LINE__ + 1;
  Tensor forward(const Tensor& x) override { return out(block(x) * scale); }
};

std::vector<std::string> names_of(const Module& module) {
  std::vector<std::string> names;
  for (const auto& [name, tensor] : module.parameters()) names.push_back(name);
  return names;
}

}  // namespace

TEST_CASE("parameters are named by path, in the order of their declaration") {
  const Net net;
  CHECK(names_of(net) == std::vector<std::string>{"scale", "block.first.weight", "block.first.bias",
                                                  "block.second.weight", "out.weight", "out.bias"});
  CHECK(net.parameter_count() == 2 + 3 * 5 + 5 + 5 * 2 + 2 * 4 + 4);
}

TEST_CASE("every parameter is a trainable leaf that carries its label") {
  const Net net;
  for (const auto& [name, tensor] : net.parameters()) {
    CHECK(tensor.is_leaf());
    CHECK(tensor.requires_grad());
    CHECK(name.ends_with(tensor.label()));
  }
}

TEST_CASE("a layer's operations are at the line that called it, a network's own at theirs") {
  Net net;
  Sequential layers(Linear(3, 4), ReLU(), Linear(4, 2));
  const auto lines_of = [](const Tensor& z) {
    std::multiset<unsigned> lines;
    const Traversal graph(std::span(&z, 1));
    for (std::size_t i = 0; i < graph.size(); ++i) {
      CHECK(to_string(graph.node(i).where).starts_with("test_module.cpp:"));
      lines.insert(graph.node(i).where.line());
    }
    return lines;
  };
  CHECK(lines_of(net(ones({1, 3}))) == std::multiset{Block::kLine, Block::kLine, Block::kLine, Net::kLine, Net::kLine});
  const Tensor z = layers(ones({1, 3}));
  const unsigned here = __LINE__ - 1;
  CHECK(lines_of(z) == std::multiset{here, here, here});
}

TEST_CASE("what a module computes carries its path, kind and parameter count") {
  Net net;
  const Tensor y = net(ones({1, 3}));
  const Node* linear = y.node();
  REQUIRE(linear != nullptr);
  REQUIRE(linear->module != nullptr);
  CHECK(linear->module->full() == "out");
  CHECK(linear->module->kind == "Linear");
  CHECK(linear->module->parameters == 12);
  const Node* product = linear->edges()[0].node.get();
  REQUIRE(product != nullptr);
  CHECK(product->module == nullptr);  // computed by the nameless root
  const Node* inner = product->edges()[0].node.get();
  REQUIRE(inner != nullptr);
  CHECK(inner->module->full() == "block.second");
}

TEST_CASE("a module's kind is its type's name") {
  Net net;
  CHECK(net.kind() == "Net");
  CHECK(net.block.kind() == "Block");
  CHECK(net.out.kind() == "Linear");
}

TEST_CASE("a parameter that two modules share is listed and counted once, under its first path") {
  auto shared = make<Linear>(4, 4);
  Sequential net;
  net.append(shared);
  net.append(make<ReLU>());
  Sequential other(Linear(4, 4));
  other.append(shared);
  CHECK(names_of(other).size() == 4);
  CHECK(other.parameter_count() == 2 * 20);
  Sequential twice(shared, ReLU(), shared);
  CHECK(names_of(twice) == std::vector<std::string>{"0.weight", "0.bias"});
  struct Tied : Module {
    Parameter in{*this, "in", ones({2})}, out{*this, "out", in};
  };
  CHECK(names_of(Tied()) == std::vector<std::string>{"in"});
}

TEST_CASE("training mode and gradients reach all modules inside") {
  Net net;
  net.eval();
  CHECK_FALSE(net.block.first.is_training());
  net.train();
  CHECK(net.block.first.is_training());
  sum(net(ones({1, 3}))).backward();
  CHECK(net.out.weight.has_grad());
  net.zero_grad();
  for (const auto& [name, tensor] : net.parameters()) CHECK_FALSE(tensor.has_grad());
}

TEST_CASE("two members of one name, a dot or no name are refused") {
  struct Twice : Module {
    Parameter a{*this, "w", ones({1})}, b{*this, "w", ones({1})};
  };
  struct Dotted : Module {
    Parameter a{*this, "a.b", ones({1})};
  };
  struct Nameless : Module {
    Parameter a{*this, "", ones({1})};
  };
  CHECK_THROWS_WITH_AS(Twice(), "Twice: two members are named 'w'", ValueError);
  CHECK_THROWS_AS(Dotted(), ValueError);
  CHECK_THROWS_AS(Nameless(), ValueError);
}

TEST_CASE("a module without forward says so") {
  struct Empty : Module {};
  Empty empty;
  CHECK_THROWS_WITH_AS(empty(ones({1})), doctest::Contains("Empty: this module has no forward of one tensor"),
                       ValueError);
}
