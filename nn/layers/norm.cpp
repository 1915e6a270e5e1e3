#include "nn/layers/norm.h"

#include <fmt/format.h>

#include "nn/layers/arguments.h"
#include "nn/layers/checks.h"

namespace chainrule {
namespace {

const Shape& check_shape(const Shape& shape, const char* layer) {
  if (shape.empty()) throw ValueError(fmt::format("{}: normalized_shape names at least one axis", layer));
  for (const auto size : shape) positive(size, layer, "normalized_shape");
  return shape;
}

}  // namespace

namespace internal {

RunningNorm::RunningNorm(const char* layer, std::int64_t num_features, double eps, bool affine, bool track)
    : layer_(layer), num_features_(positive(num_features, layer, "num_features")) {
  not_negative(eps, layer, "eps");
  if (affine) {
    weight.emplace(*this, "weight", ones({num_features}));
    bias.emplace(*this, "bias", zeros({num_features}));
  }
  if (track) {
    running_mean.emplace(*this, "running_mean", zeros({num_features}));
    running_var.emplace(*this, "running_var", ones({num_features}));
    num_batches_tracked.emplace(*this, "num_batches_tracked", zeros(Shape{}, DType::int64));
  }
}

void RunningNorm::check(const Tensor& x, std::initializer_list<int> axes, const char* shape) const {
  expect_axes(x, axes, layer_, shape);
  if (x.shape()[1] != num_features_)
    throw ShapeError(fmt::format("{}: x {} has {} channels on axis 1, the layer {}", layer_, to_string(x.shape()),
                                 x.shape()[1], num_features_));
  if (weight) expect_type_of(x, *weight, layer_);
  if (running_mean) expect_type_of(x, *running_mean, layer_);
}

BatchNorm::BatchNorm(const char* layer, std::int64_t num_features, const Options& options)
    : RunningNorm(layer, num_features, options.eps, options.affine, options.track_running_stats), options_(options) {
  if (options.momentum) between(*options.momentum, 0, 1, layer, "momentum");
}

Tensor BatchNorm::normalise(const Tensor& x) {
  double share = options_.momentum.value_or(0);
  if (!options_.momentum && is_training() && num_batches_tracked) share = 1 / (num_batches_tracked->to_vector()[0] + 1);
  Tensor z = batch_norm(x, or_none(running_mean), or_none(running_var), or_none(weight), or_none(bias),
                        {.training = is_training() || !running_mean, .momentum = share, .eps = options_.eps});
  if (is_training() && num_batches_tracked && x.numel() > 0) {
    const NoGrad change;
    num_batches_tracked->copy_(Tensor(*num_batches_tracked) + 1);
  }
  return z;
}

InstanceNorm::InstanceNorm(const char* layer, std::int64_t num_features, const Options& options)
    : RunningNorm(layer, num_features, options.eps, options.affine, options.track_running_stats), options_(options) {
  between(options.momentum, 0, 1, layer, "momentum");
}

Tensor InstanceNorm::normalise(const Tensor& x) {
  return instance_norm(
      x, or_none(running_mean), or_none(running_var), or_none(weight), or_none(bias),
      {.use_input_stats = is_training() || !running_mean, .momentum = options_.momentum, .eps = options_.eps});
}

namespace {
template <class Options>
std::string text_of(std::int64_t num_features, const Options& o) {
  const Options usual;
  ArgumentsText text;
  if (!o.affine && !o.track_running_stats) text.add("num_features", num_features);
  text.unless(usual.eps, "eps", o.eps).unless(usual.momentum, "momentum", o.momentum);
  text.unless(usual.affine, "affine", o.affine);
  return text.unless(usual.track_running_stats, "track_running_stats", o.track_running_stats).text();
}
}  // namespace

std::string BatchNorm::arguments() const { return text_of(num_features_, options_); }
std::string InstanceNorm::arguments() const { return text_of(num_features_, options_); }

}  // namespace internal

Tensor BatchNorm1d::forward(const Tensor& x) {
  const CalledFrom caller(called_from());
  check(x, {2, 3}, "(N, C) or (N, C, L)");
  return normalise(x);
}
Tensor BatchNorm2d::forward(const Tensor& x) {
  const CalledFrom caller(called_from());
  check(x, {4}, "(N, C, H, W)");
  return normalise(x);
}
Tensor InstanceNorm1d::forward(const Tensor& x) {
  const CalledFrom caller(called_from());
  check(x, {3}, "(N, C, L)");
  return normalise(x);
}
Tensor InstanceNorm2d::forward(const Tensor& x) {
  const CalledFrom caller(called_from());
  check(x, {4}, "(N, C, H, W)");
  return normalise(x);
}

LayerNorm::LayerNorm(const Shape& normalized_shape, Options options)
    : shape_(check_shape(normalized_shape, "LayerNorm")), eps_(not_negative(options.eps, "LayerNorm", "eps")) {
  if (!options.elementwise_affine) return;
  weight.emplace(*this, "weight", ones(shape_));
  bias.emplace(*this, "bias", zeros(shape_));
}
Tensor LayerNorm::forward(const Tensor& x) {
  const CalledFrom caller(called_from());
  if (weight) expect_type_of(x, *weight, "LayerNorm");
  return layer_norm(x, shape_, or_none(weight), or_none(bias), eps_);
}

RMSNorm::RMSNorm(const Shape& normalized_shape, Options options)
    : shape_(check_shape(normalized_shape, "RMSNorm")), eps_(options.eps) {
  if (eps_) not_negative(*eps_, "RMSNorm", "eps");
  if (options.elementwise_affine) weight.emplace(*this, "weight", ones(shape_));
}
Tensor RMSNorm::forward(const Tensor& x) {
  const CalledFrom caller(called_from());
  if (weight) expect_type_of(x, *weight, "RMSNorm");
  return rms_norm(x, shape_, or_none(weight), eps_);
}

GroupNorm::GroupNorm(std::int64_t num_groups, std::int64_t num_channels, Options options)
    : num_groups_(positive(num_groups, "GroupNorm", "num_groups")),
      num_channels_(positive(num_channels, "GroupNorm", "num_channels")),
      eps_(not_negative(options.eps, "GroupNorm", "eps")) {
  if (num_channels % num_groups)
    throw ValueError(fmt::format("GroupNorm: num_groups {} must divide num_channels {}", num_groups, num_channels));
  if (!options.affine) return;
  weight.emplace(*this, "weight", ones({num_channels}));
  bias.emplace(*this, "bias", zeros({num_channels}));
}
Tensor GroupNorm::forward(const Tensor& x) {
  const CalledFrom caller(called_from());
  expect_value(x, "GroupNorm");
  if (x.dim() < 2 || x.shape()[1] != num_channels_)
    throw ShapeError(fmt::format("GroupNorm: x is (N, {}, ...), not of shape {}", num_channels_, to_string(x.shape())));
  if (weight) expect_type_of(x, *weight, "GroupNorm");
  return group_norm(x, num_groups_, or_none(weight), or_none(bias), eps_);
}

LocalResponseNorm::LocalResponseNorm(std::int64_t size, Options o)
    : Applied(positive(size, "LocalResponseNorm", "size"), o.alpha, o.beta, o.k) {}

std::string LayerNorm::arguments() const {
  internal::ArgumentsText text;
  if (!weight) text.add("normalized_shape", shape_).add("elementwise_affine", false);
  return text.unless(1e-5, "eps", eps_).text();
}
std::string RMSNorm::arguments() const {
  internal::ArgumentsText text;
  if (!weight) text.add("normalized_shape", shape_).add("elementwise_affine", false);
  return text.unless(std::optional<double>(), "eps", eps_).text();
}
std::string GroupNorm::arguments() const {
  internal::ArgumentsText text;
  text.add("num_groups", num_groups_);
  if (!weight) text.add("num_channels", num_channels_).add("affine", false);
  return text.unless(1e-5, "eps", eps_).text();
}

}  // namespace chainrule
