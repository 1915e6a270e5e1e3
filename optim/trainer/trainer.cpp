// The loop, and what a step and an epoch are.
#include "optim/trainer/trainer.h"

#include <fmt/format.h>

#include <cmath>

#include "engine/factory.h"
#include "engine/profile.h"
#include "engine/scopes.h"
#include "engine/types/error.h"
#include "nn/files/state.h"
#include "optim/trainer/handlers.h"
#include "optim/trainer/run_folder.h"

namespace chainrule {

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

History Trainer::fit(const DataLoader& train, const DataLoader* test) {
  begin(train);
  tell(&Handler::before_training);
  while (now_.epoch < now_.epochs && !now_.stop) {
    now_.net.train();
    tell(&Handler::before_epoch);
    for (const Batch& batch : train.epoch(now_.epoch, now_.batch)) {
      forward_and_backward(batch);
      ++now_.batch;
      if (!step_is_due()) continue;
      finish_gradients();
      tell(&Handler::after_backward);
      if (!now_.skip) now_.optimizer.step();
      finish_step();
      if (now_.stop) break;
    }
    if (now_.stop && now_.batch < now_.batches) break;  // in the middle: the epoch goes on when it is resumed
    finish_epoch(test);
    tell(&Handler::after_epoch);
  }
  tell(&Handler::after_training);
  return now_.history;
}

History Trainer::fit(const DataLoader& train, const DataLoader& test) { return fit(train, &test); }
History Trainer::fit(const DataLoader& train, const AnyDataset& test) {
  return fit(train, DataLoader(test, {.batch_size = train.options().batch_size}));
}
History Trainer::fit(const DataLoader& train) { return fit(train, nullptr); }

// --- its parts -------------------------------------------------------------------------------------------------------

void Trainer::begin(const DataLoader& train) {
  now_.batches = train.size();
  if (now_.batch > now_.batches)
    throw ValueError(fmt::format("Trainer: the checkpoint is at batch {} of an epoch, and this loader has {}",
                                 now_.batch, now_.batches));
  now_.stop = now_.skip = false;
  now_.history.why.clear();
  now_.optimizer.zero_grad();
  waiting_ = 0;
  started_ = internal::profile_clock();
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

void Trainer::finish_step() {
  now_.optimizer.zero_grad();
  if (now_.skip) {
    ++now_.history.skipped;
    now_.skip = false;
    return;
  }
  ++now_.step;
  tell(&Handler::after_step);
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
  now_.record = record;
  now_.history.records.push_back(record);
  ++now_.epoch;
  now_.batch = 0;
  mean_loss_.reset();
  for (AnyMetric& metric : metrics_) metric->reset();
}

Record Trainer::evaluate(const DataLoader& data) {
  const NoGrad only_values;
  const bool was_training = now_.net.is_training();
  now_.net.eval();
  Mean loss;
  std::vector<AnyMetric> metrics = options_.metrics;
  for (const Batch& batch : data.epoch(0)) {
    const Tensor output = now_.net(batch.inputs);
    loss.update(loss_(output, batch.targets).item(), static_cast<double>(batch.size()));
    for (AnyMetric& metric : metrics) metric->update(output, batch.targets);
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
      metrics_(options_.metrics) {
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
  if (o.schedule && o.plateau) throw ValueError("Trainer: schedule and plateau both set the rate; give one of them");
  for (const AnyMetric& metric : metrics_) metric->reset();
  if (!options_.message) options_.message = [](const std::string& text) { fmt::print(stderr, "{}\n", text); };
  for (auto& handler : standard_handlers(options_, loss_, [this] { return checkpoint(); })) add(std::move(handler));
  if (o.resume && !o.run_folder.empty())
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
  for (const auto& handler : handlers_) handler->save(c);
  return c;
}

void Trainer::resume(const Checkpoint& c) {
  const auto made_by = c.texts.find("optimizer");
  if (made_by != c.texts.end() && made_by->second != now_.optimizer.name())
    throw ValueError(
        fmt::format("Trainer: the checkpoint is of {}, not of {}", made_by->second, now_.optimizer.name()));
  const auto history = c.texts.find("history");
  std::vector<Record> records = history == c.texts.end() ? std::vector<Record>() : parse_history(history->second);
  const auto before = state_dict(now_.net);
  load_state(now_.net, c.weights);
  try {
    now_.optimizer.load_state(c.optimizer);
  } catch (...) {
    load_state(now_.net, before);
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
  for (const auto& handler : handlers_) handler->load(c);
}

}  // namespace chainrule
