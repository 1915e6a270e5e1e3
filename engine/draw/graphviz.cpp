// The one call of Graphviz.
#include "engine/draw/graphviz.h"

#include <fmt/format.h>

#include <vector>

#include "engine/system/process.h"
#include "engine/system/text.h"

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

}  // namespace

Rendered render_dot(std::string_view dot, const std::string& format, const GraphOptions& options) {
  std::vector<std::string> arguments{"dot", "-T" + format};
  if (format == "png") arguments.emplace_back("-Gdpi=144");
  ProcessResult r =
      run_process(arguments, {.input = dot, .max_output = kLargestPicture, .time_limit = options.time_limit});
  std::string failure = failure_of(r, options);
  return {.picture = std::move(r.out), .failure = std::move(failure)};
}

std::string_view svg_element(std::string_view svg) {
  const auto begin = svg.find("<svg");
  return begin == std::string_view::npos ? svg : svg.substr(begin);
}

}  // namespace chainrule
