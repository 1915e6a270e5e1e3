// Inner header: for our own sources, not installed.
// Where the ticks of a chart's axis stand and what they read.
// Deliberately not here: anything about pixels.
#pragma once

#include <string>
#include <vector>

namespace chainrule {

struct Tick {
  double value;
  std::string text;
};

struct Axis {
  double low = 0, high = 1;  // what the axis spans; low < high
  std::vector<Tick> ticks;   // rising, all inside
};

/// Largest magnitude a chart draws: beyond it the difference of two values could overflow.
inline constexpr double kLargestDrawn = 1e300;

/// An axis for values from `low` to `high` (both within kLargestDrawn) with about `target` steps of 1, 2 or 5 times a
/// power of ten. `to_ticks` widens it so that it begins and ends on a tick; `whole` keeps the ticks on integers.
Axis make_axis(double low, double high, int target, bool to_ticks, bool whole);

}  // namespace chainrule
