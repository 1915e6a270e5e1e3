// Normalisation. Means and variances of a training pass are taken from x and differentiated through; variances are
// biased (divided by n), as in the papers. Weight and bias are optional and count as 1 and 0.
#pragma once

#include <optional>

#include "engine/operand.h"
#include "ops/options.h"

namespace chainrule {

struct BatchNormOptions {
  bool training = false;
  double momentum = 0.1;  ///< the share of the new value in the running one
  double eps = 1e-5;
};
/// (x - mean) / sqrt(var + eps) * weight + bias over all axes but 1 (Ioffe and Szegedy 2015); x (N, C) or (N, C, ...).
/// Training takes mean and biased variance from x, and moves the running ones, if given, towards the mean and the
/// unbiased variance (n - 1), in place: they must be leaves. Otherwise the running ones are used, as constants.
/// Throws ValueError when training sees one value for each channel, before anything is changed; an empty batch changes
/// nothing.
Tensor batch_norm(const Operand& x, const Tensor& running_mean = {}, const Tensor& running_var = {},
                  const Tensor& weight = {}, const Tensor& bias = {}, const BatchNormOptions& options = {});

/// Over the last axes, whose sizes are normalized_shape (Ba, Kiros and Hinton 2016); weight and bias have that shape.
Tensor layer_norm(const Operand& x, const Shape& normalized_shape, const Tensor& weight = {}, const Tensor& bias = {},
                  double eps = 1e-5);

/// Over groups of C / num_groups channels of each sample (Wu and He 2018); weight and bias (C,).
Tensor group_norm(const Operand& x, std::int64_t num_groups, const Tensor& weight = {}, const Tensor& bias = {},
                  double eps = 1e-5);

struct InstanceNormOptions {
  bool use_input_stats = true;  ///< false: the running ones, as constants
  double momentum = 0.1;
  double eps = 1e-5;
};
/// Over each channel of each sample (Ulyanov et al. 2016), x (N, C, ...). Running values, if given, move towards the
/// samples' mean of means and of unbiased variances.
Tensor instance_norm(const Operand& x, const Tensor& running_mean = {}, const Tensor& running_var = {},
                     const Tensor& weight = {}, const Tensor& bias = {}, const InstanceNormOptions& options = {});

/// x / sqrt(mean(x^2) + eps) * weight over the last axes (Zhang and Sennrich 2019). eps: by default the spacing of x's
/// dtype at 1.
Tensor rms_norm(const Operand& x, const Shape& normalized_shape, const Tensor& weight = {},
                std::optional<double> eps = {});

}  // namespace chainrule
