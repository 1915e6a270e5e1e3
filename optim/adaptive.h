// Optimizers that divide the gradient by a running size of it: Adagrad, RMSprop, Adadelta.
#pragma once

#include "optim/optimizer.h"

namespace chainrule {

struct AdagradOptions {
  double lr = 1e-2;                      ///< at least 0
  double lr_decay = 0;                   ///< at least 0
  double weight_decay = 0;               ///< at least 0
  double initial_accumulator_value = 0;  ///< at least 0
  double eps = 1e-10;                    ///< above 0; the book's is 1e-7
  bool maximize = false;                 ///< climb
  bool decay_biases = true;              ///< false: parameters of at most one axis are not decayed
};

/// Adagrad (Duchi, Hazan and Singer, "Adaptive subgradient methods for online learning and stochastic optimization",
/// JMLR 2011), as torch.optim.Adagrad: h += g g, p -= lr / (1 + (t - 1) lr_decay) g / (sqrt(h) + eps).
class Adagrad : public OptimizerOf<Adagrad, AdagradOptions> {
 public:
  using OptimizerOf::OptimizerOf;
  static constexpr const char* kName = "Adagrad";

 private:
  friend OptimizerOf;
  static void check(const Options& o);
  static std::vector<Slot> kept(const Options& o);
  static void change(const Update& u, const Options& o);
};

struct RMSpropOptions {
  double lr = 1e-2;          ///< at least 0
  double alpha = 0.99;       ///< in [0, 1)
  double eps = 1e-8;         ///< above 0; the book's is 1e-7
  double weight_decay = 0;   ///< at least 0
  double momentum = 0;       ///< in [0, 1)
  bool centered = false;     ///< divide by the deviation from the mean gradient
  bool maximize = false;     ///< climb
  bool decay_biases = true;  ///< false: parameters of at most one axis are not decayed
};

/// RMSprop (Hinton, "Neural networks for machine learning", lecture 6, 2012; centred as in Graves, arXiv:1308.0850), as
/// torch.optim.RMSprop: v = alpha v + (1 - alpha) g g, p -= lr g / (sqrt(v) + eps). A centred variance that rounding
/// takes below 0 counts as 0, where PyTorch gives NaN.
class RMSprop : public OptimizerOf<RMSprop, RMSpropOptions> {
 public:
  using OptimizerOf::OptimizerOf;
  static constexpr const char* kName = "RMSprop";

 private:
  friend OptimizerOf;
  static void check(const Options& o);
  static std::vector<Slot> kept(const Options& o);
  static void change(const Update& u, const Options& o);
};

struct AdadeltaOptions {
  double lr = 1;             ///< at least 0
  double rho = 0.9;          ///< in [0, 1)
  double eps = 1e-6;         ///< above 0
  double weight_decay = 0;   ///< at least 0
  bool maximize = false;     ///< climb
  bool decay_biases = true;  ///< false: parameters of at most one axis are not decayed
};

/// Adadelta (Zeiler, "ADADELTA: an adaptive learning rate method", 2012), as torch.optim.Adadelta:
/// v = rho v + (1 - rho) g g, s = g sqrt(u + eps) / sqrt(v + eps), u = rho u + (1 - rho) s s, p -= lr s.
class Adadelta : public OptimizerOf<Adadelta, AdadeltaOptions> {
 public:
  using OptimizerOf::OptimizerOf;
  static constexpr const char* kName = "Adadelta";

 private:
  friend OptimizerOf;
  static void check(const Options& o);
  static std::vector<Slot> kept(const Options& o);
  static void change(const Update& u, const Options& o);
};

}  // namespace chainrule
