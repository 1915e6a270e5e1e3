// The verb graph: a program as a diagram.
#include <fmt/format.h>
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include <memory>

#include "engine/diagram.h"
#include "engine/scopes.h"
#include "engine/text.h"
#include "engine/traverse.h"
#include "tools/verbs.h"

namespace chainrule {
namespace {

struct Options : ProgramOptions {
  std::string out, title, view = "learn", cotangent;
  bool dark = false;
  std::size_t fold = 500, max_label = 40;
};

int run_graph(const Options& o) {
  const LoadedProgram loaded = load_program(o);
  Names names;
  const TeachingMode keep_all;
  const Tensor result = loaded.run(names);
  // A diagram shows gradients where there are any to show; a result of many numbers has none without a cotangent.
  const bool learn = o.view == "learn";
  const bool has_gradient = learn && result.requires_grad() && (result.numel() == 1 || !o.cotangent.empty());
  if (has_gradient) result.backward({.cotangent = cotangent_for(result, o.cotangent), .retain_graph = true});
  GraphOptions options;
  options.title = o.title.empty() ? shorten(printable(o.program), 100) : o.title;
  options.values = learn;
  options.gradients = has_gradient;
  options.local_derivatives = has_gradient;
  options.dark = o.dark;
  options.fold_above = o.view == "summary" ? 1 : o.fold;
  options.max_label = o.max_label;
  std::string folded;
  options.message = [&](std::string_view text) {
    folded = std::string(text);
    if (!o.quiet) fmt::print(stderr, "chainrule: {}\n", text);
  };
  write_graph(o.out, result, options);
  const Traversal graph(std::span(&result, 1));
  if (o.json)
    print_json({{"file", o.out}, {"operations", graph.size()}, {"folded", !folded.empty()}});
  else if (!o.quiet)
    fmt::print("{}: {} operations\n", printable(o.out), graph.size());
  return 0;
}

}  // namespace

void add_graph_verb(CLI::App& app, std::vector<Verb>& verbs) {
  CLI::App* verb = app.add_subcommand("graph", "A diagram of the program: values forward, gradients backward");
  const auto options = std::make_shared<Options>();
  add_program_options(*verb, *options);
  verb->add_option("-o,--out", options->out, "The file: .dot .svg .png .pdf by its ending")->required();
  verb->add_option("--view", options->view, "learn: values and gradients; shapes: shapes only; summary: folded")
      ->capture_default_str()
      ->check(CLI::IsMember({"learn", "shapes", "summary"}));
  verb->add_option("--cotangent", options->cotangent, "Weights of a result of many numbers, or 'ones'");
  verb->add_option("--title", options->title, "Default: the program");
  verb->add_flag("--dark", options->dark, "For dark pages");
  verb->add_option("--fold", options->fold, "Fold graphs of more nodes; 0: never")->capture_default_str();
  verb->add_option("--max-label", options->max_label, "Longer names are cut")->capture_default_str();
  verb->footer("Example: chainrule graph 'price = apple * count * tax' apple=100 count=2 tax=1.1 -o price.svg");
  verbs.push_back({verb, [options] {
                     try {
                       return run_graph(*options);
                     } catch (const std::exception& e) {
                       return report_error(e, options->json);
                     }
                   }});
}

}  // namespace chainrule
