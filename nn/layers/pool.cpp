#include "nn/layers/pool.h"

namespace chainrule {

Tensor MaxPool2d::forward(const Tensor& x) {
  const CalledFrom caller(called_from());
  return max_pool2d(x, kernel_size_, options_);
}

}  // namespace chainrule
