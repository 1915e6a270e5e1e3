// VGG: Simonyan and Zisserman, "Very deep convolutional networks for large-scale image recognition", ICLR 2015. Blocks
// of 3 x 3 convolutions, each block followed by a pool.
#pragma once

#include <vector>

#include "nn/layers.h"

namespace chainrule {

class VGG : public Module {
 public:
  struct Options {
    bool batch_norm = false;
    std::int64_t num_classes = 1000, in_channels = 3;
    double dropout = 0.5;
    Init init = kaiming_normal;
  };
  /// `blocks`: the filters of each convolution of each block. The classifier has two hidden layers on `pooled` x
  /// `pooled` averages.
  VGG(const std::vector<std::vector<std::int64_t>>& blocks, std::int64_t pooled, std::int64_t hidden,
      const Options& options);

 protected:
  Tensor forward(const Tensor& x) override;

 private:
  Child<Sequential> features_;
  Child<AdaptiveAvgPool2d> avgpool_;
  Child<Sequential> classifier_;
};

/// For 224 x 224. 132,863,336 parameters, 132,868,840 with batch norm.
struct VGG11 : VGG {
  explicit VGG11(const Options& options = {});
};
/// 138,357,544 parameters, 138,365,992 with batch norm.
struct VGG16 : VGG {
  explicit VGG16(const Options& options = {});
};
/// 143,667,240 parameters, 143,678,248 with batch norm.
struct VGG19 : VGG {
  explicit VGG19(const Options& options = {});
};
/// For 28 x 28 and 32 x 32: blocks of 32, 64 and 128 filters.
struct SmallVGG : VGG {
  explicit SmallVGG(const Options& options = {.batch_norm = true, .num_classes = 10, .in_channels = 1});
};

}  // namespace chainrule
