// Losses: the squared error, made of other operations, and the cross entropy, which is one operation because softmax
// and logarithm are only safe from overflow together. Labels are checked before any arithmetic.
#include <fmt/format.h>

#include <algorithm>

#include "engine/error.h"
#include "engine/factory.h"
#include "ops/arguments.h"
#include "ops/kernels/index.h"
#include "ops/function.h"
#include "ops/ops.h"
#include "ops/registry.h"
#include "ops/rules.h"

namespace chainrule {
namespace {

const char* name_of(Reduction r) { return r == Reduction::none ? "none" : r == Reduction::mean ? "mean" : "sum"; }

Tensor reduce(const Tensor& z, Reduction r) {
  return r == Reduction::none ? z : r == Reduction::mean ? mean(z) : sum(z);
}

/// (N, classes, d, ...) without the classes: one number for each position.
Shape positions(const Shape& x) {
  Shape p = x;
  p.erase(p.begin() + 1);
  return p;
}

/// The loss's gradient at every position, with an axis for the classes.
Tensor spread(const Tensor& g, Reduction r, const Shape& x) {
  if (r == Reduction::mean) return g / std::max<std::int64_t>(numel(positions(x)), 1);
  if (r == Reduction::sum) return g;
  Shape p = x;
  p[1] = 1;
  return reshape(g, p);
}

/// Labels as dense memory, every one inside [0, classes).
Tensor checked_labels(const Tensor& y, std::int64_t classes) {
  Tensor labels = contiguous_values(y);
  const auto* p = labels.data<std::int64_t>();
  const std::int64_t bad = kernels::first_outside(p, labels.numel(), classes);
  if (bad < 0) return labels;
  Shape at(y.shape().size(), 0);
  for (std::int64_t left = bad, i = y.dim() - 1; i >= 0; --i) {
    at[i] = left % y.shape()[i];
    left /= y.shape()[i];
  }
  throw ValueError(fmt::format("cross_entropy: the label at {} is {}, with {} classes it must be from 0 to {}",
                               to_string(at), p[bad], classes, classes - 1));
}

/// Calls visit(position, place of its label's entry in x) for x = (N, classes, inner).
template <class F>
void each_label(const Tensor& labels, const Shape& x, F visit) {
  const std::int64_t classes = x[1], n = labels.numel(), inner = x[0] ? n / x[0] : 1;
  const auto* y = labels.data<std::int64_t>();
  for (std::int64_t i = 0; i < n; ++i) visit(i, ((i / inner) * classes + y[i]) * inner + i % inner);
}

/// 1 at every label's class, else 0, in x's shape.
Tensor onehot(const Tensor& y, const Tensor& x) {
  const Tensor labels = checked_labels(y, x.shape()[1]);
  Tensor z = zeros(x.shape(), {.dtype = x.dtype()});
  dispatch_floating(x.dtype(), [&](auto zero) {
    auto* out = static_cast<decltype(zero)*>(z.impl().data);
    each_label(labels, x.shape(), [&](std::int64_t, std::int64_t place) { out[place] = 1; });
  });
  return z;
}

// z = -log(softmax(x)[y]), over n positions      dx = g * (softmax(x) - onehot(y)) / n
struct CrossEntropy {
  static constexpr OpInfo info{.name = "cross_entropy",
                               .formula = "z = -log(softmax(x)[y])",
                               .derivatives = {"(softmax(x) - onehot(y)) / n"},
                               .inputs = "x y"};
  static constexpr Uses uses[] = {kX | kY, kNothing};
  Reduction reduction;
  std::string attributes() const { return fmt::format("reduction={}", name_of(reduction)); }
  Tensor forward(const Tensor& x, const Tensor& y) const {
    const Tensor labels = checked_labels(y, x.shape()[1]);
    const Tensor logs = contiguous_values(log_softmax(x, 1));
    Tensor z = empty_result(positions(x.shape()), x.dtype());
    dispatch_floating(x.dtype(), [&](auto zero) {
      using T = decltype(zero);
      auto* out = static_cast<T*>(z.impl().data);
      each_label(labels, x.shape(), [&](std::int64_t i, std::int64_t place) { out[i] = 0 - logs.data<T>()[place]; });
    });
    return reduce(z, reduction);
  }
  void backward(GradContext& c, const Tensor& g) const {
    c.send(0, [&] {
      const Tensor x = c.input(0), y = c.input(1);
      return spread(g, reduction, x.shape()) * (softmax(x, 1) - onehot(y, x));
    });
  }
};

// z = -sum(y * log(softmax(x))), over n positions, 0 * log(0) = 0
//   dx = g * (softmax(x) * sum(y) - y) / n,  dy = -g * log(softmax(x)) / n
struct SoftCrossEntropy {
  static constexpr OpInfo info{.name = "soft_cross_entropy",
                               .formula = "z = -sum(y * log(softmax(x)))",
                               .derivatives = {"(softmax(x) * sum(y) - y) / n", "-log(softmax(x)) / n"},
                               .inputs = "x y"};
  static constexpr Uses uses[] = {kX | kY, kX};
  Reduction reduction;
  std::string attributes() const { return fmt::format("reduction={}", name_of(reduction)); }
  Tensor forward(const Tensor& x, const Tensor& y) const {
    return reduce(-sum(where(eq(y, 0), 0, y * log_softmax(x, 1)), {1}), reduction);
  }
  void backward(GradContext& c, const Tensor& g) const {
    const Tensor x = c.input(0), y = c.input(1);
    c.send(0, [&] { return spread(g, reduction, x.shape()) * (softmax(x, 1) * sum(y, {1}, true) - y); });
    c.send(1, [&] { return -spread(g, reduction, x.shape()) * log_softmax(x, 1); });
  }
};

}  // namespace

Tensor mse_loss(const Operand& x, const Operand& target, Reduction reduction) {
  const auto [a, y] = promote_floating(tensor_argument(x, "mse_loss"), tensor_argument(target, "mse_loss"));
  if (a.shape() != y.shape())
    throw ShapeError(
        fmt::format("mse_loss: the prediction has shape {}, the target {}; they must be the same, nothing "
                    "is broadcast",
                    to_string(a.shape()), to_string(y.shape())));
  return reduce(square(sub(Operand(a, x.where()), Operand(y, target.where()))), reduction);
}

Tensor cross_entropy(const Operand& x, const Tensor& target, Reduction reduction) {
  const Tensor a = as_floating(x);
  if (a.dim() < 2)
    throw ShapeError(fmt::format("cross_entropy: x has shape {}, it must be (N, classes) or (N, classes, ...)",
                                 to_string(a.shape())));
  if (a.shape()[1] == 0)
    throw ShapeError(fmt::format("cross_entropy: x of shape {} has no classes", to_string(a.shape())));
  const Shape p = positions(a.shape());
  if (is_floating(target.dtype())) {
    if (target.shape() == a.shape())
      return record(SoftCrossEntropy{reduction}, Operand(a, x.where()), as_tensor(target, a.dtype()));
    if (target.shape() == p)
      throw ValueError(fmt::format("cross_entropy: class indices must be int64, the target of shape {} is {}",
                                   to_string(p), name_of(target.dtype())));
    throw ShapeError(fmt::format("cross_entropy: x has shape {}, the target {}; probabilities must have the shape of x",
                                 to_string(a.shape()), to_string(target.shape())));
  }
  if (target.dtype() != DType::int64)
    throw ValueError(fmt::format("cross_entropy: the target is {}, it must be class indices (int64) or probabilities",
                                 name_of(target.dtype())));
  if (target.shape() != p)
    throw ShapeError(fmt::format("cross_entropy: x has shape {}, the target {}; class indices must have shape {}",
                                 to_string(a.shape()), to_string(target.shape()), to_string(p)));
  return record(CrossEntropy{reduction}, Operand(a, x.where()), target);
}

std::span<const OpInfo* const> loss_ops() {
  static constexpr const OpInfo* list[] = {&CrossEntropy::info, &SoftCrossEntropy::info};
  return list;
}

std::span<const Function> loss_functions() { return {}; }

}  // namespace chainrule
