// Lion: steps of one size, in the direction of a sign.
#pragma once

#include "optim/optimizer.h"

namespace chainrule {

struct LionOptions {
  double lr = 1e-4;          ///< at least 0
  double beta1 = 0.9;        ///< in [0, 1)
  double beta2 = 0.99;       ///< in [0, 1)
  double weight_decay = 0;   ///< at least 0; decoupled
  bool maximize = false;     ///< climb
  bool decay_biases = true;  ///< false: parameters of at most one axis are not decayed
};

/// Lion (Chen et al., "Symbolic discovery of optimization algorithms", 2023, algorithm 2):
/// p -= lr (sign(beta1 m + (1 - beta1) g) + weight_decay p), then m = beta2 m + (1 - beta2) g.
class Lion : public OptimizerOf<Lion, LionOptions> {
 public:
  using OptimizerOf::OptimizerOf;
  static constexpr const char* kName = "Lion";

 private:
  friend OptimizerOf;
  static void check(const Options& o);
  static std::vector<Slot> kept(const Options& o);
  static void change(const Update& u, const Options& o);
};

}  // namespace chainrule
