// Circular and hyperbolic functions and their inverses: each derivative beside its forward.
#include "ops/elementwise/trigonometry.h"

#include "ops/families.h"
#include "ops/ops.h"
#include "ops/rules.h"

namespace chainrule {
namespace {

// z = sin(x)      dx = g * cos(x)
struct Sin {
  static constexpr OpInfo info{.name = "sin", .elementwise = true, .formula = "z = sin(x)", .derivatives = {"cos(x)"}};
  Tensor forward(const Tensor& x) const { return map(x, Unary::sin, "sin"); }
  void backward(GradContext& c, const Tensor& g) const {
    c.send(0, [&] { return g * cos(c.input(0)); });
  }
};

// z = cos(x)      dx = -g * sin(x)
struct Cos {
  static constexpr OpInfo info{.name = "cos",
                               .elementwise = true,
                               .formula = "z = cos(x)",
                               .derivatives = {"-sin(x)"},
                               .stable = "2 * sin(x / 2)**2 for 1 - cos(x)"};
  Tensor forward(const Tensor& x) const { return map(x, Unary::cos, "cos"); }
  void backward(GradContext& c, const Tensor& g) const {
    c.send(0, [&] { return -g * sin(c.input(0)); });
  }
};

// z = tan(x)      dx = g (1 + z^2)
struct Tan {
  static constexpr OpInfo info{.name = "tan", .elementwise = true, .formula = "z = tan(x)", .derivatives = {"1 + z^2"}};
  Tensor forward(const Tensor& x) const { return map(x, Unary::tan, "tan"); }
  void backward(GradContext& c, const Tensor& g) const {
    c.send(0, [&] { return g * (1 + square(c.output())); });
  }
};

// z = asin(x)      dx = g / sqrt(1 - x^2)
struct Asin {
  static constexpr OpInfo info{.name = "asin",
                               .elementwise = true,
                               .formula = "z = asin(x)",
                               .derivatives = {"1 / sqrt(1 - x^2)"},
                               .kinks = "infinite at -1 and 1"};
  Tensor forward(const Tensor& x) const { return map(x, Unary::asin, "asin"); }
  void backward(GradContext& c, const Tensor& g) const {
    c.send(0, [&] { return g * rsqrt(one_minus_square(c.input(0))); });
  }
};

// z = acos(x)      dx = -g / sqrt(1 - x^2)
struct Acos {
  static constexpr OpInfo info{.name = "acos",
                               .elementwise = true,
                               .formula = "z = acos(x)",
                               .derivatives = {"-1 / sqrt(1 - x^2)"},
                               .kinks = "infinite at -1 and 1"};
  Tensor forward(const Tensor& x) const { return map(x, Unary::acos, "acos"); }
  void backward(GradContext& c, const Tensor& g) const {
    c.send(0, [&] { return -g * rsqrt(one_minus_square(c.input(0))); });
  }
};

// z = atan(x)      dx = g / (1 + x^2)
struct Atan {
  static constexpr OpInfo info{
      .name = "atan", .elementwise = true, .formula = "z = atan(x)", .derivatives = {"1 / (1 + x^2)"}};
  Tensor forward(const Tensor& x) const { return map(x, Unary::atan, "atan"); }
  void backward(GradContext& c, const Tensor& g) const {
    // The hypotenuse, because x^2 overflows, and its square would in the next derivative.
    c.send(0, [&] { return g * square(reciprocal(hypot(c.input(0), 1))); });
  }
};

// z = sinh(x)      dx = g * cosh(x)
struct Sinh {
  static constexpr OpInfo info{
      .name = "sinh", .elementwise = true, .formula = "z = sinh(x)", .derivatives = {"cosh(x)"}};
  Tensor forward(const Tensor& x) const { return map(x, Unary::sinh, "sinh"); }
  void backward(GradContext& c, const Tensor& g) const {
    c.send(0, [&] { return g * cosh(c.input(0)); });
  }
};

// z = cosh(x)      dx = g * sinh(x)
struct Cosh {
  static constexpr OpInfo info{
      .name = "cosh", .elementwise = true, .formula = "z = cosh(x)", .derivatives = {"sinh(x)"}};
  Tensor forward(const Tensor& x) const { return map(x, Unary::cosh, "cosh"); }
  void backward(GradContext& c, const Tensor& g) const {
    c.send(0, [&] { return g * sinh(c.input(0)); });
  }
};

// z = tanh(x)      dx = g (1 - z^2), computed from x: z has forgotten how far it is from 1
struct Tanh {
  static constexpr OpInfo info{
      .name = "tanh", .elementwise = true, .formula = "z = tanh(x)", .derivatives = {"1 - z^2"}};
  static constexpr Uses uses[] = {kX};
  Tensor forward(const Tensor& x) const { return map(x, Unary::tanh, "tanh"); }
  void backward(GradContext& c, const Tensor& g) const {
    c.send(0, [&] { return tanh_grad(g, c.input(0)); });
  }
};

// z = g (1 - t^2), t = tanh(x)      dg = h (1 - t^2),  dx = h * -2 g t (1 - t^2)
struct TanhGrad {
  static constexpr OpInfo info{.name = "tanh_grad",
                               .elementwise = true,
                               .formula = "z = g * (1 - t^2), t = tanh(x)",
                               .derivatives = {"1 - t^2, t = tanh(x)", "-2 * g * t * (1 - t^2), t = tanh(x)"},
                               .inputs = "g x",
                               .flops = "5 * numel(z)"};
  Tensor forward(const Tensor& g, const Tensor& x) const { return zip(g, x, Binary::tanh_grad, "tanh_grad"); }
  void backward(GradContext& c, const Tensor& h) const {
    const Tensor g = c.input(0), x = c.input(1);
    c.send(0, [&] { return tanh_grad(h, x); });
    c.send(1, [&] { return tanh_grad(h * g, x) * (-2 * tanh(x)); });
  }
};

// z = 1 - x^2      dx = g * -2 x
// One operation, because (1 - x) (1 + x) is right near 1, but its two derivatives cancel near 0.
struct OneMinusSquare {
  static constexpr OpInfo info{.name = "one_minus_square",
                               .elementwise = true,
                               .formula = "z = 1 - x^2",
                               .derivatives = {"-2 * x"},
                               .flops = "3 * numel(z)"};
  Tensor forward(const Tensor& x) const { return (1 - x) * (1 + x); }
  void backward(GradContext& c, const Tensor& g) const {
    c.send(0, [&] { return square_grad(-g, c.input(0)); });
  }
};

// z = asinh(x)      dx = g / sqrt(1 + x^2)
struct Asinh {
  static constexpr OpInfo info{
      .name = "asinh", .elementwise = true, .formula = "z = asinh(x)", .derivatives = {"1 / sqrt(1 + x^2)"}};
  Tensor forward(const Tensor& x) const { return map(x, Unary::asinh, "asinh"); }
  void backward(GradContext& c, const Tensor& g) const {
    c.send(0, [&] { return g / hypot(c.input(0), 1); });
  }
};

// z = acosh(x)      dx = g / sqrt(x^2 - 1)
struct Acosh {
  static constexpr OpInfo info{.name = "acosh",
                               .elementwise = true,
                               .formula = "z = acosh(x)",
                               .derivatives = {"1 / sqrt(x^2 - 1)"},
                               .kinks = "infinite at 1"};
  Tensor forward(const Tensor& x) const { return map(x, Unary::acosh, "acosh"); }
  void backward(GradContext& c, const Tensor& g) const {
    c.send(0, [&] {
      const Tensor x = c.input(0);
      return g * rsqrt(x - 1) * rsqrt(x + 1);
    });
  }
};

// z = atanh(x)      dx = g / (1 - x^2)
struct Atanh {
  static constexpr OpInfo info{.name = "atanh",
                               .elementwise = true,
                               .formula = "z = atanh(x)",
                               .derivatives = {"1 / (1 - x^2)"},
                               .kinks = "infinite at -1 and 1"};
  Tensor forward(const Tensor& x) const { return map(x, Unary::atanh, "atanh"); }
  void backward(GradContext& c, const Tensor& g) const {
    c.send(0, [&] { return g / one_minus_square(c.input(0)); });
  }
};

}  // namespace

Tensor sin(const Operand& x) { return record_floating(Sin{}, x); }
Tensor cos(const Operand& x) { return record_floating(Cos{}, x); }
Tensor tan(const Operand& x) { return record_floating(Tan{}, x); }
Tensor asin(const Operand& x) { return record_floating(Asin{}, x); }
Tensor acos(const Operand& x) { return record_floating(Acos{}, x); }
Tensor atan(const Operand& x) { return record_floating(Atan{}, x); }
Tensor sinh(const Operand& x) { return record_floating(Sinh{}, x); }
Tensor cosh(const Operand& x) { return record_floating(Cosh{}, x); }
Tensor tanh(const Operand& x) { return record_floating(Tanh{}, x); }
Tensor asinh(const Operand& x) { return record_floating(Asinh{}, x); }
Tensor acosh(const Operand& x) { return record_floating(Acosh{}, x); }
Tensor atanh(const Operand& x) { return record_floating(Atanh{}, x); }

Tensor tanh_grad(const Tensor& g, const Tensor& x) { return record(TanhGrad{}, g, x); }
Tensor one_minus_square(const Tensor& x) { return record(OneMinusSquare{}, x); }

Family trigonometry_family() {
  static constexpr const OpInfo* ops[] = {
      &Sin::info,  &Cos::info,  &Tan::info,   &Asin::info,  &Acos::info,  &Atan::info,     &Sinh::info,
      &Cosh::info, &Tanh::info, &Asinh::info, &Acosh::info, &Atanh::info, &TanhGrad::info, &OneMinusSquare::info};
  static const Function functions[] = {
      {"sin", "input", [](const Arguments& a) -> Value { return sin(a.operand(0)); }, "sin(x)", "x=[0.5,-0.25]"},
      {"cos", "input", [](const Arguments& a) -> Value { return cos(a.operand(0)); }, "cos(x)", "x=[0.5,-0.25]"},
      {"tan", "input", [](const Arguments& a) -> Value { return tan(a.operand(0)); }, "tan(x)", "x=[0.5,-0.25]"},
      {"asin", "input", [](const Arguments& a) -> Value { return asin(a.operand(0)); }, "asin(x)", "x=[0.5,-0.25]"},
      {"acos", "input", [](const Arguments& a) -> Value { return acos(a.operand(0)); }, "acos(x)", "x=[0.5,-0.25]"},
      {"atan", "input", [](const Arguments& a) -> Value { return atan(a.operand(0)); }, "atan(x)", "x=[0.5,-0.25]"},
      {"sinh", "input", [](const Arguments& a) -> Value { return sinh(a.operand(0)); }, "sinh(x)", "x=[0.5,-0.25]"},
      {"cosh", "input", [](const Arguments& a) -> Value { return cosh(a.operand(0)); }, "cosh(x)", "x=[0.5,-0.25]"},
      {"tanh", "input", [](const Arguments& a) -> Value { return tanh(a.operand(0)); }, "tanh(x)", "x=[0.5,-0.25]"},
      {"asinh", "input", [](const Arguments& a) -> Value { return asinh(a.operand(0)); }, "asinh(x)", "x=[0.5,-0.25]"},
      {"acosh", "input", [](const Arguments& a) -> Value { return acosh(a.operand(0)); }, "acosh(x)", "x=[1.5,3]"},
      {"atanh", "input", [](const Arguments& a) -> Value { return atanh(a.operand(0)); }, "atanh(x)", "x=[0.5,-0.25]"},
  };
  return {ops, functions};
}

}  // namespace chainrule
