// Losses of classes. The cross entropy is one operation because softmax and logarithm are only safe from overflow
// together; labels are checked before any arithmetic. Distances, margins and yes-or-no losses are in margin_losses.cpp.

#include "ops/network/losses.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "engine/factory.h"
#include "engine/types/error.h"
#include "ops/arguments.h"
#include "ops/families.h"
#include "ops/kernels/network/loss.h"
#include "ops/network/loss_parts.h"
#include "ops/ops.h"
#include "ops/rules.h"

namespace chainrule {
namespace {

/// (N, classes, d, ...) without the classes: one number for each position.
Shape positions(const Shape& x) {
  Shape p = x;
  p.erase(p.begin() + 1);
  return p;
}

/// One number for each position, with an axis of size 1 for the classes.
Shape with_class_axis(Shape p) {
  p.insert(p.begin() + 1, 1);
  return p;
}

/// Labels as dense memory, every one inside [0, classes) or ignored.
Tensor checked_labels(const Tensor& y, std::int64_t classes, std::int64_t ignore, const char* who) {
  Tensor labels = dense(y);
  const auto* p = labels.data<std::int64_t>();
  const std::int64_t bad = kernels::first_bad_label(p, labels.numel(), classes, ignore);
  if (bad < 0) return labels;
  Shape at = Shape::filled(y.shape().size(), 0);
  for (std::int64_t left = bad, i = y.dim() - 1; i >= 0; --i) {
    at[i] = left % y.shape()[i];
    left /= y.shape()[i];
  }
  throw ValueError(fmt::format("{}: the label at {} is {}, with {} classes it must be from 0 to {}", who, to_string(at),
                               p[bad], classes, classes - 1));
}

/// Calls f(position, label) for every label that counts.
template <class F>
void each_label(const Tensor& labels, std::int64_t ignore, F f) {
  const auto* y = labels.data<std::int64_t>();
  for (std::int64_t i = 0; i < labels.numel(); ++i)
    if (y[i] != ignore) f(i, y[i]);
}

double class_weight(const Tensor& weight, std::int64_t k) {
  if (!weight.defined()) return 1;
  return weight.dtype() == DType::float64 ? weight.data<double>()[k] : weight.data<float>()[k];
}

/// What the mean divides by: the weights of the labels that count.
double total_weight(const Tensor& labels, std::int64_t ignore, const Tensor& weight) {
  double total = 0;
  each_label(labels, ignore, [&](std::int64_t, std::int64_t y) { total += class_weight(weight, y); });
  return total;
}

/// x's memory as lines of classes: where they are the innermost axis, otherwise row-major.
struct Classes {
  Tensor x;
  kernels::ClassLogits logits;
};
Classes classes(const Tensor& x) {
  const Shape& s = x.shape();
  const std::int64_t count = numel(positions(s));
  Strides classes_last = Strides::filled(s.size(), 1);
  std::int64_t step = s[1];
  for (int i = x.dim() - 1; i >= 0; --i) {
    if (i == 1) continue;
    classes_last[i] = step;
    step *= s[i];
  }
  if (x.dim() == 2 || x.strides() == classes_last) {
    const Tensor from = x.strides() == classes_last ? x : dense(x);
    return {from, {from.data(), {count, s[1], 1}}};
  }
  const Tensor from = dense(x);
  return {from, {from.data(), {s[0], s[1], s[0] > 0 ? count / s[0] : 0}}};
}

struct ClassOptions {
  Reduction reduction;
  std::int64_t ignore_index;
  double smoothing;
  Tensor weight;            // dense, in x's dtype; undefined: all 1
  Tensor largest, log_sum;  // of each position; the forward pass fills them

