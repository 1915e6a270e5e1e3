// Batch, layer, group, instance and root-mean-square normalisation. They differ in which numbers make a group; rule,
// gradient and second derivative are one. Dropout is in attention.cpp; the loops are in kernels/network/norm.h.

#include "ops/network/norms.h"

#include <fmt/format.h>

#include <cmath>
#include <limits>

#include "engine/factory.h"
#include "engine/types/error.h"
#include "ops/arguments.h"
#include "ops/families.h"
#include "ops/network/norm_groups.h"
#include "ops/ops.h"
#include "ops/rules.h"

namespace chainrule {
namespace {

constexpr const char* kByX =
    "diag(w) @ (I - 1 1^T / n - v v^T / n) / sqrt(var(x, correction=0) + eps), v = (z - b) / w";

constexpr OpInfo centred_info(const char* name, const char* formula) {
  return {.name = name,
          .formula = formula,
          .derivatives = {kByX, "(x - mean(x)) / sqrt(var(x, correction=0) + eps)", "1"},
          .inputs = "x w b",
          .flops = "7 * numel(x)"};
}

// In the order of NormKind.
constexpr OpInfo kInfos[] = {
    centred_info("batch_norm", "z = (x - mean(x)) / sqrt(var(x, correction=0) + eps) * w + b, over all axes but 1"),
    centred_info("layer_norm", "z = (x - mean(x)) / sqrt(var(x, correction=0) + eps) * w + b, over the last axes"),
    centred_info("group_norm", "z = (x - mean(x)) / sqrt(var(x, correction=0) + eps) * w + b, over groups of channels"),
    centred_info("instance_norm", "z = (x - mean(x)) / sqrt(var(x, correction=0) + eps) * w + b, over each channel"),
    {.name = "rms_norm",
     .formula = "z = x / sqrt(mean(x^2) + eps) * w, over the last axes",
     .derivatives = {"diag(w) @ (I - v v^T / n) / sqrt(mean(x^2) + eps), v = z / w", "x / sqrt(mean(x^2) + eps)"},
     .inputs = "x w",
     .flops = "5 * numel(x)"}};

Tensor norm_grad(const NormGroups& s, const NormStatistics& known, const Tensor& g, const Tensor& x, const Tensor& w);
Tensor norm_weight_grad(const NormGroups& s, const NormStatistics& known, const Tensor& g, const Tensor& x);

// v = (x - mean(x)) / sqrt(var(x) + eps), z = v w + b
//   dx = norm_grad(g, x, w),  dw = sum(g v),  db = sum(g)
template <NormKind K>
struct Norm {
  static constexpr OpInfo info = kInfos[static_cast<int>(K)];
  static constexpr Uses uses[] = {kX | kY, kX, kNothing};
  NormGroups groups;
  NormStatistics known;  // filled by forward, unless they are constants

