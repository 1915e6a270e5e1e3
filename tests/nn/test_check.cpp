// What check() finds, and that it leaves everything as it was. And how a network is printed.
#include "nn/check.h"

#include <doctest/doctest.h>

#include <limits>
#include <sstream>

#include "engine/random.h"
#include "nn/layers.h"
#include "nn/module_functions.h"
#include "nn/print.h"
#include "ops/ops.h"

using namespace chainrule;

namespace {

using Kind = ModuleFinding::Kind;

struct Sound : Module {
  Child<Linear> first{*this, "first", 3, 4};
  Child<Linear> second{*this, "second", 4, 2};
  Tensor forward(const Tensor& x) override { return second(tanh(first(x))); }
};

Tensor batch() {
  Generator generator(2);
  return randn({6, 3}, {}, generator) * 0.5;
}

}  // namespace

TEST_CASE("a sound network passes") {
  Sound net;
  const ModuleReport report = check(net, batch());
  CHECK(report.passed());
  CHECK(fmt::format("{}", report) == "nothing found");
}

TEST_CASE("a trainable tensor that no module declares is found (S2)") {
  struct Forgetful : Module {
    Tensor scale = ones({2}, {.requires_grad = true}).label("scale");  // should be a Parameter
    Child<Linear> fc{*this, "fc", 3, 2};
    Tensor forward(const Tensor& x) override { return fc(x) * scale; }
  };
  Forgetful net;
  const ModuleReport report = check(net, batch());
  REQUIRE(report.findings.size() == 1);
  CHECK(report.findings[0].kind == Kind::unregistered);
  CHECK(report.findings[0].name == "scale");
  CHECK(report.findings[0].text.find("declare it as a Parameter") != std::string::npos);
  // A trainable input is the caller's own.
  Sound sound;
  CHECK(check(sound, ones({6, 3}, {.requires_grad = true})).passed());
}

TEST_CASE("parameters without a gradient are found; frozen ones are meant so") {
  struct Half : Module {
    Child<Linear> used{*this, "used", 3, 2}, unused{*this, "unused", 3, 2};
    Parameter silent{*this, "silent", ones({2})};
    Tensor forward(const Tensor& x) override { return used(x) + silent * 0; }
  };
  Half net;
  const ModuleReport report = check(net, batch());
  REQUIRE(report.findings.size() == 3);
  CHECK(report.findings[0].kind == Kind::no_gradient);
  CHECK(report.findings[0].text == "parameter 'unused.weight' gets no gradient: the result does not depend on it");
  CHECK(report.findings[1].name == "unused.bias");
  CHECK(report.findings[2].kind == Kind::zero_gradient);
  CHECK(report.findings[2].text == "the gradient of 'silent' is 0 everywhere");
  freeze(net, "unused.*");
  freeze(net, "silent");
  CHECK(check(net, batch()).passed());

  struct Cut : Module {
    Child<Linear> fc{*this, "fc", 3, 2};
    Tensor forward(const Tensor& x) override { return fc(x).detach(); }
  };
  Cut cut;
  CHECK(check(cut, batch()).findings.size() == 2);
}

TEST_CASE("numbers that are not finite are found where they are") {
  Sound net;
  {
    const NoGrad off;
    net.second.bias->copy_(tensor({std::numeric_limits<double>::infinity(), 0.0}));
  }
  const ModuleReport report = check(net, batch());
  REQUIRE(report.findings.size() >= 2);
  CHECK(report.findings[0].kind == Kind::non_finite);
  CHECK(report.findings[0].text == "parameter 'second.bias' has 1 of 2 numbers that are not finite");
  CHECK(report.findings[1].name == "result");
}

TEST_CASE("dead and saturated units are found, with layer and line") {
  struct Dead : Module {
    Child<Linear> fc{*this, "fc", 3, 4};
    Child<ReLU> act{*this, "act"};
    Tensor forward(const Tensor& x) override { return sigmoid(act(fc(x))); }
  };
  Dead net;
  {
    const NoGrad off;
    net.fc.weight.fill_(0.1);
    net.fc.bias->copy_(tensor({-50.0, 1.0, -50.0, 90.0}));
  }
  const ModuleReport report = check(net, batch());
  REQUIRE(report.findings.size() == 2);
  CHECK(report.findings[0].kind == Kind::dead_units);
  CHECK(report.findings[0].name == "act");
  CHECK(report.findings[0].text.find("2 of 4 units give 0 for all 6 samples") != std::string::npos);
  CHECK(report.findings[1].kind == Kind::saturated);
  CHECK(report.findings[1].text.find("1 of 4 units are at 0 or 1 for all 6 samples") != std::string::npos);
  CHECK(check(net, slice(batch(), 0, 0, 1)).passed());  // one sample says nothing of units
}

TEST_CASE("mixed types are found") {
  Sound net;
  to(net.second, DType::float64);
  struct Sum : Module {
    Parameter a{*this, "a", ones({3})}, b{*this, "b", ones({3}, DType::float64)};
    Tensor forward(const Tensor& x) override { return x * a * b; }
  };
  Sum sum;
  const ModuleReport report = check(sum, batch());
  REQUIRE(report.findings.size() == 1);
  CHECK(report.findings[0].text == "parameter 'b' holds float64, 'a' float32");
}

TEST_CASE("check leaves gradients, buffers and the generator as they were") {
  struct Counting : Module {
    Buffer calls{*this, "calls", zeros({1})};
    Child<Linear> fc{*this, "fc", 3, 2};
    Tensor forward(const Tensor& x) override {
      {
        const NoGrad off;
        calls.copy_(calls + 1);
      }
      return fc(dropout(x, 0.5));
    }
  };
  Counting net;
  sum(net(batch())).backward();
  const std::vector<double> gradient = net.fc.weight.grad().to_vector();
  const Generator::State state = default_generator().state();
  check(net, batch());
  CHECK(net.calls.to_vector() == std::vector<double>{1});
  CHECK(net.fc.weight.grad().to_vector() == gradient);
  CHECK(default_generator().state() == state);
  CHECK_THROWS_AS(check(net, ones({2, 5})), ShapeError);
  CHECK(net.calls.to_vector() == std::vector<double>{1});
}

TEST_CASE("a network is printed as a tree with shapes and counts") {
  struct Block : Module {
    Child<Linear> first{*this, "first", 300, 50};
    Child<ReLU> act{*this, "act"};
    std::string arguments() const override { return "width=50"; }
  };
  struct Tree : Module {
    Parameter scale{*this, "scale", ones({2})};
    Buffer mean{*this, "mean", zeros({3, 1})};
    Child<Block> block{*this, "block"};
    Child<Linear> out{*this, "out", 2, 4, {.bias = false}};
    std::shared_ptr<Linear> shared = add_child("a", make<Linear>(1, 1));
    std::shared_ptr<Linear> again = add_child("b", shared);
  };
  Tree net;
  freeze(net, "out.*");
  const std::string text =
      "Tree                      15,062  scale (2,), mean (3, 1) buffer\n"
      "  block: Block(width=50)  15,050\n"
      "    first: Linear         15,050  weight (50, 300), bias (50,)\n"
      "    act: ReLU\n"
      "  out: Linear                  8  weight (4, 2) frozen\n"
      "  a: Linear                    2  weight (1, 1), bias (1,)\n"
      "  b: Linear, the same as a";
  CHECK(fmt::format("{}", net) == text);
  std::ostringstream out;
  out << net;
  CHECK(out.str() == text);
  CHECK(fmt::format("{:>6}", net.block.act) == "  ReLU");
}
