// What is appended goes to the system line by line; what is replaced is replaced as a whole.
#include "optim/trainer/run_folder.h"

#include <fmt/format.h>

#include <cerrno>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <system_error>

#include "engine/draw/diagram.h"
#include "engine/pictures/chart.h"
#include "engine/system/file.h"
#include "engine/system/text.h"
#include "engine/system/version.h"
#include "engine/types/error.h"
#include "engine/types/threads.h"
#include "optim/trainer/finite.h"

namespace chainrule {
namespace {

using Json = nlohmann::ordered_json;

/// JSON has no word for what is not finite.
Json number(double value) { return std::isfinite(value) ? Json(value) : Json(format_exact(value)); }

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

/// The lines of steps that the training has not yet done again are left out.
std::string lines_until(const std::string& path, std::int64_t step) {
  std::string kept;
  std::ifstream lines(path);
  for (std::string line; std::getline(lines, line);) {
    const Json json = Json::parse(line, nullptr, false);
    if (json.is_object() && json.value("step", step + 1) <= step) kept += line + "\n";
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

RunFolder::RunFolder(std::string folder, bool resume, Best best, std::function<Checkpoint()> checkpoint,
                     Message message)
    : folder_(std::move(folder)),
      resume_(resume),
      best_(std::move(best)),
      checkpoint_(std::move(checkpoint)),
      message_(std::move(message)) {}

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
  if (starts && !resume_ && std::filesystem::exists(file("last.safetensors")))
    throw ValueError(
        fmt::format("run folder: a training is in '{}' already; go on with it by {{.resume = true}}, or take another "
                    "folder",
                    printable(folder_)));
  std::string rows;
  for (const Record& record : t.history.records)
    rows += (rows.empty() ? csv_header(record) + "\n" : "") + csv_row(record) + "\n";
  write_file(file("metrics.csv"), rows);
  write_file(file("metrics.jsonl"), lines_until(file("metrics.jsonl"), t.step));
  rows_ = AppendFile(file("metrics.csv"));
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
    message_(error.what());
    log(error.what());
  }
}

void RunFolder::after_step(Training& t) {
  lines_.line(Json{{"event", "step"},
                   {"epoch", t.epoch + 1},
                   {"step", t.step},
                   {"loss", number(t.last_loss)},
                   {"lr", number(t.optimizer.lr())}}
                  .dump());
}

void RunFolder::after_epoch(Training& t) {
  Json json{
      {"event", "epoch"}, {"epoch", t.record.epoch}, {"step", t.record.step}, {"seconds", number(t.record.seconds)}};
  for (const auto& [name, value] : t.record.values) json[name] = number(value);
  lines_.line(json.dump());
  if (t.history.size() == 1) rows_.line(csv_header(t.record));
  rows_.line(csv_row(t.record));
  log(to_string(t.record));
  write_curves(t);
  const bool better = best_.update(t.record);
  save_checkpoint_as("last.safetensors");
  if (better) save_checkpoint_as("model.safetensors");
}

void RunFolder::after_training(Training& t) {
  if (t.batch > 0) save_checkpoint_as("last.safetensors");  // it ended in the middle of an epoch
  if (!t.history.why.empty()) log("ended: " + t.history.why);
}

void RunFolder::save(Checkpoint& c) const { c.texts["best"] = best_.text(); }
void RunFolder::load(const Checkpoint& c) {
  if (const auto best = c.texts.find("best"); best != c.texts.end()) best_.load(best->second);
}

void RunFolder::log(const std::string& text) { log_.line(printable(text)); }

void RunFolder::save_checkpoint_as(const char* name) const {
  const Checkpoint c = checkpoint_();
  for (const NamedTensor& weight : c.weights)
    if (!internal::all_finite(weight.tensor))
      throw NumericError(fmt::format("run folder: '{}' is not finite after step {}; no checkpoint is written",
                                     printable(weight.name), c.step));
  save_checkpoint(file(name), c);
}

void RunFolder::write_run(const Training& t) const {
  const Json json{{"library", kLibraryVersion},
                  {"command", command_line()},
                  {"network", t.net.kind()},
                  {"parameters", t.net.parameter_count()},
                  {"optimizer", t.optimizer.name()},
                  {"lr", number(t.optimizer.lr())},
                  {"epochs", t.epochs},
                  {"batches", t.batches},
                  {"seed", default_generator().seed()},
                  {"threads", num_threads()}};
  write_file(file("run.json"), json.dump(2) + "\n");
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
