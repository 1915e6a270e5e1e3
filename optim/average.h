// Averages of parameters over the steps of a training, which often generalise better than the last step.
#pragma once

#include <optional>

#include "optim/trainables.h"

namespace chainrule {

struct WeightAverageOptions {
  std::optional<double> decay{};  ///< in [0, 1); empty: every update counts the same
};

/// With a decay the exponential moving average, a = decay a + (1 - decay) p; without one the mean of all updates,
/// stochastic weight averaging (Izmailov et al., "Averaging weights leads to wider optima and better generalization",
/// UAI 2018). The first update copies. Takes net.parameters() or net.state(): whole numbers are copied, not averaged.
///   WeightAverage ema{net.parameters(), {.decay = 0.999}};
///   ...step, ema.update();
///   { auto averaged = ema.swap_in(); evaluate(net); }   // the network has its own values again
class WeightAverage {
 public:
  /// Throws ValueError for a decay out of range, a name that is there twice, or what is no dense leaf.
  explicit WeightAverage(Trainables parameters, WeightAverageOptions options = {});
  WeightAverage(const WeightAverage&) = delete;
  WeightAverage& operator=(const WeightAverage&) = delete;

  /// Takes the parameters as they are now into the average. Throws ValueError while they are swapped, and when one is
  /// of another dtype than it was.
  void update();
  std::int64_t updates() const { return updates_; }
  /// The averages under the names of the parameters.
  std::vector<NamedTensor> values() const;

  /// Puts the averages into the parameters until it dies; then their own values are put back.
  class [[nodiscard]] Swapped {
   public:
    explicit Swapped(WeightAverage& average) : average_(average) { average_.exchange(); }
    Swapped(const Swapped&) = delete;
    Swapped& operator=(const Swapped&) = delete;
    ~Swapped() { average_.exchange(); }

   private:
    WeightAverage& average_;
  };
  /// Throws ValueError before the first update, and when they are swapped already.
  Swapped swap_in();
  /// Leaves the averages in the parameters for good.
  void copy_to_parameters();

  /// `average.updates` and `<parameter>.average`, as for an optimizer; so is load_state.
  std::vector<NamedTensor> state() const;
  void load_state(const std::vector<NamedTensor>& state);

 private:
  void expect_usable(const char* what) const;
  void exchange();
  std::vector<NamedTensor> parameters_;
  std::vector<Tensor> averages_;
  WeightAverageOptions options_;
  std::int64_t updates_ = 0;
  bool swapped_ = false;
};

}  // namespace chainrule
