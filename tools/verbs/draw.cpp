// The verb graph: a program as a diagram.
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>

#include "engine/backward.h"
#include "engine/draw/diagram.h"
#include "engine/scopes.h"
#include "engine/steps/steps.h"
#include "engine/system/text.h"
#include "engine/traverse.h"
#include "tools/program/graph_file.h"
#include "tools/program/option_values.h"
#include "tools/verbs/nan_note.h"
#include "tools/verbs/verbs.h"

namespace chainrule {
namespace {

struct DrawOptions : ProgramOptions {
  std::string out, view = "learn", cotangent, gradient_of, wrt, color = "kind", frames;
  std::vector<std::string> show, hide;
  bool steps = false;
  GraphOptions graph;
};

/// The program in one line.
std::string title_of(std::string_view program) {
  std::string title;
  for (const std::string& line : CLI::detail::split(std::string(program), '\n')) {
    const std::string statement = CLI::detail::trim_copy(line);
    if (!statement.empty()) title += (title.empty() ? "" : "; ") + statement;
  }
  return shorten(printable(title), 100);
}

/// The parts of a label, by the names of --show and --hide.
struct Part {
  const char* name;
  bool GraphOptions::*shown;
};
constexpr Part kParts[] = {{"name", &GraphOptions::names},
                           {"op", &GraphOptions::operations},
                           {"shape", &GraphOptions::shapes},
                           {"dtype", &GraphOptions::dtypes},
                           {"parameters", &GraphOptions::parameter_counts},
                           {"value", &GraphOptions::values},
                           {"grad", &GraphOptions::gradients},
                           {"local", &GraphOptions::local_derivatives}};

std::vector<std::string> part_names() {
  std::vector<std::string> names;
  for (const Part& part : kParts) names.emplace_back(part.name);
  return names;
}

bool contains(const std::vector<std::string>& list, const char* name) {
  return std::find(list.begin(), list.end(), name) != list.end();
}

/// What the view shows, then what was asked for by name.
void choose_parts(GraphOptions& options, const DrawOptions& o) {
  options.values = options.gradients = options.local_derivatives = o.view == "learn";
  if (o.view == "summary") options.fold_above = 1;
  for (const Part& part : kParts) {
    if (contains(o.show, part.name)) options.*part.shown = true;
    if (contains(o.hide, part.name)) options.*part.shown = false;
  }
}

/// What is drawn: the result, or with --gradient-of its gradient as a graph of its own.
Tensor drawn(const DrawOptions& o, const LoadedProgram& loaded, const Names& names, const Tensor& result) {
  if (o.gradient_of.empty()) return result;
  const std::vector<NamedTensor> by = wanted_inputs(loaded, names, o.gradient_of);
  if (by.size() != 1) throw ValueError("--gradient-of takes one name");
  GradOptions options{.create_graph = true, .allow_unused = true};
  options.cotangents = {cotangent_for(result, o.cotangent, o)};
  const Tensor g = grad(std::vector{result}, {by[0].tensor}, options)[0];
  if (!g.defined() || !g.node())
    throw ValueError(fmt::format("the gradient by {} is a constant: it has no graph to draw", printable(by[0].name)));
  return g.label("∂" + by[0].name);
}

/// Why gradients that would be shown are missing: a result of many numbers has none by itself.
void say_what_is_missing(const DrawOptions& o, const Tensor& result) {
  if (o.quiet) return;
  const bool steps = o.steps || !o.frames.empty();
  fmt::print(stderr, "chainrule: a result of shape {} has no gradient by itself, {}; --cotangent ones adds {}\n",
             to_string(result.shape()), steps ? "the steps go forward only" : "so none is drawn",
             steps ? "the way back" : "that of the sum");
}

/// --steps and --frames: the walk through the graph in place of one picture.
int run_steps(const DrawOptions& o, const Tensor& shown, const GraphOptions& options) {
  if (o.steps) fmt::print("{}", o.json ? steps_to_json(shown, options) : steps_to_text(shown, options));
  if (o.frames.empty()) return 0;
  const std::size_t count = write_steps(o.frames, shown, options);
  if (o.steps) return 0;
  if (o.json)
    print_json({{"folder", o.frames}, {"steps", count}});
  else if (!o.quiet)
    fmt::print("{0}: {1} steps; open {0}/player.html in a browser\n", printable(o.frames), count);
  return 0;
}

void check_steps(const DrawOptions& o) {
  if (!o.steps && o.frames.empty()) return;
  const char* wrong = !o.out.empty()      ? "-o: steps go to stdout, frames into their folder"
                      : o.view != "learn" ? "--view: steps show values and gradients"
                      : o.graph.symbols   ? "--symbols: steps show letters and numbers"
                                          : nullptr;
  if (wrong)
    throw ValueError(fmt::format("{} cannot be used with {}", o.frames.empty() ? "--steps" : "--frames", wrong));
}

/// What diagrams and steps show: every value that was computed, the oldest first, and the gradients.
Shown shown_of(const LoadedProgram& loaded, const Tensor& result) {
  Shown shown;
  const Traversal graph(std::span(&result, 1));
  for (std::size_t i = graph.size(); i-- > 0;) {
    const Node& node = graph.node(i);
    for (const Edge& edge : node.edges())
      if (edge.value && edge.node)
        shown.push_back(
            {fmt::format("a value of {}", edge.node->info->name), Tensor(Ref<TensorImpl>::share(edge.value.get()))});
  }
  shown.push_back({"the result", result});
  for (const Tensor& leaf : loaded.bindings.leaves)
    if (leaf.has_grad()) shown.push_back({fmt::format("the gradient by {}", printable(leaf.label())), leaf.grad()});
  return shown;
}

int run_graph(const DrawOptions& o) {
  check_steps(o);
  LoadedProgram loaded = load_program(o);
  hold_others(loaded, o.wrt);
  Names names;
  const TeachingMode keep_all;
  const Tensor result = loaded.run(names), shown = drawn(o, loaded, names, result);
  GraphOptions options = o.graph;
  choose_parts(options, o);
  // A diagram shows gradients where there are any to show; a result of many numbers has none without a cotangent.
  const bool has_gradient = (options.gradients || options.local_derivatives) && o.gradient_of.empty() &&
                            result.requires_grad() && (result.numel() == 1 || !o.cotangent.empty());
  if (has_gradient) result.backward({.cotangent = cotangent_for(result, o.cotangent, o), .retain_graph = true});
  if (options.values)
    tell_nan(loaded, shown_of(loaded, result), [&](const Tensor& again, const Names&) {
      if (has_gradient) again.backward({.cotangent = cotangent_for(again, o.cotangent, o)});
    });
  if (options.title.empty() && o.gradient_of.empty() && !loaded.asked.rebuilt)
    options.title = title_of(loaded.asked.program);
  if (options.gradients && !has_gradient && result.requires_grad() && o.gradient_of.empty() && !options.symbols)
    say_what_is_missing(o, result);
  options.gradients &= has_gradient;
  options.local_derivatives &= has_gradient;
  options.color = o.color == "memory"   ? GraphColor::memory
                  : o.color == "health" ? GraphColor::health
                                        : GraphColor::kind;
  std::string folded;
  options.message = [&](std::string_view text) {
    folded = std::string(text);
    if (!o.quiet) fmt::print(stderr, "chainrule: {}\n", text);
  };
  if (o.steps || !o.frames.empty()) return run_steps(o, shown, options);
  if (o.out.empty() || o.out == "-") {
    fmt::print("{}", o.json ? graph_to_json(shown, options) : graph_to_text(shown, options));
    return 0;
  }
  if (o.out.ends_with(".json")) {
    write_graph_file(o.out, graph_to_json(shown, options), loaded.asked, loaded.bindings);
  } else {
    write_graph(o.out, shown, options);
  }
  const Traversal graph(std::span(&shown, 1));
  if (o.json)
    print_json({{"file", o.out}, {"operations", graph.size()}, {"folded", !folded.empty()}});
  else if (!o.quiet)
    fmt::print("{}: {} operations\n", printable(o.out), graph.size());
  return 0;
}

}  // namespace

void add_graph_verb(CommandLine& app) {
  add_verb<DrawOptions>(
      app, "graph", "A diagram of the program: values forward, gradients backward",
      "chainrule graph 'price = apple * count * tax' apple=100 count=2 tax=1.1 -o price.svg",
      [](CLI::App& verb, DrawOptions& o) {
        add_program_options(verb, o);
        verb.add_option(
            "-o,--out", o.out,
            "The file: .svg .png .pdf .html .dot .txt .json by its ending; without one, the text on stdout");
        verb.add_flag("--steps", o.steps, "The chain rule step by step as text, with --json as JSON");
        verb.add_option("--frames", o.frames,
                        "FOLDER: a DOT file for each step, steps.txt, steps.json, and player.html, which plays them");
        verb.add_option("--view", o.view, "learn: values and gradients; shapes: shapes only; summary: folded")
            ->capture_default_str()
            ->check(one_of({"learn", "shapes", "summary"}));
        verb.add_option("--show", o.show,
                        "Parts of the labels besides the view's: " + fmt::format("{}", fmt::join(part_names(), ",")))
            ->delimiter(',')
            ->check(one_of(part_names()));
        verb.add_option("--hide", o.hide, "Parts of the labels to leave out: op,shape")
            ->delimiter(',')
            ->check(one_of(part_names()));
        verb.add_option("--cotangent", o.cotangent, "Weights of a result of many numbers, or 'ones'");
        verb.add_option("--wrt", o.wrt,
                        "Inputs whose gradients are shown, as x,w; the others are held fixed; default: all");
        verb.add_option("--gradient-of", o.gradient_of, "NAME: draws how the gradient by this input is computed");
        verb.add_flag("--symbols", o.graph.symbols, "Letters in place of numbers");
        verb.add_option("--color", o.color, "kind; memory: the more bytes, the darker; health: of gradients")
            ->capture_default_str()
            ->check(one_of({"kind", "memory", "health"}));
        verb.add_option("--digits", o.graph.digits, "Significant digits of the numbers")
            ->capture_default_str()
            ->transform(whole_number(1, 17));
        verb.add_option("--max-elements", o.graph.max_elements,
                        "Tensors of at most this many elements are shown whole, larger ones as mean, spread and norm")
            ->capture_default_str()
            ->transform(whole_number(1, 10'000));
        verb.add_option("--title", o.graph.title, "Default: the program");
        verb.add_flag("--dark", o.graph.dark, "For dark pages");
        verb.add_option("--rankdir", o.graph.direction,
                        "LR: left to right, TB: top to bottom; default: what reads better")
            ->check(one_of({"LR", "TB"}));
        verb.add_option("--font", o.graph.font,
                        "A font that has the letters of the labels, such as 'Noto Sans CJK SC'");
        verb.add_option("--max-label", o.graph.max_label, "Longer names are cut")
            ->capture_default_str()
            ->transform(whole_number(1, 1'000'000));
        verb.add_option("--wrap", o.graph.wrap, "Names longer than this many columns break into lines; 0: never")
            ->capture_default_str()
            ->transform(whole_number(0, 1'000'000));
        verb.add_option("--fold-above", o.graph.fold_above, "Fold graphs of more nodes; 0: never")
            ->capture_default_str()
            ->transform(whole_number());
        verb.add_option("--depth", o.graph.depth, "Modules nested deeper than this become one node")
            ->transform(whole_number(0, 1000));
        verb.add_option("--fold", o.graph.fold, "PATTERN: modules of such a path become one node ('net.block*')");
        verb.add_option("--expand", o.graph.expand, "PATTERN: modules that stay open");
        verb.add_option("--fold-repeats", o.graph.fold_repeats,
                        "So many like modules in a row, or more, become one node")
            ->transform(whole_number(2, 1'000'000));
      },
      run_graph);
}

}  // namespace chainrule
