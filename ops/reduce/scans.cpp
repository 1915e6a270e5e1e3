// Running sums and products, the products of all others, and the recurrence that their derivatives are: together they
// are closed under differentiation, exact where numbers are 0, and take one pass each.
#include "ops/reduce/scans.h"

#include <fmt/format.h>

#include "engine/factory.h"
#include "ops/arguments.h"
#include "ops/families.h"
#include "ops/kernels/reduce/scan.h"
#include "ops/ops.h"
#include "ops/reduce/axes.h"
#include "ops/rules.h"

namespace chainrule {
namespace {

std::string text(int dim, bool reverse) { return fmt::format("dim={}{}", dim, reverse ? ", reverse=true" : ""); }

using ScanKernel = void (*)(DType, const void*, void*, const kernels::Lines&, bool);

Tensor scan(const Tensor& x, int dim, bool reverse, ScanKernel kernel) {
  const Tensor from = without_gaps(x);
  Tensor z = empty_like(from, is_floating(x.dtype()) ? x.dtype() : DType::int64);
  kernel(x.dtype(), from.data(), z.impl().data, lines(from, dim), reverse);
  return z;
}

/// x[k - 1] at k (x[k + 1] in reverse), `fill` at the start. Differentiable.
Tensor previous(const Tensor& x, int dim, bool reverse, double fill) {
  const std::int64_t n = x.shape()[dim];
  if (n == 0) return x;
  Shape shape = x.shape();
  shape[dim] = 1;
  const Tensor start = full(shape, fill, {.dtype = x.dtype()});
  return reverse ? cat({slice(x, dim, 1), start}, dim) : cat({start, slice(x, dim, 0, n - 1)}, dim);
}

// z_k = y_k + x_k z_{k-1}      dy_k = u_k = g_k + x_{k+1} u_{k+1},  dx_k = u_k z_{k-1}
struct Recurrence {
  static constexpr OpInfo info{.name = "recurrence",
                               .formula = "z[k] = y[k] + x[k] * z[k - 1]",
                               .derivatives = {"z[k - 1], carried on", "1, carried on"},
                               .inputs = "x y",
                               .flops = "2 * numel(z)"};
  static constexpr Uses uses[] = {kX | kOutput, kX};
  int dim;
  bool reverse;
  std::string attributes() const { return text(dim, reverse); }
  Tensor forward(const Tensor& x, const Tensor& y) const {
    const bool as_they_are = x.strides() == y.strides() && is_dense(x.shape(), x.strides());
    const Tensor a = as_they_are ? x : dense(x), b = as_they_are ? y : dense(y);
    Tensor z = empty_like(a, a.dtype());
    kernels::recurrence(a.dtype(), a.data(), b.data(), z.impl().data, lines(a, dim), reverse);
    return z;
  }
  void backward(GradContext& c, const Tensor& g) const {
    Tensor u = record(Recurrence{dim, !reverse}, previous(c.input(0), dim, !reverse, 0), g);
    c.send(0, [&] { return u * previous(c.output(), dim, reverse, 0); });
    c.send(1, [&] { return u; });
  }
};

// z_k = x_0 + ... + x_k      dx_k = g_k + g_{k+1} + ...
struct Cumsum {
  static constexpr OpInfo info{.name = "cumsum",
                               .formula = "z[k] = x[0] + ... + x[k]",
                               .derivatives = {"1 for every x up to k"},
                               .latex_derivatives = {"\\frac{\\partial z_k}{\\partial x_i} = [i \\le k]"}};
  static constexpr Uses uses[] = {kNothing};
  int dim;
  bool reverse = false;
  std::string attributes() const { return text(dim, reverse); }
  Tensor forward(const Tensor& x) const {
    Tensor z = scan(x, dim, reverse, kernels::cumsum);
    if (x.dtype() == DType::int64) expect_not_wrapped(z, forward(in_float64(x)), "cumsum");
    return z;
  }
  void backward(GradContext& c, const Tensor& g) const {
    c.send(0, [&] { return record(Cumsum{dim, !reverse}, g); });
  }
};

// z_k = x_0 x_1 ... x_k      dx_k = z_{k-1} u_k,  u_k = g_k + x_{k+1} u_{k+1}
struct Cumprod {
  static constexpr OpInfo info{
      .name = "cumprod",
      .formula = "z[k] = x[0] * ... * x[k]",
      .derivatives = {"product of the other x up to k"},
      .latex_derivatives = {"\\frac{\\partial z_k}{\\partial x_i} = \\prod_{j \\le k,\\, j \\ne i} x_j"}};
  static constexpr Uses uses[] = {kX | kOutput};
  int dim;
  bool reverse = false;
  std::string attributes() const { return text(dim, reverse); }
  Tensor forward(const Tensor& x) const {
    Tensor z = scan(x, dim, reverse, kernels::cumprod);
    if (x.dtype() == DType::int64) expect_not_wrapped(z, forward(in_float64(x)), "cumprod");
    return z;
  }
  void backward(GradContext& c, const Tensor& g) const {
    c.send(0, [&] {
      const Tensor u = record(Recurrence{dim, !reverse}, previous(c.input(0), dim, !reverse, 0), g);
      return u * previous(c.output(), dim, reverse, 1);
    });
  }
};

template <class Op>
Tensor along(const Operand& x, std::int64_t dim) {
  const CalledFrom caller(x.where());
  const Tensor a = tensor_argument(x, Op::info.name);
  const int axis = normal_axis(dim, a.dim(), Op::info.name);
  if (a.dim() > 0) return record(Op{axis}, a);
  return reshape(record(Op{0}, reshape(a, {1})), {});
}

// z_k = p_k q_k, the products before and behind k
// dx_k = a_k q_k + p_k b_k,  a_{k+1} = g_k p_k + x_k a_k,  b_{k-1} = g_k q_k + x_k b_k
struct ProductsOfOthers {
  static constexpr OpInfo info{
      .name = "products_of_others",
      .formula = "z[k] = product of the other x",
      .derivatives = {"product of the x other than both"},
      .latex = "z_k = \\prod_{j \\ne k} x_j",
      .latex_derivatives = {"\\frac{\\partial z_k}{\\partial x_i} = [i \\ne k] \\prod_{j \\ne i, k} x_j"},
      .flops = "3 * numel(z)"};
  int dim;
  std::string attributes() const { return text(dim, false); }
  Tensor forward(const Tensor& x) const {
    const Tensor from = without_gaps(x);
    Tensor z = empty_like(from, x.dtype());
    kernels::products_of_others(x.dtype(), from.data(), z.impl().data, lines(from, dim));
    return z;
  }
  void backward(GradContext& c, const Tensor& g) const {
    const Tensor x = c.input(0);
    c.send(0, [&] {
      const Tensor p = previous(record(Cumprod{dim}, x), dim, false, 1);
      const Tensor q = previous(record(Cumprod{dim, true}, x), dim, true, 1);
      const Tensor a = previous(record(Recurrence{dim, false}, x, g * p), dim, false, 0);
      const Tensor b = previous(record(Recurrence{dim, true}, x, g * q), dim, true, 0);
      return a * q + p * b;
    });
  }
};

}  // namespace

Tensor products_of_others(const Tensor& x, int dim) { return record(ProductsOfOthers{dim}, x); }

Tensor cumsum(const Operand& x, std::int64_t dim) { return along<Cumsum>(x, dim); }
Tensor cumprod(const Operand& x, std::int64_t dim) { return along<Cumprod>(x, dim); }

Family scan_family() {
  static constexpr const OpInfo* ops[] = {&Cumsum::info, &Cumprod::info, &ProductsOfOthers::info, &Recurrence::info};
  static const Function functions[] = {
      {"cumsum", "input, dim, dtype=None",
       [](const Arguments& a) -> Value { return cumsum(input_as(a, 2), a.integer(1)); }, "cumsum(x, dim=0)",
       "x=[1,2,3]"},
      {"cumprod", "input, dim, dtype=None",
       [](const Arguments& a) -> Value { return cumprod(input_as(a, 2), a.integer(1)); }, "cumprod(x, dim=0)",
       "x=[2,0,3,4]"},
  };
  return {ops, functions};
}

}  // namespace chainrule
