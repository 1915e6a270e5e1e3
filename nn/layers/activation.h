// Layers that apply a function to each number, and the softmax family. Names and defaults are torch.nn's; what each
// computes, its edge values and its sources stand at the operation of that name. Arguments that make no function, such
// as Hardtanh(1, -1), throw ValueError when the layer is made.
#pragma once

#include "nn/layers/applied.h"

namespace chainrule {

// --- without arguments -----------------------------------------------------------------------------------------------

struct Sigmoid : internal::Elementwise<sigmoid> {
  using Elementwise::Elementwise;
};
struct LogSigmoid : internal::Elementwise<logsigmoid> {
  using Elementwise::Elementwise;
};
struct Tanh : internal::Elementwise<tanh> {
  using Elementwise::Elementwise;
};
struct ReLU : internal::Elementwise<relu> {
  using Elementwise::Elementwise;
};
struct ReLU6 : internal::Elementwise<relu6> {
  using Elementwise::Elementwise;
};
struct SELU : internal::Elementwise<selu> {
  using Elementwise::Elementwise;
};
struct SiLU : internal::Elementwise<silu> {
  using Elementwise::Elementwise;
};
struct Mish : internal::Elementwise<mish> {
  using Elementwise::Elementwise;
};
struct Softsign : internal::Elementwise<softsign> {
  using Elementwise::Elementwise;
};
struct Hardsigmoid : internal::Elementwise<hardsigmoid> {
  using Elementwise::Elementwise;
};
struct Hardswish : internal::Elementwise<hardswish> {
  using Elementwise::Elementwise;
};

// --- with arguments --------------------------------------------------------------------------------------------------

struct LeakyReLU : internal::Elementwise<leaky_relu> {
  explicit LeakyReLU(double negative_slope = 0.01) : Elementwise(negative_slope) {}
};
struct ELU : internal::Elementwise<elu> {
  explicit ELU(double alpha = 1) : Elementwise(alpha) {}
};
struct CELU : internal::Elementwise<celu> {
  explicit CELU(double alpha = 1) : Elementwise(alpha) {}
};
struct GELU : internal::Elementwise<gelu> {
  explicit GELU(Approximation approximate = Approximation::none) : Elementwise(approximate) {}
};
struct Softplus : internal::Elementwise<softplus> {
  explicit Softplus(double beta = 1, double threshold = 20) : Elementwise(beta, threshold) {}
};
struct Hardtanh : internal::Elementwise<hardtanh> {
  explicit Hardtanh(double min_val = -1, double max_val = 1) : Elementwise(min_val, max_val) {}
};
struct Threshold : internal::Elementwise<threshold> {
  Threshold(double threshold, double value) : Elementwise(threshold, value) {}
};

// --- along an axis ---------------------------------------------------------------------------------------------------

/// Shares of 1 along axis `dim`.
struct Softmax : internal::Applied<softmax> {
  explicit Softmax(std::int64_t dim = -1) : Applied(dim) {}
};
struct LogSoftmax : internal::Applied<log_softmax> {
  explicit LogSoftmax(std::int64_t dim = -1) : Applied(dim) {}
};

// --- with a parameter ------------------------------------------------------------------------------------------------

/// x where x > 0, else weight x: one slope for all, or one for each channel, x (N, C, ...) or (C). He et al.,
/// "Delving deep into rectifiers", ICCV 2015.
class PReLU : public Module {
 public:
  explicit PReLU(std::int64_t num_parameters = 1, double init = 0.25);

  Parameter weight;  ///< (num_parameters)

 protected:
  Tensor forward(const Tensor& x) override;
};

}  // namespace chainrule
