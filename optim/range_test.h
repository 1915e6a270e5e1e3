// The learning-rate range test: which rates train at all.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "optim/optimizer.h"

namespace chainrule {

struct RangeTestOptions {
  double first = 1e-7;       ///< above 0
  double last = 10;          ///< above first
  std::int64_t steps = 100;  ///< at least 2
  double smoothing = 0.95;   ///< in [0, 1): how much of the running mean is kept
  double stop_factor = 4;    ///< above 1: it ends where the smoothed loss is that much above the best
};

struct RangeTest {
  struct Row {
    double lr, loss, smoothed;
  };
  std::vector<Row> rows;
  double steepest =
      0;  ///< the rate where the smoothed loss fell fastest over the logarithm of the rate: one to train with
  bool ended_early = false;
};

/// Smith, "Cyclical learning rates for training neural networks" (WACV 2017), with the exponential sweep that is common
/// now: `train_step` does one step with the optimizer and returns the loss; before each call all rates are set, from
/// first to last in equal ratios. Ends early where the loss runs away or is not finite. Rates, parameters and the
/// optimizer's state are put back, also when train_step throws. Throws ValueError for options out of range.
RangeTest range_test(Optimizer& optimizer, const std::function<double()>& train_step, RangeTestOptions options = {});

/// Rate, loss and smoothed loss in columns.
std::string table(const RangeTest& test);

}  // namespace chainrule
