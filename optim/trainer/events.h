// Events: what happens in a training, for whoever wants to add something to it. The loop itself is in trainer.cpp; the
// handlers that Trainer's options stand for are in handlers.h and run_folder.h.
#pragma once

#include <cstdint>
#include <string>

#include "nn/data/loader.h"
#include "nn/files/checkpoint.h"
#include "nn/module.h"
#include "optim/optimizer.h"
#include "optim/trainer/history.h"

namespace chainrule {

/// A training at one moment: what handlers see, and what they may ask for.
struct Training {
  Module& net;
  Optimizer& optimizer;
  std::int64_t epochs;       ///< how many there shall be
  std::int64_t epoch = 0;    ///< finished ones
  std::int64_t batches = 0;  ///< of an epoch
  std::int64_t batch = 0;    ///< finished ones of this epoch
  std::int64_t step = 0;     ///< finished steps of the optimizer, in all
  Batch current{};           ///< the batch that is being worked on
  Tensor output{}, loss{};   ///< of it, from after_forward to after_backward
  double last_loss = 0;      ///< the loss as a number
  double mean_loss = 0;      ///< of this epoch so far
  Record record{};           ///< of this epoch, from before after_epoch on
  History history{};
  const DataLoader* train_data = nullptr;  ///< within fit()
  const DataLoader* test_data = nullptr;   ///< within fit(), where there is one
  bool stop = false;                       ///< ends the training after this step, or after this epoch
  bool skip = false;  ///< leaves this step out: gradients are forgotten, weights and the optimizer stay

  /// Epochs done, with the part of the one that runs.
  double time() const {
    return static_cast<double>(epoch) + (batches > 0 ? static_cast<double>(batch) / static_cast<double>(batches) : 0.0);
  }
  void end(std::string why) {
    stop = true;
    history.why = std::move(why);
  }
};

/// Derive, override what matters, and give it to Trainer::add().
class Handler {
 public:
  virtual ~Handler() = default;
  virtual void before_training(Training&) {}  ///< also where a training goes on that was resumed
  virtual void before_epoch(Training&) {}
  virtual void before_step(Training&) {}             ///< the batch is there
  virtual void after_forward(Training&) {}           ///< output and loss are there
  virtual void after_backward(Training&) {}          ///< the gradients of the step are complete and may be changed
  virtual void after_step(Training&) {}              ///< the weights are changed
  virtual void after_epoch(Training&) {}             ///< the record is in the history
  virtual void after_training(Training&) {}          ///< not when an error ends it
  virtual void after_failure(Training&) noexcept {}  ///< an error ends it; the training is as after its last whole step

  /// Puts what it must remember into checkpoint.texts, under a name of its own; takes it back when resumed.
  virtual void save(Checkpoint&) const {}
  virtual void load(const Checkpoint&) {}

 protected:
  Handler() = default;
  Handler(const Handler&) = default;
  Handler& operator=(const Handler&) = default;
};

}  // namespace chainrule
