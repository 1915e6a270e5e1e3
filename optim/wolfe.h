// Inner header: for our own sources, not installed.
// The search along a direction of L-BFGS.
#pragma once

#include <functional>
#include <vector>

namespace chainrule::optim {

/// A function along a line: its value, slope and gradient at start + length direction.
struct LinePoint {
  double length = 0, value = 0, slope = 0;
  std::vector<double> gradient;
};

struct LineResult {
  LinePoint point;
  int calls = 0;
};

/// A point along the line from `start` where the strong Wolfe conditions hold, with c1 = 1e-4 and c2 = 0.9, or the best
/// one after 25 calls of `at`; `first` is tried first. `largest` is the direction's largest component: a bracket that
/// moves no parameter by `tolerance` is not refined. As minFunc and PyTorch: bracket, then zoom by cubic interpolation
/// (Nocedal and Wright, "Numerical optimization", algorithms 3.5 and 3.6).
LineResult strong_wolfe(const std::function<LinePoint(double length)>& at, const LinePoint& start, double first,
                        double largest, double tolerance);

}  // namespace chainrule::optim
