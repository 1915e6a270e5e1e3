// The gradient check's report as text.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "engine/gradcheck.h"
#include "engine/text.h"

namespace chainrule {

const char* name_of(GradcheckVerdict verdict) {
  switch (verdict) {
    case GradcheckVerdict::ok:
      return "ok";
    case GradcheckVerdict::kink:
      return "kink";
    case GradcheckVerdict::unused:
      return "unused";
    case GradcheckVerdict::mismatch:
      return "mismatch";
    case GradcheckVerdict::wrong_shape:
      return "wrong shape";
    case GradcheckVerdict::non_finite:
      return "non-finite";
    case GradcheckVerdict::non_deterministic:
      return "non-deterministic";
  }
  return "?";
}

namespace {

bool accepted(const GradcheckInput& input, bool strict) {
  return input.verdict == GradcheckVerdict::ok || input.verdict == GradcheckVerdict::unused ||
         (input.verdict == GradcheckVerdict::kink && !strict);
}

std::string count(std::int64_t n, const char* what) { return fmt::format("{} {}{}", n, what, n == 1 ? "" : "s"); }

}  // namespace

bool GradcheckReport::ok() const {
  return compared_output &&
         std::all_of(inputs.begin(), inputs.end(), [&](const auto& i) { return accepted(i, strict); });
}

std::string to_string(const GradcheckReport& report) {
  std::string text;
  auto out = std::back_inserter(text);
  std::int64_t failed = 0, checked = 0, kinks = 0;
  for (const GradcheckInput& input : report.inputs) {
    failed += !accepted(input, report.strict);
    checked += input.checked;
    kinks += input.kinks;
    fmt::format_to(out, "{}{}: {}", input.order > 1 ? fmt::format("order {}, ", input.order) : "",
                   printable(input.name), name_of(input.verdict));
    if (input.verdict == GradcheckVerdict::kink) text += report.strict ? ", refused" : ", accepted";
    if (!input.reason.empty()) fmt::format_to(out, " ({})", printable(input.reason));
    if (input.checked == input.elements)
      fmt::format_to(out, ", {}", count(input.elements, "element"));
    else if (input.checked > 0)
      fmt::format_to(out, ", {} of {} elements ({:.2g} %)", input.checked, input.elements,
                     100.0 * static_cast<double>(input.checked) / static_cast<double>(input.elements));
    if (input.kinks > 0) fmt::format_to(out, ", {}", count(input.kinks, "kink"));
    if (input.compared)
      fmt::format_to(
          out,
          ", worst{}: analytic {:.10g}, numeric {:.10g}, error {:.2g} (relative {:.2g}, allowed {:.2g}), step {:.2g}",
          input.worst.empty() ? "" : fmt::format(" at [{}]", fmt::join(input.worst, ", ")), input.analytic,
          input.numeric, input.absolute_error, input.relative_error, input.tolerance, input.step);
    text += '\n';
  }
  for (const std::string& note : report.notes) fmt::format_to(out, "note: {}\n", note);
  if (!report.compared_output)
    fmt::format_to(out, "gradcheck FAILED: no floating output to check");
  else if (failed > 0)
    fmt::format_to(out, "gradcheck FAILED: {} of {} wrong", failed,
                   count(static_cast<std::int64_t>(report.inputs.size()), "gradient"));
  else
    fmt::format_to(out, "gradcheck ok: {}", count(static_cast<std::int64_t>(report.inputs.size()), "gradient"));
  fmt::format_to(out, " ({}, {}, {}, seed {})", count(checked, "element"), count(kinks, "kink"), name_of(report.dtype),
                 report.seed);
  return text;
}

}  // namespace chainrule
