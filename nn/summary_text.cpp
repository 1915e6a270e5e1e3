// A summary as a table and as JSON.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "engine/system/text.h"
#include "nn/summary.h"

namespace chainrule {
namespace {

/// Three digits and a unit: "416 k", "1.50 M".
std::string scaled(double n, double step, std::array<const char*, 5> units) {
  std::size_t unit = 0;
  while (n >= 999.5 && unit + 1 < units.size()) {
    n /= step;
    ++unit;
  }
  const int decimals = unit == 0 || n >= 99.95 ? 0 : n >= 9.995 ? 1 : 2;
  return fmt::format("{:.{}f} {}", n, decimals, units[unit]);
}
std::string flops_text(double n) { return scaled(n, 1000, {"", "k", "M", "G", "T"}); }
std::string bytes_text(std::int64_t n) {
  return scaled(static_cast<double>(n), 1024, {"B", "KiB", "MiB", "GiB", "TiB"});
}
std::string time_text(double seconds) { return fmt::format("{:.3f} ms", seconds * 1e3); }

using Cells = std::vector<std::string>;

std::string table_of(const std::vector<Cells>& lines) {
  std::vector<std::size_t> widths(lines[0].size());
  for (const Cells& line : lines)
    for (std::size_t i = 0; i < line.size(); ++i) widths[i] = std::max(widths[i], line[i].size());
  std::size_t width = 2 * (widths.size() - 1);
  for (const auto w : widths) width += w;
  std::string text;
  for (std::size_t n = 0; n < lines.size(); ++n) {
    std::string line;
    for (std::size_t i = 0; i < widths.size(); ++i)  // words left, numbers right
      line += fmt::format(fmt::runtime(i < 3 ? "{:<{}}" : "{:>{}}"), lines[n][i], widths[i]) +
              (i + 1 < widths.size() ? "  " : "");
    line.erase(line.find_last_not_of(' ') + 1);
    if (n == 1 || n + 1 == lines.size()) text += std::string(width, '-') + "\n";
    text += line + "\n";
  }
  return text;
}

}  // namespace

std::string to_string(const Summary& s) {
  std::vector<Cells> lines{{"layer", "type", "output", "parameters", "FLOPs", "memory", "time"}};
  for (const SummaryRow& row : s.rows)
    lines.push_back({row.name.empty() ? "(itself)" : row.name, row.kind,
                     row.called ? to_string(row.output) : "not called", grouped_digits(row.parameters),
                     flops_text(row.flops), bytes_text(row.bytes), time_text(row.seconds)});
  lines.push_back({"total", s.kind, to_string(s.output), grouped_digits(s.parameters), flops_text(s.flops),
                   bytes_text(s.activation_bytes), time_text(s.seconds)});
  if (!s.timed)
    for (Cells& line : lines) line.pop_back();
  return fmt::format("{} of {}\n{}parameters: {} trainable, {} frozen, {}\n", s.kind, to_string(s.input),
                     table_of(lines), grouped_digits(s.trainable), grouped_digits(s.parameters - s.trainable),
                     bytes_text(s.parameter_bytes));
}

std::string to_json(const Summary& s) {
  const auto sizes = [](const Shape& shape) { return std::vector<std::int64_t>(shape.begin(), shape.end()); };
  nlohmann::ordered_json rows = nlohmann::ordered_json::array();
  for (const SummaryRow& row : s.rows) {
    nlohmann::ordered_json one{{"name", row.name},
                               {"kind", row.kind},
                               {"called", row.called},
                               {"output", sizes(row.output)},
                               {"parameters", row.parameters},
                               {"flops", row.flops},
                               {"bytes", row.bytes}};
    if (s.timed) one["seconds"] = row.seconds;
    rows.push_back(std::move(one));
  }
  nlohmann::ordered_json all{{"kind", s.kind},
                             {"input", sizes(s.input)},
                             {"output", sizes(s.output)},
                             {"rows", std::move(rows)},
                             {"parameters", s.parameters},
                             {"trainable", s.trainable},
                             {"flops", s.flops},
                             {"parameter_bytes", s.parameter_bytes},
                             {"activation_bytes", s.activation_bytes}};
  if (s.timed) all["seconds"] = s.seconds;
  return all.dump(2) + "\n";
}

}  // namespace chainrule
