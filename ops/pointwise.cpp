// Functions of one number at a time, the choices between two, and conversions. What a derivative does at a kink and at
// NaN is written in ops/README.md, and held there by a test.
#include <fmt/format.h>

#include <cmath>
#include <limits>

#include "engine/error.h"
#include "ops/function.h"
#include "ops/ops.h"
#include "ops/registry.h"
#include "ops/rules.h"

namespace chainrule {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

// z = exp(x)      dx = g * z
struct Exp {
  static constexpr OpInfo info{
      .name = "exp", .elementwise = true, .formula = "z = exp(x)", .derivatives = {"z"}, .inputs = "x"};
  static constexpr Uses uses[] = {kOutput};
  Tensor forward(const Tensor& x) const { return map(x, Unary::exp, "exp"); }
  void backward(GradContext& c, const Tensor& g) const {
    c.send(0, [&] { return g * c.output(); });
  }
};

// z = log(x)      dx = g / x
struct Log {
  static constexpr OpInfo info{.name = "log",
                               .elementwise = true,
                               .formula = "z = log(x)",
                               .derivatives = {"1 / x"},
                               .kinks = "infinite at 0, with the sign of the zero",
                               .inputs = "x"};
  static constexpr Uses uses[] = {kX};
  Tensor forward(const Tensor& x) const { return map(x, Unary::log, "log"); }
  void backward(GradContext& c, const Tensor& g) const {
    c.send(0, [&] { return g / c.input(0); });
  }
};

// z = tanh(x)      dx = g (1 - z z)
struct Tanh {
  static constexpr OpInfo info{
      .name = "tanh", .elementwise = true, .formula = "z = tanh(x)", .derivatives = {"1 - z^2"}, .inputs = "x"};
  static constexpr Uses uses[] = {kOutput};
  Tensor forward(const Tensor& x) const { return map(x, Unary::tanh, "tanh"); }
  void backward(GradContext& c, const Tensor& g) const {
    c.send(0, [&] { return tanh_grad(g, c.output()); });
  }
};

// z = g (1 - y y), y = tanh(x)      dg = h (1 - y y),  dy = h * -2 g y
struct TanhGrad {
  static constexpr OpInfo info{.name = "tanh_grad",
                               .elementwise = true,
                               .formula = "z = g * (1 - y^2)",
                               .derivatives = {"1 - y^2", "-2 * g * y"},
                               .inputs = "g y"};
  static constexpr Uses uses[] = {kY, kX | kY};
  Tensor forward(const Tensor& g, const Tensor& y) const { return zip(g, y, Binary::tanh_grad, "tanh_grad"); }
  void backward(GradContext& c, const Tensor& h) const {
    const Tensor g = c.input(0), y = c.input(1);
    c.send(0, [&] { return tanh_grad(h, y); });
    c.send(1, [&] { return h * (-2 * g * y); });
  }
};

// z = 1 / (1 + exp(-x))      dx = g z (1 - z)
struct Sigmoid {
  static constexpr OpInfo info{.name = "sigmoid",
                               .elementwise = true,
                               .formula = "z = 1 / (1 + exp(-x))",
                               .derivatives = {"z * (1 - z)"},
                               .inputs = "x"};
  static constexpr Uses uses[] = {kOutput};
  Tensor forward(const Tensor& x) const { return map(x, Unary::sigmoid, "sigmoid"); }
  void backward(GradContext& c, const Tensor& g) const {
    c.send(0, [&] { return sigmoid_grad(g, c.output()); });
  }
};

// z = g y (1 - y), y = sigmoid(x)      dg = h y (1 - y),  dy = h * g (1 - 2 y)
struct SigmoidGrad {
  static constexpr OpInfo info{.name = "sigmoid_grad",
                               .elementwise = true,
                               .formula = "z = g * y * (1 - y)",
                               .derivatives = {"y * (1 - y)", "g * (1 - 2 * y)"},
                               .inputs = "g y"};
  static constexpr Uses uses[] = {kY, kX | kY};
  Tensor forward(const Tensor& g, const Tensor& y) const { return zip(g, y, Binary::sigmoid_grad, "sigmoid_grad"); }
  void backward(GradContext& c, const Tensor& h) const {
    const Tensor g = c.input(0), y = c.input(1);
    c.send(0, [&] { return sigmoid_grad(h, y); });
    c.send(1, [&] { return h * (g * (1 - 2 * y)); });
  }
};

// z = max(x, 0)      dx = g where x > 0, else 0; z > 0 says the same
struct Relu {
  static constexpr OpInfo info{.name = "relu",
                               .elementwise = true,
                               .formula = "z = max(x, 0)",
                               .derivatives = {"1 where x > 0, else 0"},
                               .kinks = "0 at x = 0",
                               .inputs = "x"};
  static constexpr Uses uses[] = {kOutput};
  Tensor forward(const Tensor& x) const { return map(x, Unary::relu, "relu"); }
  void backward(GradContext& c, const Tensor& g) const {
    c.send(0, [&] { return relu_grad(g, c.output()); });
  }
};

// z = g where y > 0, else 0      dg = h where y > 0, else 0,  dy = 0
struct ReluGrad {
  static constexpr OpInfo info{.name = "relu_grad",
                               .elementwise = true,
                               .formula = "z = g where y > 0, else 0",
                               .derivatives = {"1 where y > 0, else 0", "0"},
                               .kinks = "0 at y = 0",
                               .inputs = "g y"};
  static constexpr Uses uses[] = {kY, kY};
  Tensor forward(const Tensor& g, const Tensor& y) const { return zip(g, y, Binary::relu_grad, "relu_grad"); }
  void backward(GradContext& c, const Tensor& h) const {
    const Tensor y = c.input(1);
    c.send(0, [&] { return relu_grad(h, y); });
    c.send(1, [&] { return flat_slope(y); });
  }
};

// z = |x|      dx = g * sign(x)
struct Abs {
  static constexpr OpInfo info{.name = "abs",
                               .elementwise = true,
                               .formula = "z = |x|",
                               .derivatives = {"sign(x)"},
                               .kinks = "0 at x = 0",
                               .inputs = "x"};
  static constexpr Uses uses[] = {kX};
  Tensor forward(const Tensor& x) const { return map(x, Unary::abs, "abs"); }
  void backward(GradContext& c, const Tensor& g) const {
    c.send(0, [&] { return g * sign(c.input(0)); });
  }
};

// z = 1 where x > 0, 0 where x = 0, -1 where x < 0      dx = 0
struct Sign {
  static constexpr OpInfo info{.name = "sign",
                               .elementwise = true,
                               .formula = "z = sign(x)",
                               .derivatives = {"0"},
                               .kinks = "0 at the jump x = 0",
                               .inputs = "x"};
  static constexpr Uses uses[] = {kX};
  Tensor forward(const Tensor& x) const { return map(x, Unary::sign, "sign"); }
  void backward(GradContext& c, const Tensor&) const {
    c.send(0, [&] { return flat_slope(c.input(0)); });
  }
};

// z = 1 where x > 0, else 0      dx = 0
struct Step {
  static constexpr OpInfo info{.name = "step",
                               .elementwise = true,
                               .formula = "z = 1 where x > 0, else 0",
                               .derivatives = {"0"},
                               .kinks = "0 at the jump x = 0",
                               .inputs = "x"};
  static constexpr Uses uses[] = {kX};
  Tensor forward(const Tensor& x) const { return map(x, Unary::step, "step"); }
  void backward(GradContext& c, const Tensor&) const {
    c.send(0, [&] { return flat_slope(c.input(0)); });
  }
};

// --- choices ---------------------------------------------------------------------------------------------------------

// g where x > y, g / 2 where x = y, 0 where x < y, NaN where one of them is NaN.
Tensor share(const Tensor& g, const Tensor& x, const Tensor& y) {
  return where(x > y, g, where(x < y, 0, where(eq(x, y), g / 2, kNan)));
}

// z = max(x, y)      dx = g where x > y,  dy = g where y > x,  half of it each where x = y
struct Maximum {
  static constexpr OpInfo info{.name = "maximum",
                               .elementwise = true,
                               .formula = "z = max(x, y)",
                               .derivatives = {"1 where x > y, else 0", "1 where y > x, else 0"},
                               .kinks = "1/2 each where x = y"};
  static constexpr Uses uses[] = {kX | kY, kX | kY};
  Tensor forward(const Tensor& x, const Tensor& y) const { return zip(x, y, Binary::maximum, "maximum"); }
  void backward(GradContext& c, const Tensor& g) const {
    const Tensor x = c.input(0), y = c.input(1);
    c.send(0, [&] { return share(g, x, y); });
    c.send(1, [&] { return share(g, y, x); });
  }
};

// z = min(x, y)      dx = g where x < y,  dy = g where y < x,  half of it each where x = y
struct Minimum {
  static constexpr OpInfo info{.name = "minimum",
                               .elementwise = true,
                               .formula = "z = min(x, y)",
                               .derivatives = {"1 where x < y, else 0", "1 where y < x, else 0"},
                               .kinks = "1/2 each where x = y"};
  static constexpr Uses uses[] = {kX | kY, kX | kY};
  Tensor forward(const Tensor& x, const Tensor& y) const { return zip(x, y, Binary::minimum, "minimum"); }
  void backward(GradContext& c, const Tensor& g) const {
    const Tensor x = c.input(0), y = c.input(1);
    c.send(0, [&] { return share(g, y, x); });
    c.send(1, [&] { return share(g, x, y); });
  }
};

// z = min(max(x, low), high)      dx = g where z = x, else 0
struct Clamp {
  static constexpr OpInfo info{.name = "clamp",
                               .elementwise = true,
                               .formula = "z = min(max(x, low), high)",
                               .derivatives = {"1 where low <= x <= high, else 0"},
                               .kinks = "1 at both bounds",
                               .inputs = "x"};
  static constexpr Uses uses[] = {kX | kOutput};
  double low, high;
  std::string attributes() const { return fmt::format("min={}, max={}", low, high); }
  Tensor forward(const Tensor& x) const {
    Tensor z = empty_like(x, x.dtype());
    if (z.strides() == x.strides())
      kernels::clamp(x.dtype(), x.data(), low, high, z.impl().data, z.numel());
    else
      kernels::clamp_strided(x.dtype(), x.data(), x.strides(), low, high, z.impl().data, z.strides(), x.shape());
    return z;
  }
  void backward(GradContext& c, const Tensor& g) const {
    c.send(0, [&] {
      const Tensor x = c.input(0);
      return where(eq(c.output(), x), g, flat_slope(x));
    });
  }
};

// z = x where the condition holds, else y      dx = g where it holds, else 0,  dy = the other way round
struct Where {
  static constexpr OpInfo info{.name = "where",
                               .elementwise = true,
                               .formula = "z = x where c, else y",
                               .derivatives = {"0", "1 where c, else 0", "0 where c, else 1"},
                               .kinks = "exactly 0 on the side that is not chosen, also where that side is not finite",
                               .inputs = "c x y"};
  static constexpr Uses kCondition = 1;
  static constexpr Uses uses[] = {kNothing, kCondition, kCondition};
  Tensor forward(const Tensor& condition, const Tensor& x, const Tensor& y) const {
    const Shape shape = broadcast_shapes(broadcast_shapes(x.shape(), y.shape(), "where"), condition.shape(), "where");
    const DType d = x.dtype();
    Tensor z = x.shape() == shape ? empty_like(x, d) : y.shape() == shape ? empty_like(y, d) : empty_result(shape, d);
    if (z.numel() == 0) return z;
    auto step = [&](const Tensor& t) -> int {
      if (t.shape() == shape && t.strides() == z.strides()) return 1;
      return t.numel() == 1 ? 0 : -1;
    };
    const bool* c = condition.data<bool>();
    const int c_step = step(condition), x_step = step(x), y_step = step(y);
    if (c_step >= 0 && x_step >= 0 && y_step >= 0)
      kernels::where(d, c, c_step, x.data(), x_step, y.data(), y_step, z.impl().data, z.numel());
    else
      kernels::where_strided(d, c, broadcast_strides(condition, shape), x.data(), broadcast_strides(x, shape), y.data(),
                             broadcast_strides(y, shape), z.impl().data, z.strides(), shape);
    return z;
  }
  void backward(GradContext& c, const Tensor& g) const {
    const Tensor condition = c.input(0);
    c.send(1, [&] { return where(condition, g, 0); });
    c.send(2, [&] { return where(condition, 0, g); });
  }
};

// z = x in another dtype      dx = g in the dtype of x
struct To {
  static constexpr OpInfo info{
      .name = "to", .elementwise = true, .formula = "z = x", .derivatives = {"1"}, .inputs = "x"};
  static constexpr Uses uses[] = {kNothing};
  DType from, dtype;
  std::string attributes() const { return fmt::format("dtype={}", name_of(dtype)); }
  Tensor forward(const Tensor& x) const {
    if (from == dtype) return x;
    Tensor z = empty_like(x, dtype);
    if (z.strides() == x.strides())
      kernels::cast(from, dtype, x.data(), z.impl().data, z.numel());
    else
      kernels::cast_strided(from, dtype, x.data(), x.strides(), z.impl().data, z.strides(), x.shape());
    return z;
  }
  void backward(GradContext& c, const Tensor& g) const {
    c.send(0, [&] { return to(g, from); });
  }
};

Tensor compare(const Operand& x, const Operand& y, Compare op, const char* who) {
  const NoGrad never_recorded;
  const auto [a, b] = promote(x, y);
  return zip(a, b, op, who);
}

}  // namespace

