// bench_libtorch: every workload in chainrule and in libtorch, in turns in one run, and the ratios between them.
// Memory is measured in processes of their own, one for each side and workload.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <iterator>
#include <sstream>

#include "engine/system/process.h"
#include "engine/types/error.h"
#include "ops/kernels/parallel.h"
#include "tools/bench/machine.h"
#include "tools/bench/measure.h"
#include "tools/bench/ours.h"
#include "tools/bench/report.h"
#include "tools/bench/theirs.h"

namespace chainrule::bench {
namespace {

struct Options {
  std::vector<int> threads{1, 2};
  std::vector<std::string> names;
  int rounds = 15;
  bool quick = false, markdown = false, no_memory = false;
  std::string memory_of;  // inner use: the side whose memory this process measures
};

void use_threads(int threads) {
  set_num_threads(threads);
  set_their_threads(threads);
}

int measure_memory(const Options& options) {
  use_threads(options.threads.at(0));
  for (const Workload& w : workloads(options.quick)) {
    if (w.name != options.names.at(0)) continue;
    const Data data = make_data(w);
    PeakMemory memory;
    const Step step = options.memory_of == "ours" ? make_ours(w, data) : make_theirs(w, data);
    for (int i = 0; i < 6; ++i) {
      if (i == 2) memory.forget();
      step();
    }
    fmt::print("{}\n", memory.bytes());
  }
  return 0;
}

std::string memory_text(const Options& options, const Workload& w, int threads, const char* side) {
  std::vector<std::string> call{"/proc/self/exe", "--memory-of",           side,       "--workload", w.name,
                                "--threads",      std::to_string(threads), "--rounds", "1"};
  if (options.quick) call.emplace_back("--quick");
  const ProcessResult result = run_process(call);
  return result.ok() ? bytes_text(std::atoll(result.out.c_str())) : "failed";
}

std::string ratio_text(double ours, double theirs) { return fmt::format("{:.2f}", theirs / ours); }
std::string wanted_text(double target) { return target > 0 ? fmt::format("{:g}", target) : ""; }

std::vector<std::string> row(const Options& options, const Workload& w, int threads, double peak) {
  const Data data = make_data(w);
  const double sample_seconds = options.quick ? 1e-3 : 0.05;
  Timer ours(make_ours(w, data), sample_seconds), theirs(make_theirs(w, data), sample_seconds);
  check_same(w.name, ours.first_result(), theirs.first_result());
  for (int round = 0; round < options.rounds; ++round) {
    ours.sample();
    theirs.sample();
  }
  const Spread o = ours.spread(), t = theirs.spread();
  std::vector<std::string> cells{w.title,
                                 seconds_text(seconds_per_unit(w, o.median)),
                                 spread_text(o),
                                 seconds_text(seconds_per_unit(w, t.median)),
                                 spread_text(t),
                                 ratio_text(o.median, t.median),
                                 ratio_text(o.least, t.least),
                                 wanted_text(w.target),
                                 gflops_text(w, o.median),
                                 share_text(w, o.median, peak),
                                 w.flops > 0 ? fmt::format("{:.2f}", o.median * peak / w.flops) : "",
                                 w.peak_factor > 0 ? fmt::format("{:.2f}", w.peak_factor) : ""};
  for (const char* side : {"ours", "theirs"})
    cells.push_back(options.no_memory ? "" : memory_text(options, w, threads, side));
  return cells;
}

std::vector<std::string> split(const char* text) {
  std::istringstream stream(text);
  return {std::istream_iterator<std::string>(stream), {}};
}

/// Programs that run once from start to end: compilers, and the ten-line program.
std::vector<std::string> program_row(const Options& options, const char* title, double target, bool with_memory,
                                     std::vector<std::string> ours, std::vector<std::string> theirs) {
  std::vector<std::string>* calls[] = {&ours, &theirs};
  std::vector<double> seconds[2];
  std::string peak[2];
  const int rounds = std::min(options.rounds, with_memory ? 9 : 3);
  for (int round = 0; round < rounds; ++round) {
    for (int side = 0; side < 2; ++side) {
      const auto start = std::chrono::steady_clock::now();
      const ProcessResult result = run_process(*calls[side], {.time_limit = std::chrono::minutes(5)});
      seconds[side].push_back(std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
      if (!result.ok()) throw EnvironmentError(fmt::format("bench: {} failed: {}", (*calls[side])[0], result.err));
    }
  }
  for (int side = 0; side < 2 && with_memory; ++side) {
    calls[side]->emplace_back("memory");
    const std::string out = run_process(*calls[side]).out;
    const auto at = out.find("VmHWM:");
    if (at != std::string::npos) peak[side] = bytes_text(std::atoll(out.c_str() + at + 6) * 1024);
  }
  const Spread o = spread_of(seconds[0]), t = spread_of(seconds[1]);
  return {title,
          seconds_text(o.median),
          spread_text(o),
          seconds_text(t.median),
          spread_text(t),
          ratio_text(o.median, t.median),
          ratio_text(o.least, t.least),
          wanted_text(target),
          "",
          "",
          "",
          "",
          peak[0],
          peak[1]};
}

void check_names(const Options& options) {
  std::string known = "start compile";
  for (const Workload& w : workloads()) known = w.name + " " + known;
  for (const std::string& name : options.names)
    if ((" " + known + " ").find(" " + name + " ") == std::string::npos)
      throw ValueError(fmt::format("bench: there is no workload '{}'; known: {}", name, known));
}

int run(const Options& options) {
  check_names(options);
  const auto wanted = [&](const std::string& name) {
    return options.names.empty() || std::find(options.names.begin(), options.names.end(), name) != options.names.end();
  };
  const std::vector<std::string> header{"work",        "chainrule",      "+-",     "libtorch",  "+-",
                                        "ratio",       "of least times", "wanted", "GFLOP/s",   "of peak",
                                        "x peak time", "wanted",         "memory", "libtorch's"};
  const auto show = [&](const Table& table) {
    fmt::print("\n{}\n", options.markdown ? table.markdown() : table.text());
    std::fflush(stdout);
  };
  const char* mark = options.markdown ? "    " : "";
  const auto print_lines = [&](const std::string& text) {
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) fmt::print("{}{}\n", mark, line);
  };
  const std::vector<Workload> all = workloads(options.quick);
  const bool any = std::any_of(all.begin(), all.end(), [&](const Workload& w) { return wanted(w.name); });
  for (const int threads : options.threads) {
    if (!any) break;
    use_threads(threads);
    const double peak = fma_peak(threads);
    print_lines(machine_text(threads, peak) + their_version() +
                fmt::format("; {} rounds in turns, medians, half the distance of the quartiles\n", options.rounds));
    Table table(header);
    for (const Workload& w : all) {
      if (!wanted(w.name)) continue;
      table.add(row(options, w, threads, peak));
      const auto& cells = table.last();  // a line on the way: the whole table takes minutes
      fmt::print(stderr, "{} thread{}: {}: {}, libtorch {}, ratio {}\n", threads, threads == 1 ? "" : "s", w.name,
                 cells[1], cells[3], cells[5]);
    }
    show(table);
  }
  Table programs(header);
  if (wanted("start"))
    programs.add(program_row(options, "start, one gradient, exit", 20, true, {BENCH_START_OURS}, {BENCH_START_THEIRS}));
  if (wanted("compile"))
    programs.add(
        program_row(options, "compile that program", 8, false, split(BENCH_COMPILE_OURS), split(BENCH_COMPILE_THEIRS)));
  if (wanted("start") || wanted("compile")) show(programs);
  return 0;
}

int parse_and_run(int argc, char** argv) {
  Options options;
  CLI::App app{"chainrule and libtorch on the same work, in turns in one run", "bench_libtorch"};
  app.add_option("--threads", options.threads, "Thread counts, one table each")
      ->delimiter(',')
      ->check(CLI::Range(1, 1024))
      ->capture_default_str();
  app.add_option("--workload", options.names, "Only these (default: all)")->delimiter(',');
  app.add_option("--rounds", options.rounds, "Samples of each side")->check(CLI::Range(1, 1000))->capture_default_str();
  app.add_flag("--quick", options.quick, "Small sizes, to see that everything runs");
  app.add_flag("--markdown", options.markdown, "Tables for RESULTS.md");
  app.add_flag("--no-memory", options.no_memory, "Leave the memory columns empty");
  app.add_option("--memory-of", options.memory_of)->group("");
  app.footer("Example: bench_libtorch --workload vgg --threads 2");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    return app.exit(e) == 0 ? 0 : 2;
  }
  if (!options.memory_of.empty()) return measure_memory(options);
  warn_off_release();
  if (!their_blas_is_fast())
    fmt::print(
        stderr,
        "WARNING: {}.\nThat is the reference BLAS, tens of times slower than what users of libtorch run; install "
        "libopenblas0-openmp for a fair comparison.\n",
        their_version());
  return run(options);
}

}  // namespace
}  // namespace chainrule::bench

int main(int argc, char** argv) {
  chainrule::bench::settle_environment(argv, their_blas_core());
  try {
    return chainrule::bench::parse_and_run(argc, argv);
  } catch (const chainrule::Error& e) {
    fmt::print(stderr, "bench_libtorch: {}\n", e.what());
    return e.exit_code();
  } catch (const std::exception& e) {
    fmt::print(stderr, "bench_libtorch: {}\n", e.what());
    return 4;
  }
}
