// bench_training without its command line: networks trained on real pictures, how well they read them, and how fast
// beside libtorch.
#pragma once

#include "tools/bench/learner.h"

namespace chainrule::bench {

struct TrainingOptions {
  std::vector<std::string> nets{};  ///< empty: all
  std::int64_t epochs = 0;          ///< in place of the recipes'; 0: theirs
  std::int64_t prefetch = 2;        ///< batches that a thread makes ahead, for both sides; 0: none
  int rounds = 10;                  ///< pieces of an epoch that are timed, on each side in turns
  bool quick = false;               ///< a few hundred pictures of each set
  bool markdown = false;
  bool no_accuracy = false;  ///< only times and memory
  std::string data{};        ///< folder of MNIST and, where it has one, of Fashion-MNIST; empty: where the loaders look
  MakeLearner theirs{};      ///< libtorch's side; empty: there is none
  /// This program with --memory-of SIDE --net NAME as its first arguments, run for the memory columns; empty: they are.
  std::string program{};
  int threads = 1;
};

/// Trains, measures, and gives the table as text. Throws ValueError for an unknown network and for missing data.
std::string training_table(const TrainingOptions& options);

/// Most bytes that a side ("ours", "theirs") holds while it trains the one network of the options, above the data.
std::int64_t training_memory(const TrainingOptions& options, const std::string& side);

}  // namespace chainrule::bench
