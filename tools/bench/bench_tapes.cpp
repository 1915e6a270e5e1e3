// bench_tapes: a long chain of scalar operations here and on ADOL-C's tape, in turns in one run, per operation.
// CppAD, the other well-known tape, is not packaged for Debian and is left out.
#include <adolc/adolc.h>
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cmath>

#include "engine/types/error.h"
#include "ops/kernels/parallel.h"
#include "tools/bench/machine.h"
#include "tools/bench/measure.h"
#include "tools/bench/ours.h"
#include "tools/bench/report.h"

namespace chainrule::bench {
namespace {

/// Records the loop on a tape and goes back over it once.
Step make_adolc(std::int64_t steps) {
  return [steps] {
    constexpr short kTape = 1;
    double value = 0;
    trace_on(kTape, 1);  // 1: keep the values that the reverse sweep needs
    {
      adouble x, y;
      x <<= kScalarX;
      y <<= kScalarY;
      adouble z = x;
      for (std::int64_t i = 0; i < steps; ++i) z = z * x + y;
      z >>= value;
    }
    trace_off();
    double seed = 1, gradient[2] = {0, 0};
    fos_reverse(kTape, 1, 2, &seed, gradient);
    return gradient[0];
  };
}

int run(const std::vector<std::int64_t>& lengths, int rounds, bool markdown) {
  set_num_threads(1);
  fmt::print("{}", machine_text(1, fma_peak(1)));
  fmt::print("z = z*x + y in float64, record + reverse + release, processor time per operation; {} rounds in turns\n\n",
             rounds);
  Table table({"steps", "chainrule", "+-", "ADOL-C", "+-", "ratio", "of least times"});
  for (const std::int64_t steps : lengths) {
    Workload w;
    w.kind = Workload::Kind::scalar_graph;
    w.size = steps;
    Timer ours(make_ours(w, {}), 0.02, Clock::processor), theirs(make_adolc(steps), 0.02, Clock::processor);
    if (std::abs(ours.first_result() - theirs.first_result()) > 1e-9 * std::abs(theirs.first_result()))
      throw NumericError(
          fmt::format("bench: derivatives differ: {} and {}", ours.first_result(), theirs.first_result()));
    for (int round = 0; round < rounds; ++round) {
      ours.sample();
      theirs.sample();
    }
    const Spread o = ours.spread(), t = theirs.spread();
    const double operations = 2 * static_cast<double>(steps);
    table.add({fmt::format("{}", steps), seconds_text(o.median / operations), spread_text(o),
               seconds_text(t.median / operations), spread_text(t), fmt::format("{:.2f}", t.median / o.median),
               fmt::format("{:.2f}", t.least / o.least)});
  }
  fmt::print("{}", markdown ? table.markdown() : table.text());
  return 0;
}

}  // namespace
}  // namespace chainrule::bench

int main(int argc, char** argv) {
  std::vector<std::int64_t> lengths{100, 1000, 10'000, 1'000'000};
  int rounds = 15;
  bool markdown = false;
  CLI::App app{"Scalar tapes: chainrule and ADOL-C on the same loop, in turns in one run", "bench_tapes"};
  app.add_option("--steps", lengths, "Lengths of the loop")->delimiter(',')->capture_default_str();
  app.add_option("--rounds", rounds, "Samples of each side")->check(CLI::Range(1, 1000))->capture_default_str();
  app.add_flag("--markdown", markdown, "A table for RESULTS.md");
  try {
    app.parse(argc, argv);
    chainrule::bench::warn_off_release();
    return chainrule::bench::run(lengths, rounds, markdown);
  } catch (const CLI::ParseError& e) {
    return app.exit(e) == 0 ? 0 : 2;
  } catch (const chainrule::Error& e) {
    fmt::print(stderr, "bench_tapes: {}\n", e.what());
    return e.exit_code();
  } catch (const std::exception& e) {
    fmt::print(stderr, "bench_tapes: {}\n", e.what());
    return 4;
  }
}
