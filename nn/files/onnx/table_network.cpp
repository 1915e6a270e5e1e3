// Rows of the table: normalisation and losses.
#include <fmt/format.h>

#include <algorithm>

#include "engine/factory.h"
#include "engine/types/error.h"
#include "nn/files/onnx/reader.h"
#include "nn/files/onnx/table.h"
#include "nn/files/onnx/writer.h"
#include "ops/ops.h"

namespace chainrule::internal {
namespace {

/// The recorded weight (input 1) or bias (input 2), or one that changes nothing.
std::string weight_or(OnnxWriter& w, std::size_t i, const Shape& shape) {
  if (w.inputs() > i) return w.in(i);
  return w.constant(full(shape, i == 1 ? 1 : 0, {.dtype = w.dtype()}));
}

/// The operation keeps its running mean and variance to itself. They are the buffers of that name with which the
/// example gives the recorded result again, bit for bit.
std::string write_batch_norm(OnnxWriter& w) {
  const Shape channels{w.shape(0)[1]};
  const Tensor weight = w.inputs() > 1 ? w.value(1) : Tensor(), bias = w.inputs() > 2 ? w.value(2) : Tensor();
  const double eps = w.number("eps");
  const auto variances = w.known("running_var");
  for (const auto& [name, mean] : w.known("running_mean")) {
    const std::string other = name.substr(0, name.size() - 4) + "var";
    const auto var = std::find_if(variances.begin(), variances.end(), [&](const auto& v) { return v.name == other; });
    if (var == variances.end() || mean.shape() != channels || var->tensor.shape() != channels) continue;
    const NoGrad compute_only;
    const Tensor again = batch_norm(w.value(0), mean, var->tensor, weight, bias, {.eps = eps});
    if (again.to_vector() != w.result().to_vector()) continue;
    return w.add("BatchNormalization", {w.in(0), weight_or(w, 1, channels), weight_or(w, 2, channels), name, other},
                 {{"epsilon", eps}});
  }
  w.refuse("its mean and variance are no buffers running_mean and running_var of the network, or those of the batch");
}

std::string write_layer_norm(OnnxWriter& w) {
  const std::vector<std::int64_t> last = w.integers("normalized_shape");
  const Shape shape(last.begin(), last.end());
  std::vector<std::string> inputs{w.in(0), weight_or(w, 1, shape)};
  if (w.inputs() > 2) inputs.push_back(w.in(2));
  return w.add("LayerNormalization", std::move(inputs),
               {{"axis", -static_cast<std::int64_t>(last.size())}, {"epsilon", w.number("eps")}});
}

/// Groups of channels are the channels of another shape.
std::string write_group_norm(OnnxWriter& w) {
  const Shape s = w.shape(0);
  const Shape groups{w.integer("num_groups")};
  const std::string folded = w.add("Reshape", {w.in(0), w.constant(std::vector<std::int64_t>{0, groups[0], -1})});
  const std::string z =
      w.add("InstanceNormalization",
            {folded, w.constant(ones(groups, {.dtype = w.dtype()})), w.constant(zeros(groups, {.dtype = w.dtype()}))},
            {{"epsilon", w.number("eps")}});
  std::vector<std::int64_t> sizes(s.begin(), s.end());
  sizes[0] = 0;
  std::string result = w.add("Reshape", {z, w.constant(sizes)});
  std::vector<std::int64_t> beside(s.size() - 1, 1);
  beside[0] = s[1];
  if (w.inputs() > 1) result = w.add("Mul", {result, w.add("Reshape", {w.in(1), w.constant(beside)})});
  if (w.inputs() > 2) result = w.add("Add", {result, w.add("Reshape", {w.in(2), w.constant(beside)})});
  return result;
}

std::string write_instance_norm(OnnxWriter& w) {
  const Shape channels{w.shape(0)[1]};
  return w.add("InstanceNormalization", {w.in(0), weight_or(w, 1, channels), weight_or(w, 2, channels)},
               {{"epsilon", w.number("eps")}});
}

std::string write_rms_norm(OnnxWriter& w) {
  std::vector<std::int64_t> axes;
  for (std::size_t i = w.integers("normalized_shape").size(); i > 0; --i) axes.push_back(-static_cast<std::int64_t>(i));
  const std::string x = w.in(0);
  const std::string square =
      w.add("ReduceMean", {w.add("Mul", {x, x})}, {{"axes", axes}, {"keepdims", std::int64_t{1}}});
  const std::string z = w.add("Div", {x, w.add("Sqrt", {w.add("Add", {square, w.scalar(w.number("eps"))})})});
  return w.inputs() > 1 ? w.add("Mul", {z, w.in(1)}) : z;
}

Tensor read_batch_norm(OnnxReader& r) {
  if (r.integer("training_mode", 0) != 0) r.refuse("it is meant for training (training_mode = 1)");
  if (r.opset() < 7 && r.integer("is_test", 0) == 0) r.refuse("it is meant for training (is_test = 0)");
  if (r.integer("spatial", 1) != 1) r.refuse("it has spatial = 0");
  for (std::size_t i = 1; i < r.outputs(); ++i)
    if (r.wants(i)) r.refuse("it gives running values, which is for training");
  return batch_norm(r.in(0), r.in(3).detach(), r.in(4).detach(), r.in(1), r.in(2), {.eps = r.number("epsilon", 1e-5)});
}

Tensor read_layer_norm(OnnxReader& r) {
  const Tensor &x = r.in(0), &scale = r.in(1);
  if (r.integer("stash_type", 1) != 1 && r.integer("stash_type", 1) != 11)
    r.refuse("its stash_type is neither float nor double");
  const int axis = normal_axis(r.integer("axis", -1), x.dim(), "LayerNormalization");
  const Shape last(x.shape().begin() + axis, x.shape().end());
  const double eps = r.number("epsilon", 1e-5);
  Axes axes;
  for (int i = axis; i < x.dim(); ++i) axes.push_back(i);
  if (r.wants(1)) r.set(1, mean(x, axes, true));
  if (r.wants(2)) r.set(2, rsqrt(var(x, axes, 0, true) + eps));
  const Tensor bias = r.optional(2);
  if (scale.shape() == last && (!bias.defined() || bias.shape() == last)) return layer_norm(x, last, scale, bias, eps);
  const Tensor z = layer_norm(x, last, {}, {}, eps) * scale;
  return bias.defined() ? z + bias : z;
}

Tensor read_instance_norm(OnnxReader& r) {
  return instance_norm(r.in(0), {}, {}, r.in(1), r.in(2), {.eps = r.number("epsilon", 1e-5)});
}

Tensor read_lrn(OnnxReader& r) {
  return local_response_norm(r.in(0), r.integer("size"), r.number("alpha", 1e-4), r.number("beta", 0.75),
                             r.number("bias", 1));
}

Tensor read_mean_variance(OnnxReader& r) {
  const Axes axes(r.integers("axes", {0, 2, 3}));
  const Tensor& x = r.in(0);
  const Tensor average = mean(x, axes, true);
  return (x - average) / (sqrt(mean(square(x), axes, true) - square(average)) + 1e-9);
}

Tensor read_lp_norm(OnnxReader& r) {
  const std::int64_t p = r.integer("p", 2);
  if (p != 1 && p != 2) r.refuse(fmt::format("its p is {}", p));
  return r.in(0) / norm(r.in(0), static_cast<double>(p), {r.integer("axis", -1)}, true);
}

Reduction reduction_of(OnnxReader& r) {
  const std::string how = r.word("reduction", "mean");
  if (how == "mean") return Reduction::mean;
  if (how == "sum") return Reduction::sum;
  if (how != "none") r.refuse(fmt::format("its reduction is '{}'", how));
  return Reduction::none;
}

Tensor read_nll(OnnxReader& r) {
  return nll_loss(
      r.in(0), r.in(1),
      {.weight = r.optional(2), .ignore_index = r.integer("ignore_index", -100), .reduction = reduction_of(r)});
}

Tensor read_cross_entropy(OnnxReader& r) {
  if (r.wants(1)) r.set(1, log_softmax(r.in(0), 1));
  return cross_entropy(
      r.in(0), r.in(1),
      CrossEntropyOptions{
          .weight = r.optional(2), .ignore_index = r.integer("ignore_index", -100), .reduction = reduction_of(r)});
}

}  // namespace

std::span<const OnnxRow> onnx_network_rows() {
  static const OnnxRow rows[] = {
      {"batch_norm", "BatchNormalization", write_batch_norm, read_batch_norm,
       "epsilon momentum spatial training_mode is_test", 0, 24},
      {"layer_norm", "LayerNormalization", write_layer_norm, read_layer_norm, "axis epsilon stash_type"},
      {"group_norm", "", write_group_norm},
      {"instance_norm", "InstanceNormalization", write_instance_norm, read_instance_norm, "epsilon"},
      {"rms_norm", "", write_rms_norm},
      {"", "LRN", nullptr, read_lrn, "alpha beta bias size"},
      {"", "MeanVarianceNormalization", nullptr, read_mean_variance, "axes"},
      {"", "LpNormalization", nullptr, read_lp_norm, "axis p"},
      {"", "NegativeLogLikelihoodLoss", nullptr, read_nll, "ignore_index reduction"},
      {"", "SoftmaxCrossEntropyLoss", nullptr, read_cross_entropy, "ignore_index reduction"},
  };
  return rows;
}

}  // namespace chainrule::internal
