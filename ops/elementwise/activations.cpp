// Activations made of straight pieces, and softsign: each derivative beside its forward. At a kink the derivative is
// the one that PyTorch takes. The smooth ones are in activations_smooth.cpp.
#include "ops/elementwise/activations.h"

#include <fmt/format.h>

#include <cmath>

#include "engine/types/error.h"
#include "ops/families.h"
#include "ops/ops.h"
#include "ops/rules.h"

namespace chainrule {
namespace {

/// A setting of a function of whole numbers.
std::int64_t whole_bound(double v, const char* who, const char* what) {
  if (std::trunc(v) == v && std::abs(v) < 0x1p53) return static_cast<std::int64_t>(v);
  throw ValueError(
      fmt::format("{}: x is int64 and {} is {}; write to(x, 'float32') for numbers between whole ones", who, what, v));
}

// z = max(x, 0)      dx = g where x > 0, else 0; z > 0 says the same
struct Relu {
  static constexpr OpInfo info{.name = "relu",
                               .elementwise = true,
                               .formula = "z = max(x, 0)",
                               .derivatives = {"1 where x > 0, else 0"},
                               .kinks = "0 at x = 0"};
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

// z = min(max(x, 0), 6)      dx = g where 0 < x < 6, else 0
struct Relu6 {
  static constexpr OpInfo info{.name = "relu6",
                               .elementwise = true,
                               .formula = "z = min(max(x, 0), 6)",
                               .derivatives = {"1 where 0 < x < 6, else 0"},
                               .kinks = "0 at x = 0 and at x = 6"};
  Tensor forward(const Tensor& x) const { return map(x, Unary::clamp, "relu6", {.a = 0, .b = 6}); }
  void backward(GradContext& c, const Tensor& g) const {
    c.send(0, [&] { return hardtanh_grad(g, c.input(0), 0, 6); });
  }
};

// z = min(max(x, min), max)      dx = g where min < x < max, else 0
struct Hardtanh {
  static constexpr OpInfo info{.name = "hardtanh",
                               .elementwise = true,
                               .formula = "z = min(max(x, min_val), max_val)",
                               .derivatives = {"1 where min_val < x < max_val, else 0"},
                               .kinks = "0 at both bounds"};
  double low, high;
  std::string attributes() const { return fmt::format("min_val={}, max_val={}", low, high); }
  Tensor forward(const Tensor& x) const { return map(x, Unary::clamp, "hardtanh", {.a = low, .b = high}); }
  void backward(GradContext& c, const Tensor& g) const {
    c.send(0, [&] { return hardtanh_grad(g, c.input(0), low, high); });
  }
};

// z = g where low < x < high, else 0      dg = h where low < x < high, else 0,  dx = 0
struct HardtanhGrad {
  static constexpr OpInfo info{.name = "hardtanh_grad",
                               .elementwise = true,
                               .formula = "z = g where low < x < high, else 0",
                               .derivatives = {"1 where low < x < high, else 0", "0"},
                               .kinks = "0 at both bounds",
                               .inputs = "g x"};
  static constexpr Uses uses[] = {kY, kY};
  double low, high;
  std::string attributes() const { return fmt::format("low={}, high={}", low, high); }
  Tensor forward(const Tensor& g, const Tensor& x) const {
    return zip(g, x, Binary::hardtanh_grad, "hardtanh_grad", {.a = low, .b = high});
  }
  void backward(GradContext& c, const Tensor& h) const {
    const Tensor x = c.input(1);
    c.send(0, [&] { return hardtanh_grad(h, x, low, high); });
    c.send(1, [&] { return flat_slope(x); });
  }
};

// z = min(max(x + 3, 0), 6) / 6      dx = g / 6 where -3 < x < 3, else 0
struct Hardsigmoid {
  static constexpr OpInfo info{.name = "hardsigmoid",
                               .elementwise = true,
                               .formula = "z = min(max(x + 3, 0), 6) / 6",
                               .derivatives = {"1 / 6 where -3 < x < 3, else 0"},
                               .kinks = "0 at -3 and at 3",
                               .flops = "4 * numel(z)"};
  Tensor forward(const Tensor& x) const { return map(x, Unary::hardsigmoid, "hardsigmoid"); }
  void backward(GradContext& c, const Tensor& g) const {
    c.send(0, [&] { return hardtanh_grad(g / 6, c.input(0), -3, 3); });
  }
};

// z = 0 below -3, g * (x / 3 + 1/2) up to 3, g above
// dg = h times the same slope,  dx = h * g / 3 where -3 < x < 3, else 0
struct HardswishGrad {
  static constexpr OpInfo info{
      .name = "hardswish_grad",
      .elementwise = true,
      .formula = "z = 0 where x < -3, else g * (x / 3 + 1 / 2) where x < 3, else g",
      .derivatives = {"0 where x < -3, else x / 3 + 1 / 2 where x < 3, else 1", "g / 3 where -3 < x < 3, else 0"},
      .kinks = "by x: 0 at -3 and at 3",
      .inputs = "g x"};
  Tensor forward(const Tensor& g, const Tensor& x) const { return zip(g, x, Binary::hardswish_grad, "hardswish_grad"); }
  void backward(GradContext& c, const Tensor& h) const {
    const Tensor g = c.input(0), x = c.input(1);
    c.send(0, [&] { return record(HardswishGrad{}, h, x); });
    c.send(1, [&] { return hardtanh_grad(h * g / 3, x, -3, 3); });
  }
};

// z = x * min(max(x + 3, 0), 6) / 6      dx = 0 below -3, g (x / 3 + 1/2) up to 3, g above
struct Hardswish {
  static constexpr OpInfo info{.name = "hardswish",
                               .elementwise = true,
                               .formula = "z = x * min(max(x + 3, 0), 6) / 6",
                               .derivatives = {"0 where x < -3, else x / 3 + 1 / 2 where x < 3, else 1"},
                               .kinks = "-1/2 at x = -3, 3/2 at x = 3",
                               .flops = "5 * numel(z)"};
  Tensor forward(const Tensor& x) const { return map(x, Unary::hardswish, "hardswish"); }
  void backward(GradContext& c, const Tensor& g) const {
    c.send(0, [&] { return record(HardswishGrad{}, g, c.input(0)); });
  }
};

// z = x where x > 0, else a * x      dx = g where x > 0, else a g
struct LeakyRelu {
  static constexpr OpInfo info{.name = "leaky_relu",
                               .elementwise = true,
                               .formula = "z = x where x > 0, else negative_slope * x",
                               .derivatives = {"1 where x > 0, else negative_slope"},
                               .kinks = "negative_slope at x = 0"};
  double slope;
  std::string attributes() const { return fmt::format("negative_slope={}", slope); }
  Tensor forward(const Tensor& x) const { return map(x, Unary::leaky_relu, "leaky_relu", {.a = slope}); }
  void backward(GradContext& c, const Tensor& g) const {
    c.send(0, [&] { return leaky_relu_grad(g, c.input(0), slope); });
  }
};

// z = g where x > 0, else a * g      dg = h where x > 0, else a h,  dx = 0
struct LeakyReluGrad {
  static constexpr OpInfo info{.name = "leaky_relu_grad",
                               .elementwise = true,
                               .formula = "z = g where x > 0, else negative_slope * g",
                               .derivatives = {"1 where x > 0, else negative_slope", "0"},
                               .kinks = "negative_slope at x = 0",
                               .inputs = "g x"};
  static constexpr Uses uses[] = {kY, kY};
  double slope;
  std::string attributes() const { return fmt::format("negative_slope={}", slope); }
  Tensor forward(const Tensor& g, const Tensor& x) const {
    return zip(g, x, Binary::leaky_relu_grad, "leaky_relu_grad", {.a = slope});
  }
  void backward(GradContext& c, const Tensor& h) const {
    const Tensor x = c.input(1);
    c.send(0, [&] { return leaky_relu_grad(h, x, slope); });
    c.send(1, [&] { return flat_slope(x); });
  }
};

// z = x / (1 + |x|)      dx = g / (1 + |x|)^2
struct Softsign {
  static constexpr OpInfo info{.name = "softsign",
                               .elementwise = true,
                               .formula = "z = x / (1 + |x|)",
                               .derivatives = {"1 / (1 + |x|)^2"},
                               .flops = "3 * numel(z)"};
  Tensor forward(const Tensor& x) const { return map(x, Unary::softsign, "softsign"); }
  void backward(GradContext& c, const Tensor& g) const {
    c.send(0, [&] { return g * square(reciprocal(1 + abs(c.input(0)))); });
  }
};

// z = x where x > t, else v      dx = g where x > t, else 0
struct Threshold {
  static constexpr OpInfo info{.name = "threshold",
                               .elementwise = true,
                               .formula = "z = x where x > threshold, else value",
                               .derivatives = {"1 where x > threshold, else 0"},
                               .kinks = "0 at x = threshold"};
  double limit, value;
  std::string attributes() const { return fmt::format("threshold={}, value={}", limit, value); }
  Tensor forward(const Tensor& x) const { return map(x, Unary::threshold, "threshold", {.a = limit, .b = value}); }
  void backward(GradContext& c, const Tensor& g) const {
    c.send(0, [&] {
      const Tensor x = c.input(0);
      return where(x > limit, g, flat_slope(x));
    });
  }
};

}  // namespace

Tensor relu(const Operand& x) { return is_whole(x) ? maximum(x, 0) : record_floating(Relu{}, x); }
Tensor relu6(const Operand& x) { return is_whole(x) ? clamp(x, 0, 6) : record_floating(Relu6{}, x); }
Tensor softsign(const Operand& x) { return record_floating(Softsign{}, x); }
Tensor hardsigmoid(const Operand& x) { return record_floating(Hardsigmoid{}, x); }
Tensor hardswish(const Operand& x) { return record_floating(Hardswish{}, x); }
Tensor leaky_relu(const Operand& x, double negative_slope) { return record_floating(LeakyRelu{negative_slope}, x); }

Tensor hardtanh(const Operand& x, double min_val, double max_val) {
  if (!(min_val < max_val))
    throw ValueError(fmt::format("hardtanh: min_val {} must be below max_val {}", min_val, max_val));
  if (is_whole(x)) {
    const std::int64_t low = whole_bound(min_val, "hardtanh", "min_val");
    return clamp(x, low, whole_bound(max_val, "hardtanh", "max_val"));
  }
  return record_floating(Hardtanh{min_val, max_val}, x);
}

Tensor threshold(const Operand& x, double threshold, double value) {
  if (is_whole(x)) {
    const CalledFrom caller(x.where());
    const Tensor& a = x.tensor();
    return where(a > whole_bound(threshold, "threshold", "threshold"), a, whole_bound(value, "threshold", "value"));
  }
  return record_floating(Threshold{threshold, value}, x);
}

Tensor relu_grad(const Tensor& g, const Tensor& y) { return record(ReluGrad{}, g, y); }
Tensor leaky_relu_grad(const Tensor& g, const Tensor& x, double slope) { return record(LeakyReluGrad{slope}, g, x); }
Tensor hardtanh_grad(const Tensor& g, const Tensor& x, double low, double high) {
  return record(HardtanhGrad{low, high}, g, x);
}

Family activation_family() {
  static constexpr const OpInfo* ops[] = {&Relu::info,          &ReluGrad::info,     &Relu6::info,
                                          &Hardtanh::info,      &HardtanhGrad::info, &Hardsigmoid::info,
                                          &HardswishGrad::info, &Hardswish::info,    &LeakyRelu::info,
                                          &LeakyReluGrad::info, &Softsign::info,     &Threshold::info};
  static const Function functions[] = {
      {"relu", "input", [](const Arguments& a) -> Value { return relu(a.operand(0)); }, "relu(x)", "x=[0.5,-1.5]"},
      {"relu6", "input", [](const Arguments& a) -> Value { return relu6(a.operand(0)); }, "relu6(x)", "x=[0.5,-1.5]"},
      {"softsign", "input", [](const Arguments& a) -> Value { return softsign(a.operand(0)); }, "softsign(x)",
       "x=[0.5,-1.5]"},
      {"hardsigmoid", "input", [](const Arguments& a) -> Value { return hardsigmoid(a.operand(0)); }, "hardsigmoid(x)",
       "x=[0.5,-1.5]"},
      {"hardswish", "input", [](const Arguments& a) -> Value { return hardswish(a.operand(0)); }, "hardswish(x)",
       "x=[0.5,-1.5]"},
      {"leaky_relu", "input, negative_slope=0.01",
       [](const Arguments& a) -> Value { return leaky_relu(a.operand(0), a.number(1)); }, "leaky_relu(x, 0.1)",
       "x=[0.5,-1.5]"},
      {"hardtanh", "input, min_val=-1.0, max_val=1.0",
       [](const Arguments& a) -> Value { return hardtanh(a.operand(0), a.number(1), a.number(2)); },
       "hardtanh(x, -2, 1)", "x=[0.5,-1.5]"},
      {"threshold", "input, threshold, value",
       [](const Arguments& a) -> Value { return threshold(a.operand(0), a.number(1), a.number(2)); },
       "threshold(x, 0.1, 20)", "x=[0.5,-1.5]"},
  };
  return {ops, functions};
}

}  // namespace chainrule
