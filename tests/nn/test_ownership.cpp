// Who owns which module, what it is called there, in which order all is listed, and that nothing dangles.
#include <doctest/doctest.h>

#include <map>
#include <optional>

#include "engine/node.h"
#include "engine/types/error.h"
#include "nn/layers.h"

using namespace chainrule;

namespace {

using Names = std::vector<std::string>;

Names names(const std::vector<NamedTensor>& list) {
  Names found;
  for (const auto& [name, tensor] : list) found.push_back(name);
  return found;
}
Names paths(ModuleBase& module) {
  Names found;
  for (const auto& [name, inner] : module.modules()) found.push_back(name + ":" + inner->kind());
  return found;
}
std::string path_of(const Tensor& result) {
  const ModulePath* module = result.node()->module;
  return module ? module->full() : "";
}

struct Normed : Module {
  Parameter gain{*this, "gain", ones({3})};
  Buffer mean{*this, "mean", zeros({3})};
  Child<Linear> fc{*this, "fc", 3, 3};
  Parameter shift{*this, "shift", zeros({3})};
  Buffer steps{*this, "steps", zeros({}, {.dtype = DType::int64})};
  Tensor forward(const Tensor& x) override { return fc(x - mean) * gain + shift; }
};

}  // namespace

TEST_CASE("parameters, buffers, both and modules are in order of declaration, with paths") {
  Sequential net(Linear(3, 3, {.bias = false}), make<Normed>());
  CHECK(names(net.parameters()) == Names{"0.weight", "1.gain", "1.fc.weight", "1.fc.bias", "1.shift"});
  CHECK(names(net.buffers()) == Names{"1.mean", "1.steps"});
  CHECK(names(net.state()) == Names{"0.weight", "1.gain", "1.mean", "1.fc.weight", "1.fc.bias", "1.shift", "1.steps"});
  CHECK(names(net.buffers("net")) == Names{"net.1.mean", "net.1.steps"});
  CHECK(paths(net) == Names{":Sequential", "0:Linear", "1:Normed", "1.fc:Linear"});
  CHECK(net.parameter_count() == 9 + 3 + 12 + 3);
}

TEST_CASE("a buffer is not trained, and one that is trainable is refused") {
  Normed net;
  CHECK_FALSE(net.mean.requires_grad());
  sum(net(ones({1, 3}))).backward();
  CHECK_FALSE(net.mean.has_grad());
  net.mean.copy_(full({3}, 2));
  CHECK(net.buffers()[0].tensor.to_vector() == std::vector<double>{2, 2, 2});
  struct Wrong : Module {
    Buffer mean{*this, "mean", zeros({3}, {.requires_grad = true})};
  };
  CHECK_THROWS_WITH_AS(Wrong(), "Wrong: buffer 'mean' is trainable; detach() it, or declare a Parameter", ValueError);
}

TEST_CASE("a child has the name that its parent gives it, and another one in another parent") {
  auto core = make<Linear>(3, 3);
  struct Holder : Module {
    Holder(std::string name, std::shared_ptr<Linear> layer) : inner(add_child(std::move(name), std::move(layer))) {}
    Tensor forward(const Tensor& x) override { return (*inner)(x); }
    std::shared_ptr<Linear> inner;
  };
  Holder first("encoder", core), second("decoder", core);
  CHECK(names(first.parameters()) == Names{"encoder.weight", "encoder.bias"});
  CHECK(names(second.parameters()) == Names{"decoder.weight", "decoder.bias"});
  const Tensor x = ones({1, 3});
  for (int round = 0; round < 2; ++round) {  // the second time from memory
    CHECK(path_of(first(x)) == "encoder");
    CHECK(path_of(second(x)) == "decoder");
  }
  Sequential both;
  auto block = make<Holder>("fc", core);
  both.append(block);
  both.append(make<Holder>("fc", core));
  CHECK(names(both.parameters()) == Names{"0.fc.weight", "0.fc.bias"});
  CHECK(path_of(both(x)) == "1.fc");
  CHECK(path_of((*block)(x)) == "0.fc");
}

TEST_CASE("a module that is called past its parent still has its whole path") {
  struct Outer : Module {
    Child<Normed> block{*this, "block"};
    Child<ModuleList<Linear>> layers{*this, "layers"};
    Outer() { layers.append(make<Linear>(3, 3)); }
    Tensor forward(const Tensor& x) override { return layers[0](block.fc(x)); }
  };
  Outer net;
  const Tensor x = ones({1, 3}), y = net(x);
  CHECK(path_of(y) == "layers.0");
  CHECK(path_of(Tensor(y.node()->edges()[0].value)) == "block.fc");
  CHECK(path_of(net.block.fc(x)) == "block.fc");
}

TEST_CASE("a cycle is refused when it is made") {
  auto a = make<Sequential>(), b = make<Sequential>(), c = make<Sequential>();
  a->append(b);
  b->append(c);
  CHECK_THROWS_WITH_AS(c->append(a), "Sequential: '0' (Sequential) would close a cycle, because it holds this module",
                       ValueError);
  CHECK_THROWS_WITH_AS(a->append(a), "Sequential: '1' (Sequential) would close a cycle, because it is this module",
                       ValueError);
  CHECK(a->parameters().empty());
  CHECK_THROWS_WITH_AS(a->append(nullptr), "Sequential: '1' is an empty pointer to a module", ValueError);
  a->append(c);  // twice the same is no cycle
  CHECK(a->modules().size() == 3);
}

