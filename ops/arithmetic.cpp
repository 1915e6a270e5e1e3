// Plus, minus, times, divided by, powers: each derivative beside its forward.
#include "engine/factory.h"
#include "engine/record.h"
#include "ops/launch.h"
#include "ops/ops.h"

namespace chainrule {
namespace {

// z = x + y      dx = g,  dy = g
struct Add {
  static constexpr OpInfo info{.name = "add", .symbol = "+", .elementwise = true, .formula = "z = x + y", .derivatives = {"1", "1"}};
  static constexpr Uses uses[] = {kNothing, kNothing};
  Tensor forward(const Tensor& x, const Tensor& y) const { return zip(x, y, Binary::add, "add"); }
  void backward(GradContext& c, const Tensor& g) const {
    c.send(0, [&] { return g; });
    c.send(1, [&] { return g; });
  }
};

// z = x - y      dx = g,  dy = -g
struct Sub {
  static constexpr OpInfo info{.name = "sub", .symbol = "-", .elementwise = true, .formula = "z = x - y", .derivatives = {"1", "-1"}};
  static constexpr Uses uses[] = {kNothing, kNothing};
  Tensor forward(const Tensor& x, const Tensor& y) const { return zip(x, y, Binary::sub, "sub"); }
  void backward(GradContext& c, const Tensor& g) const {
    c.send(0, [&] { return g; });
    c.send(1, [&] { return -g; });
  }
};

// z = x * y      dx = g * y,  dy = g * x
struct Mul {
  static constexpr OpInfo info{.name = "mul", .symbol = "*", .elementwise = true, .formula = "z = x * y", .derivatives = {"y", "x"}};
  static constexpr Uses uses[] = {kY, kX};
  Tensor forward(const Tensor& x, const Tensor& y) const { return zip(x, y, Binary::mul, "mul"); }
  void backward(GradContext& c, const Tensor& g) const {
    auto [x, y] = c.inputs<2>();
    c.send(0, [&] { return g * y; });
    c.send(1, [&] { return g * x; });
  }
};

// z = x / y      dx = g / y,  dy = -g * z / y
struct Div {
  static constexpr OpInfo info{.name = "div", .symbol = "/", .elementwise = true, .formula = "z = x / y", .derivatives = {"1 / y", "-z / y"}};
  static constexpr Uses uses[] = {kY, kY | kOutput};
  Tensor forward(const Tensor& x, const Tensor& y) const { return zip(x, y, Binary::div, "div"); }
  void backward(GradContext& c, const Tensor& g) const {
    const Tensor y = c.input(1);
    c.send(0, [&] { return g / y; });
    c.send(1, [&] { return -g * c.output() / y; });
  }
};

// z = -x      dx = -g
struct Neg {
  static constexpr OpInfo info{.name = "neg", .symbol = "-", .elementwise = true, .formula = "z = -x", .derivatives = {"-1"}, .inputs = "x"};
  static constexpr Uses uses[] = {kNothing};
  Tensor forward(const Tensor& x) const { return map(x, Unary::neg, "neg"); }
  void backward(GradContext& c, const Tensor& g) const {
    c.send(0, [&] { return -g; });
  }
};

template <class Op>
Tensor record_pair(Op op, const Operand& x, const Operand& y) {
  if (!x.is_number() && !y.is_number() && x.tensor().defined() && y.tensor().defined() && x.tensor().dtype() == y.tensor().dtype()) [[likely]]
    return record(op, x, y);
  const auto [a, b] = promote(x, y);
  return record(op, Operand(a, x.where()), Operand(b, x.where()));
}

}  // namespace

Tensor add(const Operand& x, const Operand& y) { return record_pair(Add{}, x, y); }
Tensor sub(const Operand& x, const Operand& y) { return record_pair(Sub{}, x, y); }
Tensor mul(const Operand& x, const Operand& y) { return record_pair(Mul{}, x, y); }
Tensor div(const Operand& x, const Operand& y) { return record_pair(Div{}, x, y); }
Tensor neg(const Operand& x) { return record(Neg{}, x); }
}  // namespace chainrule
