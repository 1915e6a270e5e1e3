// Activations made of exponentials: each derivative beside its forward, and the fused gradients that need one pass
// instead of many. Those made of straight pieces are in activations.cpp.
#include "ops/elementwise/activations.h"

#include <fmt/format.h>

#include "engine/types/error.h"
#include "ops/families.h"
#include "ops/ops.h"
#include "ops/rules.h"

namespace chainrule {
namespace {

constexpr double kDensityAt0 = 0.39894228040143267794;                       // 1 / sqrt(2 pi)
constexpr double kTanhRate = 1.59576912160573071176, kTanhCubic = 0.044715;  // 2 sqrt(2 / pi)

// z = 1 / (1 + exp(-x))      dx = g z (1 - z), computed from x: z has forgotten how far it is from 1
struct Sigmoid {
  static constexpr OpInfo info{
      .name = "sigmoid",
      .elementwise = true,
      .formula = "z = 1 / (1 + exp(-x))",
      .derivatives = {"z * (1 - z)"},
      .flops = "3 * numel(z)",
      .stable = "logsigmoid(x) for log(sigmoid(x)); binary_cross_entropy_with_logits for its loss"};
  static constexpr Uses uses[] = {kX};
  Tensor forward(const Tensor& x) const { return map(x, Unary::sigmoid, "sigmoid"); }
  void backward(GradContext& c, const Tensor& g) const {
    c.send(0, [&] { return sigmoid_grad(g, c.input(0)); });
  }
};

// z = g s (1 - s), s = sigmoid(x)      dg = h s (1 - s),  dx = h g s (1 - s) (1 - 2 s); 1 - 2 s is -tanh(x / 2)
struct SigmoidGrad {
  static constexpr OpInfo info{
      .name = "sigmoid_grad",
      .elementwise = true,
      .formula = "z = g * s * (1 - s), s = sigmoid(x)",
      .derivatives = {"s * (1 - s), s = sigmoid(x)", "g * s * (1 - s) * (1 - 2 * s), s = sigmoid(x)"},
      .inputs = "g x",
      .flops = "4 * numel(z)"};
  Tensor forward(const Tensor& g, const Tensor& x) const { return zip(g, x, Binary::sigmoid_grad, "sigmoid_grad"); }
  void backward(GradContext& c, const Tensor& h) const {
    const Tensor g = c.input(0), x = c.input(1);
    c.send(0, [&] { return sigmoid_grad(h, x); });
    c.send(1, [&] { return -sigmoid_grad(h * g, x) * tanh(0.5 * x); });
  }
};

// z = c g where x > 0, else a b g exp(b x)
// dg = h times the same slope,  dx = 0 where x > 0, else h g a b^2 exp(b x)
struct EluGrad {
  static constexpr OpInfo info{
      .name = "elu_grad",
      .elementwise = true,
      .formula = "z = c * g where x > 0, else a * b * g * exp(b * x)",
      .derivatives = {"c where x > 0, else a * b * exp(b * x)", "0 where x > 0, else a * b^2 * g * exp(b * x)"},
      .kinks = "the side x <= 0 at x = 0",
      .inputs = "g x"};
  Parameters p;
  std::string attributes() const { return fmt::format("a={}, b={}, c={}", p.a, p.b, p.c); }
  Tensor forward(const Tensor& g, const Tensor& x) const { return zip(g, x, Binary::elu_grad, "elu_grad", p); }
  void backward(GradContext& c, const Tensor& h) const {
    const Tensor g = c.input(0), x = c.input(1);
    c.send(0, [&] { return record(EluGrad{p}, h, x); });
    c.send(1, [&] { return record(EluGrad{{.a = p.a * p.b, .b = p.b, .c = 0}}, h * g, x); });
  }
};

// z = x where x > 0, else a * (exp(x) - 1)      dx = g where x > 0, else a g exp(x)
struct Elu {
  static constexpr OpInfo info{.name = "elu",
                               .elementwise = true,
                               .formula = "z = x where x > 0, else alpha * (exp(x) - 1)",
                               .derivatives = {"1 where x > 0, else alpha * exp(x)"},
                               .kinks = "alpha at x = 0",
                               .flops = "3 * numel(z)"};
  double alpha;
  std::string attributes() const { return fmt::format("alpha={}", alpha); }
  Tensor forward(const Tensor& x) const { return map(x, Unary::elu, "elu", {.a = alpha, .b = 1, .c = 1}); }
  void backward(GradContext& c, const Tensor& g) const {
    c.send(0, [&] { return record(EluGrad{{.a = alpha, .b = 1, .c = 1}}, g, c.input(0)); });
  }
};

constexpr double kSeluAlpha = 1.6732632423543772848170429916717, kSeluScale = 1.0507009873554804934193349852946;
constexpr Parameters kSelu{.a = kSeluScale * kSeluAlpha, .b = 1, .c = kSeluScale};

// z = s * x where x > 0, else s * a * (exp(x) - 1)      dx = s g where x > 0, else s a g exp(x)
// s = 1.0507..., a = 1.6733...
struct Selu {
  static constexpr OpInfo info{
      .name = "selu",
      .elementwise = true,
      .formula = "z = s * x where x > 0, else s * a * (exp(x) - 1), s = 1.0507009873554805, a = 1.6732632423543772",
      .derivatives = {"s where x > 0, else s * a * exp(x), s = 1.0507009873554805, a = 1.6732632423543772"},
      .kinks = "s * a at x = 0",
      .flops = "3 * numel(z)"};
  Tensor forward(const Tensor& x) const { return map(x, Unary::elu, "selu", kSelu); }
  void backward(GradContext& c, const Tensor& g) const {
    c.send(0, [&] { return record(EluGrad{kSelu}, g, c.input(0)); });
  }
};

// z = x where x > 0, else a * (exp(x / a) - 1)      dx = g where x > 0, else g exp(x / a)
struct Celu {
  static constexpr OpInfo info{.name = "celu",
                               .elementwise = true,
                               .formula = "z = x where x > 0, else alpha * (exp(x / alpha) - 1)",
                               .derivatives = {"1 where x > 0, else exp(x / alpha)"},
                               .flops = "4 * numel(z)"};
  double alpha;
  std::string attributes() const { return fmt::format("alpha={}", alpha); }
  Tensor forward(const Tensor& x) const { return map(x, Unary::elu, "celu", {.a = alpha, .b = 1 / alpha, .c = 1}); }
  void backward(GradContext& c, const Tensor& g) const {
    c.send(0, [&] { return record(EluGrad{{.a = alpha, .b = 1 / alpha, .c = 1}}, g, c.input(0)); });
  }
};

// z = g * sigmoid(b x), and g where b x > t      dg = h times the same slope,  dx = h g b s (1 - s), s = sigmoid(b x)
struct SoftplusGrad {
  static constexpr OpInfo info{
      .name = "softplus_grad",
      .elementwise = true,
      .formula = "z = g where beta * x > threshold, else g * sigmoid(beta * x)",
      .derivatives = {"1 where beta * x > threshold, else sigmoid(beta * x)",
                      "0 where beta * x > threshold, else g * beta * s * (1 - s), s = sigmoid(beta * x)"},
      .kinks = "by x: 0 beyond the threshold",
      .inputs = "g x",
      .flops = "4 * numel(z)"};
  double beta, threshold;
  std::string attributes() const { return fmt::format("beta={}, threshold={}", beta, threshold); }
  Tensor forward(const Tensor& g, const Tensor& x) const {
    return zip(g, x, Binary::softplus_grad, "softplus_grad", {.a = beta, .b = threshold});
  }
  void backward(GradContext& c, const Tensor& h) const {
    const Tensor g = c.input(0), x = c.input(1);
    c.send(0, [&] { return record(SoftplusGrad{beta, threshold}, h, x); });
    c.send(1, [&] {
      const Tensor bx = beta * x;
      return where(bx > threshold, 0, sigmoid_grad(beta * h * g, bx));
    });
  }
};

// z = log(1 + exp(b x)) / b, and x where b x > t      dx = g * sigmoid(b x), and g where b x > t
struct Softplus {
  static constexpr OpInfo info{.name = "softplus",
                               .elementwise = true,
                               .formula = "z = x where beta * x > threshold, else log(1 + exp(beta * x)) / beta",
                               .derivatives = {"1 where beta * x > threshold, else sigmoid(beta * x)"},
                               .kinks = "1 beyond the threshold",
                               .flops = "5 * numel(z)"};
  double beta, threshold;
  std::string attributes() const { return fmt::format("beta={}, threshold={}", beta, threshold); }
  Tensor forward(const Tensor& x) const { return map(x, Unary::softplus, "softplus", {.a = beta, .b = threshold}); }
  void backward(GradContext& c, const Tensor& g) const {
    c.send(0, [&] { return record(SoftplusGrad{beta, threshold}, g, c.input(0)); });
  }
};

// z = -log(1 + exp(-x))      dx = g * sigmoid(-x), which is softplus_grad with b = -1
struct Logsigmoid {
  static constexpr OpInfo info{.name = "logsigmoid",
                               .elementwise = true,
                               .formula = "z = -log(1 + exp(-x))",
                               .derivatives = {"1 - exp(z)"},
                               .flops = "4 * numel(z)"};
  static constexpr Uses uses[] = {kX};
  Tensor forward(const Tensor& x) const { return map(x, Unary::logsigmoid, "logsigmoid"); }
  void backward(GradContext& c, const Tensor& g) const {
    c.send(0, [&] { return record(SoftplusGrad{-1, kInf}, g, c.input(0)); });
  }
};

// z = g s (1 + x (1 - s)), s = sigmoid(x)      dg = h times the same slope,  dx = h g s (1 - s) (2 + x (1 - 2 s))
struct SiluGrad {
  static constexpr OpInfo info{.name = "silu_grad",
                               .elementwise = true,
                               .formula = "z = g * s * (1 + x * (1 - s)), s = sigmoid(x)",
                               .derivatives = {"s * (1 + x * (1 - s)), s = sigmoid(x)",
                                               "g * s * (1 - s) * (2 + x * (1 - 2 * s)), s = sigmoid(x)"},
                               .inputs = "g x",
                               .flops = "8 * numel(z)"};
  Tensor forward(const Tensor& g, const Tensor& x) const { return zip(g, x, Binary::silu_grad, "silu_grad"); }
  void backward(GradContext& c, const Tensor& h) const {
    const Tensor g = c.input(0), x = c.input(1);
    c.send(0, [&] { return record(SiluGrad{}, h, x); });
    c.send(1, [&] {
      return sigmoid_grad(h * g, x) * (2 - x * tanh(0.5 * x));  // 1 - 2 s = -tanh(x / 2)
    });
  }
};

// z = x * sigmoid(x)      dx = g s (1 + x (1 - s)), s = sigmoid(x)
struct Silu {
  static constexpr OpInfo info{.name = "silu",
                               .elementwise = true,
                               .formula = "z = x * sigmoid(x)",
                               .derivatives = {"s * (1 + x * (1 - s)), s = sigmoid(x)"},
                               .flops = "4 * numel(z)"};
  Tensor forward(const Tensor& x) const { return map(x, Unary::silu, "silu"); }
  void backward(GradContext& c, const Tensor& g) const {
    c.send(0, [&] { return record(SiluGrad{}, g, c.input(0)); });
  }
};

// z = g (t + x s (1 - t t)), t = tanh(softplus(x)), s = sigmoid(x)
// dg = h times the same slope,  dx = h g s (1 - t t) (2 + x (1 - s - 2 t s))
struct MishGrad {
  static constexpr OpInfo info{
      .name = "mish_grad",
      .elementwise = true,
      .formula = "z = g * (t + x * s * (1 - t^2)), t = tanh(softplus(x)), s = sigmoid(x)",
      .derivatives = {"t + x * s * (1 - t^2), t = tanh(softplus(x)), s = sigmoid(x)",
                      "g * s * (1 - t^2) * (2 + x * (1 - s - 2 * t * s)), t = tanh(softplus(x)), s = sigmoid(x)"},
      .inputs = "g x",
      .flops = "14 * numel(z)"};
  Tensor forward(const Tensor& g, const Tensor& x) const { return zip(g, x, Binary::mish_grad, "mish_grad"); }
  void backward(GradContext& c, const Tensor& h) const {
    const Tensor g = c.input(0), x = c.input(1);
    c.send(0, [&] { return record(MishGrad{}, h, x); });
    c.send(1, [&] {
      // As fractions of u = exp(-|x|), so that nothing overflows and 1 - t^2 does not cancel.
      const Tensor u = exp(-abs(x)), left = x < 0;
      const Tensor q = where(left, 2 + u * (2 + u), 1 + 2 * u * (1 + u)), v = 1 + u;
      const Tensor slope = 4 * where(left, u, square(u)) * v / square(q);  // s (1 - t^2)
      const Tensor bend = where(left, 2 + u * (2 - u * (3 + 2 * u)), u * u * (2 + 2 * u) - 3 * u - 2);
      return h * g * slope * (2 + x * (bend / (v * q)));
    });
  }
};

// z = x * tanh(softplus(x))      dx = g (t + x s (1 - t t)), t = tanh(softplus(x)), s = sigmoid(x)
struct Mish {
  static constexpr OpInfo info{.name = "mish",
                               .elementwise = true,
                               .formula = "z = x * tanh(softplus(x))",
                               .derivatives = {"t + x * s * (1 - t^2), t = tanh(softplus(x)), s = sigmoid(x)"},
                               .flops = "6 * numel(z)"};
  Tensor forward(const Tensor& x) const { return map(x, Unary::mish, "mish"); }
  void backward(GradContext& c, const Tensor& g) const {
    c.send(0, [&] { return record(MishGrad{}, g, c.input(0)); });
  }
};

// z = g (P + x p), P the normal distribution function and p its density
// dg = h times the same slope,  dx = h g p (2 - x^2)
struct GeluGrad {
  static constexpr OpInfo info{
      .name = "gelu_grad",
      .elementwise = true,
      .formula = "z = g * (P + x * p), P = (1 + erf(x / sqrt(2))) / 2, p = exp(-x^2 / 2) / sqrt(2 * pi)",
      .derivatives = {"P + x * p, P = (1 + erf(x / sqrt(2))) / 2, p = exp(-x^2 / 2) / sqrt(2 * pi)",
                      "g * p * (2 - x^2), p = exp(-x^2 / 2) / sqrt(2 * pi)"},
      .inputs = "g x",
      .flops = "8 * numel(z)"};
  Tensor forward(const Tensor& g, const Tensor& x) const { return zip(g, x, Binary::gelu_grad, "gelu_grad"); }
  void backward(GradContext& c, const Tensor& h) const {
    const Tensor g = c.input(0), x = c.input(1);
    c.send(0, [&] { return record(GeluGrad{}, h, x); });
    c.send(1, [&] { return h * g * (kDensityAt0 * bell(x, 0.5)) * (2 - square(x)); });
  }
};

// z = g (s + x s (1 - s) u'), s = sigmoid(u), u = 2 sqrt(2 / pi) (x + k x^3)
// dg = h times the same slope,  dx = h g s (1 - s) (2 u' + x (u' u' (1 - 2 s) + u''))
struct GeluTanhGrad {
  static constexpr OpInfo info{
      .name = "gelu_tanh_grad",
      .elementwise = true,
      .formula =
          "z = g * (s + x * s * (1 - s) * d), s = sigmoid(u), u = c * (x + 0.044715 * x^3), d = c * (1 + 0.134145 * "
          "x^2), "
          "c = 2 * sqrt(2 / pi)",
      .derivatives =
          {"s + x * s * (1 - s) * d, s = sigmoid(u), u = c * (x + 0.044715 * x^3), d = c * (1 + 0.134145 * x^2), "
           "c = 2 * sqrt(2 / pi)",
           "g * s * (1 - s) * (2 * d + x * (d^2 * (1 - 2 * s) + 0.26829 * c * x)), s = sigmoid(u), "
           "u = c * (x + 0.044715 * x^3), d = c * (1 + 0.134145 * x^2), c = 2 * sqrt(2 / pi)"},
      .inputs = "g x",
      .flops = "14 * numel(z)"};
  Tensor forward(const Tensor& g, const Tensor& x) const { return zip(g, x, Binary::gelu_tanh_grad, "gelu_tanh_grad"); }
  void backward(GradContext& c, const Tensor& h) const {
    const Tensor g = c.input(0), x = c.input(1);
    c.send(0, [&] { return record(GeluTanhGrad{}, h, x); });
    c.send(1, [&] {
      const Tensor du = kTanhRate * (1 + 3 * kTanhCubic * square(x)), d2u = 6 * kTanhRate * kTanhCubic * x;
      const Tensor u = kTanhRate * (x + kTanhCubic * pow(x, 3));
      return sigmoid_grad(h * g, u) * (2 * du + x * (d2u - square(du) * tanh(0.5 * u)));
    });
  }
};

// z = x P      dx = g (P + x p), P the normal distribution function and p its density
struct Gelu {
  static constexpr OpInfo info{
      .name = "gelu",
      .elementwise = true,
      .formula = "z = x * P, P = (1 + erf(x / sqrt(2))) / 2",
      .derivatives = {"P + x * p, P = (1 + erf(x / sqrt(2))) / 2, p = exp(-x^2 / 2) / sqrt(2 * pi)"},
      .flops = "4 * numel(z)"};
  Tensor forward(const Tensor& x) const { return map(x, Unary::gelu, "gelu"); }
  void backward(GradContext& c, const Tensor& g) const {
    c.send(0, [&] { return record(GeluGrad{}, g, c.input(0)); });
  }
};

// z = x s, s = sigmoid(u), u = 2 sqrt(2 / pi) (x + k x^3)      dx = g (s + x s (1 - s) u')
struct GeluTanh {
  static constexpr OpInfo info{
      .name = "gelu_tanh",
      .elementwise = true,
      .formula = "z = x * sigmoid(u), u = 2 * sqrt(2 / pi) * (x + 0.044715 * x^3)",
      .derivatives =
          {"s + x * s * (1 - s) * d, s = sigmoid(u), u = c * (x + 0.044715 * x^3), d = c * (1 + 0.134145 * x^2), "
           "c = 2 * sqrt(2 / pi)"},
      .flops = "4 * numel(z)"};
  std::string attributes() const { return "approximate='tanh'"; }
  Tensor forward(const Tensor& x) const { return map(x, Unary::gelu_tanh, "gelu"); }
  void backward(GradContext& c, const Tensor& g) const {
    c.send(0, [&] { return record(GeluTanhGrad{}, g, c.input(0)); });
  }
};

}  // namespace

Tensor sigmoid(const Operand& x) { return record_floating(Sigmoid{}, x); }
Tensor logsigmoid(const Operand& x) { return record_floating(Logsigmoid{}, x); }
Tensor selu(const Operand& x) { return record_floating(Selu{}, x); }
Tensor silu(const Operand& x) { return record_floating(Silu{}, x); }
Tensor mish(const Operand& x) { return record_floating(Mish{}, x); }
Tensor elu(const Operand& x, double alpha) { return record_floating(Elu{alpha}, x); }

Tensor celu(const Operand& x, double alpha) {
  if (alpha == 0) throw ValueError("celu: alpha is 0, and x is divided by it; it must be another number");
  return record_floating(Celu{alpha}, x);
}

Tensor gelu(const Operand& x, Approximation approximate) {
  expect_defined(Gelu::info, x);
  return approximate == Approximation::tanh ? record_floating(GeluTanh{}, x) : record_floating(Gelu{}, x);
}

Tensor softplus(const Operand& x, double beta, double threshold) {
  if (beta == 0) throw ValueError("softplus: beta is 0, and the result is divided by it; it must be another number");
  return record_floating(Softplus{beta, threshold}, x);
}

Tensor sigmoid_grad(const Tensor& g, const Tensor& x) { return record(SigmoidGrad{}, g, x); }

Family smooth_activation_family() {
  static constexpr const OpInfo* ops[] = {
      &Sigmoid::info, &SigmoidGrad::info,  &Logsigmoid::info,   &EluGrad::info,  &Elu::info,     &Selu::info,
      &Celu::info,    &SoftplusGrad::info, &Softplus::info,     &SiluGrad::info, &Silu::info,    &MishGrad::info,
      &Mish::info,    &GeluGrad::info,     &GeluTanhGrad::info, &Gelu::info,     &GeluTanh::info};
  static const Function functions[] = {
      {"sigmoid", "input", [](const Arguments& a) -> Value { return sigmoid(a.operand(0)); }, "sigmoid(x)",
       "x=[0.5,-1.5]"},
      {"logsigmoid", "input", [](const Arguments& a) -> Value { return logsigmoid(a.operand(0)); }, "logsigmoid(x)",
       "x=[0.5,-1.5]"},
      {"selu", "input", [](const Arguments& a) -> Value { return selu(a.operand(0)); }, "selu(x)", "x=[0.5,-1.5]"},
      {"silu", "input", [](const Arguments& a) -> Value { return silu(a.operand(0)); }, "silu(x)", "x=[0.5,-1.5]"},
      {"mish", "input", [](const Arguments& a) -> Value { return mish(a.operand(0)); }, "mish(x)", "x=[0.5,-1.5]"},
      {"elu", "input, alpha=1.0", [](const Arguments& a) -> Value { return elu(a.operand(0), a.number(1)); },
       "elu(x, alpha=2)", "x=[0.5,-1.5]"},
      {"celu", "input, alpha=1.0", [](const Arguments& a) -> Value { return celu(a.operand(0), a.number(1)); },
       "celu(x, alpha=2)", "x=[0.5,-1.5]"},
      {"gelu", "input, approximate='none'",
       [](const Arguments& a) -> Value {
         const std::string name = a.mode(1);
         if (name != "none" && name != "tanh")
           throw ValueError(fmt::format("gelu: approximate is '{}', it must be 'none' or 'tanh'", name));
         return gelu(a.operand(0), name == "tanh" ? Approximation::tanh : Approximation::none);
       },
       "gelu(x, approximate='tanh')", "x=[0.5,-1.5]"},
      {"softplus", "input, beta=1, threshold=20",
       [](const Arguments& a) -> Value { return softplus(a.operand(0), a.number(1), a.number(2)); },
       "softplus(x, beta=2)", "x=[0.5,-1.5]"},
  };
  return {ops, functions};
}

}  // namespace chainrule
