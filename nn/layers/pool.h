// Layers that give one number for each window of an image.
#pragma once

#include "nn/child.h"
#include "ops/ops.h"

namespace chainrule {

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

}  // namespace chainrule
