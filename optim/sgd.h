// Stochastic gradient descent.
#pragma once

#include "optim/optimizer.h"

namespace chainrule {

struct SgdOptions {
  double lr = 1e-2;               ///< at least 0
  double momentum = 0;            ///< in [0, 1)
  double dampening = 0;           ///< in [0, 1]: how much less of later gradients enters the velocity
  double weight_decay = 0;        ///< at least 0
  bool nesterov = false;          ///< needs momentum, and no dampening
  bool maximize = false;          ///< climb
  bool decay_biases = true;       ///< false: parameters of at most one axis are not decayed
  bool rate_in_velocity = false;  ///< the rate is part of the velocity, as in the book: v = momentum v - lr g, p += v
};

/// As torch.optim.SGD: with d = g + weight_decay p and v = momentum v + (1 - dampening) d (at first v = d), p -= lr v;
/// with nesterov p -= lr (d + momentum v). The book's Momentum and Nesterov are the same as long as lr stays, and with
/// rate_in_velocity also when it changes.
class Sgd : public OptimizerOf<Sgd, SgdOptions> {
 public:
  using OptimizerOf::OptimizerOf;
  static constexpr const char* kName = "Sgd";

 private:
  friend OptimizerOf;
  static void check(const Options& o);
  static std::vector<Slot> kept(const Options& o);
  static void change(const Update& u, const Options& o);
};

}  // namespace chainrule
