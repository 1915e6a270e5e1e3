// Losses of distances and margins, of yes or no, and between distributions. Most are made of other operations; the
// binary cross entropies are operations of their own, because their derivatives are finite where the parts' are not.
#include "ops/network/losses.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "engine/types/error.h"
#include "ops/arguments.h"
#include "ops/families.h"
#include "ops/network/loss_parts.h"
#include "ops/ops.h"
#include "ops/rules.h"

namespace chainrule {

const char* name_of(Reduction r) { return r == Reduction::none ? "none" : r == Reduction::mean ? "mean" : "sum"; }

Tensor reduce_losses(const Tensor& z, Reduction r) {
  return r == Reduction::none ? z : r == Reduction::mean ? mean(z) : sum(z);
}

Pair loss_operands(const Operand& x, const Operand& target, const char* who, const char* x_name, const char* y_name) {
  Pair p = promote_floating(tensor_argument(x, who, x_name), tensor_argument(target, who, y_name));
  if (p.x.shape() != p.y.shape())
    throw ShapeError(
        fmt::format("{}: the prediction has shape {}, the target {}; they must be the same, nothing "
                    "is broadcast",
                    who, to_string(p.x.shape()), to_string(p.y.shape())));
  return p;
}

Tensor loss_weight(const Tensor& weight, const Shape& shape, DType dtype, const char* who, const char* what) {
  bool fits = weight.shape().size() <= shape.size();
  for (std::size_t i = 1; fits && i <= weight.shape().size(); ++i) {
    const std::int64_t size = weight.shape()[weight.shape().size() - i];
    fits = size == 1 || size == shape[shape.size() - i];
  }
  if (!fits)
    throw ShapeError(fmt::format("{}: {} has shape {}, it must broadcast to {}", who, what, to_string(weight.shape()),
                                 to_string(shape)));
  return as_tensor(weight.detach(), dtype);
}

namespace {

// z = -(y log x + (1 - y) log(1 - x)), logarithms not below -100
//   dx = g (x - y) / (x (1 - x)),  dy = g (log(1 - x) - log x)
struct BinaryCrossEntropy {
  static constexpr OpInfo info{.name = "binary_cross_entropy",
                               .elementwise = true,
                               .formula = "z = -(y * log(x) + (1 - y) * log(1 - x))",
                               .derivatives = {"(x - y) / (x * (1 - x))", "log(1 - x) - log(x)"},
                               .kinks = "logarithms stop at -100, 1 / x and 1 / (1 - x) at 1e12",
                               .inputs = "x y",
                               .flops = "8 * numel(z)",
                               .stable = "binary_cross_entropy_with_logits of the numbers before the sigmoid"};
  Tensor forward(const Tensor& x, const Tensor& y) const {
    return -(y * clamp(log(x), -100) + (1 - y) * clamp(log1p(-x), -100));
  }
  void backward(GradContext& c, const Tensor& g) const {
    const Tensor x = c.input(0);
    c.send(0, [&] {
      const Tensor y = c.input(1), divisor = x * (1 - x);
      // At the ends one of the two fractions is bounded, and only that one counts where y leaves the other out.
      const Tensor ends = (1 - y) / maximum(1 - x, 1e-12) - y / maximum(x, 1e-12);
      return g * where(divisor < 1e-12, ends, (x - y) / maximum(divisor, 1e-12));
    });
    c.send(1, [&] { return g * (clamp(log1p(-x), -100) - clamp(log(x), -100)); });
  }
};

// z = log(1 + exp(x)) - x y      dx = g (sigmoid(x) - y),  dy = -g x
struct BinaryCrossEntropyWithLogits {
  static constexpr OpInfo info{.name = "binary_cross_entropy_with_logits",
                               .elementwise = true,
                               .formula = "z = log(1 + exp(x)) - x * y",
                               .derivatives = {"sigmoid(x) - y", "-x"},
                               .inputs = "x y",
                               .flops = "6 * numel(z)"};
  Tensor forward(const Tensor& x, const Tensor& y) const {
    // max(x, 0) - x y first: both may be huge, and their difference is what remains of them.
    constexpr double kExact = kInf;
    return (relu(x) - x * y) + map(-abs(x), Unary::softplus, info.name, {.a = 1, .b = kExact});
  }
  void backward(GradContext& c, const Tensor& g) const {
    const Tensor x = c.input(0);
    c.send(0, [&] { return g * (sigmoid(x) - c.input(1)); });
    c.send(1, [&] { return -g * x; });
  }
};

Tensor logits_loss(const Tensor& x, const Tensor& y) { return record(BinaryCrossEntropyWithLogits{}, x, y); }

void expect_positive(double value, bool zero_too, const char* who, const char* what) {
  if (value > 0 || (zero_too && value == 0)) return;
  throw ValueError(
      fmt::format("{}: {} is {}, it must be {}", who, what, value, zero_too ? "0 or larger" : "larger than 0"));
}

/// NaN goes through and stays visible.
void expect_probabilities(const Tensor& x, const char* who, const char* what, const char* hint) {
  const Tensor values = dense(x);
  dispatch_floating(x.dtype(), [&](auto zero) {
    const auto* const first = values.data<decltype(zero)>();
    const auto* const last = first + values.numel();
    const auto* const bad = std::find_if(first, last, [](auto v) { return v < 0 || v > 1; });
    if (bad != last)
      throw ValueError(fmt::format("{}: {} holds {}, it must hold probabilities from 0 to 1{}", who, what, *bad, hint));
  });
}

/// d^2 / 2 where |d| < limit, else limit (|d| - limit / 2), with c = d cut to +-limit.
Tensor rounded_distance(const Tensor& d, double limit) {
  const Tensor c = clamp(d, -limit, limit);
  return c * (d - 0.5 * c);
}

}  // namespace

Tensor mse_loss(const Operand& x, const Operand& target, Reduction reduction) {
  const CalledFrom caller(x.where());
  const auto [a, y] = loss_operands(x, target, "mse_loss");
  return reduce_losses(square(sub(a, y)), reduction);
}

Tensor l1_loss(const Operand& x, const Operand& target, Reduction reduction) {
  const CalledFrom caller(x.where());
  const auto [a, y] = loss_operands(x, target, "l1_loss");
  if (is_whole(x) && is_whole(target) && reduction != Reduction::mean)
    return reduce_losses(abs(sub(x, target)), reduction);
  return reduce_losses(abs(sub(a, y)), reduction);
}

Tensor smooth_l1_loss(const Operand& x, const Operand& target, Reduction reduction, double beta) {
  const CalledFrom caller(x.where());
  expect_positive(beta, true, "smooth_l1_loss", "beta");
  const auto [a, y] = loss_operands(x, target, "smooth_l1_loss");
  const Tensor d = sub(a, y);
  return reduce_losses(beta == 0 ? abs(d) : rounded_distance(d, beta) / beta, reduction);
}

Tensor huber_loss(const Operand& x, const Operand& target, Reduction reduction, double delta) {
  const CalledFrom caller(x.where());
  expect_positive(delta, false, "huber_loss", "delta");
  const auto [a, y] = loss_operands(x, target, "huber_loss");
  return reduce_losses(rounded_distance(sub(a, y), delta), reduction);
}

Tensor sum_squared_error(const Operand& y, const Operand& t) {
  const CalledFrom caller(y.where());
  const auto [a, b] = loss_operands(y, t, "sum_squared_error", "y", "t");
  return sum(square(sub(a, b))) / 2;
}

Tensor binary_cross_entropy(const Operand& x, const Operand& target, const BinaryCrossEntropyOptions& o) {
  const CalledFrom caller(x.where());
  const char* const who = "binary_cross_entropy";
  const auto [a, y] = loss_operands(x, target, who);
  expect_probabilities(a, who, "x", "; for numbers before the sigmoid there is binary_cross_entropy_with_logits");
  expect_probabilities(y, who, "the target", "");
  Tensor z = record(BinaryCrossEntropy{}, a, y);
  if (o.weight.defined()) z = z * loss_weight(o.weight, z.shape(), z.dtype(), who, "the weight");
  return reduce_losses(z, o.reduction);
}

Tensor binary_cross_entropy_with_logits(const Operand& x, const Operand& target,
                                        const BinaryCrossEntropyWithLogitsOptions& o) {
  const CalledFrom caller(x.where());
  const char* const who = "binary_cross_entropy_with_logits";
  const auto [a, y] = loss_operands(x, target, who);
  Tensor z = record(BinaryCrossEntropyWithLogits{}, a, y);
  if (o.pos_weight.defined()) {  // y log(1 + exp(-x)) counts more than once
    const Tensor p = loss_weight(o.pos_weight, z.shape(), z.dtype(), who, "pos_weight");
    const Tensor one = where(eq(a, a), 1, a.detach());
    z = z + (p - 1) * y * logits_loss(a, one);
  }
  if (o.weight.defined()) z = z * loss_weight(o.weight, z.shape(), z.dtype(), who, "the weight");
  return reduce_losses(z, o.reduction);
}

Tensor kl_div(const Operand& x, const Operand& target, const KlDivOptions& o) {
  const CalledFrom caller(x.where());
  const auto [a, y] = loss_operands(x, target, "kl_div");
  Tensor z;
  if (o.log_target) {
    z = exp(y) * (y - a);
  } else {
    const Tensor zero = eq(y, 0);
    z = where(zero, 0, y * log(where(zero, 1, y))) - y * a;
  }
  if (!o.batchmean) return reduce_losses(z, o.reduction);
  if (z.dim() == 0) throw ShapeError("kl_div: batchmean divides by the size of axis 0, and a scalar has no axes");
  return sum(z) / z.shape()[0];
}

Tensor hinge_embedding_loss(const Operand& x, const Operand& target, double margin, Reduction reduction) {
  const CalledFrom caller(x.where());
  auto [a, y] = loss_operands(x, target, "hinge_embedding_loss");
  const bool whole = is_whole(x) && is_whole(target) && std::trunc(margin) == margin && reduction != Reduction::mean;
  if (whole) a = x.tensor(), y = target.tensor();
  const Tensor gap = whole ? sub(static_cast<std::int64_t>(margin), a) : margin - a;
  const Tensor apart = where(ne(y, 1), clamp(gap, 0), 0), near = where(ne(y, -1), a, 0);
  return reduce_losses(apart + near, reduction);
}

Tensor cosine_similarity(const Operand& x1, const Operand& x2, std::int64_t dim, double eps) {
  const CalledFrom caller(x1.where());
  const char* const who = "cosine_similarity";
  const auto [a, b] = promote_floating(tensor_argument(x1, who, "x1"), tensor_argument(x2, who, "x2"));
  const Shape shape = broadcast_shapes(a.shape(), b.shape(), who);
  const Axes axis{normal_axis(dim, shape.rank(), who)};
  const Tensor x = a.shape() == shape ? a : expand(a, shape), y = b.shape() == shape ? b : expand(b, shape);
  const auto unit = [&](const Tensor& v) { return v / clamp(norm(v, 2, axis, true), eps); };  // squares may overflow
  return sum(unit(x) * unit(y), axis);
}

Tensor triplet_margin_loss(const Operand& anchor, const Operand& positive, const Operand& negative,
                           const TripletMarginOptions& o) {
  const CalledFrom caller(anchor.where());
  const char* const who = "triplet_margin_loss";
  expect_positive(o.p, false, who, "p");
  const auto [a, p] = loss_operands(anchor, positive, who, "anchor", "positive");
  const auto [b, n] = loss_operands(anchor, negative, who, "anchor", "negative");
  if (a.dim() == 0) throw ShapeError("triplet_margin_loss: inputs must be (N, D) or (D,), not scalars");
  const auto length = [&](const Tensor& d) { return norm(d, o.p, {-1}); };
  const Tensor near = length(a - p + o.eps);
  Tensor far = length(b - n + o.eps);
  if (o.swap) far = minimum(far, length(p - n + o.eps));
  return reduce_losses(clamp(near - far + o.margin, 0), o.reduction);
}

Family margin_loss_family() {
  static constexpr const OpInfo* ops[] = {&BinaryCrossEntropy::info, &BinaryCrossEntropyWithLogits::info};
  static const Function functions[] = {
      {"mse_loss", "input, target, reduction='mean'",
       [](const Arguments& a) -> Value { return mse_loss(a.operand(0), a.operand(1), a.reduction(2)); },
       "mse_loss(x, y)", "x=[1,2,4] y=[2,2,1]", "mean((input - target)^2)"},
      {"l1_loss", "input, target, reduction='mean'",
       [](const Arguments& a) -> Value { return l1_loss(a.operand(0), a.operand(1), a.reduction(2)); }, "l1_loss(x, y)",
       "x=[1,3,4] y=[2,2,1]", "mean(abs(input - target))"},
      {"smooth_l1_loss", "input, target, reduction='mean', beta=1.0",
       [](const Arguments& a) -> Value {
         return smooth_l1_loss(a.operand(0), a.operand(1), a.reduction(2), a.number(3));
       },
       "smooth_l1_loss(x, y)", "x=[1,2.5,4] y=[1.5,2,1]",
       "mean(d^2 / (2 * beta) where d < beta, else d - beta / 2), d = abs(input - target)"},
      {"huber_loss", "input, target, reduction='mean', delta=1.0",
       [](const Arguments& a) -> Value { return huber_loss(a.operand(0), a.operand(1), a.reduction(2), a.number(3)); },
       "huber_loss(x, y)", "x=[1,2.5,4] y=[1.5,2,1]",
       "mean(d^2 / 2 where d < delta, else delta * (d - delta / 2)), d = abs(input - target)"},
      {"sum_squared_error", "y, t",
       [](const Arguments& a) -> Value { return sum_squared_error(a.operand(0), a.operand(1)); },
       "sum_squared_error(y, t)", "y=[0.1,0.7,0.2] t=[0,1,0]", "sum((y - t)^2) / 2"},
      {"binary_cross_entropy", "input, target, weight=None, reduction='mean'",
       [](const Arguments& a) -> Value {
         return binary_cross_entropy(a.operand(0), a.operand(1),
                                     {.weight = a.optional_tensor(2), .reduction = a.reduction(3)});
       },
       "binary_cross_entropy(x, y)", "x=[0.2,0.9] y=[0.25,0.75]"},
      {"binary_cross_entropy_with_logits", "input, target, weight=None, reduction='mean', pos_weight=None",
       [](const Arguments& a) -> Value {
         return binary_cross_entropy_with_logits(
             a.operand(0), a.operand(1),
             {.weight = a.optional_tensor(2), .reduction = a.reduction(3), .pos_weight = a.optional_tensor(4)});
       },
       "binary_cross_entropy_with_logits(x, y)", "x=[-1,3] y=[0.25,1]"},
      {"kl_div", "input, target, reduction='mean', log_target=False",
       [](const Arguments& a) -> Value {
         const bool batchmean = a.mode(2) == "batchmean";
         return kl_div(a.operand(0), a.operand(1),
                       {.reduction = batchmean ? Reduction::sum : a.reduction(2),
                        .log_target = a.flag(3),
                        .batchmean = batchmean});
       },
       "kl_div(log_softmax(x, dim=1), softmax(y, dim=1), reduction='batchmean')", "x=[[1,2,0]] y=[[0,1,1]]",
       "mean(target * (log(target) - input))"},
      {"hinge_embedding_loss", "input, target, margin=1.0, reduction='mean'",
       [](const Arguments& a) -> Value {
         return hinge_embedding_loss(a.operand(0), a.operand(1), a.number(2), a.reduction(3));
       },
       "hinge_embedding_loss(x, [1, -1, -1])", "x=[0.5,0.3,2]",
       "mean(input where target = 1, max(0, margin - input) where it is -1)"},
      {"cosine_similarity", "x1, x2, dim=1, eps=1e-8",
       [](const Arguments& a) -> Value {
         return cosine_similarity(a.operand(0), a.operand(1), a.integer(2), a.number(3));
       },
       "cosine_similarity(x, y)", "x=[[1,2],[3,-1]] y=[[2,1],[1,1]]", "sum(x1 * x2) / (norm(x1) * norm(x2))"},
      {"triplet_margin_loss", "anchor, positive, negative, margin=1.0, p=2.0, eps=1e-6, swap=False, reduction='mean'",
       [](const Arguments& a) -> Value {
         return triplet_margin_loss(a.operand(0), a.operand(1), a.operand(2),
                                    {.margin = a.number(3),
                                     .p = a.number(4),
                                     .eps = a.number(5),
                                     .swap = a.flag(6),
                                     .reduction = a.reduction(7)});
       },
       "triplet_margin_loss(a, p, n)", "a=[[1,2],[0,1]] p=[[1,0],[2,1]] n=[[2,2],[1,1.5]]",
       "mean(max(0, norm(anchor - positive) - norm(anchor - negative) + margin))"},
  };
  return {ops, functions};
}

}  // namespace chainrule
