// What the handlers do, one after the other, and the order in which a Trainer tells them.
#include "optim/trainer/handlers.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "engine/backward.h"
#include "engine/factory.h"
#include "engine/memory/pool.h"
#include "engine/scopes.h"
#include "engine/system/interrupt.h"
#include "engine/system/text.h"
#include "engine/types/error.h"
#include "optim/clip.h"
#include "optim/trainer/finite.h"
#include "optim/trainer/run_folder.h"
#include "optim/trainer/statistics.h"

namespace chainrule {

void ScheduleRate::before_step(Training& t) { t.optimizer.scale_lr(schedule_(t.time())); }

// --- numbers that are not finite -------------------------------------------------------------------------------------

RefuseNonfinite::RefuseNonfinite(OnNonfinite what, Loss loss, Message message)
    : what_(what), loss_(std::move(loss)), message_(std::move(message)) {}

void RefuseNonfinite::before_step(Training& t) {
  random_ = default_generator().state();
  buffers_ = t.net.buffers();
  for (NamedTensor& buffer : buffers_) buffer.tensor = internal::copied(buffer.tensor);
}

void RefuseNonfinite::after_forward(Training& t) {
  if (!std::isfinite(t.last_loss)) first_ = fmt::format("the loss is {}; {}", t.last_loss, first_operation(t));
}

void RefuseNonfinite::after_backward(Training& t) {
  std::string names;
  for (const NamedTensor& p : t.optimizer.parameters())
    if (p.tensor.requires_grad() && p.tensor.has_grad() && !internal::all_finite(p.tensor.grad()))
      names += fmt::format("{}'{}'", names.empty() ? "" : ", ", printable(p.name));
  if (names.empty() && first_.empty()) return;
  if (first_.empty()) first_ = first_operation(t);
  if (!names.empty()) names = "the gradient of " + names + " is not finite; ";
  const std::string text =
      fmt::format("training: epoch {}, batch {}: {}{}; the step is left out", t.epoch + 1, t.batch, names, first_);
  first_.clear();
  put_back(t);
  if (what_ == OnNonfinite::skip) {
    t.skip = true;
    return message_(text);
  }
  t.optimizer.zero_grad();
  default_generator().set_state(random_);
  throw NumericError(text);
}

/// What the watch over every value says when the batch runs once more.
std::string RefuseNonfinite::first_operation(const Training& t) const {
  put_back(t);
  const Generator::State now = default_generator().state();
  default_generator().set_state(random_);
  std::string found = "no operation of this batch alone makes it so";
  try {
    const AnomalyMode watch;
    const Tensor loss = loss_(t.net(t.current.inputs), t.current.targets);
    std::vector<Tensor> trainable;
    for (const NamedTensor& p : t.optimizer.parameters())
      if (p.tensor.requires_grad()) trainable.push_back(p.tensor);
    static_cast<void>(grad(loss, trainable, {.allow_unused = true}));
  } catch (const NumericError& error) {
    found = fmt::format("first: {}", error.what());
  }
  default_generator().set_state(now);
  return found;
}

void RefuseNonfinite::put_back(const Training& t) const {
  const NoGrad in_place;
  std::vector<NamedTensor> now = t.net.buffers();
  for (std::size_t i = 0; i < now.size(); ++i) now[i].tensor.copy_(buffers_[i].tensor);
}

void ClipGradients::after_backward(Training& t) {
  if (t.skip) return;
  if (value_ > 0) clip_grad_value(t.optimizer.parameters(), value_);
  if (norm_ > 0) clip_grad_norm(t.optimizer.parameters(), norm_);
}

// --- which epoch is the best -----------------------------------------------------------------------------------------

Monitor monitor_of(const Trainer::Options& options, const Record& record) {
  const std::string prefix = record.has("test_loss") ? "test_" : "";
  if (options.monitor.empty())
    return options.metrics.empty()
               ? Monitor{prefix + "loss", false}
               : Monitor{prefix + options.metrics[0]->name(), options.metrics[0]->higher_is_better()};
  record.at(options.monitor);
  for (const AnyMetric& metric : options.metrics)
    if (options.monitor == metric->name() || options.monitor == "test_" + metric->name())
      return {options.monitor, metric->higher_is_better()};
  return {options.monitor, false};
}

bool Best::update(const Record& record) {
  const Monitor monitor = choose_(record);
  column_ = monitor.column;
  const double value = record.at(column_);
  const bool better = !std::isnan(value) && (!any_ || (monitor.higher_is_better ? value > value_ : value < value_));
  if (better) any_ = true, value_ = value;
  return better;
}
std::string Best::text() const { return any_ ? format_exact(value_) : ""; }
void Best::load(const std::string& text) {
  any_ = !text.empty();
  value_ = leading_number(text).value;
}

void StopEarly::after_epoch(Training& t) {
  waited_ = best_.update(t.record) ? 0 : waited_ + 1;
  if (waited_ >= patience_) t.end(fmt::format("no better {} for {} epochs", best_.column(), waited_));
}
void StopEarly::save(Checkpoint& c) const {
  c.texts["stop_early.best"] = best_.text();
  c.texts["stop_early.waited"] = std::to_string(waited_);
}
void StopEarly::load(const Checkpoint& c) {
  const auto best = c.texts.find("stop_early.best"), waited = c.texts.find("stop_early.waited");
  if (best == c.texts.end() || waited == c.texts.end()) return;
  best_.load(best->second);
  waited_ = static_cast<std::int64_t>(leading_number(waited->second).value);
}

void ReduceOnPlateau::before_training(Training& t) { t.optimizer.scale_lr(plateau_.factor()); }
void ReduceOnPlateau::after_epoch(Training& t) {
  t.optimizer.scale_lr(plateau_.update(t.record.at(choose_(t.record).column)));
}
void ReduceOnPlateau::save(Checkpoint& c) const {
  for (const auto& [name, tensor] : plateau_.state()) c.texts[name] = format_exact(tensor.item());
}
void ReduceOnPlateau::load(const Checkpoint& c) {
  std::vector<NamedTensor> state = plateau_.state();
  for (NamedTensor& one : state) {
    const auto text = c.texts.find(one.name);
    if (text == c.texts.end()) return;
    one.tensor = full(one.tensor.shape(), leading_number(text->second).value, {.dtype = one.tensor.dtype()});
  }
  plateau_.load_state(state);
}

// --- watching --------------------------------------------------------------------------------------------------------

void WatchNodes::after_step(Training&) {
  const std::int64_t now = live_nodes();
  grown_ = now > last_ ? grown_ + 1 : 0;
  if (grown_ <= 1) first_ = last_;
  last_ = now;
  if (warned_ || grown_ < steps_) return;
  warned_ = true;
  message_(
      fmt::format("training: the number of live nodes has grown for {} steps in a row, from {} to {}: something keeps "
                  "the graphs; add up loss.item() and not the loss",
                  grown_, first_, now));
}

void WatchSignals::before_training(Training& t) {
  watch_interrupts();
  t.history.signal = 0;
}
void WatchSignals::after_step(Training& t) {
  if (const int signal = interrupted(); signal != 0) {
    t.history.signal = signal;
    t.end(fmt::format("signal {}", signal));
  }
}

void ShowProgress::before_training(Training& t) { line_ = std::make_unique<Progress>("epoch", t.epochs, options_); }
void ShowProgress::after_step(Training& t) {
  std::string facts = fmt::format("loss {}", format_number(t.mean_loss));
  if (!t.history.empty())
    for (const auto& [name, value] : t.history.back().values)
      if (name.find("loss") == std::string::npos && name != "lr") {
        facts += fmt::format("  {} {}", name, format_number(value));
        break;
      }
  facts += fmt::format("  lr {}", format_number(t.optimizer.lr()));
  // The epoch ends with its evaluation, in after_epoch.
  line_->update(static_cast<double>(t.epoch) +
                    (static_cast<double>(t.batch) - 0.5) / static_cast<double>(std::max<std::int64_t>(t.batches, 1)),
                facts);
}
namespace {
std::string facts_of(const Training& t) {
  std::string facts;
  for (const auto& [name, value] : t.record.values)
    facts += fmt::format("{}{} {}", facts.empty() ? "" : "  ", name, format_number(value));
  return facts;
}
}  // namespace
void ShowProgress::after_epoch(Training& t) { line_->update(static_cast<double>(t.epoch), facts_of(t)); }
void ShowProgress::after_training(Training& t) {
  if (t.epoch == t.epochs) line_->finish(facts_of(t));
  line_.reset();
}

std::vector<std::shared_ptr<Handler>> standard_handlers(const Trainer::Options& o, const Loss& loss,
                                                        const std::function<Checkpoint()>& checkpoint) {
  std::vector<std::shared_ptr<Handler>> handlers;
  std::shared_ptr<RunFolder> folder;
  Message message = o.message;
  if (!o.run_folder.empty()) {
    folder = std::make_shared<RunFolder>(o.run_folder, o.resume, Best(o), checkpoint, o.message);
    message = [folder, told = o.message](const std::string& text) {
      told(text);
      folder->log(text);
    };
  }
  if (o.schedule) handlers.push_back(std::make_shared<ScheduleRate>(*o.schedule));
  if (o.plateau) handlers.push_back(std::make_shared<ReduceOnPlateau>(*o.plateau, o));
  // Before clipping, which would hide what is not finite.
  handlers.push_back(std::make_shared<RefuseNonfinite>(o.on_nonfinite, loss, message));
  if (o.clip_norm > 0 || o.clip_value > 0)
    handlers.push_back(std::make_shared<ClipGradients>(o.clip_norm, o.clip_value));
  handlers.push_back(std::make_shared<WatchNodes>(message));
  if (o.interrupts) handlers.push_back(std::make_shared<WatchSignals>());
  if (o.patience > 0) handlers.push_back(std::make_shared<StopEarly>(o.patience, Best(o)));
  if (o.statistics) {
    if (o.run_folder.empty()) throw ValueError("Trainer: statistics go into a run_folder, and none is given");
    handlers.push_back(std::make_shared<LayerStatistics>(o.run_folder + "/statistics.csv"));
  }
  if (folder) handlers.push_back(folder);  // after all that it saves
  if (o.progress != ProgressMode::none)
    handlers.push_back(std::make_shared<ShowProgress>(ProgressOptions{.mode = o.progress}));
  return handlers;
}

}  // namespace chainrule
