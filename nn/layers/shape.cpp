#include "nn/layers/shape.h"

#include "ops/ops.h"

namespace chainrule {

Tensor Flatten::forward(const Tensor& x) {
  const CalledFrom caller(called_from());
  return flatten(x, start_dim_, end_dim_);
}

}  // namespace chainrule
