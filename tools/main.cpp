// The chainrule command: reads the command line, runs one verb, turns errors into one sentence and an exit code.
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <new>

#include "engine/system/text.h"
#include "engine/types/error.h"
#include "engine/types/threads.h"
#include "ops/kernels/simd/instruction_set.h"
#include "tools/program/option_values.h"
#include "tools/terminal/crash.h"
#include "tools/verbs/verbs.h"

namespace {

using namespace chainrule;

void add_verbs(CommandLine& app) {  // in the order of --help
  add_demo_verb(app);
  add_bench_verb(app);
  add_selftest_verb(app);
  add_derivative_verbs(app);
  add_check_verb(app);
  add_graph_verb(app);
  add_ops_verb(app);
  add_profile_verb(app);
  add_completion_verb(app);
  add_version_verb(app);
  for (const Verb& verb : app.verbs)
    for (CLI::Option* option : verb.app->get_options())
      if (option->get_items_expected_max() == 0) option->disable_flag_override();
}

bool wants_json(int argc, char** argv) {
  return std::any_of(argv, argv + argc, [](const char* a) { return std::string_view(a) == "--json"; });
}

/// A wrong command line in one sentence, with the nearest verb or option.
int report_usage(const CommandLine& app, const CLI::ParseError& wrong, int argc, char** argv) {
  const bool json = wants_json(argc, argv);
  const std::string_view first = argc > 1 ? argv[1] : "-";
  const auto known =
      std::find_if(app.verbs.begin(), app.verbs.end(), [&](const Verb& verb) { return verb.app->get_name() == first; });
  if (known == app.verbs.end() && !first.starts_with('-')) {
    std::vector<std::string> names;
    for (const Verb& verb : app.verbs) names.push_back(verb.app->get_name());
    const std::string hint = did_you_mean(similar_names(first, names));
    return report_error(ValueError(fmt::format("there is no verb '{}'{}", printable(first),
                                               hint.empty() ? "; see chainrule --help" : hint)),
                        json);
  }
  std::vector<std::string> options;
  if (known != app.verbs.end())
    for (const CLI::Option* option : known->app->get_options())
      for (const std::string& name : option->get_lnames()) options.push_back("--" + name);
  const std::string page = options.empty() ? "chainrule --help" : fmt::format("chainrule {} --help", first);
  const std::string what = usage_sentence(wrong, options);
  return report_error(ValueError(what.ends_with('?') ? what : fmt::format("{}; see {}", what, page)), json);
}

int run(int argc, char** argv) {
  CommandLine app{"chainrule: a network is an expression, and its gradient is a graph you can look at", "chainrule"};
  app.require_subcommand(1);
  app.set_help_all_flag("--help-all", "Help of every verb");
  add_verbs(app);
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& wanted) {  // --help
    return app.exit(wanted);
  } catch (const CLI::ParseError& wrong) {
    return report_usage(app, wrong, argc, argv);
  }
  try {
    kernels::instruction_set();  // a wrong CHAINRULE_ISA is refused before anything begins
  } catch (const ValueError& wrong) {
    return report_error(wrong, wants_json(argc, argv));
  }
  for (const Verb& verb : app.verbs)
    if (*verb.app) return verb.run();
  return 2;
}

/// Between two pieces of work OpenMP's threads spin for milliseconds, unless they are told otherwise before the program
/// starts: on a busy machine two threads are then many times slower than one. So the program starts itself once more.
void start_with_patient_threads(char** argv) {
  if (num_threads() == 1) return;
  for (const char* name : {"OMP_WAIT_POLICY", "GOMP_SPINCOUNT", "KMP_BLOCKTIME"})
    if (std::getenv(name) != nullptr) return;
  // By its own path: the name of the process comes from there. Where that fails, it goes on as it is.
  std::array<char, 4096> path{};
  const ssize_t length = readlink("/proc/self/exe", path.data(), path.size() - 1);
  if (length <= 0 || setenv("OMP_WAIT_POLICY", "passive", 1) != 0) return;
  setenv("GOMP_SPINCOUNT", "20000", 1);  // some microseconds, then sleep
  execv(path.data(), argv);
}

}  // namespace

int main(int argc, char** argv) {
  start_with_patient_threads(argv);
  report_crashes();
  int code = 0;
  try {
    code = run(argc, argv);
  } catch (const std::exception& e) {
    code = report_error(e, false);
  }
  // What could not be written to stdout must not look like success.
  if (std::fflush(stdout) == 0) return code;
  fmt::print(stderr, "chainrule: cannot write to standard output\n");
  return 4;
}
