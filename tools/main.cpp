// The chainrule command: reads the command line, runs one verb, turns errors into one sentence and an exit code.
#include <fmt/format.h>

#include <algorithm>
#include <new>

#include "engine/system/text.h"
#include "engine/types/error.h"
#include "ops/kernels/parallel.h"
#include "tools/bench/bench.h"
#include "tools/program/option_values.h"
#include "tools/verbs/demo.h"
#include "tools/verbs/selftest.h"
#include "tools/verbs/verbs.h"

namespace {

int fail(const char* message, int code) {
  fmt::print(stderr, "chainrule: {}\n", message);
  return code;
}

int run(int argc, char** argv) {
  using namespace chainrule;
  CLI::App app{"chainrule: a network is an expression, and its gradient is a graph you can look at", "chainrule"};
  app.require_subcommand(1);
  app.set_help_all_flag("--help-all", "Help of every verb");

  DemoOptions demo;
  std::string progress = "auto";
  int threads = 0;
  CLI::App* demo_verb =
      app.add_subcommand("demo", "The chain rule on a bill, then a network that learns real handwritten digits");
  demo_verb->add_option("--out", demo.out, "Folder for the pictures")->capture_default_str();
  demo_verb->add_option("--seed", demo.seed, "Seed of every random number")
      ->capture_default_str()
      ->transform(whole_number());
  demo_verb->add_option("--epochs", demo.epochs, "Passes over the training digits")
      ->capture_default_str()
      ->transform(whole_number(1, 10000));
  demo_verb->add_option("--threads", threads, "Threads that kernels may use; 0: all cores")
      ->capture_default_str()
      ->transform(whole_number(0, kMostThreads));
  demo_verb->add_option("--progress", progress, "auto, bar, plain or none")
      ->capture_default_str()
      ->check(one_of({"auto", "bar", "plain", "none"}));
  demo_verb->footer("Example: chainrule demo --out out --seed 1");

  BenchOptions bench;
  CLI::App* bench_verb = app.add_subcommand("bench", "How fast this build is here: graphs, kernels, training steps");
  bench_verb->add_option("--workload", bench.workload, "Only this one; a wrong name lists them");
  bench_verb->add_option("--threads", threads, "Threads that kernels may use; 0: all cores")
      ->capture_default_str()
      ->transform(whole_number(0, kMostThreads));
  bench_verb->add_flag("--quick", bench.quick, "Small sizes, to see that everything runs");
  bench_verb->add_flag("--json", bench.json, "One JSON object instead of a table");
  bench_verb->add_flag("--one-gradient", bench.one_gradient)->group("");
  bench_verb->footer("Example: chainrule bench --workload mlp-medium --threads 1");

  CLI::App* selftest_verb = app.add_subcommand(
      "selftest", "Does this build work here? Every derivative, the diagrams, the training; one verdict");
  bool json = false;
  selftest_verb->add_flag("--json", json, "One JSON object instead of lines");
  selftest_verb->footer("Example: chainrule selftest");
  std::vector<Verb> verbs;
  add_derivative_verbs(app, verbs);
  add_check_verb(app, verbs);
  add_graph_verb(app, verbs);
  add_ops_verb(app, verbs);
  add_profile_verb(app, verbs);
  add_completion_verb(app, verbs);
  CLI::App* version_verb = app.add_subcommand("version", "The version and what it was built with");
  version_verb->add_flag("--json", json, "One JSON object instead of a line");
  version_verb->footer("Example: chainrule version");
  for (CLI::App* verb : app.get_subcommands([](CLI::App*) { return true; }))
    for (CLI::Option* option : verb->get_options())
      if (option->get_items_expected_max() == 0) option->disable_flag_override();

  try {
    app.parse(argc, argv);
    demo.progress = parse_progress_mode(progress);
  } catch (const CLI::Success& wanted) {  // --help
    return app.exit(wanted);
  } catch (const CLI::ParseError& wrong) {
    json = std::any_of(argv, argv + argc, [](const char* a) { return std::string_view(a) == "--json"; });
    const std::string_view first = argc > 1 ? argv[1] : "-";
    const auto known = app.get_subcommands([&](const CLI::App* verb) { return verb->get_name() == first; });
    if (known.empty() && !first.starts_with('-')) {
      std::vector<std::string> verb_names;
      for (const CLI::App* verb : app.get_subcommands([](CLI::App*) { return true; }))
        verb_names.push_back(verb->get_name());
      const std::string hint = did_you_mean(similar_names(first, verb_names));
      return report_error(ValueError(fmt::format("there is no verb '{}'{}", printable(first),
                                                 hint.empty() ? "; see chainrule --help" : hint)),
                          json);
    }
    std::vector<std::string> options;
    for (const CLI::App* verb : known)
      for (const CLI::Option* option : verb->get_options())
        for (const std::string& name : option->get_lnames()) options.push_back("--" + name);
    const std::string page = known.empty() ? "chainrule --help" : fmt::format("chainrule {} --help", first);
    const std::string what = usage_sentence(wrong, options);
    return report_error(ValueError(what.ends_with('?') ? what : fmt::format("{}; see {}", what, page)), json);
  }
  for (const Verb& verb : verbs)
    if (*verb.app) return verb.run();
  set_num_threads(threads);
  if (*demo_verb) return run_demo(demo);
  if (*bench_verb) return run_bench(bench);
  if (*selftest_verb) return run_selftest(json);
  if (*version_verb) return print_version(json);
  return 2;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    const int code = run(argc, argv);
    // What could not be written to stdout must not look like success.
    if (std::fflush(stdout) != 0) return fail("cannot write to standard output", 4);
    return code;
  } catch (const chainrule::Error& e) {
    return fail(e.what(), e.exit_code());
  } catch (const std::bad_alloc&) {
    return fail("out of memory", 4);
  } catch (const std::exception& e) {
    return fail(e.what(), 4);
  }
}