TEST_CASE("a moved module takes its parts along; what dies first takes itself off the other") {
  Sequential made(Linear(2, 3), make<Normed>());
  const Tensor weight = made.parameters()[0].tensor;
  Sequential moved(std::move(made));
  Sequential outer(std::move(moved), ReLU());
  CHECK(names(outer.parameters())[0] == "0.0.weight");
  CHECK(outer.parameters()[0].tensor.is(weight));
  CHECK(path_of(outer(ones({1, 2}))) == "1");

  Normed parent;
  {
    const Child<Linear> passing{parent, "passing", 2, 2};
    CHECK(names(parent.parameters()).back() == "passing.bias");
  }
  CHECK(names(parent.parameters()).back() == "shift");

  std::optional<Normed> brief(std::in_place);
  Child<Linear> outliving{*brief, "outliving", 2, 2};
  brief.reset();
  CHECK(path_of(outliving(ones({1, 2}))).empty());

  auto shared = make<Linear>(2, 2);
  { const Sequential owner(shared); }
  CHECK(path_of((*shared)(ones({1, 2}))).empty());

  auto failing = [] {
    struct Fails : Module {
      Child<Linear> fc{*this, "fc", 2, 2};
      Fails() { throw ValueError("no"); }
    };
    Fails();
  };
  CHECK_THROWS_AS(failing(), ValueError);
}

TEST_CASE("lists and dictionaries of modules hold, name and give back") {
  struct Heads : Module {
    Child<ModuleList<Normed>> blocks{*this, "blocks"};
    Child<ModuleDict<Linear>> heads{*this, "heads"};
    Heads() {
      for (int i = 0; i < 3; ++i) blocks.append(make<Normed>());
      heads.insert("colour", make<Linear>(3, 5));
      heads.insert("age", make<Linear>(3, 1));
    }
    Tensor forward(const Tensor& x) override {
      Tensor y = x;
      for (Normed& block : blocks) y = block(y);
      return heads["age"](y);
    }
  };
  Heads net;
  CHECK(net.blocks.size() == 3);
  CHECK(names(net.parameters("net"))[4] == "net.blocks.1.gain");
  CHECK(names(net.parameters()).back() == "heads.age.bias");
  CHECK(paths(net)[1] == "blocks:ModuleList");
  const Tensor y = net(ones({2, 3}));
  CHECK(y.shape() == Shape{2, 1});
  CHECK(path_of(y) == "heads.age");
  CHECK(net.heads.names() == Names{"colour", "age"});
  CHECK(net.heads.contains("age"));
  CHECK_FALSE(net.heads.contains("size"));
  CHECK_THROWS_WITH_AS(net.heads["size"], "ModuleDict: there is no module 'size' among 2", ValueError);
  CHECK_THROWS_WITH_AS(net.blocks[3], "ModuleList: there is no module 3 among 3", ValueError);
  CHECK_THROWS_AS(net.heads.insert("age", make<Linear>(3, 1)), ValueError);
  CHECK(net.heads.size() == 2);
  net.eval();
  CHECK_FALSE(net.blocks[2].fc.is_training());
}

TEST_CASE("a module of several inputs and results is called as it is declared") {
  struct Cell : ModuleOf<Cell> {
    struct State {
      Tensor h, c;
    };
    Child<Linear> gate{*this, "gate", 3, 3};
    State forward(const Tensor& x, const State& before, double keep = 0.5) {
      const Tensor h = tanh(gate(x) + before.h);
      return {h, before.c * keep + h};
    }
  };
  struct Net : Module {
    Child<Cell> cell{*this, "cell"};
    Tensor forward(const Tensor& x) override {
      Cell::State state{zeros({1, 3}), zeros({1, 3})};
      state = cell(x, state);
      return cell(x, state, 1.0).c;
    }
  };
  Net net;
  const Tensor y = net(ones({1, 3}));
  CHECK(y.node()->module->full() == "cell");
  CHECK(y.node()->module->kind == "Cell");
  Cell root;
  CHECK(root(ones({1, 3}), Cell::State{zeros({1, 3}), zeros({1, 3})}).h.shape() == Shape{1, 3});

  struct Layer : ModuleOf<Layer> {
    std::vector<Tensor> forward(const Tensor& a, const Tensor& b) {
      const CalledFrom caller(called_from());
      return {a * b, a + b};
    }
  };
  Layer layer;
  const Tensor a = ones({2}, {.requires_grad = true});
  const auto both = layer(a, a);
  CHECK(both.back().node()->where.line() == __LINE__ - 1);
  CHECK_THROWS_WITH_AS(Sequential{Layer()}(a), doctest::Contains("Layer: this module has no forward of one tensor"),
                       ValueError);

  struct Either : ModuleOf<Either> {  // one tensor is enough for it
    Tensor forward(const Tensor& x, const Tensor& mask = {}) { return mask.defined() ? x * mask : exp(x); }
  };
  CHECK(path_of(Sequential{Either(), Linear(2, 2)}(a)) == "1");
  CHECK(Either()(a, full({2}, 3)).to_vector() == std::vector<double>{3, 3});

  struct Count : ModuleOf<Count> {
    int forward() { return ++calls; }
    int calls = 0;
  };
  Count count;
  count();
  CHECK(count() == 2);
}
