// Plus, minus, times, divided by, powers and roots: each derivative beside its forward.
#include "ops/elementwise/arithmetic.h"

#include <fmt/format.h>

#include <cmath>

#include "engine/types/error.h"
#include "ops/arguments.h"
#include "ops/families.h"
#include "ops/ops.h"
#include "ops/rules.h"

namespace chainrule {
namespace {

// z = x + y      dx = g,  dy = g
struct Add {
  static constexpr OpInfo info{.name = "add", .elementwise = true, .formula = "z = x + y", .derivatives = {"1", "1"}};
  Tensor forward(const Tensor& x, const Tensor& y) const { return zip(x, y, Binary::add, "add"); }
  static Tensor of_masks(const Operand& x, const Operand& y) { return logical_or(x, y); }
  void backward(auto& c, const auto& g) const { c.send(g, g); }
};

// z = x - y      dx = g,  dy = -g
struct Sub {
  static constexpr OpInfo info{.name = "sub", .elementwise = true, .formula = "z = x - y", .derivatives = {"1", "-1"}};
  Tensor forward(const Tensor& x, const Tensor& y) const { return zip(x, y, Binary::sub, "sub"); }
  [[noreturn]] static Tensor of_masks(const Operand&, const Operand&) {
    throw ValueError("sub: masks are not subtracted; write x ^ y for one without the other, x & ~y for x without y");
  }
  void backward(auto& c, const auto& g) const {
    c.send(g, [&] { return -g; });
  }
};

// z = x * y      dx = g * y,  dy = g * x
struct Mul {
  static constexpr OpInfo info{.name = "mul", .elementwise = true, .formula = "z = x * y", .derivatives = {"y", "x"}};
  Tensor forward(const Tensor& x, const Tensor& y) const { return zip(x, y, Binary::mul, "mul"); }
  static Tensor of_masks(const Operand& x, const Operand& y) { return logical_and(x, y); }
  void backward(auto& c, const auto& g) const {
    const auto x = c.input(0), y = c.input(1);
    c.send([&] { return g * y; }, [&] { return g * x; });
  }
};

// z = x / y      dx = g / y,  dy = -g * z / y
struct Div {
  static constexpr OpInfo info{
      .name = "div", .elementwise = true, .formula = "z = x / y", .derivatives = {"1 / y", "-z / y"}};
  Tensor forward(const Tensor& x, const Tensor& y) const { return zip(x, y, Binary::div, "div"); }
  void backward(auto& c, const auto& g) const {
    const auto y = c.input(1);
    c.send(0, [&] { return g / y; });
    c.send(1, [&] { return -g * c.output() / y; });
  }
};

// z = floor(x / y)      dx = 0,  dy = 0
struct FloorDivide {
  static constexpr OpInfo info{.name = "floor_divide",
                               .elementwise = true,
                               .formula = "z = floor(x / y)",
                               .derivatives = {"0", "0"},
                               .kinks = "0 at the jumps, where x / y is whole"};
  static constexpr Uses uses[] = {kOutput, kOutput};
  Tensor forward(const Tensor& x, const Tensor& y) const { return zip(x, y, Binary::floor_divide, "div"); }
  void backward(GradContext& c, const Tensor&) const {
    c.send([&] { return flat_slope(c.output()); }, [&] { return flat_slope(c.output()); });
  }
};

// z = trunc(x / y)      dx = 0,  dy = 0
struct TruncDivide {
  static constexpr OpInfo info{.name = "trunc_divide",
                               .elementwise = true,
                               .formula = "z = trunc(x / y)",
                               .derivatives = {"0", "0"},
                               .kinks = "0 at the jumps, where x / y is whole"};
  static constexpr Uses uses[] = {kOutput, kOutput};
  Tensor forward(const Tensor& x, const Tensor& y) const {
    return map(zip(x, y, Binary::div, "div"), Unary::trunc, "div");
  }
  void backward(GradContext& c, const Tensor&) const {
    c.send([&] { return flat_slope(c.output()); }, [&] { return flat_slope(c.output()); });
  }
};

// z = -x      dx = -g
struct Neg {
  static constexpr OpInfo info{.name = "neg", .elementwise = true, .formula = "z = -x", .derivatives = {"-1"}};
  Tensor forward(const Tensor& x) const { return map(x, Unary::neg, "neg"); }
  void backward(auto& c, const auto& g) const {
    c.send(0, [&] { return -g; });
  }
};

// x, but 1 where y = 0 and 1 / x overflows: there x^(y - 1) would turn the derivative 0 into 0 * inf.
Tensor safe_base(const Tensor& x, const Tensor& y) {
  if (y.numel() == 1 && y.item() != 0) return x;
  const Tensor overflows = eq(abs(1 / x.detach()), kInf);
  return where(eq(y, 0), where(overflows, 1, x), x);
}

// x, but 1 where x = 0 and y >= 0: there z * log(x) tends to 0.
Tensor safe_log_argument(const Tensor& x, const Tensor& y) { return where(eq(x, 0), where(ge(y, 0), 1, x), x); }

/// Whether y - n is exact in y's type for all of them.
bool is_exact_below(const Tensor& y, int n) {
  if (y.numel() != 1) return any(ne((y - n) + n, y)).item() == 0;
  const double v = y.item(), below = y.dtype() == DType::float32 ? static_cast<float>(v - n) : v - n;
  return below + n == v;
}

/// c x^(y - n), n = 1 or 2. Where y - n is rounded, which would count log(x) times, it is divided by x instead. x and c
/// stand apart because 1 / x may overflow where c / x does not.
Tensor power_below(const Tensor& c, const Tensor& x, const Tensor& y, int n) {
  const Tensor exact = y.detach();
  if (is_exact_below(exact, n)) return c * pow(x, y - n);
  const Tensor rounded = ne((exact - n) + n, exact);
  const Tensor divided = logical_and(rounded, eq(x.detach() / x.detach(), 1));  // x neither 0 nor infinite
  if (n == 2) return where(divided, power_below(c, x, y, 1) / x, c * pow(x, y - 2));
  return c * pow(x, where(divided, y, y - 1)) / where(divided, x, 1);
}

/// g d2z/dx dy of z = x^y: g x^(y - 1) (1 + y log(x)), 0 where the power is 0 even if its logarithm is infinite.
Tensor mixed_power(const Tensor& g, const Tensor& x, const Tensor& y) {
  const Tensor bend = 1 + y * log(safe_log_argument(x, y));
  const Tensor power = power_below(g, x, y, 1);
  return where(eq(power, 0), power, power * bend);
}

// z = y x^(y - 1)      dx = g * y (y - 1) x^(y - 2),  dy = g * x^(y - 1) (1 + y log(x))
// One operation, because the two paths to x may overflow with opposite signs.
struct PowGrad {
  static constexpr OpInfo info{.name = "pow_grad",
                               .elementwise = true,
                               .formula = "z = y * x^(y - 1)",
                               .derivatives = {"y * (y - 1) * x^(y - 2)", "x^(y - 1) * (1 + y * log(x))"},
                               .kinks = "derivative by y is x^(y - 1) where x = 0 and y >= 0, NaN where x < 0",
                               .flops = "3 * numel(z)"};
  Tensor forward(const Tensor& x, const Tensor& y) const { return power_below(y, x, y, 1); }
  void backward(GradContext& c, const Tensor& g) const {
    const Tensor x = c.input(0), y = c.input(1);
    c.send(0, [&] { return power_below(g * y, safe_base(safe_base(x, y), y - 1), y, 2) * (y - 1); });
    c.send(1, [&] { return mixed_power(g, x, y); });
  }
};

// z = x^y log(x)      dx = g * x^(y - 1) (1 + y log(x)),  dy = g * z log(x)
// One operation, because x^y may underflow where x^(y - 1) does not.
struct PowLog {
  static constexpr OpInfo info{.name = "pow_log",
                               .elementwise = true,
                               .formula = "z = x^y * log(x)",
                               .derivatives = {"x^(y - 1) * (1 + y * log(x))", "z * log(x)"},
                               .kinks = "the logarithm is 0 where x = 0 and y >= 0, NaN where x < 0",
                               .flops = "3 * numel(z)"};
  static constexpr Uses uses[] = {kX | kY, kX | kY | kOutput};
  Tensor forward(const Tensor& x, const Tensor& y) const { return pow(x, y) * log(safe_log_argument(x, y)); }
  void backward(GradContext& c, const Tensor& g) const {
    const Tensor x = c.input(0), y = c.input(1);
    c.send(0, [&] { return mixed_power(g, x, y); });
    c.send(1, [&] { return g * c.output() * log(safe_log_argument(x, y)); });
  }
};

// z = x^y      dx = g * y * x^(y - 1),  dy = g * z * log(x)
struct Pow {
  static constexpr OpInfo info{
      .name = "pow",
      .elementwise = true,
      .formula = "z = x^y",
      .derivatives = {"y * x^(y - 1)", "z * log(x)"},
      .kinks = "derivative by x is 0 where y = 0; derivative by y is 0 where x = 0 and y >= 0, NaN where x < 0"};
  static constexpr Uses uses[] = {kX | kY, kX | kY};
  static bool is_constant(const Tensor& y, double n) {
    return y.shape().empty() && !y.requires_grad() && y.item() == n;
  }
  Tensor forward(const Tensor& x, const Tensor& y) const {
    if (y.shape().empty()) {  // the common exponents need no pow
      const double n = y.item();
      if (n == 1) return x;
      if (n == 2) return map(x, Unary::square, "pow");
      if (n == 3) return zip(map(x, Unary::square, "pow"), x, Binary::mul, "pow");
      if (n == -1 && is_floating(x.dtype())) return map(x, Unary::reciprocal, "pow");
    }
    return zip(x, y, Binary::pow, "pow");
  }
  void backward(GradContext& c, const Tensor& g) const {
    const Tensor x = c.input(0), y = c.input(1);
    c.send(0, [&] { return is_constant(y, 2) ? square_grad(g, x) : g * record(PowGrad{}, safe_base(x, y), y); });
    c.send(1, [&] { return g * record(PowLog{}, x, y); });
  }
};

// z = x x      dx = g * 2 x
struct Square {
  static constexpr OpInfo info{.name = "square", .elementwise = true, .formula = "z = x^2", .derivatives = {"2 * x"}};
  Tensor forward(const Tensor& x) const { return map(x, Unary::square, "square"); }
  void backward(GradContext& c, const Tensor& g) const {
    c.send(0, [&] { return square_grad(g, c.input(0)); });
  }
};

// z = 2 g x      dg = h * 2 x,  dx = h * 2 g
struct SquareGrad {
  static constexpr OpInfo info{.name = "square_grad",
                               .elementwise = true,
                               .formula = "z = 2 * g * x",
                               .derivatives = {"2 * x", "2 * g"},
                               .inputs = "g x"};
  Tensor forward(const Tensor& g, const Tensor& x) const { return zip(g, x, Binary::square_grad, "square_grad"); }
  void backward(GradContext& c, const Tensor& h) const {
    const Tensor g = c.input(0), x = c.input(1);
    c.send(0, [&] { return square_grad(h, x); });
    c.send(1, [&] { return square_grad(h, g); });
  }
};

// z = sqrt(x)      dx = g / (2 z)
struct Sqrt {
  static constexpr OpInfo info{.name = "sqrt",
                               .elementwise = true,
                               .formula = "z = sqrt(x)",
                               .derivatives = {"1 / (2 * z)"},
                               .kinks = "infinite at 0, with the sign of the zero"};
  Tensor forward(const Tensor& x) const { return map(x, Unary::sqrt, "sqrt"); }
  void backward(auto& c, const auto& g) const {
    c.send(0, [&] { return g / (2 * c.output()); });
  }
};

// z = 1 / sqrt(x)      dx = g * -1/2 z^3
struct Rsqrt {
  static constexpr OpInfo info{.name = "rsqrt",
                               .elementwise = true,
                               .formula = "z = 1 / sqrt(x)",
                               .derivatives = {"-z^3 / 2"},
                               .kinks = "infinite at 0, with the opposite sign of the zero",
                               .flops = "2 * numel(z)"};
  Tensor forward(const Tensor& x) const { return map(x, Unary::rsqrt, "rsqrt"); }
  void backward(GradContext& c, const Tensor& g) const {
    c.send(0, [&] { return g * (-0.5 * pow(c.output(), 3)); });
  }
};

// z = 1 / x      dx = -g z z
struct Reciprocal {
  static constexpr OpInfo info{
      .name = "reciprocal", .elementwise = true, .formula = "z = 1 / x", .derivatives = {"-z^2"}};
  Tensor forward(const Tensor& x) const { return map(x, Unary::reciprocal, "reciprocal"); }
  void backward(GradContext& c, const Tensor& g) const {
    c.send(0, [&] { return -g * square(c.output()); });
  }
};

Tensor& bind(Tensor& x, Tensor (*f)(const Operand&, const Operand&), const Operand& y, const char* sign) {
  if (x.defined() && x.is_leaf() && x.requires_grad()) {
    const std::string name = x.label().empty() ? "x" : x.label();
    throw GraphError(fmt::format(
        "{0} {1}= y: {0} is a trainable leaf, and this would bind the handle to a new value that is not trained; "
        "in place it is {{ const NoGrad off; {0}.copy_({0} {1} y); }}, and a new value is z = {0} {1} y",
        name, sign));
  }
  const CalledFrom caller(y.where());
  return x = f(x, y);
}

bool is_one(const Operand& alpha) { return alpha.is_number() && alpha.number() == 1; }

Tensor scaled(const OpInfo& info, const Operand& y, const Operand& alpha) {
  expect_defined(info, y, 1);
  return mul(y, tensor_or_number(alpha, info.name, "alpha"));
}

}  // namespace

Tensor add(const Operand& x, const Operand& y) { return record_pair(Add{}, x, y); }
Tensor sub(const Operand& x, const Operand& y) { return record_pair(Sub{}, x, y); }
Tensor add(const Operand& x, const Operand& y, const Scaled& by) {
  const CalledFrom caller(x.where());
  return is_one(by.alpha) ? add(x, y) : add(x, scaled(Add::info, y, by.alpha));
}
Tensor sub(const Operand& x, const Operand& y, const Scaled& by) {
  const CalledFrom caller(x.where());
  return is_one(by.alpha) ? sub(x, y) : sub(x, scaled(Sub::info, y, by.alpha));
}
Tensor& operator+=(Tensor& x, const Operand& y) { return bind(x, add, y, "+"); }
Tensor& operator-=(Tensor& x, const Operand& y) { return bind(x, sub, y, "-"); }
Tensor& operator*=(Tensor& x, const Operand& y) { return bind(x, mul, y, "*"); }
Tensor& operator/=(Tensor& x, const Operand& y) { return bind(x, div, y, "/"); }
Tensor mul(const Operand& x, const Operand& y) { return record_pair(Mul{}, x, y); }
Tensor div(const Operand& x, const Operand& y) { return record_floating_pair(Div{}, x, y); }

Tensor div(const Operand& x, const Operand& y, Rounding rounding_mode) {
  const CalledFrom caller(x.where());
  if (rounding_mode == Rounding::none) return div(x, y);
  const bool down = rounding_mode == Rounding::floor;
  if (is_floating(common_dtype(x, y))) {
    if (down) return record_pair(FloorDivide{}, x, y);
    return record_pair(TruncDivide{}, x, y);
  }
  const Tensor a = as_tensor(x, DType::int64), b = as_tensor(y, DType::int64);
  check_divisor(b, "div");
  return record(FloorDivide{}, down ? a : sub(a, fmod(a, b)), b);
}

Tensor neg(const Operand& x) {
  if (is_mask(x)) [[unlikely]]
    throw ValueError("neg: a mask has no sign; write ~x for its opposite");
  return record_one(Neg{}, x);
}

Tensor pow(const Operand& x, const Operand& y) {
  expect_defined(Pow::info, x);
  expect_defined(Pow::info, y, 1);
  if (is_floating(common_dtype(x, y))) [[likely]]
    return record_floating_pair(Pow{}, x, y);
  const CalledFrom caller(x.where());
  const auto [a, b] = promote(x, y);
  if (b.dtype() == DType::int64)
    for (const std::int64_t n : b.values<std::int64_t>())
      if (n < 0)
        throw ValueError(fmt::format(
            "pow: whole numbers have no power {}; floating numbers have, as in to(x, 'float64') ** {}", n, n));
  return record_pair(Pow{}, a, b);
}

Tensor square(const Operand& x) {
  if (!x.is_number() && is_mask(x)) return to(x, DType::int64);
  return record_one(Square{}, x);
}
Tensor sqrt(const Operand& x) { return record_floating(Sqrt{}, x); }
Tensor rsqrt(const Operand& x) { return record_floating(Rsqrt{}, x); }
Tensor reciprocal(const Operand& x) { return record_floating(Reciprocal{}, x); }

Tensor square_grad(const Tensor& g, const Tensor& x) { return record(SquareGrad{}, g, x); }

void check_divisor(const Tensor& y, const char* who) {
  if (is_floating(y.dtype())) return;
  for (const double v : y.to_vector())
    if (v == 0) throw ValueError(fmt::format("{}: an integer is divided by 0", who));
}

Family arithmetic_family() {
  static constexpr const OpInfo* ops[] = {&Add::info,         &Sub::info,    &Mul::info,        &Div::info,
                                          &Neg::info,         &Pow::info,    &Square::info,     &SquareGrad::info,
                                          &Sqrt::info,        &Rsqrt::info,  &Reciprocal::info, &FloorDivide::info,
                                          &TruncDivide::info, &PowLog::info, &PowGrad::info};
  static const Function functions[] = {
      {"add", "input, other, alpha=1",
       [](const Arguments& a) -> Value { return add(a.operand(0), a.operand(1), {.alpha = a.operand(2)}); },
       "add(x, y, alpha=2)", "x=[1,2] y=[3,-1]"},
      {"sub", "input, other, alpha=1",
       [](const Arguments& a) -> Value { return sub(a.operand(0), a.operand(1), {.alpha = a.operand(2)}); },
       "sub(x, y, alpha=2)", "x=[1,2] y=[3,-1]"},
      {"mul", "input, other", [](const Arguments& a) -> Value { return mul(a.operand(0), a.operand(1)); }, "mul(x, y)",
       "x=[1,2] y=[3,-1]"},
      {"div", "input, other, rounding_mode=None",
       [](const Arguments& a) -> Value {
         if (a.is_none(2)) return div(a.operand(0), a.operand(1));
         const std::string name = a.mode(2);
         if (name != "floor" && name != "trunc")
           throw ValueError(fmt::format("div: rounding_mode is '{}', it must be 'floor' or 'trunc'", name));
         return div(a.operand(0), a.operand(1), name == "floor" ? Rounding::floor : Rounding::trunc);
       },
       "div(x, y)", "x=[1,2] y=[3,-1]"},
      {"neg", "input", [](const Arguments& a) -> Value { return neg(a.operand(0)); }, "neg(x)", "x=[1,-2]"},
      {"pow", "input, exponent", [](const Arguments& a) -> Value { return pow(a.operand(0), a.operand(1)); },
       "pow(x, y)", "x=[1.5,2] y=[3,-1]"},
      {"square", "input", [](const Arguments& a) -> Value { return square(a.operand(0)); }, "square(x)", "x=[1,-2]"},
      {"sqrt", "input", [](const Arguments& a) -> Value { return sqrt(a.operand(0)); }, "sqrt(x)", "x=[1,4]"},
      {"rsqrt", "input", [](const Arguments& a) -> Value { return rsqrt(a.operand(0)); }, "rsqrt(x)", "x=[1,4]"},
      {"reciprocal", "input", [](const Arguments& a) -> Value { return reciprocal(a.operand(0)); }, "reciprocal(x)",
       "x=[1,-4]"},
  };
  return {ops, functions};
}

}  // namespace chainrule
