// Layers that apply a function to each number.
#pragma once

#include "nn/child.h"

namespace chainrule {

class ReLU : public Module {
 public:
  ReLU() = default;

 protected:
  Tensor forward(const Tensor& x) override;
};

}  // namespace chainrule
