// Layers that leave numbers out while training, and do nothing in evaluation. The masks come from the default
// generator. Srivastava et al., "Dropout: a simple way to prevent neural networks from overfitting", JMLR 2014.
#pragma once

#include "nn/child.h"

namespace chainrule {

/// Zeros with probability p, the rest divided by 1 - p.
class Dropout : public Module {
 public:
  explicit Dropout(double p = 0.5);
  std::string arguments() const override;

 protected:
  Tensor forward(const Tensor& x) override;

 private:
  double p_;
};

/// Leaves out whole channels of x (N, C, ...). Tompson et al., "Efficient object localization using convolutional
/// networks", CVPR 2015.
class Dropout2d : public Module {
 public:
  explicit Dropout2d(double p = 0.5);
  std::string arguments() const override;

 protected:
  Tensor forward(const Tensor& x) override;

 private:
  double p_;
};

}  // namespace chainrule
