// Layers of filters that slide over images.
#pragma once

#include <optional>

#include "nn/child.h"
#include "nn/init.h"
#include "ops/ops.h"

namespace chainrule {

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

}  // namespace chainrule
