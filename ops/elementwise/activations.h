// Activations: elementwise. Integers become floating numbers, but for relu and relu6; at a kink the derivative is the
// one of PyTorch. Those made of straight pieces are computed in activations.cpp, those made of exponentials in
// activations_smooth.cpp.
#pragma once

#include <cstdint>

#include "engine/operand.h"

namespace chainrule {

Tensor sigmoid(const Operand& x);
Tensor logsigmoid(const Operand& x);                                ///< log(sigmoid(x)), finite for every finite x
Tensor relu(const Operand& x);                                      ///< derivative 0 at 0
Tensor relu6(const Operand& x);                                     ///< min(max(x, 0), 6); derivative 0 at 0 and at 6
Tensor leaky_relu(const Operand& x, double negative_slope = 0.01);  ///< derivative negative_slope at 0
Tensor elu(const Operand& x, double alpha = 1);                     ///< derivative alpha at 0
Tensor selu(const Operand& x);  ///< Klambauer et al., "Self-Normalizing Neural Networks" (2017)
/// Barron, "Continuously Differentiable Exponential Linear Units" (2017). Throws ValueError for alpha = 0.
Tensor celu(const Operand& x, double alpha = 1);
enum class Approximation : std::uint8_t { none, tanh };
/// x Phi(x), Phi the normal distribution function, or its approximation by a tanh (Hendrycks and Gimpel 2016).
Tensor gelu(const Operand& x, Approximation approximate = Approximation::none);
Tensor silu(const Operand& x);  ///< x sigmoid(x)
Tensor mish(const Operand& x);  ///< x tanh(softplus(x)), Misra (2019)
/// log(1 + exp(beta x)) / beta, and x itself where beta x > threshold. Throws ValueError for beta = 0.
Tensor softplus(const Operand& x, double beta = 1, double threshold = 20);
Tensor softsign(const Operand& x);  ///< x / (1 + |x|)
/// min(max(x, min_val), max_val); derivative 0 at both bounds. Throws ValueError unless min_val < max_val. Of int64 the
/// result is int64, here and in threshold; then the settings must be whole.
Tensor hardtanh(const Operand& x, double min_val = -1, double max_val = 1);
Tensor hardsigmoid(const Operand& x);  ///< relu6(x + 3) / 6; derivative 0 at -3 and at 3
Tensor hardswish(const Operand& x);    ///< x hardsigmoid(x); derivative -1/2 at -3 and 3/2 at 3
/// x where x > threshold, else value; derivative 0 at the threshold.
Tensor threshold(const Operand& x, double threshold, double value);

}  // namespace chainrule
