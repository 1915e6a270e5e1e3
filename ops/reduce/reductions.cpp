// Sum, product, mean, and the counts that give masks, over any axes. Extremes are in extremes.cpp, variances and norms
// in deviations.cpp.
#include "ops/reduce/reductions.h"

#include <algorithm>

#include "engine/types/error.h"
#include "ops/arguments.h"
#include "ops/families.h"
#include "ops/kernels/reduce/reduce.h"
#include "ops/ops.h"
#include "ops/reduce/axes.h"
#include "ops/rules.h"

namespace chainrule {
namespace {

DType counted(DType d) { return is_floating(d) ? d : DType::int64; }

// z = sum(x)      dx = g, repeated along the summed axes
struct Sum {
  static constexpr OpInfo info{.name = "sum", .formula = "z = sum(x)", .derivatives = {"1"}, .flops = "numel(x)"};
  Over o;
  std::string attributes() const { return o.text(); }
  Tensor forward(const Tensor& x) const {
    const FoldPlan f = fold(x, o, counted(x.dtype()));
    kernels::sum(x.dtype(), f.x.data(), f.z.impl().data, f.lines);
    const bool few = x.numel() < std::int64_t{1} << 31;
    if (x.dtype() == DType::int64 && !(few && all_small(x))) expect_not_wrapped(f.z, forward(in_float64(x)), "sum");
    return f.z;
  }
  void backward(GradContext& c, const Tensor& g) const {
    c.send(0, [&] { return expand(with_axes(g, o, c.shape(0)), c.shape(0)); });
  }
};

// z = prod(x)      dx = g * product of the others, which is exact where numbers are 0
struct Prod {
  static constexpr OpInfo info{.name = "prod",
                               .formula = "z = prod(x)",
                               .derivatives = {"prod of the other x"},
                               .latex_derivatives = {"\\frac{\\partial z}{\\partial x_i} = \\prod_{j \\ne i} x_j"},
                               .flops = "numel(x)",
                               .stable = "sum(log(abs(x))) where the product overflows"};
  Over o;
  std::string attributes() const { return o.text(); }
  Tensor forward(const Tensor& x) const {
    const FoldPlan f = fold(x, o, counted(x.dtype()));
    kernels::prod(x.dtype(), f.x.data(), f.z.impl().data, f.lines);
    if (x.dtype() == DType::int64) expect_not_wrapped(f.z, forward(in_float64(x)), "prod");
    return f.z;
  }
  void backward(GradContext& c, const Tensor& g) const {
    c.send(0, [&] {
      const Tensor x = c.input(0), all = joined(x, o);
      return with_axes(g, o, x.shape()) * unjoined(products_of_others(all, all.dim() - 1), o, x.shape());
    });
  }
};

// z = sum(x) / n      dx = g / n, repeated along the averaged axes
struct Mean {
  static constexpr OpInfo info{
      .name = "mean", .formula = "z = sum(x) / n", .derivatives = {"1 / n"}, .flops = "numel(x) + numel(z)"};
  Over o;
  std::string attributes() const { return o.text(); }
  Tensor forward(const Tensor& x) const {
    const FoldPlan f = fold(x, o, x.dtype());
    kernels::mean(x.dtype(), f.x.data(), f.z.impl().data, f.lines);
    return f.z;
  }
  void backward(GradContext& c, const Tensor& g) const {
    c.send(0, [&] {
      const Shape& x = c.shape(0);
      const std::int64_t n = std::max<std::int64_t>(o.count(x), 1);  // an empty group has nobody to divide for
      return expand(with_axes(g / n, o, x), x);
    });
  }
};

Tensor counts(const Tensor& x, const Over& o) {
  const FoldPlan f = fold(x.detach(), o, DType::int64);
  kernels::count_nonzero(x.dtype(), f.x.data(), static_cast<std::int64_t*>(f.z.impl().data), f.lines);
  return f.z;
}

}  // namespace

Tensor sum(const Operand& x, const Axes& dim, bool keepdim) {
  const CalledFrom caller(x.where());
  const Tensor a = tensor_argument(x, "sum");
  return record(Sum{over(a, dim, keepdim, "sum")}, a);
}

Tensor prod(const Operand& x, const Axes& dim, bool keepdim) {
  const CalledFrom caller(x.where());
  const Tensor a = tensor_argument(x, "prod");
  return record(Prod{over(a, dim, keepdim, "prod")}, a);
}

Tensor mean(const Operand& x, const Axes& dim, bool keepdim) {
  const CalledFrom caller(x.where());
  const Tensor a = as_floating(tensor_argument(x, "mean"));
  return record(Mean{over(a, dim, keepdim, "mean")}, a);
}

Tensor all(const Operand& x, const Axes& dim, bool keepdim) {
  const Tensor a = tensor_argument(x, "all");
  const Over o = over(a, dim, keepdim, "all");
  return eq(counts(a, o), o.count(a.shape()));
}

Tensor any(const Operand& x, const Axes& dim, bool keepdim) {
  const Tensor a = tensor_argument(x, "any");
  return gt(counts(a, over(a, dim, keepdim, "any")), 0);
}

Tensor count_nonzero(const Operand& x, const Axes& dim) {
  const Tensor a = tensor_argument(x, "count_nonzero");
  return counts(a, over(a, dim, false, "count_nonzero"));
}

Family reduction_family() {
  static constexpr const OpInfo* ops[] = {&Sum::info, &Prod::info, &Mean::info};
  static const Function functions[] = {
      {"sum", "input, dim=None, keepdim=False, dtype=None",
       [](const Arguments& a) -> Value { return sum(input_as(a, 3), a.axes(1), a.flag(2)); }, "sum(x, dim=0)",
       "x=[[1,2,3],[4,5,6]]"},
      {"prod", "input, dim=None, keepdim=False, dtype=None",
       [](const Arguments& a) -> Value { return prod(input_as(a, 3), a.axes(1), a.flag(2)); }, "prod(x)",
       "x=[1,2,0,4]"},
      {"mean", "input, dim=None, keepdim=False, dtype=None",
       [](const Arguments& a) -> Value { return mean(input_as(a, 3), a.axes(1), a.flag(2)); }, "mean(x, dim=0)",
       "x=[[1,2,3],[4,5,6]]"},
      {"all", "input, dim=None, keepdim=False",
       [](const Arguments& a) -> Value { return all(a.operand(0), a.axes(1), a.flag(2)); }, "all(x > 0)", "x=[1,2,3]",
       "no derivative: a mask"},
      {"any", "input, dim=None, keepdim=False",
       [](const Arguments& a) -> Value { return any(a.operand(0), a.axes(1), a.flag(2)); }, "any(x > 2)", "x=[1,2,3]",
       "no derivative: a mask"},
      {"count_nonzero", "input, dim=None",
       [](const Arguments& a) -> Value { return count_nonzero(a.operand(0), a.axes(1)); }, "count_nonzero(x)",
       "x=[1,0,3]", "no derivative: a whole number"},
  };
  return {ops, functions};
}

}  // namespace chainrule
