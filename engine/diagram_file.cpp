// Diagrams as files. Graphviz is asked as a program, with the text on its standard input, and is never trusted to end.
#include <fmt/format.h>

#include <filesystem>

#include "engine/diagram.h"
#include "engine/error.h"
#include "engine/file.h"
#include "engine/process.h"
#include "engine/text.h"

namespace chainrule {
namespace {

constexpr std::size_t kLargestPicture = std::size_t{256} << 20;

// Why there is no picture, as the end of a sentence; empty when there is one.
std::string failure_of(const ProcessResult& r, const GraphOptions& options) {
  if (r.not_found) return "the program dot is not installed (package graphviz)";
  if (r.timed_out)
    return fmt::format("dot took longer than {} seconds", static_cast<double>(options.time_limit.count()) / 1000);
  if (r.output_too_big) return "dot wrote more than 256 MiB";
  if (r.exit_code != 0 || r.out.empty()) {
    const std::string reason = printable(shorten(r.err.substr(0, r.err.find('\n')), 200));
    return fmt::format("dot failed{}{}", reason.empty() ? "" : ": ", reason);
  }
  return {};
}

}  // namespace

void write_graph(const std::string& path, const std::vector<Tensor>& results, const GraphOptions& options) {
  const std::filesystem::path target(path);
  const std::string ending = target.extension().string();
  if (ending != ".dot" && ending != ".svg" && ending != ".png" && ending != ".pdf")
    throw ValueError(fmt::format("write_graph: {} does not end in .dot, .svg, .png or .pdf", printable(path)));
  const std::string dot = graph_to_dot(results, options);
  if (ending == ".dot") return write_file(path, dot);
  std::vector<std::string> arguments{"dot", "-T" + ending.substr(1)};
  if (ending == ".png") arguments.push_back("-Gdpi=144");
  const ProcessResult r =
      run_process(arguments, {.input = dot, .max_output = kLargestPicture, .time_limit = options.time_limit});
  const std::string failure = failure_of(r, options);
  if (failure.empty()) return write_file(path, r.out);
  const std::string kept = std::filesystem::path(target).replace_extension(".dot").string();
  write_file(kept, dot);
  throw EnvironmentError(fmt::format("write_graph: cannot draw {}: {}; the graph is kept as {}", printable(path),
                                     failure, printable(kept)));
}

void write_graph(const std::string& path, const Tensor& result, const GraphOptions& options) {
  write_graph(path, std::vector{result}, options);
}

}  // namespace chainrule
