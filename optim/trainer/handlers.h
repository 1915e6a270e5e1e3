// The handlers that options of a Trainer stand for. Each can also be made alone and given to Trainer::add().
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "optim/trainer/trainer.h"

namespace chainrule {

namespace internal {
class Moment;
/// A number, or a count of at least 0, that a handler saved in the texts; nothing where there is none. Throws
/// ValueError for a text that is no such number.
std::optional<double> number_in(const Checkpoint& checkpoint, const std::string& name);
std::optional<std::int64_t> count_in(const Checkpoint& checkpoint, const std::string& name);
}  // namespace internal

using Message = std::function<void(const std::string&)>;

/// Sets the learning rate before each step: `factor(time in epochs)` times the rate that the optimizer was made with.
class ScheduleRate : public Handler {
 public:
  explicit ScheduleRate(Schedule schedule) : schedule_(std::move(schedule)) {}
  void before_step(Training& t) override;

 private:
  Schedule schedule_;
};

/// Leaves out, or refuses, a step with a loss or a gradient that is not finite. Before that the batch runs again with
/// every value looked at, to find the first operation; buffers and the random generator are put back, so that nothing
/// of the step remains.
class RefuseNonfinite : public Handler {
 public:
  RefuseNonfinite(OnNonfinite what, Loss loss, Message message);
  void before_step(Training& t) override;
  void after_forward(Training& t) override;
  void after_backward(Training& t) override;

 private:
  std::string first_operation(const Training& t) const;
  OnNonfinite what_;
  Loss loss_;
  Message message_;
  std::shared_ptr<internal::Moment> before_;  // the batch
  std::string first_{};                       // what is wrong with the loss, and where it began
};

/// Shortens gradients (clip.h): each number to `value`, then all together to the norm `norm`; 0 leaves out either.
class ClipGradients : public Handler {
 public:
  ClipGradients(double norm, double value) : norm_(norm), value_(value) {}
  void after_backward(Training& t) override;

 private:
  double norm_, value_;
};

/// The column that says which epoch is the best, and whether more is better.
struct Monitor {
  std::string column;
  bool higher_is_better;
};
/// As Options::monitor says, for a record with or without a test set. Throws ValueError for a column that is not there.
Monitor monitor_of(const Trainer::Options& options, const Record& record);

/// The best value of the monitored column so far; a NaN is never the best.
class Best {
 public:
  explicit Best(const Trainer::Options& options)
      : choose_([options](const Record& r) { return monitor_of(options, r); }) {}
  /// Was this record better than all before?
  bool update(const Record& record);
  const std::string& column() const { return column_; }
  /// Under that name in the texts of a checkpoint.
  void save(Checkpoint& c, const std::string& name) const;
  void load(const Checkpoint& c, const std::string& name);

 private:
  std::function<Monitor(const Record&)> choose_;
  std::string column_{};
  bool any_ = false;
  double value_ = 0;
};

/// Ends the training after so many epochs in a row without a better record.
class StopEarly : public Handler {
 public:
  StopEarly(std::int64_t patience, Best best) : patience_(patience), best_(std::move(best)) {}
  void after_epoch(Training& t) override;
  void save(Checkpoint& c) const override;
  void load(const Checkpoint& c) override;

 private:
  std::int64_t patience_, waited_ = 0;
  Best best_;
};

/// Reduces the rate after epochs in which the monitored column did not improve; see Plateau.
class ReduceOnPlateau : public Handler {
 public:
  ReduceOnPlateau(const PlateauOptions& plateau, const Trainer::Options& options)
      : plateau_(plateau), choose_([options](const Record& r) { return monitor_of(options, r); }) {}
  void before_training(Training& t) override;
  void after_epoch(Training& t) override;
  void save(Checkpoint& c) const override;
  void load(const Checkpoint& c) override;

 private:
  Plateau plateau_;
  std::function<Monitor(const Record&)> choose_;
};

/// Warns once when the number of live nodes grows for `steps` steps in a row: something keeps the graphs.
class WatchNodes : public Handler {
 public:
  explicit WatchNodes(Message message, std::int64_t steps = 100) : message_(std::move(message)), steps_(steps) {}
  void after_step(Training& t) override;

 private:
  Message message_;
  std::int64_t steps_, last_ = 0, grown_ = 0, first_ = 0;
  bool warned_ = false;
};

/// Ends the training after the step in which Ctrl-C or a kill came.
class WatchSignals : public Handler {
 public:
  void before_training(Training& t) override;
  void after_step(Training& t) override;
};

/// How far it is, on stderr: loss, first metric, rate and time left.
class ShowProgress : public Handler {
 public:
  explicit ShowProgress(ProgressOptions options) : options_(std::move(options)) {}
  void before_training(Training& t) override;
  void after_step(Training& t) override;
  void after_epoch(Training& t) override;
  void after_training(Training& t) override;

 private:
  ProgressOptions options_;
  std::unique_ptr<Progress> line_;
};

/// All that the options ask for, in the order in which they must be told.
std::vector<std::shared_ptr<Handler>> standard_handlers(const Trainer::Options& options, const Loss& loss,
                                                        const std::function<Checkpoint()>& checkpoint);

}  // namespace chainrule
