#include "engine/check/report.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "engine/system/text.h"

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

const char* name_of(GradcheckCause cause) {
  switch (cause) {
    case GradcheckCause::right:
      return "right";
    case GradcheckCause::kink:
      return "kink";
    case GradcheckCause::precision:
      return "precision";
    case GradcheckCause::wrong_rule:
      return "wrong rule";
    case GradcheckCause::constant_factor:
      return "constant factor";
    case GradcheckCause::transposed:
      return "transposed";
    case GradcheckCause::missing_reduction:
      return "missing reduction";
    case GradcheckCause::detached:
      return "detached path";
    case GradcheckCause::non_deterministic:
      return "non-deterministic";
    case GradcheckCause::wrong_shape:
      return "wrong shape";
  }
  return "?";
}

std::string GradcheckBlame::text() const {
  return place.starts_with("operation") ? fmt::format("{} ({})", op, place) : fmt::format("{} at {}", op, place);
}

namespace {

bool accepted(const GradcheckInput& input, bool strict) {
  return input.verdict == GradcheckVerdict::ok || input.verdict == GradcheckVerdict::unused ||
         (input.verdict == GradcheckVerdict::kink && !strict);
}

std::string count(std::int64_t n, const char* what) { return fmt::format("{} {}{}", n, what, n == 1 ? "" : "s"); }

std::string at(const std::vector<std::int64_t>& index) {
  return index.empty() ? "" : fmt::format(" at [{}]", fmt::join(index, ", "));
}

std::string title(const GradcheckInput& input) {
  return fmt::format("{}{}", input.order > 1 ? fmt::format("order {}, ", input.order) : "", printable(input.name));
}

// The sign of NaN says nothing, and fmt prints it.
double plain(double v) { return std::isnan(v) ? std::numeric_limits<double>::quiet_NaN() : v; }

/// One line: the verdict, what was looked at, the worst element, and why.
std::string line_of(const GradcheckInput& input, bool strict) {
  std::string line = fmt::format("{}: {}", title(input), name_of(input.verdict));
  auto out = std::back_inserter(line);
  if (input.verdict == GradcheckVerdict::kink) line += strict ? ", refused" : ", accepted";
  if (input.cause != GradcheckCause::right && std::string_view(name_of(input.cause)) != name_of(input.verdict))
    fmt::format_to(out, " ({})", name_of(input.cause));
  if (input.checked == input.elements)
    fmt::format_to(out, ", {}", count(input.elements, "element"));
  else if (input.checked > 0)
    fmt::format_to(out, ", {} of {} elements ({:.2g} %)", input.checked, input.elements,
                   100.0 * static_cast<double>(input.checked) / static_cast<double>(input.elements));
  if (input.kinks > 0) fmt::format_to(out, ", {}", count(input.kinks, "kink"));
  if (input.compared && input.verdict == GradcheckVerdict::ok)
    fmt::format_to(out, ", largest error {:.2g}", input.absolute_error);
  else if (input.compared)
    fmt::format_to(out, ", worst{}: analytic {:.10g}, numeric {:.10g}", at(input.worst), plain(input.analytic),
                   plain(input.numeric));
  if (!input.reason.empty()) fmt::format_to(out, "; {}", printable(input.reason));
  if (input.blame.compared && !accepted(input, strict))
    fmt::format_to(out, "; to {}{} it sends {:.6g} in place of {:.6g}", printable(input.blame.input),
                   at(input.blame.element), plain(input.blame.analytic), plain(input.blame.numeric));
  return line + '\n';
}

/// Every number, one row for each input.
std::string table_of(const std::vector<GradcheckInput>& inputs) {
  std::vector<std::array<std::string, 11>> rows = {{"input", "verdict", "cause", "worst", "analytic", "numeric",
                                                    "error", "relative", "allowed", "step", "elements"}};
  for (const GradcheckInput& i : inputs) {
    auto number = [&](const char* form, double v) {
      return i.compared ? fmt::format(fmt::runtime(form), plain(v)) : "-";
    };
    rows.push_back(
        {title(i), name_of(i.verdict), name_of(i.cause),
         i.compared ? fmt::format("[{}]", fmt::join(i.worst, ", ")) : "-", number("{:.10g}", i.analytic),
         number("{:.10g}", i.numeric), number("{:.2g}", i.absolute_error), number("{:.2g}", i.relative_error),
         number("{:.2g}", i.tolerance), number("{:.2g}", i.step),
         i.checked == i.elements ? fmt::format("{}", i.elements) : fmt::format("{} of {}", i.checked, i.elements)});
  }
  std::array<std::size_t, 11> widths{};
  for (const auto& row : rows)
    for (std::size_t c = 0; c < row.size(); ++c) widths[c] = std::max(widths[c], text_width(row[c]));
  std::string text;
  for (const auto& row : rows) {
    std::string line;
    for (std::size_t c = 0; c < row.size(); ++c) {
      const std::string space(widths[c] - text_width(row[c]), ' ');
      const bool is_text = c < 4;
      line += (c ? "  " : "") + (is_text ? row[c] + space : space + row[c]);
    }
    text += line.substr(0, line.find_last_not_of(' ') + 1) + '\n';
  }
  return text;
}

}  // namespace

bool GradcheckReport::ok() const {
  return compared_output &&
         std::all_of(inputs.begin(), inputs.end(), [&](const auto& i) { return accepted(i, strict); });
}

std::string to_string(const GradcheckReport& report, bool verbose) {
  if (!report.compared_output) {
    std::string text = "gradcheck FAILED: there is no floating output to check";
    for (const std::string& note : report.notes) text += "; " + note;
    return text;
  }
  std::string text;
  auto out = std::back_inserter(text);
  std::int64_t failed = 0, checked = 0, kinks = 0;
  for (const GradcheckInput& input : report.inputs) {
    failed += !accepted(input, report.strict);
    checked += input.checked;
    kinks += input.kinks;
    text += line_of(input, report.strict);
  }
  for (const std::string& note : report.notes) fmt::format_to(out, "note: {}\n", note);
  if (report.weighed && (verbose || failed > 0))
    fmt::format_to(out,
                   "note: of several outputs, analytic and numeric are of their sum, weighed with random numbers\n");
  if (verbose && !report.inputs.empty()) fmt::format_to(out, "\n{}\n", table_of(report.inputs));
  if (failed > 0)
    fmt::format_to(out, "gradcheck FAILED: {} of {} wrong", failed,
                   count(static_cast<std::int64_t>(report.inputs.size()), "gradient"));
  else
    fmt::format_to(out, "gradcheck ok: {}", count(static_cast<std::int64_t>(report.inputs.size()), "gradient"));
  fmt::format_to(out, " ({}, {}, {}, seed {})", count(checked, "element"), count(kinks, "kink"), name_of(report.dtype),
                 report.seed);
  return text;
}

}  // namespace chainrule