  std::string attributes() const {
    std::string text = fmt::format("reduction={}", name_of(reduction));
    if (weight.defined()) text += ", weight=" + to_string(weight);
    if (ignore_index != -100) text += fmt::format(", ignore_index={}", ignore_index);
    if (smoothing != 0) text += fmt::format(", label_smoothing={}", smoothing);
    return text;
  }
  kernels::ClassLabels labels(const Tensor& y) const {
    return {y.data<std::int64_t>(), ignore_index, weight.defined() ? weight.data() : nullptr, smoothing};
  }
  kernels::ClassStatistics statistics() const { return {largest.impl().data, log_sum.impl().data}; }
  double scale(const Tensor& labels) const {
    return reduction == Reduction::mean ? 1 / total_weight(labels, ignore_index, weight) : 1;
  }
};

Tensor cross_entropy_grad(const ClassOptions& o, const Tensor& g, const Tensor& x, const Tensor& y);

// z = -log(softmax(x)[y]), over n positions      dx = g * (softmax(x) - onehot(y)) / n
struct CrossEntropy {
  static constexpr OpInfo info{.name = "cross_entropy",
                               .formula = "z = -log(softmax(x)[y])",
                               .derivatives = {"(softmax(x) - onehot(y)) / n"},
                               .inputs = "x y",
                               .flops = "5 * numel(x)"};
  ClassOptions options;
  std::string attributes() const { return options.attributes(); }
  Tensor forward(const Tensor& x, const Tensor& y) const {
    const Tensor labels = checked_labels(y, x.shape()[1], options.ignore_index, "cross_entropy");
    const Classes l = classes(x);
    Tensor z = internal::empty_result(positions(x.shape()), x.dtype());
    kernels::cross_entropy(x.dtype(), l.logits, options.labels(labels), options.statistics(), z.impl().data);
    if (options.reduction == Reduction::none) return z;
    if (options.reduction == Reduction::sum) return sum(z);
    return sum(z) / total_weight(labels, options.ignore_index, options.weight);
  }
  void backward(GradContext& c, const Tensor& g) const {
    c.send(0, [&] { return cross_entropy_grad(options, g, c.input(0), c.input(1)); });
  }
};

// z = g * (softmax(x) - onehot(y)) / n      dg = sum(h * z / g),  dx = softmax_grad(h * g / n, softmax(x))
struct CrossEntropyGrad {
  static constexpr OpInfo info{.name = "cross_entropy_grad",
                               .formula = "z = g * (softmax(x) - onehot(y)) / n",
                               .derivatives = {"(softmax(x) - onehot(y)) / n", "g * (diag(p) - p p^T) / n"},
                               .inputs = "g x y",
                               .flops = "4 * numel(x)"};
  static constexpr Uses uses[] = {kY | kW, kX | kY | kW, kNothing};
  ClassOptions options;
  std::string attributes() const { return options.attributes(); }
  Tensor forward(const Tensor& g, const Tensor& x, const Tensor& y) const {
    const Tensor labels = checked_labels(y, x.shape()[1], options.ignore_index, "cross_entropy");
    const Classes l = classes(x);
    const Tensor from = dense(g);
    Tensor z = empty_like(l.x, x.dtype());
    kernels::cross_entropy_grad(x.dtype(), l.logits, options.labels(labels), options.statistics(), from.data(),
                                options.reduction == Reduction::none ? 1 : 0, options.scale(labels), z.impl().data);
    return z;
  }
  void backward(GradContext& c, const Tensor& h) const {
    const Tensor x = c.input(1), y = c.input(2);
    const bool each = options.reduction == Reduction::none;
    c.send(0, [&] {
      const Tensor one = ones(each ? positions(x.shape()) : Shape{}, {.dtype = x.dtype()});
      return sum(h * cross_entropy_grad(options, one, x, y), each ? Axes{1} : Axes{});
    });
    c.send(1, [&] {
      const Tensor g = c.input(0), wide = each ? reshape(g, with_class_axis(g.shape())) : g;
      return softmax_grad(h * (wide * softmax_weights(x, y)), softmax(x, 1), 1);
    });
  }
  /// What softmax counts at each position, all classes together; 0 where the label is ignored.
  Tensor softmax_weights(const Tensor& x, const Tensor& y) const {
    const Tensor labels = checked_labels(y, x.shape()[1], options.ignore_index, "cross_entropy");
    const std::int64_t classes = x.shape()[1];
    double all = 0;
    for (std::int64_t k = 0; k < classes; ++k) all += class_weight(options.weight, k);
    const double share = options.smoothing * all / static_cast<double>(classes), scale = options.scale(labels);
    std::vector<double> w(static_cast<std::size_t>(labels.numel()), 0.0);
    each_label(labels, options.ignore_index, [&](std::int64_t i, std::int64_t k) {
      w[static_cast<std::size_t>(i)] = scale * ((1 - options.smoothing) * class_weight(options.weight, k) + share);
    });
    return from_vector(w, with_class_axis(positions(x.shape())), {.dtype = x.dtype()});
  }
};

Tensor cross_entropy_grad(const ClassOptions& o, const Tensor& g, const Tensor& x, const Tensor& y) {
  return record(CrossEntropyGrad{o}, g, x, y);
}

/// The loss's gradient at every position, with an axis for the classes.
Tensor spread(const Tensor& g, Reduction r, const Shape& x) {
  if (r == Reduction::mean) return g / std::max<std::int64_t>(numel(positions(x)), 1);
  if (r == Reduction::sum) return g;
  return reshape(g, with_class_axis(positions(x)));
}

// z = -sum(y * log(softmax(x))), over n positions, 0 * log(0) = 0
//   dx = g * (softmax(x) * sum(y) - y) / n,  dy = -g * log(softmax(x)) / n
struct SoftCrossEntropy {
  static constexpr OpInfo info{.name = "soft_cross_entropy",
                               .formula = "z = -sum(y * log(softmax(x)))",
                               .derivatives = {"(softmax(x) * sum(y) - y) / n", "-log(softmax(x)) / n"},
                               .inputs = "x y",
                               .flops = "7 * numel(x)"};
  Reduction reduction;
  std::string attributes() const { return fmt::format("reduction={}", name_of(reduction)); }
  Tensor forward(const Tensor& x, const Tensor& y) const {
    return reduce_losses(-sum(where(eq(y, 0), 0, y * log_softmax(x, 1)), {1}), reduction);
  }
  void backward(GradContext& c, const Tensor& g) const {
    const Tensor x = c.input(0), y = c.input(1);
    c.send(0, [&] { return spread(g, reduction, x.shape()) * (softmax(x, 1) * sum(y, {1}, true) - y); });
    c.send(1, [&] { return -spread(g, reduction, x.shape()) * log_softmax(x, 1); });
  }
};

/// Checks that x has classes; one sample without a batch gets an axis of size 1.
Tensor class_scores(const Tensor& x, const char* who) {
  if (x.dim() < 1)
    throw ShapeError(fmt::format("{}: x is a scalar, it must be (N, classes), (N, classes, ...) or (classes,)", who));
  if (x.shape()[x.dim() == 1 ? 0 : 1] == 0)
    throw ShapeError(fmt::format("{}: x of shape {} has no classes", who, to_string(x.shape())));
  return x.dim() == 1 ? reshape(x, {1, x.shape()[0]}) : x;
}

/// The shape of the labels that go with x as the caller gave it.
Shape label_shape(const Tensor& x) { return x.dim() == 1 ? Shape{} : positions(x.shape()); }

void check_labels(const Tensor& target, const Tensor& x, const char* who) {
  const Shape p = label_shape(x);
  if (is_floating(target.dtype()) && target.shape() == p)
    throw ValueError(fmt::format(
        "{}: class indices must be int64, the target of shape {} is {}; convert it with to(target, DType::int64)", who,
        to_string(p), name_of(target.dtype())));
  if (target.dtype() != DType::int64)
    throw ValueError(
        fmt::format("{}: the target is {}, it must be class indices (int64)", who, name_of(target.dtype())));
  if (target.shape() != p)
    throw ShapeError(fmt::format("{}: x has shape {}, the target {}; class indices must have shape {}", who,
                                 to_string(x.shape()), to_string(target.shape()), to_string(p)));
}

/// Weights of the classes, dense and without history; undefined when there are none.
Tensor class_weights(const Tensor& weight, std::int64_t classes, DType dtype, const char* who) {
  if (!weight.defined()) return {};
  if (weight.dim() != 1 || weight.numel() != classes)
    throw ShapeError(fmt::format("{}: the weight has shape {}, with {} classes it must have shape ({},)", who,
                                 to_string(weight.shape()), classes, classes));
  return dense(loss_weight(weight, {classes}, dtype, who, "weight"));
}

Tensor soft_cross_entropy(const Tensor& scores, const Tensor& target, const CrossEntropyOptions& o) {
  const std::int64_t classes = scores.shape()[1];
  Tensor y = as_tensor(target, scores.dtype());
  if (y.dim() == 1) y = reshape(y, {1, classes});
  if (o.label_smoothing != 0) y = y * (1 - o.label_smoothing) + o.label_smoothing / static_cast<double>(classes);
  if (o.weight.defined()) {
    Shape beside = Shape::filled(scores.shape().size() - 1, 1);
    beside[0] = classes;
    y = y * reshape(class_weights(o.weight, classes, scores.dtype(), "cross_entropy"), beside);
  }
  return record(SoftCrossEntropy{o.reduction}, scores, y);
}

/// The loss of the one sample that came without a batch loses the axis again.
Tensor as_given(const Tensor& z, const Tensor& x, Reduction r) {
  return x.dim() == 1 && r == Reduction::none ? reshape(z, {}) : z;
}

/// The target of the language: whole numbers without the shape of x are class indices.
Tensor class_target(const Arguments& a) {
  const Tensor x = a.tensor(0), t = a.tensor(1);
  return x.defined() && t.defined() && is_floating(t.dtype()) && t.shape() == x.shape() ? t : a.indices(1);
}

}  // namespace

Tensor cross_entropy(const Operand& x, const Tensor& target, const CrossEntropyOptions& o) {
  const CalledFrom caller(x.where());
  const Tensor a = as_floating(tensor_argument(x, "cross_entropy"));
  if (!target.defined()) throw_empty_argument("cross_entropy", "target");
  if (!(o.label_smoothing >= 0 && o.label_smoothing <= 1))
    throw ValueError(fmt::format("cross_entropy: label_smoothing is {}, it must be from 0 to 1", o.label_smoothing));
  const Tensor scores = class_scores(a, "cross_entropy");
  if (is_floating(target.dtype()) && target.shape() == a.shape())
    return as_given(soft_cross_entropy(scores, target, o), a, o.reduction);
  if (is_floating(target.dtype()) && target.shape() != label_shape(a))
    throw ShapeError(fmt::format("cross_entropy: x has shape {}, the target {}; probabilities must have the shape of x",
                                 to_string(a.shape()), to_string(target.shape())));
  check_labels(target, a, "cross_entropy");
  const Shape p = positions(scores.shape());
  const Tensor y = target.shape() == p ? target : reshape(target, p);
  const ClassOptions options{o.reduction,
                             o.ignore_index,
                             o.label_smoothing,
                             class_weights(o.weight, scores.shape()[1], scores.dtype(), "cross_entropy"),
                             empty(p, scores.dtype()),
                             empty(p, scores.dtype())};
  return as_given(record(CrossEntropy{options}, scores, y), a, o.reduction);
}

// Made of others: the picked log-probabilities, times minus their weights.
Tensor nll_loss(const Operand& x, const Tensor& target, const NllOptions& o) {
  const CalledFrom caller(x.where());
  const Tensor a = as_floating(tensor_argument(x, "nll_loss"));
  if (!target.defined()) throw_empty_argument("nll_loss", "target");
  const Tensor scores = class_scores(a, "nll_loss");
  check_labels(target, a, "nll_loss");
  const Shape p = positions(scores.shape());
  const std::int64_t classes = scores.shape()[1];
  const Tensor labels =
      checked_labels(target.shape() == p ? target : reshape(target, p), classes, o.ignore_index, "nll_loss");
  const Tensor weight = class_weights(o.weight, classes, scores.dtype(), "nll_loss");
  const auto n = static_cast<std::size_t>(labels.numel());
  std::vector<std::int64_t> safe(n, 0);
  std::vector<double> minus_weight(n, 0.0), counts(n, 0.0);
  each_label(labels, o.ignore_index, [&](std::int64_t i, std::int64_t y) {
    const auto k = static_cast<std::size_t>(i);
    safe[k] = y, minus_weight[k] = -class_weight(weight, y), counts[k] = 1;
  });
  const Tensor picked = reshape(gather(scores, 1, from_vector(safe, with_class_axis(p))), p);
  Tensor z = picked * from_vector(minus_weight, p, {.dtype = scores.dtype()});
  if (std::count(counts.begin(), counts.end(), 0.0) > 0)  // 0 also where the ignored one is infinite or NaN
    z = where(gt(from_vector(counts, p, {.dtype = scores.dtype()}), 0), z, 0);
  if (o.reduction == Reduction::mean) return sum(z) / total_weight(labels, o.ignore_index, weight);
  return as_given(reduce_losses(z, o.reduction), a, o.reduction);
}

Tensor cross_entropy_error(const Operand& y, const Tensor& t) {
  const CalledFrom caller(y.where());
  const Tensor a = as_floating(tensor_argument(y, "cross_entropy_error", "y"));
  if (!t.defined()) throw_empty_argument("cross_entropy_error", "t");
  const Tensor logs = log(add(a, 1e-7));
  if (t.shape() != a.shape()) return nll_loss(logs, t, {.ignore_index = std::numeric_limits<std::int64_t>::min()});
  const std::int64_t n = a.dim() > 1 ? a.shape()[0] : 1;
  return -sum(as_tensor(t, a.dtype()) * logs) / n;
}

Family loss_family() {
  static constexpr const OpInfo* ops[] = {&CrossEntropy::info, &CrossEntropyGrad::info, &SoftCrossEntropy::info};
  static const Function functions[] = {
      {"cross_entropy", "input, target, weight=None, ignore_index=-100, reduction='mean', label_smoothing=0.0",
       [](const Arguments& a) -> Value {
         return cross_entropy(a.operand(0), class_target(a),
                              {.weight = a.optional_tensor(2),
                               .ignore_index = a.integer(3),
                               .reduction = a.reduction(4),
                               .label_smoothing = a.number(5)});
       },
       "cross_entropy(x, [0, 2])", "x=[[1,2,3],[4,-1,0]]"},
      {"nll_loss", "input, target, weight=None, ignore_index=-100, reduction='mean'",
       [](const Arguments& a) -> Value {
         return nll_loss(a.operand(0), a.indices(1),
                         {.weight = a.optional_tensor(2), .ignore_index = a.integer(3), .reduction = a.reduction(4)});
       },
       "nll_loss(log_softmax(x, dim=1), [0, 2])", "x=[[1,2,3],[4,-1,0]]", "mean of -weight[target] * input[target]"},
      {"cross_entropy_error", "y, t",
       [](const Arguments& a) -> Value { return cross_entropy_error(a.operand(0), class_target(a)); },
       "cross_entropy_error(y, [2, 0])", "y=[[0.1,0.2,0.7],[0.8,0.1,0.1]]", "-sum(log(y[t] + 1e-7)) / n"},
  };
  return {ops, functions};
}

}  // namespace chainrule
