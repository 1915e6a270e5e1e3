// Optimizers: one fused pass over each parameter a step; the gradient is read and never written.
#pragma once

#include <initializer_list>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "engine/tensor.h"

namespace chainrule {

/// What an optimizer is given: net.parameters(), a list of named tensors, or tensors alone, which are named "0", "1",
/// ...
class Trainables {
 public:
  Trainables() = default;
  Trainables(std::vector<NamedTensor> named) : list_(std::move(named)) {}
  Trainables(std::initializer_list<NamedTensor> named) : list_(named) {}
  Trainables(const std::vector<Tensor>& tensors);
  Trainables(std::initializer_list<Tensor> tensors) : Trainables(std::vector<Tensor>(tensors)) {}
  std::vector<NamedTensor> take() && { return std::move(list_); }

 private:
  std::vector<NamedTensor> list_;
};

/// A prefix, and the parameters whose names it opens.
struct NamedGroup {
  std::string prefix;
  std::vector<NamedTensor> parameters;
};
/// The parameters of several modules as one list; a tensor that stands in two is listed once, under its first name:
/// Adam{join({{"encoder", encoder.parameters()}, {"decoder", decoder.parameters()}})}.
std::vector<NamedTensor> join(const std::vector<NamedGroup>& groups);

class Optimizer {
 public:
  virtual ~Optimizer() = default;
  /// Changes every trainable parameter that has a gradient; the others are left alone, with their state. Whoever finds
  /// a value changed is told the line of this call.
  void step(SourceLocation where = SourceLocation::current());
  /// Forgets the gradients, so that the next backward starts from nothing.
  void zero_grad();
  const std::vector<NamedTensor>& parameters() const { return parameters_; }
  /// Names of the parameters that are not trainable now, which step() skips.
  std::vector<std::string> frozen() const;
  /// The learning rate, for schedules; the new one holds from the next step on. Throws ValueError where the constructor
  /// would.
  virtual double lr() const = 0;
  virtual void set_lr(double lr) = 0;

 protected:
  /// Throws ValueError when two parameters have one name, one stands there twice, or one is no dense floating leaf.
  Optimizer(std::vector<NamedTensor> parameters, const char* who);
  Optimizer(const Optimizer&) = delete;
  Optimizer& operator=(const Optimizer&) = delete;

  /// One parameter's step; both are dense and of one dtype.
  virtual void update(const std::string& name, Tensor& parameter, const Tensor& gradient,
                      const SourceLocation& where) = 0;

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
  Sgd(Trainables parameters, Options options);
  explicit Sgd(Trainables parameters) : Sgd(std::move(parameters), Options()) {}
  const Options& options() const { return options_; }
  double lr() const override { return options_.lr; }
  void set_lr(double lr) override;

 protected:
  void update(const std::string& name, Tensor& parameter, const Tensor& gradient, const SourceLocation& where) override;

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
  Adam(Trainables parameters, Options options);
  explicit Adam(Trainables parameters) : Adam(std::move(parameters), Options()) {}
  const Options& options() const { return options_; }
  double lr() const override { return options_.lr; }
  void set_lr(double lr) override;

 protected:
  void update(const std::string& name, Tensor& parameter, const Tensor& gradient, const SourceLocation& where) override;

 private:
  struct State {
    Tensor m, v;
    std::int64_t step = 0;
  };
  Options options_;
  std::map<std::string, State> state_;
};

}  // namespace chainrule
