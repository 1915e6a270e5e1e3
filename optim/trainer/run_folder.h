// The files of a training: each is whole after every epoch, whatever ends the process.
#pragma once

#include <cstdint>
#include <cstdio>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "optim/trainer/handlers.h"

namespace chainrule {

/// Lines at the end of a file, each of them given to the system at once.
class AppendFile {
 public:
  AppendFile() = default;
  /// Throws EnvironmentError when it cannot be opened.
  explicit AppendFile(const std::string& path);
  void line(const std::string& text);

 private:
  std::string path_;
  std::unique_ptr<std::FILE, int (*)(std::FILE*)> file_{nullptr, nullptr};
};

namespace internal {
/// The lines of a text file, whole: what a stream does when memory is out looks like the end. None where there is none.
std::vector<std::string> lines_of(const std::string& path);
/// The step that a line of metrics.jsonl is of; nothing for what is no such line.
std::optional<std::int64_t> step_of_line(const std::string& line);
}  // namespace internal

/// In the folder:
///   last.safetensors   checkpoint of the last epoch, or of the step in which a signal came
///   model.safetensors  checkpoint of the best epoch; load_state takes its weights, the averages where there are some
///   metrics.csv        a row for each epoch
///   metrics.jsonl      a line for each step and each epoch
///   curves.svg         loss, metrics and rate over the epochs
///   network.svg        the network as it computed the first batch (needs Graphviz; without it network.dot)
///   run.json           command, versions, seed, what trains what on which data, options of the training
///   log.txt            what was said
/// Refuses to save weights that are not finite: NumericError.
class RunFolder : public Handler {
 public:
  /// The one that the options name.
  RunFolder(const Trainer::Options& options, std::function<Checkpoint()> checkpoint);
  /// Throws ValueError when a training is in the folder and is not to be resumed, EnvironmentError when the folder
  /// cannot be made.
  void before_training(Training& t) override;
  void after_forward(Training& t) override;
  void after_step(Training& t) override;
  void after_epoch(Training& t) override;
  void after_training(Training& t) override;
  void save(Checkpoint& c) const override;
  void load(const Checkpoint& c) override;

  void log(const std::string& text);
  /// The checkpoint to go on from; nothing where there is none.
  static std::optional<Checkpoint> last_checkpoint(const std::string& folder);

 private:
  std::string file(const char* name) const { return folder_ + "/" + name; }
  void write_run(const Training& t) const;
  void write_curves(const Training& t) const;
  void save_checkpoints(bool best) const;
  Trainer::Options options_;
  std::string folder_;
  bool drawn_ = false;
  bool better_ = false;        // the last epoch, and model.safetensors does not have it yet
  std::int64_t written_ = -1;  // the epoch of the last line
  Best best_;
  std::function<Checkpoint()> checkpoint_;
  AppendFile lines_, log_;
};

}  // namespace chainrule