Tensor exp(const Operand& x) { return record_floating(Exp{}, x); }
Tensor log(const Operand& x) { return record_floating(Log{}, x); }
Tensor tanh(const Operand& x) { return record_floating(Tanh{}, x); }
Tensor sigmoid(const Operand& x) { return record_floating(Sigmoid{}, x); }
Tensor relu(const Operand& x) { return record_floating(Relu{}, x); }
Tensor abs(const Operand& x) { return record_one(Abs{}, x); }
Tensor sign(const Operand& x) { return record_one(Sign{}, x); }
Tensor step(const Operand& x) { return record_floating(Step{}, x); }
Tensor maximum(const Operand& x, const Operand& y) { return record_pair(Maximum{}, x, y); }
Tensor minimum(const Operand& x, const Operand& y) { return record_pair(Minimum{}, x, y); }

Tensor clamp(const Operand& x, double min, double max) {
  if (!(min <= max)) throw ValueError(fmt::format("clamp: min {} must not be above max {}", min, max));
  return record_floating(Clamp{min, max}, x);
}

Tensor where(const Tensor& condition, const Operand& x, const Operand& y) {
  if (condition.dtype() != DType::boolean)
    throw ValueError(fmt::format("where: the condition is {}, it must be bool; compare first, as in where(x > 0, ...)",
                                 name_of(condition.dtype())));
  const auto [a, b] = promote(x, y);
  return record(Where{}, condition, Operand(a, x.where()), Operand(b, y.where()));
}

