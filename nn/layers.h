// Layers: parameters beside the operation that uses them. No backward rule and no loop over elements lives here.
#pragma once

#include <optional>

#include "nn/containers.h"
#include "nn/init.h"
#include "ops/ops.h"

namespace chainrule {

/// x W^T + b: (..., in) to (..., out). Weights start from He's initialisation, biases from 0.
class Linear : public Module {
 public:
  struct Options {
    bool bias = true;
    Init init = kaiming_normal;
  };
  Linear(std::int64_t in_features, std::int64_t out_features, Options options);
  Linear(std::int64_t in_features, std::int64_t out_features) : Linear(in_features, out_features, Options()) {}

  Parameter weight;               ///< (out, in)
  std::optional<Parameter> bias;  ///< (out)

 protected:
  Tensor forward(const Tensor& x) override;
};

/// Convolution of (N, C, H, W) images with `out_channels` filters. Weights start from He's initialisation, biases from
/// 0.
class Conv2d : public Module {
 public:
  struct Options {
    Size2 kernel_size = 3;
    Size2 stride = 1, padding = 0, dilation = 1;
    std::int64_t groups = 1;
    bool bias = true;
    Init init = kaiming_normal;
  };
  Conv2d(std::int64_t in_channels, std::int64_t out_channels, Options options);

  Parameter weight;               ///< (out, in / groups, kernel_h, kernel_w)
  std::optional<Parameter> bias;  ///< (out)

 protected:
  Tensor forward(const Tensor& x) override;

 private:
  Options options_;
};

class ReLU : public Module {
 public:
  ReLU() = default;

 protected:
  Tensor forward(const Tensor& x) override;
};

class MaxPool2d : public Module {
 public:
  using Options = PoolOptions;
  MaxPool2d(Size2 kernel_size, Options options = {}) : kernel_size_(kernel_size), options_(options) {}

 protected:
  Tensor forward(const Tensor& x) override;

 private:
  Size2 kernel_size_;
  Options options_;
};

/// Joins the axes from start_dim on: (N, C, H, W) to (N, C H W).
class Flatten : public Module {
 public:
  explicit Flatten(std::int64_t start_dim = 1, std::int64_t end_dim = -1) : start_dim_(start_dim), end_dim_(end_dim) {}

 protected:
  Tensor forward(const Tensor& x) override;

 private:
  std::int64_t start_dim_, end_dim_;
};

}  // namespace chainrule
