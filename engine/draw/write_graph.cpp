// Diagrams as files, and the one call of Graphviz.
#include <fmt/format.h>

#include <filesystem>

#include "engine/draw/diagram.h"
#include "engine/draw/graphviz.h"
#include "engine/system/file.h"
#include "engine/system/process.h"
#include "engine/system/text.h"
#include "engine/types/error.h"

namespace chainrule {
namespace {

constexpr std::size_t kLargestPicture = std::size_t{256} << 20;

// Why there is no picture, as the end of a sentence; empty when there is one.
std::string failure_of(const ProcessResult& r, const GraphOptions& options) {
  if (r.not_found) return "the program dot is not installed (package graphviz)";
  if (r.timed_out)
    return fmt::format(
        "dot took longer than {} seconds (an .svg takes less than a .png, folded modules less than open ones)",
        static_cast<double>(options.time_limit.count()) / 1000);
  if (r.output_too_big) return "dot wrote more than 256 MiB";
  if (r.exit_code != 0 || r.out.empty()) {
    const std::string reason = printable(shorten(r.err.substr(0, r.err.find('\n')), 200));
    return fmt::format("dot failed{}{}", reason.empty() ? "" : ": ", reason);
  }
  return {};
}

std::string page(std::string_view title, std::string_view light, std::string_view dark) {
  return fmt::format(R"(<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{}</title>
<style>
  body {{ margin: 0; background: #ffffff; }}
  svg {{ display: block; margin: auto; max-width: 100%; height: auto; }}
  .dark {{ display: none; }}
  @media (prefers-color-scheme: dark) {{
    body {{ background: #14181f; }}
    .light {{ display: none; }}
    .dark {{ display: block; }}
  }}
</style>
</head>
<body>
<div class="light">
{}</div>
<div class="dark">
{}</div>
</body>
</html>
)",
                     markup_text(title.empty() ? "chainrule graph" : title), svg_element(light), svg_element(dark));
}

}  // namespace

std::string markup_text(std::string_view text) {
  std::string out;
  for (const char c : printable(text)) {
    const std::string_view entity = markup_entity(c);
    out += entity.empty() ? std::string_view(&c, 1) : entity;
  }
  return out;
}

std::string_view svg_element(std::string_view svg) {
  const auto begin = svg.find("<svg");
  return begin == std::string_view::npos ? svg : svg.substr(begin);
}

Rendered render_dot(std::string_view dot, const std::string& format, const GraphOptions& options) {
  std::vector<std::string> arguments{"dot", "-T" + format};
  if (format == "png") arguments.emplace_back("-Gdpi=144");
  ProcessResult r =
      run_process(arguments, {.input = dot, .max_output = kLargestPicture, .time_limit = options.time_limit});
  std::string failure = failure_of(r, options);
  return {.picture = std::move(r.out), .failure = std::move(failure)};
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
  write_file(path, page(options.title, light, dark));
}

void write_graph(const std::string& path, const Tensor& result, const GraphOptions& options) {
  write_graph(path, std::vector{result}, options);
}

}  // namespace chainrule