  std::string attributes() const { return groups.text(); }
  Tensor forward(const Tensor& x) const { return normalized(groups, known, x, nullptr, nullptr); }
  Tensor forward(const Tensor& x, const Tensor& w) const { return normalized(groups, known, x, &w, nullptr); }
  Tensor forward(const Tensor& x, const Tensor& w, const Tensor& b) const {
    return normalized(groups, known, x, &w, &b);
  }
  void backward(GradContext& c, const Tensor& g) const {
    const bool with_weight = c.input_count() > 1;
    const Tensor w = with_weight && c.needs(0) ? c.input(1) : Tensor();
    if (groups.constant) return backward_of_constants(c, g, w);
    NormStatistics shared = known.without_sums();  // with the sums that the gradient by x needs too
    if (with_weight && (c.needs(1) || (c.input_count() > 2 && c.needs(2)))) {
      shared = known.with_sums(groups, g.shape());
      const Tensor both = norm_weight_grad(groups, shared, g, c.input(0));
      const auto row = [&](int i) { return reshape(slice(both, 0, i, i + 1), c.shape(i + 1)); };
      c.send(1, [&] { return row(0); });
      if (c.input_count() > 2) c.send(2, [&] { return row(1); });
    }
    c.send(0, [&] { return norm_grad(groups, shared, g, c.input(0), w); });
  }
  // z = (x - m) r w + b with running m and r
  void backward_of_constants(GradContext& c, const Tensor& g, const Tensor& w) const {
    const auto constant = [&](const Tensor& t) { return groups.beside(as_tensor(t, g.dtype()), g.shape()); };
    c.send(0, [&] {
      return w.defined() ? g * (groups.beside(w, g.shape()) * constant(known.factor)) : g * constant(known.factor);
    });
    if (c.input_count() < 2) return;
    c.send(1, [&] { return groups.sum_beside(g * (c.input(0) - constant(known.mean)) * constant(known.factor)); });
    if (c.input_count() > 2) c.send(2, [&] { return groups.sum_beside(g); });
  }
};

/// 1 / sqrt(var(x) + eps), and v, in differentiable operations: for derivatives of the gradients.
struct Standardized {
  Tensor factor, v;
  Standardized(const NormGroups& s, const Tensor& x) {
    const Tensor deviation = s.is_centred() ? x - s.average(x) : x;
    factor = 1 / sqrt(s.average(square(deviation)) + s.eps);
    v = deviation * factor;
  }
};

// z = r (q - mean(q) - v mean(q v)), q = g w, v = (x - mean(x)) r, r = 1 / sqrt(var(x) + eps)
// The map q -> z, here P, is symmetric and is the derivative of v:
//   dg = w P(h),  dw = sum(g P(h)),  dx = -r (v mean(h P(q)) + mean(q v) P(h) + mean(h v) P(q))
struct NormGrad {
  static constexpr OpInfo info{
      .name = "norm_grad",
      .formula =
          "z = (g * w - mean(g * w) - v * mean(g * w * v)) / s, v = (x - mean(x)) / s, "
          "s = sqrt(var(x, correction=0) + eps)",
      .derivatives = {"w * P(h)", "-r * (v * mean(h * P(g * w)) + mean(g * w * v) * P(h) + mean(h * v) * P(g * w))",
                      "sum(g * P(h))"},
      .inputs = "g x w",
      .flops = "9 * numel(x)"};
  static constexpr Uses uses[] = {kY | kW, kX | kY | kW, kX | kY};
  NormGroups groups;
  NormStatistics known;
  std::string attributes() const { return groups.text(); }
  Tensor forward(const Tensor& g, const Tensor& x) const { return normalized_grad(groups, known, g, x, nullptr); }
  Tensor forward(const Tensor& g, const Tensor& x, const Tensor& w) const {
    return normalized_grad(groups, known, g, x, &w);
  }
  void backward(GradContext& c, const Tensor& h) const {
    const bool weighed = c.input_count() > 2;
    const Tensor x = c.input(1),
                 w = weighed && (c.needs(0) || c.needs(1)) ? groups.beside(c.input(2), x.shape()) : Tensor();
    const Tensor ph = norm_grad(groups, known.without_sums(), h, x, {});
    c.send(0, [&] { return weighed ? w * ph : ph; });
    c.send(1, [&] {
      const Tensor q = weighed ? c.input(0) * w : c.input(0);
      const Tensor pq = norm_grad(groups, known.without_sums(), q, x, {});
      const Standardized s(groups, x);
      const auto average = [&](const Tensor& t) { return groups.average(t); };
      return -s.factor * (s.v * average(h * pq) + average(q * s.v) * ph + average(h * s.v) * pq);
    });
    if (weighed) c.send(2, [&] { return reshape(groups.sum_beside(c.input(0) * ph), c.shape(2)); });
  }
};

// z = (sum(g v), sum(g)) for each weight      dg = h_0 v + h_1,  dx = norm_grad(h_0 g, x)
struct NormWeightGrad {
  static constexpr OpInfo info{
      .name = "norm_weight_grad",
      .formula = "z = (sum(g * v), sum(g)), v = (x - mean(x)) / sqrt(var(x, correction=0) + eps)",
      .derivatives = {"(v, 1)", "P(h * g)"},
      .inputs = "g x",
      .flops = "5 * numel(x)"};
  static constexpr Uses uses[] = {kY, kX | kY};
  NormGroups groups;
  NormStatistics known;
  std::string attributes() const { return groups.text(); }
  Tensor forward(const Tensor& g, const Tensor& x) const { return normalized_weight_grad(groups, known, g, x); }
  void backward(GradContext& c, const Tensor& h) const {
    const Tensor x = c.input(1);
    const auto row = [&](int i) { return groups.beside(reshape(slice(h, 0, i, i + 1), {h.shape()[1]}), x.shape()); };
    c.send(0, [&] { return row(0) * Standardized(groups, x).v + row(1); });
    c.send(1, [&] { return norm_grad(groups, known.without_sums(), row(0) * c.input(0), x, {}); });
  }
};

Tensor norm_grad(const NormGroups& s, const NormStatistics& known, const Tensor& g, const Tensor& x, const Tensor& w) {
  return w.defined() ? record(NormGrad{s, known}, g, x, w) : record(NormGrad{s, known}, g, x);
}

Tensor norm_weight_grad(const NormGroups& s, const NormStatistics& known, const Tensor& g, const Tensor& x) {
  return record(NormWeightGrad{s, known}, g, x);
}

// --- arguments -------------------------------------------------------------------------------------------------------

void expect_shape(const Tensor& t, const Shape& wanted, const char* who, const char* what) {
  if (t.shape() != wanted)
    throw ShapeError(
        fmt::format("{}: {} has shape {}, it must have {}", who, what, to_string(t.shape()), to_string(wanted)));
  if (!is_floating(t.dtype()))
    throw ValueError(fmt::format("{}: {} holds {}, it must hold a floating type", who, what, name_of(t.dtype())));
}

void expect_eps(double eps, const char* who) {
  if (!(eps >= 0)) throw ValueError(fmt::format("{}: eps is {}, it must be 0 or larger", who, eps));
}

Tensor image_argument(const Operand& x, const char* who) {
  Tensor a = as_floating(tensor_argument(x, who));
  if (a.dim() < 2)
    throw ShapeError(fmt::format("{}: x has shape {}, it must be (N, C) or (N, C, ...)", who, to_string(a.shape())));
  return a;
}

template <NormKind K>
Tensor record_norm(const Norm<K>& op, const Tensor& x, const Tensor& weight, const Tensor& bias, const Shape& wanted) {
  const char* const who = op.info.name;
  if (weight.defined()) expect_shape(weight, wanted, who, "weight");
  if (bias.defined()) expect_shape(bias, wanted, who, "bias");
  if (!weight.defined() && !bias.defined()) return record(op, x);
  const Tensor w = weight.defined() ? as_tensor(weight, x.dtype()) : ones(wanted, {.dtype = x.dtype()});
  if (!bias.defined()) return record(op, x, w);
  return record(op, x, w, as_tensor(bias, x.dtype()));
}

/// The running mean and variance of a layer, checked before anything is computed.
struct Running {
  Tensor mean, var;
  const char* who;
  double momentum;

