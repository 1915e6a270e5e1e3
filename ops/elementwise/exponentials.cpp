// Exponentials, logarithms, the error function and the gamma function: each derivative beside its forward.
#include "ops/elementwise/exponentials.h"

#include <fmt/format.h>

#include <cmath>

#include "engine/factory.h"
#include "engine/types/error.h"
#include "ops/families.h"
#include "ops/ops.h"
#include "ops/rules.h"

namespace chainrule {
namespace {

constexpr double kLn2 = 0.69314718055994530942, kLn10 = 2.30258509299404568402;
constexpr double kTwoOverRootPi = 1.12837916709551257390;

// z = exp(x)      dx = g * z
struct Exp {
  static constexpr OpInfo info{.name = "exp",
                               .elementwise = true,
                               .formula = "z = exp(x)",
                               .derivatives = {"z"},
                               .stable =
                                   "expm1(x) for exp(x) - 1 near 0; softplus(x) for log(1 + exp(x)); softmax, "
                                   "logsumexp or sigmoid where exponentials "
                                   "are divided or added"};
  Tensor forward(const Tensor& x) const { return map(x, Unary::exp, "exp"); }
  void backward(auto& c, const auto& g) const {
    c.send(0, [&] { return g * c.output(); });
  }
};

// z = exp(x) - 1      dx = g exp(x), because z + 1 would cancel near z = -1
struct Expm1 {
  static constexpr OpInfo info{.name = "expm1",
                               .elementwise = true,
                               .formula = "z = exp(x) - 1",
                               .derivatives = {"exp(x)"},
                               .flops = "2 * numel(z)"};
  Tensor forward(const Tensor& x) const { return map(x, Unary::expm1, "expm1"); }
  void backward(GradContext& c, const Tensor& g) const {
    c.send(0, [&] { return g * exp(c.input(0)); });
  }
};

// z = 2^x      dx = g * z ln 2
struct Exp2 {
  static constexpr OpInfo info{
      .name = "exp2", .elementwise = true, .formula = "z = 2^x", .derivatives = {"z * log(2)"}};
  Tensor forward(const Tensor& x) const { return map(x, Unary::exp2, "exp2"); }
  void backward(auto& c, const auto& g) const {
    c.send(0, [&] { return g * (c.output() * kLn2); });
  }
};

// z = log(x)      dx = g / x
struct Log {
  static constexpr OpInfo info{
      .name = "log",
      .elementwise = true,
      .formula = "z = log(x)",
      .derivatives = {"1 / x"},
      .kinks = "infinite at 0, with the sign of the zero",
      .stable = "log1p(x) for log(1 + x); logsumexp, log_softmax and logsigmoid for logarithms of such results"};
  Tensor forward(const Tensor& x) const { return map(x, Unary::log, "log"); }
  void backward(auto& c, const auto& g) const {
    c.send(0, [&] { return g / c.input(0); });
  }
};

// z = log(1 + x)      dx = g / (1 + x)
struct Log1p {
  static constexpr OpInfo info{.name = "log1p",
                               .elementwise = true,
                               .formula = "z = log(1 + x)",
                               .derivatives = {"1 / (1 + x)"},
                               .kinks = "infinite at -1",
                               .flops = "2 * numel(z)"};
  Tensor forward(const Tensor& x) const { return map(x, Unary::log1p, "log1p"); }
  void backward(auto& c, const auto& g) const {
    c.send(0, [&] { return g / (1 + c.input(0)); });
  }
};

// z = log(x) / log(2)      dx = g / (x ln 2)
struct Log2 {
  static constexpr OpInfo info{.name = "log2",
                               .elementwise = true,
                               .formula = "z = log(x) / log(2)",
                               .derivatives = {"1 / (x * log(2))"},
                               .kinks = "infinite at 0, with the sign of the zero"};
  Tensor forward(const Tensor& x) const { return map(x, Unary::log2, "log2"); }
  void backward(auto& c, const auto& g) const {
    c.send(0, [&] { return g / kLn2 / c.input(0); });
  }
};

// z = log(x) / log(10)      dx = g / (x ln 10)
struct Log10 {
  static constexpr OpInfo info{.name = "log10",
                               .elementwise = true,
                               .formula = "z = log(x) / log(10)",
                               .derivatives = {"1 / (x * log(10))"},
                               .kinks = "infinite at 0, with the sign of the zero"};
  Tensor forward(const Tensor& x) const { return map(x, Unary::log10, "log10"); }
  void backward(auto& c, const auto& g) const {
    c.send(0, [&] { return g / kLn10 / c.input(0); });
  }
};

// z = exp(-a x^2)      dx = g * -2 a x z
// One operation, because the rounding of x^2 would be large in the power of e.
struct Bell {
  static constexpr OpInfo info{.name = "bell",
                               .elementwise = true,
                               .formula = "z = exp(-a * x^2)",
                               .derivatives = {"-2 * a * x * z"},
                               .flops = "3 * numel(z)"};
  double a;
  std::string attributes() const { return fmt::format("a={}", a); }
  Tensor forward(const Tensor& x) const { return map(x, Unary::bell, "bell", {.a = a}); }
  void backward(GradContext& c, const Tensor& g) const {
    c.send(0, [&] { return g * (-2 * a * c.input(0) * c.output()); });
  }
};

// z = erf(x)      dx = g * 2 / sqrt(pi) * exp(-x^2)
struct Erf {
  static constexpr OpInfo info{.name = "erf",
                               .elementwise = true,
                               .formula = "z = erf(x)",
                               .derivatives = {"2 / sqrt(pi) * exp(-x^2)"},
                               .stable = "erfc(x) for 1 - erf(x)"};
  Tensor forward(const Tensor& x) const { return map(x, Unary::erf, "erf"); }
  void backward(GradContext& c, const Tensor& g) const {
    c.send(0, [&] { return g * (kTwoOverRootPi * bell(c.input(0), 1)); });
  }
};

// z = 1 - erf(x)      dx = -g * 2 / sqrt(pi) * exp(-x^2)
struct Erfc {
  static constexpr OpInfo info{
      .name = "erfc", .elementwise = true, .formula = "z = 1 - erf(x)", .derivatives = {"-2 / sqrt(pi) * exp(-x^2)"}};
  Tensor forward(const Tensor& x) const { return map(x, Unary::erfc, "erfc"); }
  void backward(GradContext& c, const Tensor& g) const {
    c.send(0, [&] { return g * (-kTwoOverRootPi * bell(c.input(0), 1)); });
  }
};

// z = log(|Gamma(x)|)      dx = g * digamma(x)
struct Lgamma {
  static constexpr OpInfo info{.name = "lgamma",
                               .elementwise = true,
                               .formula = "z = lgamma(x)",
                               .derivatives = {"digamma(x)"},
                               .kinks = "infinite at 0, with the opposite sign of the zero; NaN at -1, -2, ..."};
  Tensor forward(const Tensor& x) const { return map(x, Unary::lgamma, "lgamma"); }
  void backward(GradContext& c, const Tensor& g) const {
    c.send(0, [&] { return g * digamma(c.input(0)); });
  }
};

// z = digamma(x)      dx = g * polygamma(1, x)
struct Digamma {
  static constexpr OpInfo info{.name = "digamma",
                               .elementwise = true,
                               .formula = "z = digamma(x)",
                               .derivatives = {"polygamma(1, x)"},
                               .kinks = "infinite at 0, -1, -2, ..."};
  Tensor forward(const Tensor& x) const { return map(x, Unary::digamma, "digamma"); }
  void backward(GradContext& c, const Tensor& g) const {
    c.send(0, [&] { return g * polygamma(1, c.input(0)); });
  }
};

// z = the derivative of order n of digamma(x)      dx = g * polygamma(n + 1, x)
struct Polygamma {
  static constexpr OpInfo info{.name = "polygamma",
                               .elementwise = true,
                               .formula = "z = polygamma(n, x)",
                               .derivatives = {"polygamma(n + 1, x)"},
                               .kinks = "infinite or NaN at 0, -1, -2, ..."};
  std::int64_t n;
  std::string attributes() const { return fmt::format("n={}", n); }
  Tensor forward(const Tensor& x) const { return map(x, Unary::polygamma, "polygamma", {.a = static_cast<double>(n)}); }
  void backward(GradContext& c, const Tensor& g) const {
    c.send(0, [&] { return g * polygamma(n + 1, c.input(0)); });
  }
};

struct NumberFunction {
  std::string_view name;
  double (*of)(double);
};
constexpr NumberFunction kOfNumbers[] = {
    {"exp", std::exp},   {"expm1", std::expm1}, {"exp2", std::exp2}, {"log", std::log},   {"log1p", std::log1p},
    {"log2", std::log2}, {"log10", std::log10}, {"erf", std::erf},   {"erfc", std::erfc}, {"sin", std::sin},
    {"cos", std::cos},   {"tan", std::tan},     {"asin", std::asin}, {"acos", std::acos}, {"atan", std::atan},
    {"sinh", std::sinh}, {"cosh", std::cosh},   {"tanh", std::tanh},
};

}  // namespace

Tensor of_number(std::string_view f, double x, DType dtype) {
  for (const NumberFunction& known : kOfNumbers)
    if (known.name == f) return full({}, known.of(x), {.dtype = dtype});
  return {};
}

Tensor exp(const Operand& x) { return record_floating(Exp{}, x); }
Tensor expm1(const Operand& x) { return record_floating(Expm1{}, x); }
Tensor exp2(const Operand& x) { return record_floating(Exp2{}, x); }
Tensor log(const Operand& x) { return record_floating(Log{}, x); }
Tensor log1p(const Operand& x) { return record_floating(Log1p{}, x); }
Tensor log2(const Operand& x) { return record_floating(Log2{}, x); }
Tensor log10(const Operand& x) { return record_floating(Log10{}, x); }
Tensor erf(const Operand& x) { return record_floating(Erf{}, x); }
Tensor erfc(const Operand& x) { return record_floating(Erfc{}, x); }
Tensor lgamma(const Operand& x) { return record_floating(Lgamma{}, x); }
Tensor digamma(const Operand& x) { return record_floating(Digamma{}, x); }

Tensor bell(const Tensor& x, double a) { return record(Bell{a}, x); }

Tensor polygamma(std::int64_t n, const Operand& x) {
  if (n < 0 || n > 150) throw ValueError(fmt::format("polygamma: n is {}, it must be from 0 to 150", n));
  return record_floating(Polygamma{n}, x);
}

Family exponential_family() {
  static constexpr const OpInfo* ops[] = {&Exp::info,     &Expm1::info,     &Exp2::info, &Log::info,  &Log1p::info,
                                          &Log2::info,    &Log10::info,     &Erf::info,  &Erfc::info, &Lgamma::info,
                                          &Digamma::info, &Polygamma::info, &Bell::info};
  static const Function functions[] = {
      {"exp", "input", [](const Arguments& a) -> Value { return exp(a.operand(0)); }, "exp(x)", "x=[0.5,-0.25]"},
      {"expm1", "input", [](const Arguments& a) -> Value { return expm1(a.operand(0)); }, "expm1(x)", "x=[0.5,-0.25]"},
      {"exp2", "input", [](const Arguments& a) -> Value { return exp2(a.operand(0)); }, "exp2(x)", "x=[0.5,-0.25]"},
      {"log", "input", [](const Arguments& a) -> Value { return log(a.operand(0)); }, "log(x)", "x=[0.5,2]"},
      {"log1p", "input", [](const Arguments& a) -> Value { return log1p(a.operand(0)); }, "log1p(x)", "x=[0.5,-0.25]"},
      {"log2", "input", [](const Arguments& a) -> Value { return log2(a.operand(0)); }, "log2(x)", "x=[0.5,2]"},
      {"log10", "input", [](const Arguments& a) -> Value { return log10(a.operand(0)); }, "log10(x)", "x=[0.5,2]"},
      {"erf", "input", [](const Arguments& a) -> Value { return erf(a.operand(0)); }, "erf(x)", "x=[0.5,-0.25]"},
      {"erfc", "input", [](const Arguments& a) -> Value { return erfc(a.operand(0)); }, "erfc(x)", "x=[0.5,-0.25]"},
      {"lgamma", "input", [](const Arguments& a) -> Value { return lgamma(a.operand(0)); }, "lgamma(x)", "x=[0.5,2]"},
      {"digamma", "input", [](const Arguments& a) -> Value { return digamma(a.operand(0)); }, "digamma(x)",
       "x=[0.5,2]"},
      {"polygamma", "n, input", [](const Arguments& a) -> Value { return polygamma(a.integer(0), a.operand(1)); },
       "polygamma(1, x)", "x=[0.5,2]"},
  };
  return {ops, functions};
}

}  // namespace chainrule
