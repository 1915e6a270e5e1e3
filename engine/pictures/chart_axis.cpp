// Nice ticks. Every tick is an integer times the step, never a running sum, so no error grows along the axis.
#include "engine/pictures/chart_axis.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace chainrule {
namespace {

constexpr double kSmallestSpan = 1e-300;  // below it the steps themselves would lose their digits

struct Step {
  double size;
  int exponent;  // size is 1, 2 or 5 times ten to this power
};

Step nice_step(double span, int target, bool whole) {
  const double raw = span / target;
  int exponent = static_cast<int>(std::floor(std::log10(raw)));
  const double fraction = raw / std::pow(10.0, exponent);
  int factor = fraction < 1.5 ? 1 : fraction < 3 ? 2 : fraction < 7 ? 5 : 10;
  if (factor == 10) factor = 1, ++exponent;
  if (whole && exponent < 0) factor = 1, exponent = 0;
  return {factor * std::pow(10.0, exponent), exponent};
}

/// As few digits as tell neighbouring ticks apart, the same for all ticks of the axis; powers of ten when long.
std::string tick_text(double value, int step_exponent, double largest) {
  if (value == 0) return "0";
  if (largest < 1e6 && step_exponent >= -4) return fmt::format("{:.{}f}", value, std::max(0, -step_exponent));
  const int digits = static_cast<int>(std::floor(std::log10(largest))) - step_exponent;
  const std::string text = fmt::format("{:.{}e}", value, std::clamp(digits, 0, 15));
  const std::size_t e = text.find('e');
  return text.substr(0, e + 1) + std::to_string(std::stoi(text.substr(e + 1)));  // 1e+06 reads as 1e6
}

}  // namespace

Axis make_axis(double low, double high, int target, bool to_ticks, bool whole) {
  // One value, or values closer than a double can step between: open the axis around them.
  const double largest_value = std::max(std::abs(low), std::abs(high));
  if (high - low <= std::max(1e-9 * largest_value, kSmallestSpan)) {
    const double margin = 0.1 * largest_value > kSmallestSpan ? 0.1 * largest_value : 1;
    low -= margin;
    high += margin;
  }
  const Step step = nice_step(high - low, target, whole);
  constexpr double kSlack = 1e-6;  // of a step: 0.3 / 0.1 is a little less than 3
  const double first = to_ticks ? std::floor(low / step.size + kSlack) : std::ceil(low / step.size - kSlack);
  const double last = to_ticks ? std::ceil(high / step.size - kSlack) : std::floor(high / step.size + kSlack);
  Axis axis{low, high, {}};
  if (to_ticks) axis.low = first * step.size, axis.high = last * step.size;
  const double largest = std::max(std::abs(first), std::abs(last)) * step.size;
  const int count = static_cast<int>(last - first);
  for (int i = 0; i <= count; ++i) {
    const double value = (first + i) * step.size;
    axis.ticks.push_back({value, tick_text(value, step.exponent, largest)});
  }
  return axis;
}

}  // namespace chainrule
