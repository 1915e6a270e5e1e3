// Schedules of the learning rate: functions of the step (or epoch) that give a factor for each group's own rate.
//   const Schedule schedule = sequential({warm_up(5), cosine(95)}, {5});
//   optimizer.scale_lr(schedule(epoch));
// The values are those of PyTorch's schedulers for a rate of 1; minimal rates are factors here, too. Steps count from 0
// and may have fractions. Momentum is never changed.
#pragma once

#include <fmt/core.h>

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "engine/tensor.h"

namespace chainrule {

class Schedule {
 public:
  /// A function of your own; `text` is how it is printed.
  Schedule(std::string text, std::function<double(double step)> factor)
      : text_(std::move(text)), factor_(std::move(factor)) {}
  /// The factor at a step. Throws ValueError for a step below 0 or not finite, and for a factor that an optimizer would
  /// refuse.
  double operator()(double step) const;
  /// The factors at steps 0 ... count - 1.
  std::vector<double> values(std::int64_t count) const;
  /// "cosine(10)": the call that made it.
  const std::string& text() const { return text_; }

 private:
  std::string text_;
  std::function<double(double)> factor_;
};

/// Two columns, step and rate, for a rate of `lr`, at most `rows` lines that include the first and last of `count`
/// steps.
std::string table(const Schedule& schedule, std::int64_t count, double lr = 1, std::int64_t rows = 20);

/// Both at once: the product of the factors (ChainedScheduler).
Schedule operator*(const Schedule& a, const Schedule& b);
/// One after the other: the next begins at its milestone, with its step 0 (SequentialLR).
Schedule sequential(const std::vector<Schedule>& schedules, const std::vector<std::int64_t>& milestones);

// Below, sizes and counts of steps are at least 1, factors at least 0 and finite; ValueError says so. After their last
// step schedules stay where they are.

/// gamma^(number of whole sizes) (StepLR).
Schedule step(std::int64_t size, double gamma = 0.1);
/// gamma^(number of milestones passed) (MultiStepLR); milestones rise.
Schedule multi_step(std::vector<std::int64_t> milestones, double gamma = 0.1);
/// gamma^step (ExponentialLR).
Schedule exponential(double gamma);
/// 1 / (1 + decay step).
Schedule inverse_time(double decay);
/// (1 - step / steps)^power (PolynomialLR), ending at `last`: last + (1 - last) (...)^power.
Schedule polynomial(std::int64_t steps = 5, double power = 1, double last = 0);
/// From 1 to `last` along half a cosine (CosineAnnealingLR, which rises again after its steps; this one does not).
Schedule cosine(std::int64_t steps, double last = 0);
/// The same again and again, each time `multiplier` times as long (CosineAnnealingWarmRestarts; Loshchilov and Hutter,
/// "SGDR: stochastic gradient descent with warm restarts", ICLR 2017).
Schedule cosine_restarts(std::int64_t first, std::int64_t multiplier = 1, double last = 0);
/// From `start` to 1 in a straight line (LinearLR).
Schedule warm_up(std::int64_t steps = 5, double start = 1.0 / 3);
/// `factor`, and 1 from step `steps` on (ConstantLR).
Schedule hold(std::int64_t steps = 5, double factor = 1.0 / 3);

struct OneCycleOptions {
  double pct_start = 0.3;         ///< in (0, 1): the share of the steps that rise
  bool linear = false;            ///< straight lines instead of half cosines
  double div_factor = 25;         ///< above 0: it starts from 1 / div_factor
  double final_div_factor = 1e4;  ///< above 0: and ends at the start's factor / final_div_factor
  bool three_phase = false;       ///< first back to the start, then down
};
/// Up to 1 and down to almost nothing (OneCycleLR; Smith and Topin, "Super-convergence", 2018). The optimizer's rate is
/// PyTorch's max_lr.
Schedule one_cycle(std::int64_t steps, OneCycleOptions options = {});

struct PlateauOptions {
  bool higher_is_better = false;  ///< PyTorch's mode max: an accuracy
  double factor = 0.1;            ///< in (0, 1)
  std::int64_t patience = 10;     ///< at least 0: epochs without improvement that are let pass
  double threshold = 1e-4;        ///< at least 0: what counts as an improvement
  bool relative = true;           ///< PyTorch's threshold_mode rel: a share of the best so far
  std::int64_t cooldown = 0;      ///< at least 0: epochs after a reduction that do not count
  double min_factor = 0;          ///< at least 0
};

/// Reduces the rate when a metric no longer improves, as torch.optim.lr_scheduler.ReduceLROnPlateau. It depends on what
/// happened and not on the step alone, so it has a state:
///   optimizer.scale_lr(plateau.update(test_loss));
class Plateau {
 public:
  explicit Plateau(PlateauOptions options = {});
  /// Takes one epoch's metric; NaN is no improvement. Returns the factor from now on.
  double update(double metric);
  double factor() const { return factor_; }
  /// `plateau.best`, `plateau.factor`, `plateau.bad` and `plateau.cooldown`; load_state as of an optimizer.
  std::vector<NamedTensor> state() const;
  void load_state(const std::vector<NamedTensor>& state);

 private:
  PlateauOptions options_;
  double best_, factor_ = 1;
  std::int64_t bad_ = 0, cooldown_ = 0;
};

}  // namespace chainrule

template <>
struct fmt::formatter<chainrule::Schedule> : fmt::formatter<fmt::string_view> {
  auto format(const chainrule::Schedule& schedule, fmt::format_context& context) const {
    return fmt::formatter<fmt::string_view>::format(schedule.text(), context);
  }
};
