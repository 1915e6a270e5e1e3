// How far numbers are from their mean and from 0: variance, standard deviation, norms. Where a root stands at 0 its
// infinite slope counts as 0, as in PyTorch.
#include "ops/reduce/deviations.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "engine/types/error.h"
#include "ops/arguments.h"
#include "ops/families.h"
#include "ops/kernels/reduce/reduce.h"
#include "ops/ops.h"
#include "ops/reduce/axes.h"
#include "ops/rules.h"

namespace chainrule {
namespace {

/// A root to divide by: one that is 0 counts as infinite, so that its slope is 0, and so are the derivatives of that.
Tensor divisor(const Tensor& root) { return where(eq(root, 0), kInf, root); }

/// The numbers in a group, less the correction.
struct Degrees {
  Over o;
  std::int64_t correction;
  double of(const Shape& x) const { return static_cast<double>(std::max<std::int64_t>(o.count(x) - correction, 0)); }
  std::string text() const { return fmt::format("{}, correction={}", o.text(), correction); }
};

Tensor variance(const Tensor& x, const Degrees& d) {
  const FoldPlan f = fold(x, d.o, x.dtype());
  kernels::variance(x.dtype(), f.x.data(), f.z.impl().data, f.lines, d.of(x.shape()));
  return f.z;
}

// z = sum((x - mean(x))^2) / m      dx = g * 2 (x - mean(x)) / m; the mean's own change adds up to 0
struct Var {
  static constexpr OpInfo info{.name = "var",
                               .formula = "z = sum((x - mean(x))^2) / (n - correction)",
                               .derivatives = {"2 * (x - mean(x)) / (n - correction)"},
                               .kinks = "NaN where n - correction is 0 and all numbers are equal",
                               .flops = "4 * numel(x) + 2 * numel(z)"};
  Degrees m;
  std::string attributes() const { return m.text(); }
  Tensor forward(const Tensor& x) const { return variance(x, m); }
  void backward(GradContext& c, const Tensor& g) const {
    c.send(0, [&] {
      const Tensor x = c.input(0);
      return with_axes(g * (2 / m.of(x.shape())), m.o, x.shape()) * (x - mean(x, m.o.axes(), true));
    });
  }
};

// z = sqrt(var(x))      dx = g * (x - mean(x)) / (m z), 0 where z = 0
struct Std {
  static constexpr OpInfo info{.name = "std",
                               .formula = "z = sqrt(sum((x - mean(x))^2) / (n - correction))",
                               .derivatives = {"(x - mean(x)) / ((n - correction) * z)"},
                               .kinks = "0 at z = 0",
                               .flops = "4 * numel(x) + 3 * numel(z)"};
  Degrees m;
  std::string attributes() const { return m.text(); }
  Tensor forward(const Tensor& x) const { return sqrt(variance(x, m)); }
  void backward(GradContext& c, const Tensor& g) const {
    c.send(0, [&] {
      const Tensor x = c.input(0), z = c.output();
      return with_axes(g / (m.of(x.shape()) * divisor(z)), m.o, x.shape()) * (x - mean(x, m.o.axes(), true));
    });
  }
};

// z = (sum |x|^p)^(1/p)      dx = g sign(x) (|x| / z)^(p - 1), 0 where z = 0
struct Norm {
  static constexpr OpInfo info{.name = "norm",
                               .formula = "z = sum(abs(x)^p)^(1/p)",
                               .derivatives = {"sign(x) * (abs(x) / z)^(p - 1)"},
                               .kinks = "0 at z = 0, and at x = 0 for p < 1",
                               .flops = "2 * numel(x) + numel(z)"};
  double p;
  Over o;
  std::string attributes() const { return fmt::format("p={:g}, {}", p, o.text()); }
  Tensor forward(const Tensor& x) const {
    const FoldPlan f = fold(x, o, x.dtype());
    kernels::norm(x.dtype(), f.x.data(), f.z.impl().data, f.lines, p);
    return f.z;
  }
  void backward(GradContext& c, const Tensor& g) const {
    c.send(0, [&] {
      const Tensor x = c.input(0), z = with_axes(divisor(c.output()), o, x.shape());
      const Tensor h = with_axes(g, o, x.shape());
      if (p == 2) return h * (x / z);  // h / z would overflow for tiny x
      // Below p = 1 the slope at 0 is infinite; an infinite ratio makes it 0.
      Tensor ratio = abs(x) / z;
      if (p < 1) ratio = where(eq(x, 0), kInf, ratio);
      if (p < 0) ratio = where(eq(z, kInf), kInf, ratio);  // a 0 beside them makes the norm 0 and the slopes too
      return h * sign(x) * pow(ratio, p - 1);
    });
  }
};

/// torch's p: a number, inf, or 'fro'.
double power_of(const Arguments& a) {
  if (!a.value(1).is<std::string>()) return a.number(1);
  const std::string name = a.mode(1);
  if (name == "fro") return 2;
  if (name == "inf") return kInf;
  if (name == "-inf") return -kInf;
  throw ValueError(fmt::format("norm: p must be a number, inf or 'fro', not '{}'", name));
}

/// torch 1.13 has var(x, dim, unbiased, keepdim) and var(x, unbiased), torch 2 correction=...
Value spread(const Arguments& a, Tensor (*f)(const Operand&, const Axes&, std::int64_t, bool)) {
  const bool short_form = a.value(1).is<bool>();
  const bool unbiased = short_form ? a.flag(1) : a.flag(2);
  const std::int64_t correction = a.is_none(4) ? unbiased : a.integer(4);
  return f(a.operand(0), short_form ? Axes{} : a.axes(1), correction, a.flag(3));
}

}  // namespace

Tensor var(const Operand& x, const Axes& dim, std::int64_t correction, bool keepdim) {
  const CalledFrom caller(x.where());
  const Tensor a = as_floating(tensor_argument(x, "var"));
  return record(Var{{over(a, dim, keepdim, "var"), correction}}, a);
}

Tensor std(const Operand& x, const Axes& dim, std::int64_t correction, bool keepdim) {
  const CalledFrom caller(x.where());
  const Tensor a = as_floating(tensor_argument(x, "std"));
  return record(Std{{over(a, dim, keepdim, "std"), correction}}, a);
}

Tensor norm(const Operand& x, double p, const Axes& dim, bool keepdim) {
  const CalledFrom caller(x.where());
  const Tensor a = as_floating(tensor_argument(x, "norm"));
  const Over o = over(a, dim, keepdim, "norm");
  if (std::isnan(p)) throw ValueError("norm: p is NaN, it must be a number");
  if (p == 0) return sum(abs(sign(a)), o.axes(), keepdim);
  if (std::isinf(p) && o.count(a.shape()) > 0)
    return p > 0 ? amax(abs(a), o.axes(), keepdim) : amin(abs(a), o.axes(), keepdim);
  if (p == 1 || p == kInf) return sum(abs(a), o.axes(), keepdim);  // of nothing every norm is 0
  if (p < 0) expect_elements(a, o, "norm", "smallest value");
  return record(Norm{p, o}, a);
}

Family deviation_family() {
  static constexpr const OpInfo* ops[] = {&Var::info, &Std::info, &Norm::info};
  static const Function functions[] = {
      {"var", "input, dim=None, unbiased=True, keepdim=False, correction=None",
       [](const Arguments& a) -> Value { return spread(a, var); }, "var(x, dim=1)", "x=[[1,3,2],[4,6,8]]"},
      {"std", "input, dim=None, unbiased=True, keepdim=False, correction=None",
       [](const Arguments& a) -> Value { return spread(a, std); }, "std(x, dim=1)", "x=[[1,3,2],[4,6,8]]"},
      {"norm", "input, p='fro', dim=None, keepdim=False, dtype=None",
       [](const Arguments& a) -> Value { return norm(input_as(a, 4), power_of(a), a.axes(2), a.flag(3)); },
       "norm(x, dim=1)", "x=[[1,3,2],[4,6,8]]"},
  };
  return {ops, functions};
}

}  // namespace chainrule
