// Inner header: for our own sources, not installed.
// Runs another program without a shell: arguments as a list, bytes in, bytes out, and limits on time and size.
// Deliberately not here: environments, working directories, streams that stay open.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace chainrule {

struct ProcessOptions {
  std::string_view input{};                              ///< what the program reads on its standard input
  std::size_t max_output = std::size_t{256} << 20;       ///< more bytes than this on standard output: killed
  std::size_t max_error_output = std::size_t{64} << 10;  ///< of standard error only this much is kept
  std::chrono::milliseconds time_limit{60'000};          ///< monotonic, from start to exit; then killed
};

struct ProcessResult {
  int exit_code = -1;           ///< what the program returned; -1 when it did not get so far or nobody knows
  int signal = 0;               ///< the signal that ended it, or 0
  bool not_found = false;       ///< no such program, or not one that may be run
  bool timed_out = false;       ///< it, or a child that kept its output open, outlived the limit and was killed
  bool output_too_big = false;  ///< it wrote more than max_output and was killed; `out` holds the first part
  std::string out, err;

  bool ok() const noexcept { return exit_code == 0 && !timed_out && !output_too_big; }
};

/// Runs `arguments[0]` (looked up in PATH) and waits. Whatever the program does comes back in the result; when it is
/// over, no process of its group and no descriptor is left. Touches no signal handler of the host and may be called
/// from any thread. If the host ignores SIGCHLD the system keeps no exit status, and exit_code stays -1.
/// @throws ValueError for an empty list or a NUL inside an argument, EnvironmentError when the system has no pipe or
/// process to give.
ProcessResult run_process(const std::vector<std::string>& arguments, const ProcessOptions& options = {});

}  // namespace chainrule
