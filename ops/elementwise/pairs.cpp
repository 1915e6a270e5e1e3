// Functions of two numbers, and lerp of three: each derivative beside its forward. Arithmetic is in arithmetic.cpp.
#include "ops/elementwise/pairs.h"

#include "ops/arguments.h"
#include "ops/families.h"
#include "ops/ops.h"
#include "ops/rules.h"

namespace chainrule {
namespace {

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
  Tensor forward(const Tensor& x, const Tensor& y) const { return zip(x, y, Binary::maximum, "maximum"); }
  static Tensor of_masks(const Operand& x, const Operand& y) { return logical_or(x, y); }
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
  Tensor forward(const Tensor& x, const Tensor& y) const { return zip(x, y, Binary::minimum, "minimum"); }
  static Tensor of_masks(const Operand& x, const Operand& y) { return logical_and(x, y); }
  void backward(GradContext& c, const Tensor& g) const {
    const Tensor x = c.input(0), y = c.input(1);
    c.send(0, [&] { return share(g, y, x); });
    c.send(1, [&] { return share(g, x, y); });
  }
};

// z = x / (x^2 + y^2)      dx = g (v - w) (v + w) / r^2,  dy = -g 2 w v / r^2,  r = hypot(x, y), w = x / r, v = y / r
// One operation, because the paths through r cancel, and overflow, where x and y are far apart.
struct Atan2Grad {
  static constexpr OpInfo info{.name = "atan2_grad",
                               .elementwise = true,
                               .formula = "z = x / (x^2 + y^2)",
                               .derivatives = {"(y^2 - x^2) / (x^2 + y^2)^2", "-2 * x * y / (x^2 + y^2)^2"},
                               .kinks = "none at x = y = 0: NaN",
                               .flops = "6 * numel(z)"};
  Tensor forward(const Tensor& x, const Tensor& y) const {
    const Tensor r = hypot(x, y);
    return x / r / r;
  }
  void backward(GradContext& c, const Tensor& g) const {
    const Tensor x = c.input(0), y = c.input(1), r = hypot(x, y), w = x / r, v = y / r;
    c.send(0, [&] { return g * ((v - w) * (v + w)) / r / r; });
    c.send(1, [&] { return -2 * g * (w * v) / r / r; });
  }
};

// z = atan2(y, x)      dy = g x / r^2,  dx = -g y / r^2,  r = hypot(x, y)
struct Atan2 {
  static constexpr OpInfo info{.name = "atan2",
                               .elementwise = true,
                               .formula = "z = atan2(y, x)",
                               .derivatives = {"x / (x^2 + y^2)", "-y / (x^2 + y^2)"},
                               .kinks = "none at x = y = 0: NaN",
                               .inputs = "y x"};
  Tensor forward(const Tensor& y, const Tensor& x) const { return zip(y, x, Binary::atan2, "atan2"); }
  void backward(GradContext& c, const Tensor& g) const {
    const Tensor y = c.input(0), x = c.input(1);
    c.send(0, [&] { return g * record(Atan2Grad{}, x, y); });
    c.send(1, [&] { return -g * record(Atan2Grad{}, y, x); });
  }
};

Tensor cosine(const Tensor& x, const Tensor& y);

// z = x / sqrt(x^2 + y^2)      dx = g w w / r,  dy = -g z w / r,  r = hypot(x, y), w = y / r
// One operation, because the two derivatives of x / r cancel where x is much larger than y.
struct Cosine {
  static constexpr OpInfo info{.name = "hypot_grad",
                               .elementwise = true,
                               .formula = "z = x / sqrt(x^2 + y^2)",
                               .derivatives = {"y^2 / (x^2 + y^2)^(3/2)", "-x * y / (x^2 + y^2)^(3/2)"},
                               .kinks = "none at x = y = 0: NaN",
                               .flops = "5 * numel(z)"};
  Tensor forward(const Tensor& x, const Tensor& y) const { return x / hypot(x, y); }
  void backward(GradContext& c, const Tensor& g) const {
    const Tensor x = c.input(0), y = c.input(1), r = hypot(x, y), w = cosine(y, x);
    c.send(0, [&] { return g * w * (w / r); });
    c.send(1, [&] { return -g * cosine(x, y) * (w / r); });
  }
};

Tensor cosine(const Tensor& x, const Tensor& y) { return record(Cosine{}, x, y); }

// z = sqrt(x^2 + y^2)      dx = g x / z,  dy = g y / z
struct Hypot {
  static constexpr OpInfo info{.name = "hypot",
                               .elementwise = true,
                               .formula = "z = sqrt(x^2 + y^2)",
                               .derivatives = {"x / z", "y / z"},
                               .kinks = "none at x = y = 0: NaN",
                               .flops = "4 * numel(z)"};
  static constexpr Uses uses[] = {kX | kY, kX | kY};
  Tensor forward(const Tensor& x, const Tensor& y) const { return zip(x, y, Binary::hypot, "hypot"); }
  void backward(GradContext& c, const Tensor& g) const {
    const Tensor x = c.input(0), y = c.input(1);
    c.send(0, [&] { return g * cosine(x, y); });
    c.send(1, [&] { return g * cosine(y, x); });
  }
};

// z = x - y trunc(x / y)      dx = g,  dy = -g trunc(x / y)
struct Fmod {
  static constexpr OpInfo info{.name = "fmod",
                               .elementwise = true,
                               .formula = "z = x - y * trunc(x / y)",
                               .derivatives = {"1", "-trunc(x / y)"},
                               .kinks = "as beside the jumps, where x / y is whole"};
  Tensor forward(const Tensor& x, const Tensor& y) const {
    check_divisor(y, "fmod");
    return zip(x, y, Binary::fmod, "fmod");
  }
  void backward(GradContext& c, const Tensor& g) const {
    c.send(0, [&] { return g; });
    c.send(1, [&] { return -g * div(c.input(0), c.input(1), Rounding::trunc); });
  }
};

// z = x - y floor(x / y)      dx = g,  dy = -g floor(x / y)
struct Remainder {
  static constexpr OpInfo info{.name = "remainder",
                               .elementwise = true,
                               .formula = "z = x - y * floor(x / y)",
                               .derivatives = {"1", "-floor(x / y)"},
                               .kinks = "as beside the jumps, where x / y is whole"};
  Tensor forward(const Tensor& x, const Tensor& y) const {
    check_divisor(y, "remainder");
    return zip(x, y, Binary::remainder, "remainder");
  }
  void backward(GradContext& c, const Tensor& g) const {
    c.send(0, [&] { return g; });
    c.send(1, [&] { return -g * div(c.input(0), c.input(1), Rounding::floor); });
  }
};

// z = log(exp(x) + exp(y))      dx = g sigmoid(x - y),  dy = g sigmoid(y - x)
struct LogAddExp {
  static constexpr OpInfo info{.name = "logaddexp",
                               .elementwise = true,
                               .formula = "z = log(exp(x) + exp(y))",
                               .derivatives = {"sigmoid(x - y)", "sigmoid(y - x)"},
                               .kinks = "none where x and y are the same infinity: NaN",
                               .flops = "5 * numel(z)"};
  Tensor forward(const Tensor& x, const Tensor& y) const { return zip(x, y, Binary::logaddexp, "logaddexp"); }
  void backward(GradContext& c, const Tensor& g) const {
    const Tensor x = c.input(0), y = c.input(1);
    c.send(0, [&] { return g * sigmoid(x - y); });
    c.send(1, [&] { return g * sigmoid(y - x); });
  }
};

// z = x log(y), 0 where x = 0      dx = g log(y), 0 where x = 0 and y <= 0;  dy = g x / y
struct Xlogy {
  static constexpr OpInfo info{.name = "xlogy",
                               .elementwise = true,
                               .formula = "z = x * log(y)",
                               .derivatives = {"log(y)", "x / y"},
                               .kinks = "where x = 0: by x 0 if y <= 0, by y 0",
                               .flops = "2 * numel(z)"};
  static constexpr Uses uses[] = {kX | kY, kX | kY};
  Tensor forward(const Tensor& x, const Tensor& y) const { return zip(x, y, Binary::xlogy, "xlogy"); }
  void backward(GradContext& c, const Tensor& g) const {
    const Tensor x = c.input(0), y = c.input(1);
    c.send(0, [&] {
      const Tensor safe_y = where(eq(x, 0), where(y <= 0, 1, y), where(eq(x, x), y, kNan));
      return g * log(safe_y);
    });
    c.send(1, [&] { return where(eq(x, 0), g * where(eq(y, y), x, y), g * x / y); });  // 0 log y is 0
  }
};

// z = x + w (y - x)      dx = g (1 - w),  dy = g w,  dw = g (y - x)
struct Lerp {
  static constexpr OpInfo info{.name = "lerp",
                               .elementwise = true,
                               .formula = "z = x + w * (y - x)",
                               .derivatives = {"1 - w", "w", "y - x"},
                               .inputs = "x y w",
                               .flops = "3 * numel(z)"};
  Tensor forward(const Tensor& x, const Tensor& y, const Tensor& w) const {
    // From whichever end is nearer, so that w = 0 gives x and w = 1 gives y.
    const Tensor way = y - x;
    if (w.numel() == 1) return w.item() < 0.5 ? x + w * way : y - way * (1 - w);
    return where(w < 0.5, x + w * way, y - way * (1 - w));
  }
  void backward(GradContext& c, const Tensor& g) const {
    c.send(0, [&] { return g * (1 - c.input(2)); });
    c.send(1, [&] { return g * c.input(2); });
    c.send(2, [&] { return g * (c.input(1) - c.input(0)); });
  }
};

}  // namespace

