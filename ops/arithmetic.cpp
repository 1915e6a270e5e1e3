// Plus, minus, times, divided by, powers: each derivative beside its forward.
#include <cmath>
#include <limits>

#include "ops/function.h"
#include "ops/ops.h"
#include "ops/registry.h"
#include "ops/rules.h"

namespace chainrule {
namespace {

// z = x + y      dx = g,  dy = g
struct Add {
  static constexpr OpInfo info{
      .name = "add", .symbol = "+", .elementwise = true, .formula = "z = x + y", .derivatives = {"1", "1"}};
  static constexpr Uses uses[] = {kNothing, kNothing};
  Tensor forward(const Tensor& x, const Tensor& y) const { return zip(x, y, Binary::add, "add"); }
  void backward(GradContext& c, const Tensor& g) const {
    c.send(0, [&] { return g; });
    c.send(1, [&] { return g; });
  }
};

// z = x - y      dx = g,  dy = -g
struct Sub {
  static constexpr OpInfo info{
      .name = "sub", .symbol = "-", .elementwise = true, .formula = "z = x - y", .derivatives = {"1", "-1"}};
  static constexpr Uses uses[] = {kNothing, kNothing};
  Tensor forward(const Tensor& x, const Tensor& y) const { return zip(x, y, Binary::sub, "sub"); }
  void backward(GradContext& c, const Tensor& g) const {
    c.send(0, [&] { return g; });
    c.send(1, [&] { return -g; });
  }
};

// z = x * y      dx = g * y,  dy = g * x
struct Mul {
  static constexpr OpInfo info{
      .name = "mul", .symbol = "*", .elementwise = true, .formula = "z = x * y", .derivatives = {"y", "x"}};
  static constexpr Uses uses[] = {kY, kX};
  Tensor forward(const Tensor& x, const Tensor& y) const { return zip(x, y, Binary::mul, "mul"); }
  void backward(GradContext& c, const Tensor& g) const {
    const Tensor x = c.input(0), y = c.input(1);
    c.send(0, [&] { return g * y; });
    c.send(1, [&] { return g * x; });
  }
};

// z = x / y      dx = g / y,  dy = -g * z / y
struct Div {
  static constexpr OpInfo info{
      .name = "div", .symbol = "/", .elementwise = true, .formula = "z = x / y", .derivatives = {"1 / y", "-z / y"}};
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
  static constexpr OpInfo info{
      .name = "neg", .symbol = "-", .elementwise = true, .formula = "z = -x", .derivatives = {"-1"}, .inputs = "x"};
  static constexpr Uses uses[] = {kNothing};
  Tensor forward(const Tensor& x) const { return map(x, Unary::neg, "neg"); }
  void backward(GradContext& c, const Tensor& g) const {
    c.send(0, [&] { return -g; });
  }
};

// x, but 1 where y = 0 and 1 / x overflows: there x^(y - 1) would turn the derivative 0 into 0 * inf.
Tensor safe_base(const Tensor& x, const Tensor& y) {
  if (y.numel() == 1 && y.item() != 0) return x;
  const Tensor overflows = eq(abs(1 / x.detach()), std::numeric_limits<double>::infinity());
  return where(eq(y, 0), where(overflows, 1, x), x);
}

// x, but 1 where x = 0 and y >= 0: there z * log(x) tends to 0.
Tensor safe_log_argument(const Tensor& x, const Tensor& y) { return where(eq(x, 0), where(ge(y, 0), 1, x), x); }

// z = x^y      dx = g * y * x^(y - 1),  dy = g * z * log(x)
struct Pow {
  static constexpr OpInfo info{
      .name = "pow",
      .symbol = "^",
      .elementwise = true,
      .formula = "z = x^y",
      .derivatives = {"y * x^(y - 1)", "z * log(x)"},
      .kinks = "derivative by x is 0 where y = 0; derivative by y is 0 where x = 0 and y >= 0, NaN where x < 0"};
  static constexpr Uses uses[] = {kX | kY, kX | kY | kOutput};
  Tensor forward(const Tensor& x, const Tensor& y) const {
    if (y.shape().empty()) {  // the common exponents need no pow
      const double n = y.item();
      if (n == 1) return x;
      if (n == 2) return map(x, Unary::square, "pow");
      if (n == 3) return zip(map(x, Unary::square, "pow"), x, Binary::mul, "pow");
      if (n == -1) return map(x, Unary::reciprocal, "pow");
    }
    return zip(x, y, Binary::pow, "pow");
  }
  void backward(GradContext& c, const Tensor& g) const {
    const Tensor x = c.input(0), y = c.input(1);
    c.send(0, [&] { return g * y * pow(safe_base(x, y), y - 1); });
    c.send(1, [&] { return g * c.output() * log(safe_log_argument(x, y)); });
  }
};

// z = x x      dx = g * 2 x
struct Square {
  static constexpr OpInfo info{
      .name = "square", .elementwise = true, .formula = "z = x^2", .derivatives = {"2 * x"}, .inputs = "x"};
  static constexpr Uses uses[] = {kX};
  Tensor forward(const Tensor& x) const { return map(x, Unary::square, "square"); }
  void backward(GradContext& c, const Tensor& g) const {
    c.send(0, [&] { return g * (2 * c.input(0)); });
  }
};

// z = sqrt(x)      dx = g / (2 z)
struct Sqrt {
  static constexpr OpInfo info{.name = "sqrt",
                               .elementwise = true,
                               .formula = "z = sqrt(x)",
                               .derivatives = {"1 / (2 * z)"},
                               .kinks = "infinite at 0, with the sign of the zero",
                               .inputs = "x"};
  static constexpr Uses uses[] = {kOutput};
  Tensor forward(const Tensor& x) const { return map(x, Unary::sqrt, "sqrt"); }
  void backward(GradContext& c, const Tensor& g) const {
    c.send(0, [&] { return g / (2 * c.output()); });
  }
};

}  // namespace

Tensor add(const Operand& x, const Operand& y) { return record_pair(Add{}, x, y); }
Tensor sub(const Operand& x, const Operand& y) { return record_pair(Sub{}, x, y); }
Tensor mul(const Operand& x, const Operand& y) { return record_pair(Mul{}, x, y); }
Tensor div(const Operand& x, const Operand& y) { return record_floating_pair(Div{}, x, y); }
Tensor neg(const Operand& x) { return record_one(Neg{}, x); }
Tensor pow(const Operand& x, const Operand& y) { return record_floating_pair(Pow{}, x, y); }
Tensor square(const Operand& x) { return record_one(Square{}, x); }
Tensor sqrt(const Operand& x) { return record_floating(Sqrt{}, x); }

std::span<const OpInfo* const> arithmetic_ops() {
  static constexpr const OpInfo* list[] = {&Add::info, &Sub::info, &Mul::info,    &Div::info,
                                           &Neg::info, &Pow::info, &Square::info, &Sqrt::info};
  return list;
}

std::span<const Function> arithmetic_functions() { return {}; }

}  // namespace chainrule