Tensor to(const Operand& x, DType dtype) {
  const Tensor a = x.to_tensor();
  return record(To{a.dtype(), dtype}, Operand(a, x.where()));
}

Tensor eq(const Operand& x, const Operand& y) { return compare(x, y, Compare::eq, "eq"); }
Tensor ne(const Operand& x, const Operand& y) { return compare(x, y, Compare::ne, "ne"); }
Tensor lt(const Operand& x, const Operand& y) { return compare(x, y, Compare::lt, "lt"); }
Tensor le(const Operand& x, const Operand& y) { return compare(x, y, Compare::le, "le"); }
Tensor gt(const Operand& x, const Operand& y) { return compare(x, y, Compare::gt, "gt"); }
Tensor ge(const Operand& x, const Operand& y) { return compare(x, y, Compare::ge, "ge"); }

Tensor tanh_grad(const Tensor& g, const Tensor& z) { return record(TanhGrad{}, g, z); }
Tensor sigmoid_grad(const Tensor& g, const Tensor& z) { return record(SigmoidGrad{}, g, z); }
Tensor relu_grad(const Tensor& g, const Tensor& z) { return record(ReluGrad{}, g, z); }

Tensor flat_slope(const Tensor& x) {
  const NoGrad never_recorded;
  return where(eq(x, x), 0, x);
}

std::span<const OpInfo* const> pointwise_ops() {
  static constexpr const OpInfo* list[] = {&Exp::info,     &Log::info,         &Tanh::info,  &TanhGrad::info,
                                           &Sigmoid::info, &SigmoidGrad::info, &Relu::info,  &ReluGrad::info,
                                           &Abs::info,     &Sign::info,        &Step::info,  &Maximum::info,
                                           &Minimum::info, &Clamp::info,       &Where::info, &To::info};
  return list;
}

std::span<const Function> pointwise_functions() { return {}; }

}  // namespace chainrule
