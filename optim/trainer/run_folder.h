// The files of a training: each is whole after every epoch, whatever ends the process.
#pragma once

#include <cstdio>
#include <functional>
#include <memory>
#include <optional>
#include <string>

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

/// In the folder:
///   last.safetensors   checkpoint of the last epoch, or of the step in which a signal came
///   model.safetensors  checkpoint of the best epoch; load_state takes its weights
///   metrics.csv        a row for each epoch
///   metrics.jsonl      a line for each step and each epoch
///   curves.svg         loss, metrics and rate over the epochs
///   network.svg        the network as it computed the first batch (needs Graphviz; without it network.dot)
///   run.json           command, version, options of the training
///   log.txt            what was said
/// Refuses to save weights that are not finite: NumericError.
class RunFolder : public Handler {
 public:
  RunFolder(std::string folder, bool resume, Best best, std::function<Checkpoint()> checkpoint, Message message);
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
  void save_checkpoint_as(const char* name) const;
  std::string folder_;
  bool resume_, drawn_ = false;
  Best best_;
  std::function<Checkpoint()> checkpoint_;
  Message message_;
  AppendFile rows_, lines_, log_;
};

}  // namespace chainrule
