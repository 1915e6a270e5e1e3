// chainrule bench: how fast this build is on this machine. Comparisons with other libraries are programs of their own.
#pragma once

#include <string>

namespace chainrule {

struct BenchOptions {
  std::string workload{};     ///< empty: all
  bool quick = false;         ///< small sizes and few samples: shows that everything runs, its times mean nothing
  bool json = false;          ///< one JSON object instead of a table
  bool one_gradient = false;  ///< inner use: computes one gradient and leaves; the row "start" times that
};

/// Prints a table of times, spreads, shares of the machine's peak and memory on stdout; returns 0. Throws ValueError
/// for an unknown workload.
int run_bench(const BenchOptions& options);

}  // namespace chainrule
