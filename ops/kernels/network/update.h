// Inner header: for our own sources, not installed.
// The inner step of optimizers: one pass over a parameter's dense memory that reads the gradient and never writes it.
// Hyper-parameters are validated by the optimizers. Floating types.
#pragma once

#include <cstdint>

#include "engine/types/dtype.h"

namespace chainrule::kernels {

struct SgdStep {
  double lr = 0;
  double momentum = 0;
  double dampening = 0;
  double weight_decay = 0;
  bool nesterov = false;
  bool first = false;  ///< the velocity holds nothing yet
};

/// torch.optim.SGD. With g' = g + weight_decay p and v = first ? g' : momentum v + (1 - dampening) g':
///   p -= lr (nesterov ? g' + momentum v : v); without momentum p -= lr g', and velocity may be null.
void sgd(DType d, void* parameter, const void* gradient, void* velocity, std::int64_t n, const SgdStep& s);

struct AdamStep {
  double lr = 0;
  double beta1 = 0.9;
  double beta2 = 0.999;
  double epsilon = 1e-8;
  double weight_decay = 0;
  std::int64_t step = 1;  ///< counts from 1
};

/// Adam (Kingma and Ba 2015) as torch.optim.Adam: g' = g + weight_decay p, m = beta1 m + (1 - beta1) g',
/// v = beta2 v + (1 - beta2) g' g', p -= lr / (1 - beta1^t) m / (sqrt(v / (1 - beta2^t)) + epsilon).
void adam(DType d, void* parameter, const void* gradient, void* m, void* v, std::int64_t n, const AdamStep& s);

}  // namespace chainrule::kernels
