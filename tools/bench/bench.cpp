// The verb: warms up, samples, and prints one row for each workload.
#include "tools/bench/bench.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <chrono>

#include "engine/backward.h"
#include "engine/draw/diagram.h"
#include "engine/factory.h"
#include "engine/system/process.h"
#include "engine/system/progress.h"
#include "engine/types/error.h"
#include "ops/kernels/parallel.h"
#include "ops/ops.h"
#include "tools/bench/machine.h"
#include "tools/bench/measure.h"
#include "tools/bench/ours.h"
#include "tools/bench/report.h"

namespace chainrule {
namespace {

using namespace bench;

struct Result {
  Workload workload;
  Spread seconds;
  std::int64_t memory = 0;
};

const char* const kStart = "start";
const char* const kDiagram = "diagram";

Result measure(const Workload& w, const Step& step, bool quick) {
  PeakMemory memory;
  Timer timer(step, quick ? 0 : 0.05);
  memory.forget();
  for (int i = 0; i < (quick ? 3 : 15); ++i) timer.sample();
  return {w, timer.spread(), memory.bytes()};
}

Result measure(const Workload& w, bool quick) {
  const Data data = make_data(w);
  empty_cache();  // what an earlier workload left would count as this one's
  return measure(w, make_ours(w, data), quick);
}

/// A graph of many nodes as DOT text, every node drawn.
Result measure_diagram(bool quick) {
  const int rounds = quick ? 500 : 5'000;
  const Tensor x = tensor(1.0, {.requires_grad = true});
  Tensor y = x;
  for (int i = 0; i < rounds; ++i) y = y * 1.00001 + x;
  const Workload w{.name = kDiagram, .title = fmt::format("diagram of {} operations as DOT", 2 * rounds)};
  return measure(
      w, [y] { return static_cast<double>(graph_to_dot(y, {.fold_above = 0}).size()); }, quick);
}

/// From starting the program to its end; the memory is the whole program's.
Result measure_start(bool quick) {
  Result result;
  result.workload.name = kStart;
  result.workload.title = "start, one gradient, exit";
  std::vector<double> seconds;
  for (int i = 0; i < (quick ? 2 : 9); ++i) {
    const auto start = std::chrono::steady_clock::now();
    const ProcessResult process = run_process({"/proc/self/exe", "bench", "--one-gradient"});
    if (!process.ok()) throw EnvironmentError("bench: the program could not start itself: " + process.err);
    seconds.push_back(std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
    result.memory = std::atoll(process.out.c_str());
  }
  result.seconds = spread_of(std::move(seconds));
  return result;
}

int one_gradient() {
  const Tensor x = rand({2, 3}, {.requires_grad = true});
  sum(tanh(x) * x).backward();
  fmt::print("{}\n", process_peak());
  return 0;
}

std::string json(const std::vector<Result>& results, bool quick, double peak) {
  std::vector<std::string> rows;
  rows.reserve(results.size());
  for (const auto& [w, s, memory] : results)
    rows.push_back(fmt::format(
        R"({{"name": {:?}, "title": {:?}, "seconds": {}, "least": {}, "lower_quartile": {}, "upper_quartile": {}, )"
        R"("samples": {}, "operations": {}, "flops": {}, "flops_per_second": {}, "peak_share": {}, "memory_bytes": {}}})",
        w.name, w.title, s.median, s.least, s.lower, s.upper, s.samples, w.operations, w.flops, w.flops / s.median,
        w.flops / s.median / peak, memory));
  return fmt::format(
      R"({{"cpu": {:?}, "instruction_set": {:?}, "threads": {}, "waiting": {:?}, "build": {:?}, "release": {}, )"
      R"("quick": {}, "peak_flops_per_second": {}, "workloads": [)"
      "\n{}\n]}}\n",
      cpu_name(), instruction_set(), num_threads(), wait_policy(), build_type(), is_release_build(), quick, peak,
      fmt::join(rows, ",\n"));
}

std::string table(const std::vector<Result>& results, double peak) {
  Table rows({"work", "time", "+-", "GFLOP/s", "of peak", "memory"});
  for (const auto& [w, s, memory] : results)
    rows.add({w.title, seconds_text(seconds_per_unit(w, s.median)), spread_text(s), gflops_text(w, s.median),
              share_text(w, s.median, peak), bytes_text(memory)});
  return rows.text();
}

}  // namespace

int run_bench(const BenchOptions& options) {
  if (options.one_gradient) return one_gradient();
  std::vector<Workload> chosen;
  std::vector<std::string> known;
  for (Workload& w : workloads(options.quick)) {
    known.push_back(w.name);
    if (options.workload.empty() || options.workload == w.name) chosen.push_back(std::move(w));
  }
  known.emplace_back(kDiagram);
  known.emplace_back(kStart);
  const bool with_diagram = options.workload.empty() || options.workload == kDiagram;
  const bool with_start = options.workload.empty() || options.workload == kStart;
  if (chosen.empty() && !with_diagram && !with_start)
    throw ValueError(
        fmt::format("bench: there is no workload '{}'; known: {}", options.workload, fmt::join(known, ", ")));

  warn_off_release();
  if (options.quick) fmt::print(stderr, "bench: small sizes and few samples; these times mean nothing\n");
  const double peak = fma_peak(num_threads());
  std::vector<Result> results;
  Progress progress("workload", static_cast<std::int64_t>(chosen.size()) + with_diagram + with_start);
  for (const Workload& w : chosen) {
    results.push_back(measure(w, options.quick));
    progress.update(static_cast<double>(results.size()), w.name);
  }
  if (with_diagram) {
    results.push_back(measure_diagram(options.quick));
    progress.update(static_cast<double>(results.size()), kDiagram);
  }
  if (with_start) results.push_back(measure_start(options.quick));
  progress.finish("measured");

  if (options.json) {
    fmt::print("{}", json(results, options.quick, peak));
    return 0;
  }
  fmt::print("{}medians and half the distance of the quartiles, after warming up\n\n{}",
             machine_text(num_threads(), peak), table(results, peak));
  return 0;
}

}  // namespace chainrule
