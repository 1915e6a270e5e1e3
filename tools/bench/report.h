// How measured numbers are written: units, and a table as aligned text or Markdown.
#pragma once

#include <string>
#include <vector>

#include "tools/bench/measure.h"

namespace chainrule::bench {

/// "4.05 ms": three digits and the unit that suits them.
std::string seconds_text(double seconds);
/// "168 MB".
std::string bytes_text(std::int64_t bytes);
/// Half the distance between the quartiles, as a share of the median: "3 %".
std::string spread_text(const Spread& spread);
/// Seconds of one step, or of one operation where the workload is counted so.
double seconds_per_unit(const Workload& workload, double seconds_per_step);
/// GFLOP/s of a step, and its share of the peak; "" where arithmetic is not what costs.
std::string gflops_text(const Workload& workload, double seconds);
std::string share_text(const Workload& workload, double seconds, double peak);

/// A table whose first column is text and whose others are numbers.
class Table {
 public:
  explicit Table(std::vector<std::string> header) : rows_{std::move(header)} {}
  void add(std::vector<std::string> row) { rows_.push_back(std::move(row)); }
  const std::vector<std::string>& last() const { return rows_.back(); }
  std::string text() const;
  std::string markdown() const;

 private:
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace chainrule::bench