Tensor maximum(const Operand& x, const Operand& y) { return record_pair(Maximum{}, x, y); }
Tensor minimum(const Operand& x, const Operand& y) { return record_pair(Minimum{}, x, y); }
Tensor atan2(const Operand& y, const Operand& x) { return record_floating_pair(Atan2{}, y, x); }
Tensor hypot(const Operand& x, const Operand& y) { return record_floating_pair(Hypot{}, x, y); }
Tensor fmod(const Operand& x, const Operand& y) { return record_pair(Fmod{}, x, y); }
Tensor remainder(const Operand& x, const Operand& y) { return record_pair(Remainder{}, x, y); }
Tensor logaddexp(const Operand& x, const Operand& y) { return record_floating_pair(LogAddExp{}, x, y); }
Tensor xlogy(const Operand& x, const Operand& y) { return record_floating_pair(Xlogy{}, x, y); }

Tensor lerp(const Operand& start, const Operand& end, const Operand& weight) {
  const CalledFrom caller(start.where());
  const auto [x, y] = promote_floating(tensor_or_number(start, "lerp", "start"), tensor_or_number(end, "lerp", "end"));
  const Tensor w = as_tensor(tensor_or_number(weight, "lerp", "weight"), x.dtype());
  return record(Lerp{}, x, y, w);
}

