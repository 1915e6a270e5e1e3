// The public functions: each reads the graph, folds it to the size of its form, and hands it to that form.
#include "engine/draw/diagram.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "engine/draw/draw_view.h"
#include "engine/draw/fold.h"
#include "engine/draw/graphviz.h"
#include "engine/draw/json.h"
#include "engine/draw/names.h"
#include "engine/draw/numbers.h"
#include "engine/draw/page.h"
#include "engine/draw/subscripts.h"
#include "engine/draw/tree.h"
#include "engine/system/embedded.h"
#include "engine/system/file.h"
#include "engine/system/text.h"
#include "engine/types/error.h"

namespace chainrule {
namespace {

constexpr std::size_t kMostLines = 40;  // of a tree; more would not fit a screen

void tell(const GraphOptions& options, const std::string& line) {
  if (options.message)
    options.message(line);
  else
    fmt::print(stderr, "chainrule: {}\n", line);
}

}  // namespace

std::string graph_to_dot(const std::vector<Tensor>& results, const GraphOptions& options) {
  if (results.empty()) throw ValueError("graph_to_dot: no result was given");
  if (!options.direction.empty() && options.direction != "LR" && options.direction != "TB")
    throw ValueError(fmt::format("graph_to_dot: the direction is LR or TB, not {}", printable(options.direction)));
  const NumberStyle style(options);
  GraphView view = view_graph(results, options.gradients || options.local_derivatives);
  join_subscripts(view);
  GraphOptions shown = options;
  if (options.symbols) shown.values = shown.gradients = false;
  fold_chosen(view, options);
  if (options.fold_above > 0 && view.items.size() > options.fold_above) {
    fold_view(view, options.fold_above);
    tell(options,
         fmt::format("the graph has {} nodes; they are folded to {} (fold_above 0, or --fold-above 0, draws them all)",
                     count_text(view.total), count_text(view.items.size())));
  }
  give_letters(view);
  return draw_view(view, shown);
}

std::string graph_to_dot(const Tensor& result, const GraphOptions& options) {
  return graph_to_dot(std::vector{result}, options);
}

std::string graph_to_text(const std::vector<Tensor>& results, const GraphOptions& options) {
  if (results.empty()) throw ValueError("graph_to_text: no result was given");
  const NumberStyle style(options);
  GraphView view = view_graph(results, false);
  join_subscripts(view);
  fold_chosen(view, options);
  const std::size_t most = std::min(options.fold_above > 0 ? options.fold_above : kMostLines, kMostLines);
  if (options.fold_above > 0 && view.items.size() > most) fold_view(view, most);
  give_letters(view);
  return tree_text(view, options);
}

std::string graph_to_text(const Tensor& result, const GraphOptions& options) {
  return graph_to_text(std::vector{result}, options);
}

std::string graph_to_json(const std::vector<Tensor>& results, const GraphOptions& options) {
  if (results.empty()) throw ValueError("graph_to_json: no result was given");
  GraphView view = view_graph(results, options.gradients || options.local_derivatives);
  fold_chosen(view, options);
  if (options.fold_above > 0 && view.items.size() > options.fold_above) fold_view(view, options.fold_above);
  return view_json(view, options).dump(1) + "\n";
}

std::string graph_to_json(const Tensor& result, const GraphOptions& options) {
  return graph_to_json(std::vector{result}, options);
}

void write_graph(const std::string& path, const std::vector<Tensor>& results, const GraphOptions& options) {
  const std::filesystem::path target(path);
  const std::string ending = target.extension().string();
  if (ending == ".txt") return write_file(path, graph_to_text(results, options));
  if (ending == ".json") return write_file(path, graph_to_json(results, options));
  if (ending != ".dot" && ending != ".svg" && ending != ".html" && ending != ".png" && ending != ".pdf")
    throw ValueError(
        fmt::format("write_graph: {} does not end in .dot, .txt, .json, .svg, .html, .png or .pdf", printable(path)));
  const std::string dot = graph_to_dot(results, options);
  if (ending == ".dot") return write_file(path, dot);
  const std::string kept = std::filesystem::path(target).replace_extension(".dot").string();
  const auto drawn = [&](const std::string& text, const std::string& format) {
    Rendered r = render_dot(text, format, options);
    if (r.failure.empty()) return std::move(r.picture);
    write_file(kept, dot);
    throw EnvironmentError(fmt::format("write_graph: cannot draw {}: {}; the graph is kept as {}", printable(path),
                                       r.failure, printable(kept)));
  };
  if (ending != ".html") return write_file(path, drawn(dot, ending.substr(1)));
  GraphOptions other = options;
  other.dark = !options.dark;
  other.message = [](std::string_view) {};  // said once
  const std::string light = drawn(options.dark ? graph_to_dot(results, other) : dot, "svg");
  const std::string dark = drawn(options.dark ? dot : graph_to_dot(results, other), "svg");
  const std::string title = markup_text(options.title.empty() ? "chainrule graph" : options.title);
  write_file(path, fill_page(embedded::graph_html,
                             {{"title", title}, {"light", svg_element(light)}, {"dark", svg_element(dark)}}));
}

void write_graph(const std::string& path, const Tensor& result, const GraphOptions& options) {
  write_graph(path, std::vector{result}, options);
}

}  // namespace chainrule
