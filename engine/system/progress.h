// How far a long job is, on stderr: one line redrawn on a terminal, plain lines in a log file.
// Deliberately not here: results (they go to stdout) and reacting to signals (engine/system/interrupt.h).
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace chainrule {

enum class ProgressMode {
  automatic,  ///< bar on a terminal that can redraw a line, plain elsewhere
  bar,        ///< the redrawn line, wherever it goes
  plain,      ///< a line per finished unit (per percent above 100 units), no control character at all
  none        ///< silence
};

/// The value of --progress: auto, bar, plain or none. @throws ValueError that lists the four.
ProgressMode parse_progress_mode(std::string_view text);

struct ProgressOptions {
  ProgressMode mode = ProgressMode::automatic;
  int descriptor = 2;                 ///< where it writes; errors there are ignored, a bar must not stop a training
  std::function<double()> seconds{};  ///< the clock; empty means the steady clock of the system
};

/// `epoch 3/10  [=====>    ]  loss 0.123  test 97.5 %  eta 12 s`. Redrawn at most ten times a second and never wider
/// than the terminal is at that moment. Colour only on a terminal and without NO_COLOR. The cursor is never hidden, so
/// there is nothing to restore when the program ends in the middle. Used from one thread.
class Progress {
 public:
  /// `unit` names what is counted ("epoch"), `total` says how many there are (at least 1).
  Progress(std::string_view unit, std::int64_t total, ProgressOptions options = {});
  ~Progress();  ///< Ends an open line, so that what follows starts on a fresh one.
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  /// `done` units are finished, with a fraction: 2.5 is half of the third. `facts` is what there is to tell.
  void update(double done, std::string_view facts);

  /// The final line: the last state with the time it took instead of the time to go. Later calls do nothing.
  void finish(std::string_view facts);

 private:
  bool is_new_line(std::int64_t whole) const;
  std::string head() const;
  std::string line(std::string_view facts, std::string_view time) const;
  void draw(const std::string& text, bool last);
  void write(std::string_view bytes) const;

  std::string unit_;
  std::int64_t total_;
  ProgressMode mode_;  // never automatic
  int descriptor_;
  bool colour_;
  std::function<double()> seconds_;
  double start_, last_drawn_;
  double done_ = 0;
  std::int64_t reported_ = 0;  // plain: how many units the last line told of
  std::size_t drawn_columns_ = 0;
  bool line_open_ = false, finished_ = false;
};

}  // namespace chainrule
