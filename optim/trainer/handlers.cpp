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
#include "optim/trainer/moment.h"
#include "optim/trainer/run_folder.h"
#include "optim/trainer/run_pictures.h"
#include "optim/trainer/statistics.h"

namespace chainrule {

std::optional<double> internal::number_in(const Checkpoint& c, const std::string& name) {
  const auto text = c.texts.find(name);
  if (text == c.texts.end()) return {};
  const LeadingNumber number = leading_number(text->second);
  if (text->second.empty() || number.length != text->second.size() || number.out_of_range)
    throw ValueError(fmt::format("Trainer: '{}' in the checkpoint is '{}', which is no number", name,
                                 shorten(printable(text->second), 80)));
  return number.value;
}

std::optional<std::int64_t> internal::count_in(const Checkpoint& c, const std::string& name) {
  const std::optional<double> number = number_in(c, name);
  if (!number) return {};
  if (!(*number >= 0 && *number < 0x1p53 && *number == std::floor(*number)))
    throw ValueError(fmt::format("Trainer: '{}' in the checkpoint is {}, which is no count", name, *number));
  return static_cast<std::int64_t>(*number);
}

void ScheduleRate::before_step(Training& t) { t.optimizer.scale_lr(schedule_(t.time())); }

// --- numbers that are not finite -------------------------------------------------------------------------------------

RefuseNonfinite::RefuseNonfinite(OnNonfinite what, Loss loss, Message message)
    : what_(what),
      loss_(std::move(loss)),
      message_(std::move(message)),
      before_(std::make_shared<internal::Moment>()) {}

void RefuseNonfinite::before_step(Training& t) {
  first_.clear();  // of a step that failed
  before_->take(t.net);
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
  before_->put_back_buffers();
  if (what_ == OnNonfinite::skip) {
    t.skip = true;
    return message_(text);
  }
  t.optimizer.zero_grad();
  before_->put_back_random();
  throw NumericError(text);
}

/// What the watch over every value says when the batch runs once more.
std::string RefuseNonfinite::first_operation(const Training& t) const {
  before_->put_back_buffers();
  const Generator::State now = default_generator().state();
  before_->put_back_random();
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
void Best::save(Checkpoint& c, const std::string& name) const { c.texts[name] = any_ ? format_exact(value_) : ""; }
void Best::load(const Checkpoint& c, const std::string& name) {
  const auto text = c.texts.find(name);
  any_ = text != c.texts.end() && !text->second.empty();
  if (any_) value_ = internal::number_in(c, name).value();
}

void StopEarly::after_epoch(Training& t) {
  waited_ = best_.update(t.record) ? 0 : waited_ + 1;
  if (waited_ >= patience_) t.end(fmt::format("no better {} for {} epochs", best_.column(), waited_));
}
void StopEarly::save(Checkpoint& c) const {
  best_.save(c, "stop_early.best");
  c.texts["stop_early.waited"] = std::to_string(waited_);
}
void StopEarly::load(const Checkpoint& c) {
  const std::int64_t waited = internal::count_in(c, "stop_early.waited").value_or(0);
  best_.load(c, "stop_early.best");
  waited_ = waited;
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
    const std::optional<double> value = internal::number_in(c, one.name);
    if (!value) return;
    one.tensor = full(one.tensor.shape(), *value, {.dtype = one.tensor.dtype()});
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
    folder = std::make_shared<RunFolder>(o, checkpoint);
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
  if (o.pictures) {
    if (o.run_folder.empty()) throw ValueError("Trainer: pictures go into a run_folder, and none is given");
    handlers.push_back(std::make_shared<DrawPictures>(o.run_folder));
  }
  if (o.progress != ProgressMode::none)
    handlers.push_back(std::make_shared<ShowProgress>(ProgressOptions{.mode = o.progress}));
  return handlers;
}

}  // namespace chainrule
