// logsumexp, softmax and log_softmax along one axis, each fused and safe from overflow: the largest value of a line is
// taken out before exp. Losses are in losses.cpp.
#include "ops/reduce/softmax.h"

#include <fmt/format.h>

#include "ops/arguments.h"
#include "ops/families.h"
#include "ops/kernels/reduce/reduce.h"
#include "ops/ops.h"
#include "ops/reduce/axes.h"
#include "ops/rules.h"

namespace chainrule {
namespace {

using GradKernel = void (*)(DType, const void*, const void*, void*, const kernels::Lines&);

Tensor along(const Tensor& x, int dim, LineKernel kernel) {
  const Tensor from = without_gaps(x);
  Tensor z = empty_like(from, x.dtype());
  kernel(x.dtype(), from.data(), z.impl().data, lines(from, dim));
  return z;
}

Tensor along(const Tensor& g, const Tensor& z, int dim, GradKernel kernel) {
  const bool as_they_are = g.strides() == z.strides() && is_dense(z.shape(), z.strides());
  const Tensor g_from = as_they_are ? g : dense(g), z_from = as_they_are ? z : dense(z);
  Tensor dx = empty_like(z_from, z.dtype());
  kernel(z.dtype(), g_from.data(), z_from.data(), dx.impl().data, lines(z_from, dim));
  return dx;
}

std::string dim_text(int dim) { return fmt::format("dim={}", dim); }

// z_i = exp(x_i) / sum_j exp(x_j)      dx = z (g - sum(g z))
struct Softmax {
  static constexpr OpInfo info{.name = "softmax",
                               .formula = "z = exp(x) / sum(exp(x))",
                               .derivatives = {"diag(z) - z z^T"},
                               .flops = "5 * numel(z)",
                               .stable = "log_softmax(x) where its logarithm is wanted"};
  int dim;
  std::string attributes() const { return dim_text(dim); }
  Tensor forward(const Tensor& x) const { return along(x, dim, kernels::softmax); }
  void backward(GradContext& c, const Tensor& g) const {
    c.send(0, [&] { return softmax_grad(g, c.output(), dim); });
  }
};

// z = y (g - sum(g y)), y = softmax(x)      dg = y (h - sum(h y)),  dy = h (g - sum(g y)) - g sum(h y)
struct SoftmaxGrad {
  static constexpr OpInfo info{.name = "softmax_grad",
                               .formula = "z = y * (g - sum(g * y))",
                               .derivatives = {"diag(y) - y y^T", "diag(g - sum(g * y)) - y g^T"},
                               .inputs = "g y",
                               .flops = "4 * numel(z)"};
  int dim;
  std::string attributes() const { return dim_text(dim); }
  Tensor forward(const Tensor& g, const Tensor& y) const { return along(g, y, dim, kernels::softmax_grad); }
  void backward(GradContext& c, const Tensor& h) const {
    const Tensor g = c.input(0), y = c.input(1);
    c.send(0, [&] { return softmax_grad(h, y, dim); });
    c.send(1, [&] { return h * (g - sum(g * y, {dim}, true)) - g * sum(h * y, {dim}, true); });
  }
};

// z = x - log(sum(exp(x)))      dx = g - exp(z) sum(g)
struct LogSoftmax {
  static constexpr OpInfo info{.name = "log_softmax",
                               .formula = "z = x - log(sum(exp(x)))",
                               .derivatives = {"I - 1 exp(z)^T"},
                               .flops = "5 * numel(z)"};
  int dim;
  std::string attributes() const { return dim_text(dim); }
  Tensor forward(const Tensor& x) const { return along(x, dim, kernels::log_softmax); }
  void backward(GradContext& c, const Tensor& g) const {
    c.send(0, [&] { return log_softmax_grad(g, c.output(), dim); });
  }
};

// z = g - exp(y) sum(g), y = log_softmax(x)      dg = h - sum(h exp(y)),  dy = -h exp(y) sum(g)
struct LogSoftmaxGrad {
  static constexpr OpInfo info{.name = "log_softmax_grad",
                               .formula = "z = g - exp(y) * sum(g)",
                               .derivatives = {"I - exp(y) 1^T", "diag(-exp(y) * sum(g))"},
                               .inputs = "g y",
                               .flops = "4 * numel(z)"};
  int dim;
  std::string attributes() const { return dim_text(dim); }
  Tensor forward(const Tensor& g, const Tensor& y) const { return along(g, y, dim, kernels::log_softmax_grad); }
  void backward(GradContext& c, const Tensor& h) const {
    const Tensor g = c.input(0), y = c.input(1);
    c.send(0, [&] { return h - sum(h * exp(y), {dim}, true); });
    c.send(1, [&] { return -h * exp(y) * sum(g, {dim}, true); });
  }
};

// z = log(sum(exp(x)))      dx = g * softmax(x)
struct LogSumExp {
  static constexpr OpInfo info{
      .name = "logsumexp", .formula = "z = log(sum(exp(x)))", .derivatives = {"softmax(x)"}, .flops = "4 * numel(x)"};
  int dim;
  bool keepdim;
  std::string attributes() const { return fmt::format("dim={}, keepdim={}", dim, keepdim); }
  Shape reduced(Shape shape, bool keep) const {
    if (shape.empty()) return shape;
    if (keep)
      shape[dim] = 1;
    else
      shape.erase(shape.begin() + dim);
    return shape;
  }
  Tensor forward(const Tensor& x) const {
    const Tensor from = dense(x);
    Tensor z = internal::empty_result(reduced(x.shape(), keepdim), x.dtype());
    kernels::logsumexp(x.dtype(), from.data(), z.impl().data, lines(from, dim));
    return z;
  }
  void backward(GradContext& c, const Tensor& g) const {
    c.send(0, [&] {
      const Tensor x = c.input(0);
      return (keepdim ? g : reshape(g, reduced(x.shape(), true))) * softmax(x, dim);
    });
  }
};

}  // namespace

Tensor logsumexp(const Operand& x, const Axes& dim, bool keepdim) {
  const CalledFrom caller(x.where());
  const Tensor a = as_floating(tensor_argument(x, "logsumexp"));
  const Over o = over(a, dim, keepdim, "logsumexp");
  const Axes axes = o.axes();
  if (axes.size() <= 1) return record(LogSumExp{axes.empty() ? 0 : static_cast<int>(axes[0]), keepdim}, a);
  // Several axes become one.
  const Tensor line = joined(a, o);
  return reshape(record(LogSumExp{line.dim() - 1, false}, line), o.result(a.shape(), keepdim));
}

Tensor softmax(const Operand& x, std::int64_t dim) {
  const CalledFrom caller(x.where());
  const Tensor a = as_floating(tensor_argument(x, "softmax"));
  return record(Softmax{normal_axis(dim, a.dim(), "softmax")}, a);
}

Tensor log_softmax(const Operand& x, std::int64_t dim) {
  const CalledFrom caller(x.where());
  const Tensor a = as_floating(tensor_argument(x, "log_softmax"));
  return record(LogSoftmax{normal_axis(dim, a.dim(), "log_softmax")}, a);
}

Tensor softmax_grad(const Tensor& g, const Tensor& z, std::int64_t dim) {
  return record(SoftmaxGrad{static_cast<int>(dim)}, g, z);
}
Tensor log_softmax_grad(const Tensor& g, const Tensor& z, std::int64_t dim) {
  return record(LogSoftmaxGrad{static_cast<int>(dim)}, g, z);
}

Family softmax_family() {
  static constexpr const OpInfo* ops[] = {&Softmax::info, &SoftmaxGrad::info, &LogSoftmax::info, &LogSoftmaxGrad::info,
                                          &LogSumExp::info};
  static const Function functions[] = {
      {"softmax", "input, dim=-1, dtype=None",
       [](const Arguments& a) -> Value { return softmax(input_as(a, 2), a.integer(1)); }, "softmax(x, dim=0)",
       "x=[1,2,3]"},
      {"log_softmax", "input, dim=-1, dtype=None",
       [](const Arguments& a) -> Value { return log_softmax(input_as(a, 2), a.integer(1)); }, "log_softmax(x, dim=0)",
       "x=[1,2,3]"},
      {"logsumexp", "input, dim=None, keepdim=False",
       [](const Arguments& a) -> Value { return logsumexp(a.operand(0), a.axes(1), a.flag(2)); }, "logsumexp(x, dim=1)",
       "x=[[1,2,3],[3,2,1]]"},
  };
  return {ops, functions};
}

}  // namespace chainrule
