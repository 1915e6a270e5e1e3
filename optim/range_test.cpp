// The learning-rate range test.
#include "optim/range_test.h"

#include <fmt/format.h>

#include <cmath>
#include <limits>

#include "engine/scopes.h"
#include "engine/types/error.h"
#include "optim/arguments.h"

namespace chainrule {

namespace {

/// An optimizer and its parameters as they were.
class Saved {
 public:
  explicit Saved(Optimizer& optimizer) : optimizer_(optimizer), state_(optimizer.state()) {
    for (const NamedTensor& p : optimizer.parameters()) values_.push_back(internal::copied(p.tensor));
    for (const std::string& group : optimizer.groups()) rates_.push_back(optimizer.lr(group));
  }
  void put_back() {
    const NoGrad in_place;
    for (std::size_t i = 0; i < values_.size(); ++i) Tensor(optimizer_.parameters()[i].tensor).copy_(values_[i]);
    const auto groups = optimizer_.groups();
    for (std::size_t i = 0; i < groups.size(); ++i) optimizer_.set_lr(rates_[i], groups[i]);
    optimizer_.load_state(state_);
  }

 private:
  Optimizer& optimizer_;
  std::vector<NamedTensor> state_;
  std::vector<Tensor> values_;
  std::vector<double> rates_;
};

RangeTest sweep(Optimizer& optimizer, const std::function<double()>& train_step, const RangeTestOptions& o) {
  RangeTest test;
  double mean = 0, best = std::numeric_limits<double>::infinity();
  for (std::int64_t i = 0; i < o.steps && !test.ended_early; ++i) {
    const double lr = o.first * std::pow(o.last / o.first, static_cast<double>(i) / static_cast<double>(o.steps - 1));
    optimizer.set_lr(lr);
    const double loss = train_step();
    mean = o.smoothing * mean + (1 - o.smoothing) * loss;
    const double smoothed = mean / (1 - std::pow(o.smoothing, static_cast<double>(i + 1)));
    test.rows.push_back({lr, loss, smoothed});
    if (!(smoothed >= best)) best = smoothed;
    test.ended_early = !std::isfinite(smoothed) || (i > 0 && smoothed > best + (o.stop_factor - 1) * std::abs(best));
  }
  double slope = 0;
  for (std::size_t i = 1; i + 1 < test.rows.size(); ++i) {
    const double rise =
        (test.rows[i + 1].smoothed - test.rows[i - 1].smoothed) / std::log(test.rows[i + 1].lr / test.rows[i - 1].lr);
    if (rise < slope) {
      slope = rise;
      test.steepest = test.rows[i].lr;
    }
  }
  return test;
}

}  // namespace

RangeTest range_test(Optimizer& optimizer, const std::function<double()>& train_step, RangeTestOptions o) {
  optim::expect_positive("range_test", "first", o.first);
  optim::expect(o.last > o.first, "range_test", "last", o.last, "above first");
  if (o.steps < 2) throw ValueError(fmt::format("range_test: steps must be at least 2, not {}", o.steps));
  optim::expect_fraction("range_test", "smoothing", o.smoothing);
  optim::expect(o.stop_factor > 1, "range_test", "stop_factor", o.stop_factor, "above 1");
  Saved saved(optimizer);
  RangeTest test;
  try {
    test = sweep(optimizer, train_step, o);
  } catch (...) {
    saved.put_back();
    throw;
  }
  saved.put_back();
  return test;
}

std::string table(const RangeTest& test) {
  std::string text = fmt::format("{:>12}  {:>12}  {:>12}\n", "rate", "loss", "smoothed");
  for (const auto& row : test.rows)
    text += fmt::format("{:>12.4g}  {:>12.6g}  {:>12.6g}\n", row.lr, row.loss, row.smoothed);
  return text;
}

}  // namespace chainrule
