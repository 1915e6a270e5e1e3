// chainrule demo: the main job on real input, from a graph of three multiplications to a network that reads
// handwriting.
#pragma once

#include <cstdint>
#include <string>

#include "tools/terminal/progress.h"

namespace chainrule {

struct DemoOptions {
  std::string out = "out";  ///< folder for the pictures; made when missing
  std::uint64_t seed = 0;
  int epochs = 20;
  ProgressMode progress = ProgressMode::automatic;
};

/// Runs the four parts, results on stdout, progress on stderr. Returns the exit code: 0 done, 1 a gradient or the
/// accuracy is not as promised, 4 a picture could not be drawn, 128 + n stopped by a signal.
int run_demo(const DemoOptions& options);

}  // namespace chainrule
