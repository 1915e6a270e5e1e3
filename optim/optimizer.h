// Optimizers: one fused pass over each parameter a step; the gradient is read and never written.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "engine/tensor.h"

namespace chainrule {

class Optimizer {
 public:
  virtual ~Optimizer() = default;
  /// Changes every parameter that has a gradient; the others are left alone, with their state.
  void step();
  /// Forgets the gradients, so that the next backward starts from nothing.
  void zero_grad();
  const std::vector<NamedTensor>& parameters() const { return parameters_; }

 protected:
  /// Throws ValueError when two parameters have one name or one is not a trainable leaf.
  Optimizer(std::vector<NamedTensor> parameters, const char* who);
  Optimizer(const Optimizer&) = delete;
  Optimizer& operator=(const Optimizer&) = delete;

  /// One parameter's step; both are dense and of one dtype.
  virtual void update(const std::string& name, Tensor& parameter, const Tensor& gradient) = 0;

 private:
  std::vector<NamedTensor> parameters_;
};

/// Stochastic gradient descent, as torch.optim.SGD: with g' = g + weight_decay p and v = momentum v + g', p -= lr v.
class Sgd : public Optimizer {
 public:
  struct Options {
    double lr = 1e-2;         ///< at least 0
    double momentum = 0;      ///< in [0, 1)
    double weight_decay = 0;  ///< at least 0
    bool nesterov = false;    ///< needs momentum
  };
  Sgd(std::vector<NamedTensor> parameters, Options options);

 protected:
  void update(const std::string& name, Tensor& parameter, const Tensor& gradient) override;

 private:
  Options options_;
  std::map<std::string, Tensor> velocity_;
};

/// Adam (Kingma and Ba, "Adam: a method for stochastic optimization", ICLR 2015), as torch.optim.Adam.
class Adam : public Optimizer {
 public:
  struct Options {
    double lr = 1e-3;         ///< at least 0
    double beta1 = 0.9;       ///< in [0, 1)
    double beta2 = 0.999;     ///< in [0, 1)
    double eps = 1e-8;        ///< above 0
    double weight_decay = 0;  ///< at least 0
  };
  Adam(std::vector<NamedTensor> parameters, Options options);

 protected:
  void update(const std::string& name, Tensor& parameter, const Tensor& gradient) override;

 private:
  struct State {
    Tensor m, v;
    std::int64_t step = 0;
  };
  Options options_;
  std::map<std::string, State> state_;
};

}  // namespace chainrule
