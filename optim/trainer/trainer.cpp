// The loop, and what a step and an epoch are.
#include "optim/trainer/trainer.h"

#include <fmt/format.h>

#include <cmath>
#include <new>
#include <utility>

#include "engine/factory.h"
#include "engine/profile.h"
#include "engine/scopes.h"
#include "engine/types/error.h"
#include "nn/files/state.h"
#include "optim/trainer/finite.h"
#include "optim/trainer/handlers.h"
#include "optim/trainer/moment.h"
#include "optim/trainer/run_folder.h"

namespace chainrule {

namespace {
constexpr const char* kUpdates = "average.updates";  // in the texts of a checkpoint, and in the state of an average
}

// --- the loop --------------------------------------------------------------------------------------------------------
// Without events and accumulation it is
//
//   for (int epoch = 0; epoch < epochs; ++epoch)
//     for (const Batch& batch : train.epoch(epoch)) {
//       Tensor l = loss(net(batch.inputs), batch.targets);
//       optimizer.zero_grad();
//       l.backward();
//       optimizer.step();
//     }

History Trainer::loop(const DataLoader& train, const DataLoader* test) {
  begin(train, test);
  tell(&Handler::before_training);
  tell_of_epoch();
  while (now_.epoch < now_.epochs && !now_.stop) {
    now_.net.train();
    tell(&Handler::before_epoch);
    for (const Batch& batch : train.epoch(now_.epoch, now_.batch)) {
      begin_step();
      forward_and_backward(batch);
      ++now_.batch;
      if (!step_is_due()) continue;
      finish_gradients();
      tell(&Handler::after_backward);
      take_step();
      if (now_.stop) break;
    }
    if (now_.stop && now_.batch < now_.batches) break;  // in the middle: the epoch goes on when it is resumed
    finish_epoch(test);
    tell_of_epoch();
  }
  tell(&Handler::after_training);
  return now_.history;
}

template <class Loop>
History Trainer::guarded(Loop&& loop) {
  try {
    return loop();
  } catch (const std::bad_alloc&) {
    undo();
    throw EnvironmentError(fmt::format("training: out of memory; everything is as after step {}", now_.step));
  } catch (...) {
    undo();
    throw;
  }
}

History Trainer::fit(const DataLoader& train, const DataLoader& test) {
  return guarded([&] { return loop(train, &test); });
}
History Trainer::fit(const DataLoader& train, const AnyDataset& test) {
  return guarded([&] {
    const DataLoader batches(test, {.batch_size = train.options().batch_size});
    return loop(train, &batches);
  });
}
History Trainer::fit(const DataLoader& train) {
  return guarded([&] { return loop(train, nullptr); });
}

// --- its parts -------------------------------------------------------------------------------------------------------

struct Trainer::Before {
  internal::Moment moment;
  std::int64_t batch = 0;
  Mean mean_loss;
  std::vector<AnyMetric> metrics;
};

void Trainer::begin(const DataLoader& train, const DataLoader* test) {
  if (now_.batch > train.size())
    throw ValueError(fmt::format("Trainer: the checkpoint is at batch {} of an epoch, and this loader has {}",
                                 now_.batch, train.size()));
  now_.batches = train.size();
  now_.train_data = &train;
  now_.test_data = test;
  now_.stop = now_.skip = false;
  now_.history.why.clear();
  now_.optimizer.zero_grad();
  waiting_ = 0;
  started_ = internal::profile_clock();
}

void Trainer::begin_step() {
  if (!settled_) return;  // one more batch of the same step
  before_->moment.take(now_.net);
  before_->batch = now_.batch;
  before_->mean_loss = mean_loss_;
  before_->metrics = metrics_;
  settled_ = false;
}

void Trainer::forward_and_backward(const Batch& batch) {
  now_.current = batch;
  tell(&Handler::before_step);
  now_.output = now_.net(batch.inputs);
  now_.loss = loss_(now_.output, batch.targets);
  now_.last_loss = now_.loss.item();
  const auto size = static_cast<double>(batch.size());
  mean_loss_.update(now_.last_loss, size);
  now_.mean_loss = mean_loss_.value();
  for (AnyMetric& metric : metrics_) metric->update(now_.output.detach(), batch.targets);
  tell(&Handler::after_forward);
  // Batches of one step count by their samples, so that they add up to the mean over all of them.
  if (options_.accumulate == 1)
    now_.loss.backward();
  else
    (now_.loss * size).backward();
  waiting_ += size;
  now_.output = now_.loss = Tensor();  // nothing keeps the graph
}

bool Trainer::step_is_due() const { return now_.batch % options_.accumulate == 0 || now_.batch == now_.batches; }

void Trainer::finish_gradients() {
  if (options_.accumulate > 1) {
    const NoGrad only_values;
    for (const NamedTensor& p : now_.optimizer.parameters())
      if (Tensor parameter = p.tensor; parameter.has_grad()) parameter.set_grad(parameter.grad() * (1 / waiting_));
  }
  waiting_ = 0;
}

void Trainer::take_step() {
  if (!now_.skip) {
    if (now_.optimizer.needs_closure())
      search_step();
    else
      now_.optimizer.step();
  }
  const bool skipped = std::exchange(now_.skip, false);
  ++(skipped ? now_.history.skipped : now_.step);
  settled_ = true;
  now_.optimizer.zero_grad();
  if (skipped) return;
  if (average_ && now_.time() > options_.average_from) average_->update();
  tell(&Handler::after_step);
}

/// Every evaluation of a step sees the same batch, the same dropout and the same buffers; the first has been made.
void Trainer::search_step() {
  bool first = true;
  const auto evaluate = [&] {
    if (std::exchange(first, false)) return full({}, now_.last_loss, DType::float64);
    before_->moment.put_back_buffers();
    before_->moment.put_back_random();
    now_.optimizer.zero_grad();
    Tensor loss = loss_(now_.net(now_.current.inputs), now_.current.targets);
    loss.backward();
    bool finite = std::isfinite(loss.item());
    for (const NamedTensor& p : now_.optimizer.parameters())
      finite = finite && (!p.tensor.has_grad() || internal::all_finite(p.tensor.grad()));
    if (!finite)
      throw NumericError(
          fmt::format("training: epoch {}, batch {}: {} came to a loss or a gradient that is not finite on its search "
                      "along a direction; the step is left out",
                      now_.epoch + 1, now_.batch, now_.optimizer.name()));
    return loss.detach();
  };
  try {
    static_cast<void>(now_.optimizer.step(evaluate));
  } catch (const NumericError& error) {
    if (options_.on_nonfinite == OnNonfinite::stop) throw;
    before_->moment.put_back_buffers();
    now_.skip = true;
    options_.message(error.what());
  }
}

/// Everything as after the last whole step.
void Trainer::undo() {
  now_.output = now_.loss = Tensor();
  now_.optimizer.zero_grad();
  now_.skip = false;
  if (!std::exchange(settled_, true)) {
    before_->moment.put_back_buffers();
    before_->moment.put_back_random();
    now_.batch = before_->batch;
    mean_loss_ = before_->mean_loss;
    metrics_ = std::move(before_->metrics);
  }
  for (const auto& handler : handlers_) handler->after_failure(now_);
}

void Trainer::finish_epoch(const DataLoader* test) {
  Record record{.epoch = now_.epoch + 1, .step = now_.step};
  add_values(record, "", mean_loss_, metrics_);
  if (test)
    for (const auto& [name, value] : evaluate(*test).values) record.values.emplace_back("test_" + name, value);
  record.values.emplace_back("lr", now_.optimizer.lr());
  const double now = internal::profile_clock();
  record.seconds = now - started_;
  started_ = now;
  std::vector<AnyMetric> fresh = options_.metrics;
  for (AnyMetric& metric : fresh) metric->reset();
  now_.record = record;
  now_.history.records.push_back(std::move(record));  // nothing after this can fail
  ++now_.epoch;
  now_.batch = 0;
  mean_loss_.reset();
  metrics_ = std::move(fresh);
  told_ = 0;
}

/// When one of them fails, fit() called again begins with that one.
void Trainer::tell_of_epoch() {
  for (; told_ < handlers_.size(); ++told_) handlers_[told_]->after_epoch(now_);
  told_ = kAll;
}

Record Trainer::evaluate(const DataLoader& data) {
  const NoGrad only_values;
  std::optional<WeightAverage::Swapped> averaged;
  if (average_ && average_->updates() > 0) averaged.emplace(*average_);
  const bool was_training = now_.net.is_training();
  const Generator::State random = default_generator().state();
  now_.net.eval();
  Mean loss;
  std::vector<AnyMetric> metrics = options_.metrics;
  for (AnyMetric& metric : metrics) metric->reset();
  try {
    for (const Batch& batch : data.epoch(0)) {
      const Tensor output = now_.net(batch.inputs);
      loss.update(loss_(output, batch.targets).item(), static_cast<double>(batch.size()));
      for (AnyMetric& metric : metrics) metric->update(output, batch.targets);
    }
  } catch (...) {
    default_generator().set_state(random);
    now_.net.train(was_training);
    throw;
  }
  now_.net.train(was_training);
  Record record{.epoch = now_.epoch, .step = now_.step};
  add_values(record, "", loss, metrics);
  return record;
}

void Trainer::add_values(Record& record, const std::string& prefix, const Mean& loss,
                         const std::vector<AnyMetric>& metrics) const {
  record.values.emplace_back(prefix + "loss", loss.value());
  for (const AnyMetric& metric : metrics) record.values.emplace_back(prefix + metric->name(), metric->value());
}

void Trainer::tell(Event event) {
  for (std::size_t i = 0; i < handlers_.size(); ++i) ((*handlers_[i]).*event)(now_);
}

// --- beginning and going on ------------------------------------------------------------------------------------------

Trainer::Trainer(Module& net, Optimizer& optimizer, Loss loss, Options options)
    : loss_(std::move(loss)),
      options_(std::move(options)),
      now_{.net = net, .optimizer = optimizer, .epochs = options_.epochs},
      metrics_(options_.metrics),
      before_(std::make_shared<Before>()) {
  const auto check = [](bool good, const char* name, double value, const char* range) {
    if (!good || !std::isfinite(value))
      throw ValueError(fmt::format("Trainer: {} must be {}, not {}", name, range, value));
  };
  const Options& o = options_;
  check(o.epochs >= 1, "epochs", static_cast<double>(o.epochs), "at least 1");
  check(o.accumulate >= 1, "accumulate", static_cast<double>(o.accumulate), "at least 1");
  check(o.patience >= 0, "patience", static_cast<double>(o.patience), "at least 0");
  check(o.clip_norm >= 0, "clip_norm", o.clip_norm, "a finite number of at least 0");
  check(o.clip_value >= 0, "clip_value", o.clip_value, "a finite number of at least 0");
  check(o.average_from >= 0, "average_from", o.average_from, "a finite number of at least 0");
  if (optimizer.needs_closure() && o.accumulate > 1)
    throw ValueError(
        fmt::format("Trainer: {} asks for the loss of a step several times, which batches that are accumulated do not "
                    "allow; take a larger batch_size",
                    optimizer.name()));
  if (optimizer.needs_closure() && (o.clip_norm > 0 || o.clip_value > 0))
    throw ValueError(
        fmt::format("Trainer: {} searches along a direction, where gradients that are clipped mislead it; leave out "
                    "clip_norm and clip_value",
                    optimizer.name()));
  if (o.average_from > 0 && !o.average)
    throw ValueError("Trainer: average_from says when an average begins, and none is asked for; give average, too");
  if (o.resume && o.run_folder.empty())
    throw ValueError("Trainer: resume goes on from a run_folder, and none is given");
  if (o.average) average_.emplace(net.state(), *o.average);
  if (o.schedule && o.plateau) throw ValueError("Trainer: schedule and plateau both set the rate; give one of them");
  for (const AnyMetric& metric : metrics_) metric->reset();
  if (!options_.message) options_.message = [](const std::string& text) { fmt::print(stderr, "{}\n", text); };
  for (auto& handler : standard_handlers(options_, loss_, [this] { return checkpoint(); })) add(std::move(handler));
  if (o.resume)
    if (const auto last = RunFolder::last_checkpoint(o.run_folder)) resume(*last);
}

Checkpoint Trainer::checkpoint() const {
  Checkpoint c{.weights = state_dict(now_.net), .optimizer = now_.optimizer.state()};
  c.epoch = now_.epoch;
  c.batch = now_.batch;
  c.step = now_.step;
  c.generators["default"] = default_generator().state();
  if (!now_.history.empty())
    for (const auto& [name, value] : now_.history.back().values) c.metrics[name] = value;
  c.texts["history"] = history_json(now_.history.records);
  c.texts["optimizer"] = now_.optimizer.name();
  if (average_ && average_->updates() > 0) {
    c.averages = average_->values();
    c.texts[kUpdates] = std::to_string(average_->updates());
  }
  for (const auto& handler : handlers_) handler->save(c);
  return c;
}

void Trainer::resume(const Checkpoint& c) {
  const auto made_by = c.texts.find("optimizer");
  if (made_by != c.texts.end() && made_by->second != now_.optimizer.name())
    throw ValueError(
        fmt::format("Trainer: the checkpoint is of {}, not of {}", made_by->second, now_.optimizer.name()));
  if (!c.averages.empty() && !average_)
    throw ValueError(
        "Trainer: the checkpoint holds averages of the weights, and this training has none; give it the option "
        "average");
  const auto history = c.texts.find("history");
  std::vector<Record> records = history == c.texts.end() ? std::vector<Record>() : parse_history(history->second);
  const Checkpoint before = checkpoint();
  const std::vector<NamedTensor> averages = average_ ? average_->state() : std::vector<NamedTensor>();
  try {
    take(c);
  } catch (...) {
    take(before);
    if (average_) average_->load_state(averages);
    throw;
  }
  now_.epoch = c.epoch;
  now_.batch = c.batch;
  now_.step = c.step;
  now_.history = {.records = std::move(records)};
  if (const auto state = c.generators.find("default"); state != c.generators.end())
    default_generator().set_state(state->second);
  mean_loss_.reset();
  for (AnyMetric& metric : metrics_) metric->reset();
  told_ = kAll;
}

/// What may be refused.
void Trainer::take(const Checkpoint& c) {
  load_state(now_.net, c.weights);
  now_.optimizer.load_state(c.optimizer);
  if (!c.averages.empty()) {
    std::vector<NamedTensor> state{{kUpdates, from_vector({internal::count_in(c, kUpdates).value_or(1)}, {})}};
    for (const auto& [name, tensor] : c.averages) state.push_back({name + ".average", tensor});
    average_->load_state(state);
  }
  for (const auto& handler : handlers_) handler->load(c);
}

}  // namespace chainrule
