// AlexNet: Krizhevsky, Sutskever and Hinton, "ImageNet classification with deep convolutional neural networks", NIPS
// 2012, with its local response normalisation and the two groups of its two graphics cards.
#pragma once

#include "nn/layers.h"

namespace chainrule {

struct AlexNetOptions {
  std::int64_t num_classes = 1000, in_channels = 3;
  double dropout = 0.5;
  Init init = kaiming_normal;
};

/// For 224 x 224. 60,965,224 parameters.
class AlexNet : public Module {
 public:
  using Options = AlexNetOptions;
  explicit AlexNet(const Options& options = {});

 protected:
  Tensor forward(const Tensor& x) override;

 private:
  Child<Sequential> features_;
  Child<AdaptiveAvgPool2d> avgpool_;
  Child<Sequential> classifier_;
};

/// The same order of layers for 28 x 28 and 32 x 32, with an eighth to a quarter of the filters.
class SmallAlexNet : public Module {
 public:
  using Options = AlexNetOptions;
  explicit SmallAlexNet(const Options& options = {.num_classes = 10, .in_channels = 1});

 protected:
  Tensor forward(const Tensor& x) override;

 private:
  Child<Sequential> features_;
  Child<AdaptiveAvgPool2d> avgpool_;
  Child<Sequential> classifier_;
};

}  // namespace chainrule
