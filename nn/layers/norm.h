// Layers that normalise: x less its mean, divided by its deviation. Weights start from 1, biases from 0.
#pragma once

#include <optional>

#include "nn/layers/applied.h"

namespace chainrule {

namespace internal {
/// What BatchNorm and InstanceNorm share: optional weight and bias, and running statistics as buffers.
class RunningNorm : public Module {
 public:
  std::optional<Parameter> weight, bias;            ///< (num_features), with `affine`
  std::optional<Buffer> running_mean, running_var;  ///< (num_features), with `track_running_stats`; from 0 and 1
  std::optional<Buffer> num_batches_tracked;        ///< (), int64; InstanceNorm leaves it at 0, as torch does

 protected:
  RunningNorm(const char* layer, std::int64_t num_features, double eps, bool affine, bool track);
  /// Checks x before anything changes.
  void check(const Tensor& x, std::initializer_list<int> axes, const char* shape) const;
  const char* layer_;
  std::int64_t num_features_;
};

class BatchNorm : public RunningNorm {
 public:
  struct Options {
    double eps = 1e-5;
    std::optional<double> momentum = 0.1;  ///< the share of the new value; none: the mean of all batches so far
    bool affine = true, track_running_stats = true;
  };
  std::string arguments() const override;

 protected:
  BatchNorm(const char* layer, std::int64_t num_features, const Options& options);
  Tensor normalise(const Tensor& x);

 private:
  Options options_;
};

class InstanceNorm : public RunningNorm {
 public:
  struct Options {
    double eps = 1e-5;
    double momentum = 0.1;
    bool affine = false, track_running_stats = false;
  };
  std::string arguments() const override;

 protected:
  InstanceNorm(const char* layer, std::int64_t num_features, const Options& options);
  Tensor normalise(const Tensor& x);

 private:
  Options options_;
};
}  // namespace internal

/// Each channel over the batch: x (N, C) or (N, C, L). Ioffe and Szegedy, "Batch normalization", ICML 2015.
///
/// It has two estimators of the variance: training divides by sqrt of the biased one, sum / n, of the batch, and moves
/// running_var, which evaluation divides by, towards the unbiased one, sum / (n - 1). With n = 1 the second does not
/// exist, so training refuses one value per channel with ValueError, before any buffer changes. An empty batch changes
/// nothing.
class BatchNorm1d : public internal::BatchNorm {
 public:
  explicit BatchNorm1d(std::int64_t num_features, Options options = {})
      : BatchNorm("BatchNorm1d", num_features, options) {}

 protected:
  Tensor forward(const Tensor& x) override;
};
/// The same for x (N, C, H, W).
class BatchNorm2d : public internal::BatchNorm {
 public:
  explicit BatchNorm2d(std::int64_t num_features, Options options = {})
      : BatchNorm("BatchNorm2d", num_features, options) {}

 protected:
  Tensor forward(const Tensor& x) override;
};

/// Each channel of each sample: x (N, C, L). Ulyanov et al., "Instance normalization", 2016.
class InstanceNorm1d : public internal::InstanceNorm {
 public:
  explicit InstanceNorm1d(std::int64_t num_features, Options options = {})
      : InstanceNorm("InstanceNorm1d", num_features, options) {}

 protected:
  Tensor forward(const Tensor& x) override;
};
/// The same for x (N, C, H, W).
class InstanceNorm2d : public internal::InstanceNorm {
 public:
  explicit InstanceNorm2d(std::int64_t num_features, Options options = {})
      : InstanceNorm("InstanceNorm2d", num_features, options) {}

 protected:
  Tensor forward(const Tensor& x) override;
};

/// Over the last axes, whose sizes are normalized_shape. Ba, Kiros and Hinton, "Layer normalization", 2016.
class LayerNorm : public Module {
 public:
  struct Options {
    double eps = 1e-5;
    bool elementwise_affine = true;
  };
  LayerNorm(const Shape& normalized_shape, Options options);
  explicit LayerNorm(const Shape& normalized_shape) : LayerNorm(normalized_shape, Options()) {}

  std::optional<Parameter> weight, bias;  ///< normalized_shape
  std::string arguments() const override;

 protected:
  Tensor forward(const Tensor& x) override;

 private:
  Shape shape_;
  double eps_;
};

/// x / sqrt(mean(x^2) + eps) over the last axes. Zhang and Sennrich, "Root mean square layer normalization", 2019.
class RMSNorm : public Module {
 public:
  struct Options {
    std::optional<double> eps{};  ///< default: the spacing of x's element type at 1
    bool elementwise_affine = true;
  };
  RMSNorm(const Shape& normalized_shape, Options options);
  explicit RMSNorm(const Shape& normalized_shape) : RMSNorm(normalized_shape, Options()) {}

  std::optional<Parameter> weight;  ///< normalized_shape
  std::string arguments() const override;

 protected:
  Tensor forward(const Tensor& x) override;

 private:
  Shape shape_;
  std::optional<double> eps_;
};

/// Over groups of channels of each sample: x (N, C, ...). Wu and He, "Group normalization", ECCV 2018.
class GroupNorm : public Module {
 public:
  struct Options {
    double eps = 1e-5;
    bool affine = true;
  };
  GroupNorm(std::int64_t num_groups, std::int64_t num_channels, Options options);
  GroupNorm(std::int64_t num_groups, std::int64_t num_channels) : GroupNorm(num_groups, num_channels, Options()) {}

  std::optional<Parameter> weight, bias;  ///< (num_channels)
  std::string arguments() const override;

 protected:
  Tensor forward(const Tensor& x) override;

 private:
  std::int64_t num_groups_, num_channels_;
  double eps_;
};

struct LocalResponseNormOptions {
  double alpha = 1e-4, beta = 0.75, k = 1;
};
/// x / (k + alpha * mean of x^2 over `size` channels around)^beta: AlexNet's.
struct LocalResponseNorm : internal::Applied<local_response_norm> {
  using Options = LocalResponseNormOptions;
  explicit LocalResponseNorm(std::int64_t size, Options options = {});
};

}  // namespace chainrule
