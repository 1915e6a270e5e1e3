// Units and tables.
#include "tools/bench/report.h"

#include <fmt/format.h>

#include <algorithm>

namespace chainrule::bench {

std::string seconds_text(double seconds) {
  struct Unit {
    double seconds;
    const char* name;
  };
  constexpr Unit kUnits[] = {{1, "s"}, {1e-3, "ms"}, {1e-6, "µs"}, {1e-9, "ns"}};
  for (const Unit& unit : kUnits) {
    const double value = seconds / unit.seconds;
    if (value >= 0.9995 || unit.seconds == 1e-9)
      return fmt::format("{:.{}f} {}", value, value < 9.995 ? 2 : value < 99.95 ? 1 : 0, unit.name);
  }
  return {};
}

std::string bytes_text(std::int64_t bytes) {
  const double megabytes = static_cast<double>(bytes) * 1e-6;
  return fmt::format("{:.{}f} MB", megabytes, megabytes < 10 ? 1 : 0);
}

std::string spread_text(const Spread& spread) {
  if (spread.median <= 0) return "";
  return fmt::format("{:.0f} %", 50 * (spread.upper - spread.lower) / spread.median);
}

double seconds_per_unit(const Workload& w, double seconds) {
  return w.operations > 0 ? seconds / w.operations : seconds;
}

std::string gflops_text(const Workload& w, double seconds) {
  return w.flops > 0 ? fmt::format("{:.0f}", w.flops / seconds * 1e-9) : "";
}

std::string share_text(const Workload& w, double seconds, double peak) {
  return w.flops > 0 ? fmt::format("{:.0f} %", 100 * w.flops / seconds / peak) : "";
}

namespace {

/// Letters as they are seen: bytes that continue a UTF-8 letter do not count.
std::size_t width(const std::string& text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

}  // namespace

std::string Table::text() const {
  std::vector<std::size_t> widths(rows_[0].size());
  for (const auto& row : rows_)
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], width(row[i]));
  std::string out;
  for (const auto& row : rows_) {
    for (std::size_t i = 0; i < row.size(); ++i) {
      const std::string blank(widths[i] - width(row[i]), ' ');
      out += i == 0 ? row[i] + blank : "  " + blank + row[i];
    }
    out.erase(out.find_last_not_of(' ') + 1);
    out += '\n';
  }
  return out;
}

std::string Table::markdown() const {
  std::string out;
  for (std::size_t r = 0; r < rows_.size(); ++r) {
    for (const std::string& cell : rows_[r]) out += "| " + cell + " ";
    out += "|\n";
    if (r > 0) continue;
    out += "|---|";
    for (std::size_t i = 1; i < rows_[0].size(); ++i) out += "---:|";
    out += "\n";
  }
  return out;
}

}  // namespace chainrule::bench