Family pair_family() {
  static constexpr const OpInfo* ops[] = {&Maximum::info,   &Minimum::info, &Atan2::info, &Atan2Grad::info,
                                          &Hypot::info,     &Cosine::info,  &Fmod::info,  &Remainder::info,
                                          &LogAddExp::info, &Xlogy::info,   &Lerp::info};
  static const Function functions[] = {
      {"maximum", "input, other", [](const Arguments& a) -> Value { return maximum(a.operand(0), a.operand(1)); },
       "maximum(x, y)", "x=[1,2] y=[3,-1]"},
      {"minimum", "input, other", [](const Arguments& a) -> Value { return minimum(a.operand(0), a.operand(1)); },
       "minimum(x, y)", "x=[1,2] y=[3,-1]"},
      {"atan2", "input, other", [](const Arguments& a) -> Value { return atan2(a.operand(0), a.operand(1)); },
       "atan2(y, x)", "y=[1,2] x=[3,-1]"},
      {"hypot", "input, other", [](const Arguments& a) -> Value { return hypot(a.operand(0), a.operand(1)); },
       "hypot(x, y)", "x=[1,2] y=[3,-1]"},
      {"fmod", "input, other", [](const Arguments& a) -> Value { return fmod(a.operand(0), a.operand(1)); },
       "fmod(x, y)", "x=[7,-8] y=[3,2.5]"},
      {"remainder", "input, other", [](const Arguments& a) -> Value { return remainder(a.operand(0), a.operand(1)); },
       "remainder(x, y)", "x=[7,-8] y=[3,2.5]"},
      {"logaddexp", "input, other", [](const Arguments& a) -> Value { return logaddexp(a.operand(0), a.operand(1)); },
       "logaddexp(x, y)", "x=[1,2] y=[3,-1]"},
      {"xlogy", "input, other", [](const Arguments& a) -> Value { return xlogy(a.operand(0), a.operand(1)); },
       "xlogy(x, y)", "x=[1,-2] y=[3,0.5]"},
      {"lerp", "input, end, weight",
       [](const Arguments& a) -> Value { return lerp(a.operand(0), a.operand(1), a.operand(2)); }, "lerp(x, y, w)",
       "x=[1,2] y=[3,-1] w=[0.25,0.75]"},
  };
  return {ops, functions};
}

}  // namespace chainrule
