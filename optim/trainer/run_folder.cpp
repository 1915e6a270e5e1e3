// What is appended goes to the system line by line; what is replaced is replaced as a whole.
#include "optim/trainer/run_folder.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <system_error>

#include "engine/draw/diagram.h"
#include "engine/pictures/chart.h"
#include "engine/system/file.h"
#include "engine/system/text.h"
#include "engine/system/version.h"
#include "engine/types/error.h"
#include "engine/types/threads.h"
#include "nn/files/checkpoint.h"
#include "nn/files/json_text.h"
#include "optim/trainer/finite.h"

namespace chainrule {
namespace {

using internal::json_number;
using internal::json_text;
using internal::JsonObject;

std::string csv_header(const Record& record) {
  std::string text = "epoch,step,seconds";
  for (const auto& [name, value] : record.values) text += "," + name;
  return text;
}
std::string csv_row(const Record& record) {
  std::string text = fmt::format("{},{},{}", record.epoch, record.step, format_exact(record.seconds));
  for (const auto& [name, value] : record.values) text += "," + format_exact(value);
  return text;
}

std::string facts_of(const DataLoader* loader) {
  if (!loader) return "null";
  const DataLoader::Options& o = loader->options();
  return JsonObject()
      .add("samples", loader->samples())
      .add("batches", loader->size())
      .add("batch_size", o.batch_size)
      .add("sampler", json_text(printable(o.sampler   ? o.sampler->name()
                                          : o.shuffle ? "random"
                                                      : "sequential")))
      .add("drop_last", o.drop_last ? "true" : "false")
      .add("seed", std::to_string(o.seed))
      .add("transform", json_text(printable(to_string(o.transform))))
      .add("prefetch", o.prefetch)
      .text();
}

std::string facts_of(const Trainer::Options& o) {
  JsonObject facts;
  std::vector<std::string> metrics;
  for (const AnyMetric& metric : o.metrics) metrics.push_back(json_text(printable(metric->name())));
  facts.add("epochs", o.epochs).add("schedule", o.schedule ? json_text(printable(o.schedule->text())) : "null");
  facts.add("plateau",
            o.plateau
                ? JsonObject().add("factor", json_number(o.plateau->factor)).add("patience", o.plateau->patience).text()
                : "null");
  facts.add("average", o.average ? JsonObject()
                                       .add("decay", o.average->decay ? json_number(*o.average->decay) : "null")
                                       .add("from", json_number(o.average_from))
                                       .text()
                                 : "null");
  return facts.add("accumulate", o.accumulate)
      .add("clip_norm", json_number(o.clip_norm))
      .add("clip_value", json_number(o.clip_value))
      .add("on_nonfinite", o.on_nonfinite == OnNonfinite::stop ? "\"stop\"" : "\"skip\"")
      .add("patience", o.patience)
      .add("monitor", json_text(printable(o.monitor)))
      .add("metrics", internal::json_list(metrics))
      .text();
}

std::string csv(const History& history) {
  std::string rows;
  for (const Record& record : history.records)
    rows += (rows.empty() ? csv_header(record) + "\n" : "") + csv_row(record) + "\n";
  return rows;
}

/// The lines of steps that the training has not yet done again are left out.
std::string lines_until(const std::string& path, std::int64_t step) {
  std::string kept;
  for (const std::string& line : internal::lines_of(path)) {
    const auto at = internal::step_of_line(line);
    if (at && *at <= step) kept += line + "\n";
  }
  return kept;
}

std::string command_line() {
  std::ifstream file("/proc/self/cmdline", std::ios::binary);  // empty where the system has none
  std::string text{std::istreambuf_iterator<char>(file), {}};
  for (char& c : text)
    if (c == '\0') c = ' ';
  while (text.ends_with(' ')) text.pop_back();
  return printable(text);
}

}  // namespace

std::optional<std::int64_t> internal::step_of_line(const std::string& line) try {
  const JsonTree json = parse_json(line);
  const JsonTree* step = json.find("step");
  if (!step || step->kind != JsonTree::Kind::count || step->count >> 63 != 0) return {};
  return static_cast<std::int64_t>(step->count);
} catch (const ValueError&) {
  return {};  // cut off when the process ended
}

std::vector<std::string> internal::lines_of(const std::string& path) {
  std::vector<std::string> lines;
  if (!std::filesystem::exists(path)) return lines;
  const std::string text = read_file(path, "run folder");
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    lines.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return lines;
}

AppendFile::AppendFile(const std::string& path) : path_(path), file_(std::fopen(path.c_str(), "ae"), std::fclose) {
  if (!file_)
    throw EnvironmentError(
        fmt::format("run folder: cannot write '{}': {}", printable(path), std::generic_category().message(errno)));
}
void AppendFile::line(const std::string& text) {
  if (!file_) return;
  if (std::fputs((text + "\n").c_str(), file_.get()) < 0 || std::fflush(file_.get()) != 0)
    throw EnvironmentError(
        fmt::format("run folder: cannot write '{}': {}", printable(path_), std::generic_category().message(errno)));
}

RunFolder::RunFolder(const Trainer::Options& options, std::function<Checkpoint()> checkpoint)
    : options_(options), folder_(options.run_folder), best_(options), checkpoint_(std::move(checkpoint)) {}

std::optional<Checkpoint> RunFolder::last_checkpoint(const std::string& folder) {
  const std::string path = folder + "/last.safetensors";
  if (!std::filesystem::exists(path)) return {};
  return load_checkpoint(path);
}

void RunFolder::before_training(Training& t) {
  std::error_code error;
  std::filesystem::create_directories(folder_, error);
  if (error)
    throw EnvironmentError(fmt::format("run folder: cannot make '{}': {}", printable(folder_), error.message()));
  const bool starts = t.epoch == 0 && t.batch == 0;
  if (starts && !options_.resume && std::filesystem::exists(file("last.safetensors")))
    throw ValueError(
        fmt::format("run folder: a training is in '{}' already; go on with it by {{.resume = true}}, or take another "
                    "folder",
                    printable(folder_)));
  write_file(file("metrics.csv"), csv(t.history));
  write_file(file("metrics.jsonl"), lines_until(file("metrics.jsonl"), t.step));
  lines_ = AppendFile(file("metrics.jsonl"));
  log_ = AppendFile(file("log.txt"));
  if (!starts) log(fmt::format("goes on after epoch {}, batch {}, step {}", t.epoch, t.batch, t.step));
  write_run(t);
}

void RunFolder::after_forward(Training& t) {
  if (drawn_) return;
  drawn_ = true;
  if (std::filesystem::exists(file("network.svg")) || std::filesystem::exists(file("network.dot"))) return;
  try {
    write_graph(file("network.svg"), t.output,
                {.title = t.net.kind(), .values = false, .gradients = false, .message = [](std::string_view) {}});
  } catch (const EnvironmentError& error) {
    options_.message(error.what());
    log(error.what());
  }
}

void RunFolder::after_step(Training& t) {
  lines_.line(JsonObject()
                  .add("event", "\"step\"")
                  .add("epoch", t.epoch + 1)
                  .add("step", t.step)
                  .add("loss", json_number(t.last_loss))
                  .add("lr", json_number(t.optimizer.lr()))
                  .text());
}

// Told again of an epoch in which it failed, it goes on where it was.
void RunFolder::after_epoch(Training& t) {
  if (written_ != t.record.epoch) {
    JsonObject json;
    json.add("event", "\"epoch\"").add("epoch", t.record.epoch).add("step", t.record.step);
    json.add("seconds", json_number(t.record.seconds));
    for (const auto& [name, value] : t.record.values) json.add(name, json_number(value));
    lines_.line(json.text());
    written_ = t.record.epoch;
    better_ = best_.update(t.record);
    log(to_string(t.record));
  }
  write_file(file("metrics.csv"), csv(t.history));
  write_curves(t);
  save_checkpoints(better_);
  better_ = false;
}

void RunFolder::after_training(Training& t) {
  if (t.batch > 0) save_checkpoints(false);  // it ended in the middle of an epoch
  if (!t.history.why.empty()) log("ended: " + t.history.why);
}

void RunFolder::save(Checkpoint& c) const { best_.save(c, "best"); }
void RunFolder::load(const Checkpoint& c) {
  best_.load(c, "best");
  written_ = -1;
}

void RunFolder::log(const std::string& text) { log_.line(printable(text)); }

// The best one first: what ends the process in between, the epoch comes again and is the best again.
void RunFolder::save_checkpoints(bool best) const {
  Checkpoint c = checkpoint_();
  for (const NamedTensor& weight : c.weights)
    if (!internal::all_finite(weight.tensor))
      throw NumericError(fmt::format("run folder: '{}' is not finite after step {}; no checkpoint is written",
                                     printable(weight.name), c.step));
  if (best) {
    Checkpoint model = c;
    if (!c.averages.empty()) model.weights = c.averages;
    save_checkpoint(file("model.safetensors"), model);
  }
  save_checkpoint(file("last.safetensors"), c);
}

void RunFolder::write_run(const Training& t) const {
  write_file(file("run.json"), JsonObject()
                                   .add("library", json_text(kLibraryVersion))
                                   .add("checkpoint_format", kCheckpointVersion)
                                   .add("compiler", json_text(__VERSION__))
                                   .add("command", json_text(command_line()))
                                   .add("network", json_text(printable(t.net.kind())))
                                   .add("parameters", t.net.parameter_count())
                                   .add("optimizer", json_text(t.optimizer.name()))
                                   .add("lr", json_number(t.optimizer.lr()))
                                   .add("seed", std::to_string(default_generator().seed()))
                                   .add("threads", num_threads())
                                   .add("options", facts_of(options_))
                                   .add("train_data", facts_of(t.train_data))
                                   .add("test_data", facts_of(t.test_data))
                                   .lines());
}

void RunFolder::write_curves(const Training& t) const {
  std::vector<double> epochs;
  for (const Record& record : t.history.records) epochs.push_back(static_cast<double>(record.epoch));
  Chart chart{.title = t.net.kind(), .x_label = "epoch", .panels = {}};
  for (const auto& [name, value] : t.record.values) {
    if (name.starts_with("test_")) continue;
    Panel panel{.label = name, .unit = {}, .series = {}};
    panel.series.push_back({name == "lr" ? "rate" : "training", epochs, t.history.column(name)});
    if (t.record.has("test_" + name)) panel.series.push_back({"test", epochs, t.history.column("test_" + name)});
    chart.panels.push_back(std::move(panel));
  }
  write_chart(file("curves.svg"), chart);
}

}  // namespace chainrule
