// The verb bench: how fast this build is here. The measuring is in tools/bench/.
#include "tools/bench/bench.h"
#include "ops/kernels/parallel.h"
#include "tools/program/option_values.h"
#include "tools/verbs/verbs.h"

namespace chainrule {
namespace {

struct BenchVerbOptions : BenchOptions {
  int threads = 0;
};

}  // namespace

void add_bench_verb(CommandLine& app) {
  add_verb<BenchVerbOptions>(
      app, "bench", "How fast this build is here: graphs, kernels, training steps",
      "chainrule bench --workload mlp-medium --threads 1",
      [](CLI::App& verb, BenchVerbOptions& o) {
        verb.add_option("--workload", o.workload, "Only this one; a wrong name lists them");
        verb.add_option("--threads", o.threads, "Threads that kernels may use; 0: all cores")
            ->capture_default_str()
            ->transform(whole_number(0, kMostThreads));
        verb.add_flag("--quick", o.quick, "Small sizes, to see that everything runs");
        verb.add_flag("--json", o.json, "One JSON object instead of a table");
        verb.add_flag("--one-gradient", o.one_gradient)->group("");
      },
      [](const BenchVerbOptions& o) {
        set_num_threads(o.threads);
        return run_bench(o);
      });
}

}  // namespace chainrule
