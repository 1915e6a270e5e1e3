// The search along a direction of L-BFGS.
#include "optim/wolfe.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>

namespace chainrule::optim {

namespace {

/// The minimum of the cubic through two points with their slopes, kept in [low, high].
double cubic_minimum(const LinePoint& a, const LinePoint& b, double low, double high) {
  const double d1 = a.slope + b.slope - 3 * (a.value - b.value) / (a.length - b.length);
  const double square = d1 * d1 - a.slope * b.slope;
  if (!(square >= 0)) return (low + high) / 2;
  const double d2 = std::sqrt(square);
  const LinePoint &left = a.length <= b.length ? a : b, &right = a.length <= b.length ? b : a;
  const double minimum =
      right.length - (right.length - left.length) * ((right.slope + d2 - d1) / (right.slope - left.slope + 2 * d2));
  return std::min(std::max(minimum, low), high);
}

constexpr double kDecrease = 1e-4, kCurvature = 0.9;
constexpr int kMostTries = 25;

}  // namespace

LineResult strong_wolfe(const std::function<LinePoint(double length)>& at, const LinePoint& start, double first,
                        double largest, double tolerance) {
  const auto too_high = [&](const LinePoint& p) { return p.value > start.value + kDecrease * p.length * start.slope; };
  const auto flat = [&](const LinePoint& p) { return std::abs(p.slope) <= -kCurvature * start.slope; };
  int calls = 1, tries = 0;
  LinePoint before = start, now = at(first);

  // Longer and longer, until a bracket holds a point that will do.
  std::optional<std::pair<LinePoint, LinePoint>> bracket;
  for (; tries < kMostTries; ++tries) {
    if (too_high(now) || (tries > 1 && now.value >= before.value)) {
      bracket = {before, now};
      break;
    }
    if (flat(now)) return {std::move(now), calls};
    if (now.slope >= 0) {
      bracket = {before, now};
      break;
    }
    const double next = cubic_minimum(before, now, now.length + 0.01 * (now.length - before.length), now.length * 10);
    before = std::exchange(now, at(next));
    ++calls;
  }
  if (!bracket) bracket = {start, now};

  // Smaller and smaller, keeping such a point inside.
  auto& [low, high] = *bracket;
  if (low.value > high.value) std::swap(low, high);
  bool slow = false;
  for (; tries < kMostTries; ++tries) {
    const double left = std::min(low.length, high.length), right = std::max(low.length, high.length);
    if ((right - left) * largest < tolerance) break;
    double length = cubic_minimum(low, high, left, right);
    const double margin = 0.1 * (right - left);
    if (std::min(right - length, length - left) < margin) {  // too near an end, twice: a step away from it
      if (slow || length >= right || length <= left) {
        length = std::abs(length - right) < std::abs(length - left) ? right - margin : left + margin;
        slow = false;
      } else {
        slow = true;
      }
    } else {
      slow = false;
    }
    LinePoint next = at(length);
    ++calls;
    if (too_high(next) || next.value >= low.value) {
      high = std::move(next);
      if (low.value > high.value) std::swap(low, high);
      continue;
    }
    const bool done = flat(next);
    if (!done && next.slope * (high.length - low.length) >= 0) high = low;
    low = std::move(next);
    if (done) break;
  }
  return {std::move(low), calls};
}

}  // namespace chainrule::optim
