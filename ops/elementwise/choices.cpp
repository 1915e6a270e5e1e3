// Absolute value, choices, conversions and comparisons. What a derivative does at a kink and at NaN is written in
// ops/OPERATIONS.md, and held there by a test.
#include "ops/elementwise/choices.h"

#include <fmt/format.h>

#include <cmath>

#include "engine/types/error.h"
#include "ops/arguments.h"
#include "ops/families.h"
#include "ops/ops.h"
#include "ops/rules.h"

namespace chainrule {
namespace {

// z = |x|      dx = g * sign(x)
struct Abs {
  static constexpr OpInfo info{
      .name = "abs", .elementwise = true, .formula = "z = |x|", .derivatives = {"sign(x)"}, .kinks = "0 at x = 0"};
  Tensor forward(const Tensor& x) const { return map(x, Unary::abs, "abs"); }
  void backward(GradContext& c, const Tensor& g) const {
    c.send(0, [&] { return g * sign(c.input(0)); });
  }
};

// z = min(max(x, low), high)      dx = g where low <= x <= high, else 0. The words call the bounds as the call does.
struct Clamp {
  static constexpr OpInfo info{.name = "clamp",
                               .elementwise = true,
                               .formula = "z = min(max(x, min), max)",
                               .derivatives = {"1 where min <= x <= max, else 0"},
                               .kinks = "1 at both bounds; 0 where min = max, for the result is a constant",
                               .flops = "2 * numel(z)"};
  double low, high;
  std::string attributes() const { return fmt::format("min={}, max={}", low, high); }
  Tensor forward(const Tensor& x) const { return map(x, Unary::clamp, "clamp", {.a = low, .b = high}); }
  void backward(GradContext& c, const Tensor& g) const {
    c.send(0, [&] { return clamp_grad(g, c.input(0), low, high); });
  }
};

// z = g where low <= x <= high, else 0      dg = h where low <= x <= high, else 0,  dx = 0
struct ClampGrad {
  static constexpr OpInfo info{.name = "clamp_grad",
                               .elementwise = true,
                               .formula = "z = g where low <= x <= high, else 0",
                               .derivatives = {"1 where low <= x <= high, else 0", "0"},
                               .kinks = "1 at both bounds; 0 where low = high",
                               .inputs = "g x"};
  static constexpr Uses uses[] = {kY, kY};
  double low, high;
  std::string attributes() const { return fmt::format("low={}, high={}", low, high); }
  Tensor forward(const Tensor& g, const Tensor& x) const {
    const bool constant = low >= high;  // then no x is inside
    return zip(g, x, Binary::clamp_grad, "clamp_grad", {.a = constant ? kInf : low, .b = constant ? -kInf : high});
  }
  void backward(GradContext& c, const Tensor& h) const {
    const Tensor x = c.input(1);
    c.send(0, [&] { return clamp_grad(h, x, low, high); });
    c.send(1, [&] { return flat_slope(x); });
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
    Tensor z = x.shape() == shape   ? empty_like(x, d)
               : y.shape() == shape ? empty_like(y, d)
                                    : internal::empty_result(shape, d);
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

/// Throws ValueError for what no whole number of 64 bits stands for.
void expect_whole_range(const Tensor& x) {
  const Tensor values = without_gaps(x);
  dispatch_floating(x.dtype(), [&](auto zero) {
    const auto* v = values.data<decltype(zero)>();
    for (std::int64_t i = 0, n = values.numel(); i < n; ++i)
      if (!(v[i] >= -0x1p63 && v[i] < 0x1p63))
        throw ValueError(fmt::format("to: {} is none of int64", std::isnan(v[i]) ? kNan : static_cast<double>(v[i])));
  });
}

// z = x in another dtype      dx = g in the dtype of x
struct To {
  static constexpr OpInfo info{
      .name = "to", .elementwise = true, .formula = "z = x", .derivatives = {"1"}, .flops = "0"};
  DType from, dtype;
  std::string attributes() const { return fmt::format("dtype={}", name_of(dtype)); }
  Tensor forward(const Tensor& x) const {
    if (from == dtype) return x;
    if (dtype == DType::int64 && is_floating(from)) expect_whole_range(x);
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
  const auto [a, b] = promote(tensor_or_number(x, who), tensor_or_number(y, who, "y"));
  return zip(a, b, op, who);
}

}  // namespace

Tensor abs(const Operand& x) { return record_one(Abs{}, x); }

Tensor clamp(const Operand& x, const Bound& min, const Bound& max) {
  if (min.is_none() && max.is_none()) throw ValueError("clamp: neither min nor max is given");
  expect_defined(Clamp::info, x);
  const auto whole = [&](const Bound& bound) {
    return bound.is_none() || !is_floating(common_dtype(x, bound.operand()));
  };
  if (whole(min) && whole(max)) {
    const CalledFrom caller(x.where());
    Tensor z = as_tensor(x, DType::int64);
    if (!min.is_none()) z = maximum(z, min.operand());
    return max.is_none() ? z : minimum(z, max.operand());
  }
  if (!min.is_tensor() && !max.is_tensor()) {
    const double low = min.number_or(-kInf), high = max.number_or(kInf);
    if (std::isnan(low) || std::isnan(high)) throw ValueError("clamp: a bound is NaN, it must be a number");
    return record_floating(Clamp{low, high}, x);
  }
  // A number that equals a bound stays itself, as with plain bounds; the choice of the others shows a NaN. Where min is
  // not below max the result is max, whatever x is.
  const CalledFrom caller(x.where());
  Tensor z = as_floating(x);
  if (!min.is_none()) z = where(z >= min.operand(), z, maximum(z, min.operand()));
  if (!max.is_none()) z = where(z <= max.operand(), z, minimum(z, max.operand()));
  if (min.is_none() || max.is_none()) return z;
  const Tensor constant = ge(min.operand(), max.operand());
  return any(constant).item() != 0 ? where(constant, where(eq(z, z), max.operand(), z), z) : z;
}

Tensor where(const Tensor& condition, const Operand& x, const Operand& y) {
  const CalledFrom caller(x.where());
  (void)tensor_or_number(condition, "where", "condition");
  (void)tensor_or_number(x, "where"), (void)tensor_or_number(y, "where", "y");
  if (condition.dtype() != DType::boolean)
    throw ValueError(fmt::format("where: the condition is {}, it must be bool; compare first, as in where(x > 0, ...)",
                                 name_of(condition.dtype())));
  const auto [a, b] = promote(x, y);
  return record(Where{}, condition, a, b);
}

Tensor to(const Operand& x, DType dtype) {
  const CalledFrom caller(x.where());
  const Tensor a = tensor_argument(x, "to");
  return record(To{a.dtype(), dtype}, a);
}

Tensor eq(const Operand& x, const Operand& y) { return compare(x, y, Compare::eq, "eq"); }
Tensor ne(const Operand& x, const Operand& y) { return compare(x, y, Compare::ne, "ne"); }
Tensor lt(const Operand& x, const Operand& y) { return compare(x, y, Compare::lt, "lt"); }
Tensor le(const Operand& x, const Operand& y) { return compare(x, y, Compare::le, "le"); }
Tensor gt(const Operand& x, const Operand& y) { return compare(x, y, Compare::gt, "gt"); }
Tensor ge(const Operand& x, const Operand& y) { return compare(x, y, Compare::ge, "ge"); }

Tensor clamp_grad(const Tensor& g, const Tensor& x, double low, double high) {
  return record(ClampGrad{low, high}, g, x);
}

namespace {

constexpr const char* kMask = "no derivative: the result is a mask";

Value clamp_call(const Arguments& a) {
  const auto bound = [&](int i) { return a.is_none(i) ? Bound() : Bound(a.operand(i)); };
  return clamp(a.operand(0), bound(1), bound(2));
}

}  // namespace

Family choice_family() {
  static constexpr const OpInfo* ops[] = {&Abs::info, &Clamp::info, &ClampGrad::info, &Where::info, &To::info};
  static const Function functions[] = {
      {"abs", "input", [](const Arguments& a) -> Value { return abs(a.operand(0)); }, "abs(x)", "x=[0.5,-1.5]"},
      {"clamp", "input, min=None, max=None", clamp_call, "clamp(x, -1, 1)", "x=[0.5,-1.5]"},
      {"where", "condition, input, other",
       [](const Arguments& a) -> Value { return where(a.tensor(0), a.operand(1), a.operand(2)); }, "where(x > y, x, y)",
       "x=[1,2] y=[3,-1]"},
      {"to", "input, dtype", [](const Arguments& a) -> Value { return to(a.operand(0), a.dtype(1)); },
       "to(x, 'float64')", "x=[0.5,-1.5]"},
      {"eq", "input, other", [](const Arguments& a) -> Value { return eq(a.operand(0), a.operand(1)); }, "eq(x, 2)",
       "x=[1,2,3]", kMask},
      {"ne", "input, other", [](const Arguments& a) -> Value { return ne(a.operand(0), a.operand(1)); }, "ne(x, 2)",
       "x=[1,2,3]", kMask},
      {"lt", "input, other", [](const Arguments& a) -> Value { return lt(a.operand(0), a.operand(1)); }, "lt(x, 2)",
       "x=[1,2,3]", kMask},
      {"le", "input, other", [](const Arguments& a) -> Value { return le(a.operand(0), a.operand(1)); }, "le(x, 2)",
       "x=[1,2,3]", kMask},
      {"gt", "input, other", [](const Arguments& a) -> Value { return gt(a.operand(0), a.operand(1)); }, "gt(x, 2)",
       "x=[1,2,3]", kMask},
      {"ge", "input, other", [](const Arguments& a) -> Value { return ge(a.operand(0), a.operand(1)); }, "ge(x, 2)",
       "x=[1,2,3]", kMask},
  };
  return {ops, functions};
}

}  // namespace chainrule
