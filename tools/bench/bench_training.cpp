// bench_training: networks trained on real pictures, in chainrule and (where it is found) in libtorch, in turns in one
// run: how well they read, how long an epoch takes, how much memory it needs.
#include <fmt/format.h>

#include <CLI/CLI.hpp>

#include "engine/types/error.h"
#include "engine/types/threads.h"
#include "tools/bench/machine.h"
#include "tools/bench/theirs.h"
#include "tools/bench/training.h"

namespace chainrule::bench {
namespace {

int parse_and_run(int argc, char** argv) {
  TrainingOptions options;
  options.threads = num_threads();
  options.program = "/proc/self/exe";
  bool no_libtorch = false, no_memory = false;
  std::string memory_of;  // inner use: the side whose memory this process measures
  CLI::App app{"Networks trained on real pictures, beside libtorch in one run", "bench_training"};
  app.add_option("--net", options.nets, "Only these: mlp, lenet, deep-conv, resnet (default: all)")->delimiter(',');
  app.add_option("--epochs", options.epochs, "In place of each network's own")->check(CLI::Range(1, 10'000));
  app.add_option("--rounds", options.rounds, "Pieces of an epoch that each side is timed on")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  app.add_option("--threads", options.threads, "Threads of both sides")
      ->check(CLI::Range(1, 1024))
      ->capture_default_str();
  app.add_option("--prefetch", options.prefetch, "Batches that a thread makes ahead, for both sides")
      ->check(CLI::Range(0, 1024))
      ->capture_default_str();
  app.add_option("--data", options.data,
                 "Folder of MNIST, and in its fashion-mnist of Fashion-MNIST (default: CHAINRULE_DATA; Debian's "
                 "dataset-fashion-mnist)");
  app.add_flag("--no-libtorch", no_libtorch, "Leave libtorch's side out");
  app.add_flag("--no-accuracy", options.no_accuracy, "Only times and memory: minutes less");
  app.add_flag("--no-memory", no_memory, "Leave the memory columns empty");
  app.add_flag("--quick", options.quick, "A few hundred pictures, to see that everything runs");
  app.add_flag("--markdown", options.markdown, "A table for RESULTS.md");
  app.add_option("--memory-of", memory_of)->group("");
  app.footer("Example: bench_training --net lenet --data mnist");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    return app.exit(e) == 0 ? 0 : 2;
  }
  if (no_memory) options.program.clear();
  std::string theirs = "libtorch's side is left out: asked for by --no-libtorch";
#if defined(BENCH_TORCH)
  if (!no_libtorch) {
    options.theirs = make_their_learner;
    set_their_threads(options.threads);
    theirs = their_version();
  }
#else
  if (!no_libtorch) theirs = "libtorch's side is left out: it was not found when this program was built";
#endif
  if (!memory_of.empty()) {
    fmt::print("{}\n", training_memory(options, memory_of));
    return 0;
  }
  warn_off_release();
  const std::string table = training_table(options);
  fmt::print("{}{}\n\n{}", machine_text(options.threads, fma_peak(options.threads)), theirs, table);
  return 0;
}

}  // namespace
}  // namespace chainrule::bench

int main(int argc, char** argv) {
#if defined(BENCH_TORCH)
  chainrule::bench::settle_environment(argv, chainrule::bench::their_blas_core());
#else
  chainrule::bench::settle_environment(argv, "");
#endif
  try {
    return chainrule::bench::parse_and_run(argc, argv);
  } catch (const chainrule::Error& e) {
    fmt::print(stderr, "bench_training: {}\n", e.what());
    return e.exit_code();
  } catch (const std::exception& e) {
    fmt::print(stderr, "bench_training: {}\n", e.what());
    return 4;
  }
}
