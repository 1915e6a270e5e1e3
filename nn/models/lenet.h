// LeNet-5: LeCun, Bottou, Bengio and Haffner, "Gradient-based learning applied to document recognition", Proceedings of
// the IEEE 1998. With full connections between its second subsampling and third convolution: 61,706 parameters.
#pragma once

#include "nn/layers.h"

namespace chainrule {

class LeNet5 : public Module {
 public:
  struct Options {
    /// false: ReLU and max pooling, as it is taught today. true: 1998, `activation` and averages (subsampling, without
    /// their trained factors).
    bool original = false;
    std::string activation = "Sigmoid()";  ///< of the original: or "Tanh()"
    std::int64_t image_size = 28;          ///< or 32
    std::int64_t num_classes = 10, in_channels = 1;
    Init init = kaiming_normal;  ///< the original form starts better from xavier_normal
  };
  explicit LeNet5(const Options& options);
  LeNet5() : LeNet5(Options()) {}

 protected:
  Tensor forward(const Tensor& x) override;

 private:
  Child<Sequential> features_, classifier_;
};

}  // namespace chainrule
