// Layers that multiply by a matrix.
#pragma once

#include <optional>

#include "nn/child.h"
#include "nn/init.h"

namespace chainrule {

/// x W^T + b: (..., in) to (..., out). Weights start from He's initialisation, biases from 0.
class Linear : public Module {
 public:
  struct Options {
    bool bias = true;
    Init init = kaiming_normal;
  };
  Linear(std::int64_t in_features, std::int64_t out_features, Options options);
  Linear(std::int64_t in_features, std::int64_t out_features) : Linear(in_features, out_features, Options()) {}

  Parameter weight;               ///< (out, in)
  std::optional<Parameter> bias;  ///< (out)

 protected:
  Tensor forward(const Tensor& x) override;
};

}  // namespace chainrule
