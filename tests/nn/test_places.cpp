// An error of forward inside modules says where: file, line and the module's path.
#include <doctest/doctest.h>

#include <string>

#include "engine/types/error.h"
#include "nn/layers.h"

using namespace chainrule;

namespace {

template <class F>
std::string said(F&& f) {
  try {
    f();
  } catch (const Error& e) {
    return e.what();
  }
  return "nothing";
}

struct Shifted : Module {
  Parameter shift{*this, "shift", ones({5})};
  Child<Linear> fc{*this, "fc", 4, 4};
  bool through_layer = false;
  static constexpr unsigned kLine = __LINE__ + 2;
  Tensor forward(const Tensor& x) override {
    Tensor y = through_layer ? fc(x) : x + shift;
    return y;
  }
};

struct ShiftedNet : Module {
  Child<Shifted> block{*this, "block"};
  Tensor forward(const Tensor& x) override { return block(x); }
};

}  // namespace

TEST_CASE("errors of a module's operations say line and path; outside of modules they stay as they are") {
  ShiftedNet net;
  const Tensor x = ones({2, 4});
  const std::string plain = said([&] { x + net.block.shift; });
  CHECK(plain == "add: shapes (2, 4) and (5,) do not broadcast: axis -1 has sizes 4 and 5");
  const std::string line = std::to_string(Shifted::kLine);
  CHECK(said([&] { net(x); }) ==
        plain + "; at test_places.cpp:" + line + " in block (Shifted); input (2, 4); Shifted has shift (5,)");

  net.block.through_layer = true;  // the layer's operation is at the line of the network
  const std::string wrong = said([&] { net(ones({2, 3})); });
  CHECK(wrong.find("test_places.cpp:" + line) != std::string::npos);
  CHECK(wrong.find("block.fc (Linear)") != std::string::npos);
  CHECK(wrong.ends_with("; input (2, 3); Linear has weight (4, 4), bias (4,)"));

  const std::string empty = said([&] { net(Tensor()); });
  CHECK(empty.find("empty") != std::string::npos);
  CHECK(empty.find("block.fc (Linear)") != std::string::npos);
}

TEST_CASE("an error that no operation places is at the call of its module, and keeps its type") {
  struct Picky : Module {
    Tensor forward(const Tensor& x) override {
      if (x.dim() != 2) throw ShapeError("Picky: wants two axes");
      return x;
    }
  };
  struct Sum : ModuleOf<Sum> {
    Tensor forward(const Tensor&, const Tensor&) { throw ValueError("Sum: no"); }
  };
  Sequential net{ReLU(), Picky()};
  // On a line of its own: compilers differ about the line of a call inside a macro of several lines.
  const std::string picky = said([&] { net(ones({3})); });
  CHECK(picky == "Picky: wants two axes; in 1 (Picky), called at test_places.cpp:" + std::to_string(__LINE__ - 1) +
                     "; input (3,)");
  CHECK_THROWS_AS(net(ones({3})), ShapeError);
  Sum sum;
  const std::string no = said([&] { sum(ones({1}), ones({1})); });
  CHECK(no == "Sum: no; in Sum, called at test_places.cpp:" + std::to_string(__LINE__ - 1) + "; input (1,), (1,)");
  CHECK_THROWS_AS(sum(ones({1}), ones({1})), ValueError);
}
