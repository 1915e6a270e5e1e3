// The command line and its verbs. Each verb's file ends with its options; main.cpp lists the verbs.
#pragma once

#include <CLI/CLI.hpp>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "tools/program/program.h"

namespace chainrule {

/// One verb of the command line; `run` does its work and gives the exit code.
struct Verb {
  CLI::App* app = nullptr;
  std::function<int()> run;
};

struct CommandLine : CLI::App {
  using CLI::App::App;
  std::vector<Verb> verbs;
};

/// Puts a verb on the command line. `options` declares what it takes, filling an Options of its own; `run` gives the
/// exit code. What `run` throws is reported as one sentence, or as JSON when Options has a `json` that was asked for.
template <class Options>
void add_verb(CommandLine& app, const std::string& name, const std::string& help, const std::string& example,
              const std::function<void(CLI::App& verb, Options& o)>& options, int (*run)(const Options& o)) {
  CLI::App* verb = app.add_subcommand(name, help);
  const auto given = std::make_shared<Options>();
  options(*verb, *given);
  verb->footer("Example: " + example);
  app.verbs.push_back({verb, [given, run] {
                         bool json = false;
                         if constexpr (requires { given->json; }) json = given->json;
                         try {
                           return run(*given);
                         } catch (const std::exception& e) {
                           return report_error(e, json);
                         }
                       }});
}

void add_demo_verb(CommandLine& app);
void add_bench_verb(CommandLine& app);
void add_selftest_verb(CommandLine& app);
void add_derivative_verbs(CommandLine& app);  ///< eval grad jacobian hessian jvp
void add_check_verb(CommandLine& app);
void add_graph_verb(CommandLine& app);
void add_ops_verb(CommandLine& app);
void add_profile_verb(CommandLine& app);
void add_completion_verb(CommandLine& app);  ///< of every verb that `app` has
void add_version_verb(CommandLine& app);

}  // namespace chainrule
