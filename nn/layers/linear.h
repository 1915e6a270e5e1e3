// Layers that multiply by a matrix. Weights start from He's initialisation unless told otherwise, biases from 0.
#pragma once

#include <optional>

#include "nn/child.h"
#include "nn/init.h"

namespace chainrule {

/// x W^T + b: (..., in) to (..., out).
class Linear : public Module {
 public:
  struct Options {
    bool bias = true;
    Init init = kaiming_normal;
  };
  Linear(std::int64_t in_features, std::int64_t out_features, const Options& options);
  Linear(std::int64_t in_features, std::int64_t out_features) : Linear(in_features, out_features, Options()) {}

  Parameter weight;               ///< (out, in)
  std::optional<Parameter> bias;  ///< (out)

 protected:
  Tensor forward(const Tensor& x) override;
};

/// The book's x W + b: (N, in) to (N, out), its parameters named as there. What follows axis 0 of x is joined, so that
/// images may come in as they are.
class Affine : public Module {
 public:
  struct Options {
    Init init = kaiming_normal;  ///< sees (out, in), as for Linear: the fans are the same
  };
  Affine(std::int64_t in_features, std::int64_t out_features, const Options& options);
  Affine(std::int64_t in_features, std::int64_t out_features) : Affine(in_features, out_features, Options()) {}

  Parameter W;  ///< (in, out)
  Parameter b;  ///< (out)

 protected:
  Tensor forward(const Tensor& x) override;
};

/// x1^T W[o] x2 + b[o] for each output o: (..., in1) and (..., in2) to (..., out).
class Bilinear : public ModuleOf<Bilinear> {
 public:
  struct Options {
    bool bias = true;
    Init init = kaiming_normal;
  };
  Bilinear(std::int64_t in1_features, std::int64_t in2_features, std::int64_t out_features, const Options& options);
  Bilinear(std::int64_t in1_features, std::int64_t in2_features, std::int64_t out_features)
      : Bilinear(in1_features, in2_features, out_features, Options()) {}
  Tensor forward(const Tensor& x1, const Tensor& x2);

  Parameter weight;               ///< (out, in1, in2)
  std::optional<Parameter> bias;  ///< (out)
};

}  // namespace chainrule