  Running(const Tensor& m, const Tensor& v, std::int64_t channels, const char* name, double share, bool written)
      : who(name), momentum(share) {
    if (m.defined() != v.defined())
      throw ValueError(fmt::format("{}: running_mean and running_var must be given together", who));
    if (!(momentum >= 0 && momentum <= 1))
      throw ValueError(fmt::format("{}: momentum is {}, it must be from 0 to 1", who, momentum));
    if (!m.defined()) return;
    mean = m, var = v;
    expect_shape(mean, {channels}, who, "running_mean");
    expect_shape(var, {channels}, who, "running_var");
    if (written && (!mean.is_leaf() || !var.is_leaf()))
      throw ValueError(fmt::format(
          "{}: training writes running_mean and running_var, which must be leaves, not results of operations", who));
  }
  /// Moves both towards the averages over samples; `unbiased` is n / (n - 1).
  void update(const NormStatistics& s, double unbiased) {
    if (!mean.defined()) return;
    move(mean, s.mean, 1);
    move(var, s.variance, unbiased);
  }

 private:
  void move(Tensor& running, const Tensor& now, double factor) const {
    const NoGrad in_place;
    const std::int64_t channels = running.numel(), samples = now.numel() / std::max<std::int64_t>(channels, 1),
                       step = running.strides()[0];
    void* data = running.mutable_data(who);
    const double* from = now.data<double>();
    dispatch_floating(running.dtype(), [&](auto zero) {
      using T = decltype(zero);
      for (std::int64_t k = 0; k < channels; ++k) {
        double average = 0;
        for (std::int64_t n = 0; n < samples; ++n) average += from[n * channels + k];
        T& value = static_cast<T*>(data)[k * step];
        value = static_cast<T>((1 - momentum) * static_cast<double>(value) +
                               momentum * factor * average / static_cast<double>(samples));
      }
    });
  }
};

/// With constants instead of x's own mean and variance.
Tensor constant_norm(const Tensor& x, const Running& running, double eps, const Tensor& weight, const Tensor& bias) {
  const std::int64_t channels = x.shape()[1];
  Norm<NormKind::batch> op{{.kind = NormKind::batch, .eps = eps, .constant = true}, NormStatistics(channels)};
  const auto wide = [](const Tensor& t) { return as_tensor(t.detach(), DType::float64); };
  op.known.mean = internal::copied(wide(running.mean));  // the graph keeps these numbers when the running ones move on
  op.known.factor = 1 / sqrt(wide(running.var) + eps);
  return record_norm(op, x, weight, bias, {channels});
}

template <NormKind K>
Tensor norm_of_last_axes(const Operand& x, const Shape& last, const Tensor& weight, const Tensor& bias, double eps) {
  const CalledFrom caller(x.where());
  const char* const who = Norm<K>::info.name;
  const Tensor a = as_floating(tensor_argument(x, who));
  expect_eps(eps, who);
  const auto k = last.size(), rank = a.shape().size();
  if (k == 0 || k > rank || !std::equal(last.begin(), last.end(), a.shape().end() - static_cast<std::ptrdiff_t>(k)))
    throw ShapeError(fmt::format("{}: normalized_shape is {}, x of shape {} does not end with it", who, to_string(last),
                                 to_string(a.shape())));
  const std::int64_t n = numel(last);
  const Norm<K> op{{.kind = K, .eps = eps, .last = last}, NormStatistics(n > 0 ? a.numel() / n : 0)};
  return record_norm(op, a, weight, bias, last);
}

}  // namespace

Tensor batch_norm(const Operand& x, const Tensor& running_mean, const Tensor& running_var, const Tensor& weight,
                  const Tensor& bias, const BatchNormOptions& o) {
  const CalledFrom caller(x.where());
  const Tensor a = image_argument(x, "batch_norm");
  expect_eps(o.eps, "batch_norm");
  const std::int64_t channels = a.shape()[1];
  Running running(running_mean, running_var, channels, "batch_norm", o.momentum, o.training);
  if (!o.training) {
    if (!running_mean.defined())
      throw ValueError("batch_norm: without training=True it needs running_mean and running_var");
    return constant_norm(a, running, o.eps, weight, bias);
  }
  const std::int64_t count = channels > 0 ? a.numel() / channels : 0;
  if (count == 1)
    throw ValueError(
        fmt::format("batch_norm: training needs more than one value for each channel, x of shape {} has "
                    "one; use a larger batch, or training=False",
                    to_string(a.shape())));
  const Norm<NormKind::batch> op{{.kind = NormKind::batch, .eps = o.eps}, NormStatistics(channels)};
  Tensor z = record_norm(op, a, weight, bias, {channels});
  if (count > 1) running.update(op.known, static_cast<double>(count) / static_cast<double>(count - 1));
  return z;
}

Tensor layer_norm(const Operand& x, const Shape& normalized_shape, const Tensor& weight, const Tensor& bias,
                  double eps) {
  return norm_of_last_axes<NormKind::layer>(x, normalized_shape, weight, bias, eps);
}

Tensor rms_norm(const Operand& x, const Shape& normalized_shape, const Tensor& weight, std::optional<double> eps) {
  const DType d = x.is_number() ? default_dtype() : as_floating(tensor_argument(x, "rms_norm")).dtype();
  const double spacing = d == DType::float64 ? std::numeric_limits<double>::epsilon()
                                             : static_cast<double>(std::numeric_limits<float>::epsilon());
  return norm_of_last_axes<NormKind::rms>(x, normalized_shape, weight, {}, eps.value_or(spacing));
}

Tensor group_norm(const Operand& x, std::int64_t num_groups, const Tensor& weight, const Tensor& bias, double eps) {
  const CalledFrom caller(x.where());
  const Tensor a = image_argument(x, "group_norm");
  expect_eps(eps, "group_norm");
  const std::int64_t channels = a.shape()[1];
  if (num_groups < 1 || channels % num_groups != 0)
    throw ValueError(fmt::format("group_norm: {} channels cannot be cut into {} equal groups, x has shape {}", channels,
                                 num_groups, to_string(a.shape())));
  const Norm<NormKind::group> op{{.kind = NormKind::group, .eps = eps, .groups = num_groups},
                                 NormStatistics(a.shape()[0] * num_groups)};
  return record_norm(op, a, weight, bias, {channels});
}

Tensor instance_norm(const Operand& x, const Tensor& running_mean, const Tensor& running_var, const Tensor& weight,
                     const Tensor& bias, const InstanceNormOptions& o) {
  const CalledFrom caller(x.where());
  const Tensor a = image_argument(x, "instance_norm");
  expect_eps(o.eps, "instance_norm");
  const std::int64_t channels = a.shape()[1], lines = a.shape()[0] * channels, n = lines > 0 ? a.numel() / lines : 0;
  Running running(running_mean, running_var, channels, "instance_norm", o.momentum, o.use_input_stats);
  if (!o.use_input_stats) {
    if (!running_mean.defined())
      throw ValueError("instance_norm: without use_input_stats it needs running_mean and running_var");
    return constant_norm(a, running, o.eps, weight, bias);
  }
  if (n == 1)
    throw ValueError(
        fmt::format("instance_norm: needs more than one value for each channel of a sample, x of shape {} "
                    "has one",
                    to_string(a.shape())));
  const Norm<NormKind::instance> op{{.kind = NormKind::instance, .eps = o.eps}, NormStatistics(lines)};
  Tensor z = record_norm(op, a, weight, bias, {channels});
  if (n > 1) running.update(op.known, static_cast<double>(n) / static_cast<double>(n - 1));
  return z;
}

Family norm_family() {
  static constexpr const OpInfo* ops[] = {&Norm<NormKind::batch>::info, &Norm<NormKind::layer>::info,
                                          &Norm<NormKind::group>::info, &Norm<NormKind::instance>::info,
                                          &Norm<NormKind::rms>::info,   &NormGrad::info,
                                          &NormWeightGrad::info};
  static const Function functions[] = {
      {"batch_norm",
       "input, running_mean, running_var, weight=None, bias=None, training=False, momentum=0.1, eps=1e-05",
       [](const Arguments& a) -> Value {
         return batch_norm(a.operand(0), a.optional_tensor(1), a.optional_tensor(2), a.optional_tensor(3),
                           a.optional_tensor(4), {.training = a.flag(5), .momentum = a.number(6), .eps = a.number(7)});
       },
       "batch_norm(x, None, None, w, b, training=True)", "x=[[1,2],[3,5],[-1,4]] w=[1,2] b=[0,1]"},
      {"layer_norm", "input, normalized_shape, weight=None, bias=None, eps=1e-05",
       [](const Arguments& a) -> Value {
         return layer_norm(a.operand(0), a.shape(1), a.optional_tensor(2), a.optional_tensor(3), a.number(4));
       },
       "layer_norm(x, [3], w, b)", "x=[[1,2,4],[3,5,-1]] w=[1,2,3] b=[0,1,2]"},
      {"group_norm", "input, num_groups, weight=None, bias=None, eps=1e-05",
       [](const Arguments& a) -> Value {
         return group_norm(a.operand(0), a.integer(1), a.optional_tensor(2), a.optional_tensor(3), a.number(4));
       },
       "group_norm(x, 2, w, b)", "x=[[1,2,4,0],[3,5,-1,1]] w=[1,2,3,4] b=[0,1,2,3]"},
      {"instance_norm",
       "input, running_mean=None, running_var=None, weight=None, bias=None, use_input_stats=True, momentum=0.1, "
       "eps=1e-05",
       [](const Arguments& a) -> Value {
         return instance_norm(a.operand(0), a.optional_tensor(1), a.optional_tensor(2), a.optional_tensor(3),
                              a.optional_tensor(4),
                              {.use_input_stats = a.flag(5), .momentum = a.number(6), .eps = a.number(7)});
       },
       "instance_norm(x, weight=w, bias=b)", "x=[[[1,2,4],[3,5,-1]]] w=[1,2] b=[0,1]"},
      {"rms_norm", "input, normalized_shape, weight=None, eps=None",
       [](const Arguments& a) -> Value {
         return rms_norm(a.operand(0), a.shape(1), a.optional_tensor(2), a.optional_number(3));
       },
       "rms_norm(x, [3], w)", "x=[[1,2,4],[3,5,-1]] w=[1,2,3]"},
  };
  return {ops, functions};
}

}  // namespace chainrule
