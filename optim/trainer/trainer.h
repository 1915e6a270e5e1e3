// Trainer: trains a network over a data set, epoch by epoch.
//
//   Trainer trainer{net, optimizer, cross_entropy, {.epochs = 10, .metrics = {Accuracy()}, .run_folder =
//   "runs/first"}}; History history = trainer.fit(loader, test); fmt::print("{}\n", history.back());
//
// It owns no magic: the loop is one page (fit() in trainer.cpp) that a program of one's own can copy. Everything else,
// such as progress, files and early stop, is a handler of its events (events.h, handlers.h, run_folder.h).
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <vector>

#include "engine/system/progress.h"
#include "nn/data/loader.h"
#include "nn/module.h"
#include "ops/ops.h"
#include "optim/average.h"
#include "optim/optimizer.h"
#include "optim/schedule.h"
#include "optim/trainer/events.h"
#include "optim/trainer/history.h"
#include "optim/trainer/metrics.h"

namespace chainrule {

/// How wrong an output is, as the mean over its samples: a function of the library by its name (cross_entropy,
/// mse_loss, ...) with the defaults of its options, or any function of two tensors.
class Loss {
 public:
  template <class F>
  requires std::is_invocable_r_v<Tensor, F&, const Tensor&, const Tensor&> Loss(F function)
      : function_(std::move(function)) {}
  Loss(Tensor (*f)(const Operand&, const Tensor&, const CrossEntropyOptions&)) : function_(with_defaults(f)) {}
  Loss(Tensor (*f)(const Operand&, const Tensor&, const NllOptions&)) : function_(with_defaults(f)) {}
  Loss(Tensor (*f)(const Operand&, const Operand&, Reduction)) {
    function_ = [f](const Tensor& output, const Tensor& target) { return f(output, target, Reduction::mean); };
  }
  Loss(Tensor (*f)(const Operand&, const Operand&, const BinaryCrossEntropyOptions&)) : function_(with_defaults(f)) {}
  Loss(Tensor (*f)(const Operand&, const Operand&, const BinaryCrossEntropyWithLogitsOptions&))
      : function_(with_defaults(f)) {}
  Tensor operator()(const Tensor& output, const Tensor& target) const { return function_(output, target); }

 private:
  using Function = std::function<Tensor(const Tensor&, const Tensor&)>;
  template <class T, class O>
  static Function with_defaults(Tensor (*f)(const Operand&, const T&, const O&)) {
    return [f](const Tensor& output, const Tensor& target) { return f(output, target, O{}); };
  }
  Function function_;
};

enum class OnNonfinite : std::uint8_t {
  stop,  ///< throws NumericError, which names the parameters, the first operation and its place
  skip,  ///< says the same, leaves the step out and goes on
};

class Trainer {
 public:
  struct Options {
    std::int64_t epochs = 1;           ///< at least 1
    std::vector<AnyMetric> metrics{};  ///< beside the loss, for the training and the test set
    /// The rate, as a factor on the optimizer's, over the time in epochs: 2.5 is the middle of the third.
    std::optional<Schedule> schedule{};
    /// Reduces the rate when `monitor` no longer improves; not beside a schedule.
    std::optional<PlateauOptions> plateau{};
    std::int64_t accumulate = 1;  ///< batches of a step; their gradients add up to those of one large batch
    /// Averages weights and buffers after each step (average.h): with a decay a moving average, else their mean.
    /// evaluate(), the test set and model.safetensors then take the averages; the training itself does not.
    std::optional<WeightAverageOptions> average{};
    double average_from = 0;  ///< the time in epochs after which steps count for the average; at least 0
    double clip_norm = 0;     ///< longest gradient, over all parameters; 0: any
    double clip_value = 0;    ///< largest magnitude in a gradient; 0: any
    OnNonfinite on_nonfinite = OnNonfinite::stop;
    std::int64_t patience = 0;  ///< ends after that many epochs in which `monitor` did not improve; 0: never
    /// What is best: a column of the record. Default: the first metric on the test set, else the test loss, else those
    /// of the training.
    std::string monitor{};
    bool pictures = false;     ///< of weights, activations, answers and rates in the run folder: see run_pictures.h
    bool statistics = false;   ///< activations, gradients and updates of each layer, once an epoch: statistics.csv
    std::string run_folder{};  ///< where files go; made when it is not there; empty: none are written
    bool resume = false;  ///< goes on where last.safetensors of the run folder ended, or starts where there is none
    ProgressMode progress = ProgressMode::automatic;
    bool interrupts = true;  ///< Ctrl-C and kill end it after the step, with everything saved
    std::function<void(const std::string&)> message{};  ///< warnings; default: a line on stderr
  };

  /// Throws ValueError for an option outside its range, or without the other that it needs. Net and optimizer are
  /// referred to. An optimizer that asks for the loss several times a step (LBFGS) sees the same batch, dropout and
  /// buffers each time; accumulation and clipping do not go with it.
  Trainer(Module& net, Optimizer& optimizer, Loss loss, Options options);
  Trainer(Module& net, Optimizer& optimizer, Loss loss) : Trainer(net, optimizer, std::move(loss), Options()) {}

  /// Trains until `epochs` epochs are done; called again it does nothing more. Throws NumericError for numbers that are
  /// not finite, EnvironmentError for files that cannot be written and when memory is out; the last checkpoint is whole
  /// in any case. Whatever it throws, net, optimizer, random generator and position are as after the last whole step,
  /// and fit() called again goes on from there to the same bits.
  History fit(const DataLoader& train, const DataLoader& test);
  History fit(const DataLoader& train, const AnyDataset& test);  ///< in batches as large as those of the training
  History fit(const DataLoader& train);

  /// Loss and metrics over all samples, in evaluation mode and without recording.
  Record evaluate(const DataLoader& data);

  /// Told of events after those before it.
  void add(std::shared_ptr<Handler> handler) { handlers_.push_back(std::move(handler)); }

  /// Everything that going on bit for bit needs: weights, buffers, the optimizer, the position, generators, history.
  Checkpoint checkpoint() const;
  /// Goes on from there in the next fit(). Throws ValueError, and nothing is changed, when it is of another network.
  void resume(const Checkpoint& checkpoint);

  const Options& options() const { return options_; }
  const Training& training() const { return now_; }

 private:
  using Event = void (Handler::*)(Training&);
  struct Before;  // what a step that fails goes back to
  template <class Loop>
  History guarded(Loop&& loop);
  History loop(const DataLoader& train, const DataLoader* test);
  void begin(const DataLoader& train, const DataLoader* test);
  void begin_step();
  void forward_and_backward(const Batch& batch);
  bool step_is_due() const;
  void finish_gradients();
  void take_step();
  void search_step();
  void undo();
  void take(const Checkpoint& checkpoint);
  void tell_of_epoch();
  void finish_epoch(const DataLoader* test);
  void tell(Event event);
  void add_values(Record& record, const std::string& prefix, const Mean& loss,
                  const std::vector<AnyMetric>& metrics) const;

  Loss loss_;
  Options options_;
  Training now_;
  std::vector<std::shared_ptr<Handler>> handlers_;
  std::vector<AnyMetric> metrics_;  // of the training, this epoch
  Mean mean_loss_;
  double waiting_ = 0;  // samples whose gradients wait for a step
  double started_ = 0;
  std::optional<WeightAverage> average_;
  std::shared_ptr<Before> before_;
  bool settled_ = true;      // no step has begun that is not finished
  std::size_t told_ = kAll;  // handlers that know of the last epoch, when not all do
  static constexpr std::size_t kAll = static_cast<std::size_t>(-1);
};

}  // namespace chainrule
