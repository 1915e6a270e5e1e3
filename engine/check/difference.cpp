// Richardson's extrapolation in Ridders' form (C. J. F. Ridders, Advances in Engineering Software 4, 1982): a table of
// difference quotients with halved steps, each column one order better, the entry with the smallest estimated error
// wins.
#include "engine/check/difference.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

namespace chainrule::internal {
namespace {

// Not powers of two: a function with a period of a power of two would look constant to them.
constexpr double kSteps64[] = {0.0173, 1.37e-4, 1.07e-6};
constexpr double kSteps32[] = {0.137, 0.0173, 2.17e-3};

}  // namespace

DifferencePlan difference_plan(bool single_precision) {
  if (single_precision) return {std::numeric_limits<float>::epsilon(), kSteps32, 5, 2.17e-3};
  return {std::numeric_limits<double>::epsilon(), kSteps64, 9, 1.07e-6};
}

double Difference::shifted(double by) const {
  const double x = x_ + by;
  return single_input_ ? static_cast<double>(static_cast<float>(x)) : x;
}

// The weighed sum of (high - low) / width. Outputs that did not change at all add nothing, not even rounding.
Difference::Quotient Difference::quotient(std::span<const double> low, std::span<const double> high,
                                          double width) const {
  Quotient q{.finite = true};
  double rounding = 0;
  for (std::size_t k = 0; k < weights_.size(); ++k) {
    if (low[k] == high[k]) continue;
    if (!std::isfinite(low[k]) || !std::isfinite(high[k])) return {};
    q.value += weights_[k] * (high[k] - low[k]);
    rounding += std::abs(weights_[k]) * std::max(std::abs(low[k]), std::abs(high[k]));
  }
  q.value /= width;
  q.noise = plan_.epsilon * rounding / width;
  q.finite = width > 0 && std::isfinite(q.value);
  return q;
}

// `power` is the factor by which halving the step shrinks the leading error: 4 for central differences, 2 for one side.
template <class Row>
std::optional<Slope> Difference::extrapolate(Row&& row, double first_step, double power, double relative,
                                             double absolute) {
  constexpr int kMostRows = 12;
  std::array<double, kMostRows> previous{}, current{};
  std::optional<Slope> best;
  double step = first_step;
  int filled = 0;
  for (int attempt = 0; attempt < plan_.halvings + 3 && filled < plan_.halvings; ++attempt, step /= 2) {
    const Quotient q = row(step);
    if (!q.finite) {  // outside the domain: begin again, closer
      filled = 0;
      best.reset();
      continue;
    }
    current[0] = q.value;
    double factor = 1;
    for (int m = 1; m <= filled; ++m) {
      factor *= power;
      current[m] = (factor * current[m - 1] - previous[m - 1]) / (factor - 1);
      const double spread = std::max(std::abs(current[m] - current[m - 1]), std::abs(current[m] - previous[m - 1]));
      const double error = spread + q.noise;
      if (!best || error < best->error) best = Slope{current[m], error, q.noise, step};
    }
    previous = current;
    ++filled;
    if (filled >= 3 && best->error <= relative * std::abs(best->value) + absolute) break;
  }
  return best;
}

std::optional<Slope> Difference::central(double first_step, double enough_relative, double enough_absolute) {
  return extrapolate(
      [&](double h) {
        const double low = shifted(-h), high = shifted(h);
        const std::vector<double> below = evaluate_(low);
        return quotient(below, evaluate_(high), high - low);
      },
      first_step, 4, enough_relative, enough_absolute);
}

std::optional<Slope> Difference::one_sided(double first_step) {
  for (const double sign : {1.0, -1.0}) {
    auto slope = extrapolate(
        [&](double h) {
          const double other = shifted(sign * h);
          const std::vector<double> there = evaluate_(other);
          return sign > 0 ? quotient(base_, there, other - x_) : quotient(there, base_, x_ - other);
        },
        first_step, 2, 0, 0);
    if (slope) return slope;
  }
  return {};
}

// Each output is looked at alone: two outputs with kinks in opposite directions would hide each other in the sum.
std::optional<SlopeRange> Difference::kink() {
  const double h = plan_.kink_step * std::max(1.0, std::abs(x_));
  std::array<std::vector<double>, 4> at;
  std::array<double, 4> where{};
  for (int i = 0; i < 4; ++i) {
    where[i] = shifted((i < 2 ? -h : h) * (i % 2 ? 0.5 : 1));
    at[i] = evaluate_(where[i]);
  }
  SlopeRange range{0, 0, 0, h};
  bool found = false;
  for (std::size_t k = 0; k < weights_.size(); ++k) {
    auto slope = [&](int i) { return at[i][k] == base_[k] ? 0.0 : (at[i][k] - base_[k]) / (where[i] - x_); };
    const double left = 2 * slope(1) - slope(0), right = 2 * slope(3) - slope(2);
    if (!std::isfinite(left) || !std::isfinite(right)) return {};
    const double size = std::max(std::abs(left), std::abs(right));
    const bool changes = left != 0 || right != 0;
    const double noise = changes ? 8 * plan_.epsilon * std::abs(base_[k]) / h : 0;
    const bool bent = std::abs(left - right) > 1e-3 * size + 8 * noise;
    found |= bent;
    const double middle = (left + right) / 2, w = weights_[k];
    range.low += bent ? std::min(w * left, w * right) : w * middle;
    range.high += bent ? std::max(w * left, w * right) : w * middle;
    range.tolerance += std::abs(w) * (noise + 1e-5 * size);
  }
  if (!found) return {};
  return range;
}

ElementResult check_slope(Difference& difference, const DifferencePlan& plan, const GradientTolerance& allowed,
                          double value, double analytic) {
  ElementResult e{.verdict = GradcheckVerdict::mismatch, .analytic = analytic, .tolerance = allowed.absolute};
  std::optional<Slope> best;
  // The numerical error counts as far as it is a small part of the value, or plainly due to rounding: else any value
  // would pass.
  auto agrees = [&](const Slope& slope, double relative, double most_error) {
    const double size = std::max(std::abs(analytic), std::abs(slope.value));
    const double allowance = std::min(8 * slope.error, std::max(most_error * size, 8 * slope.noise));
    const double tolerance = allowed.absolute + relative * size + allowance;
    const bool good = std::abs(analytic - slope.value) <= tolerance;
    if (good || !best || slope.error <= best->error) {
      best = slope;
      e.numeric = slope.value;
      e.tolerance = tolerance;
      e.step = slope.step;
    }
    if (good) e.verdict = GradcheckVerdict::ok;
    return good;
  };
  auto at_step = [&](double step) {
    const auto slope = difference.central(step, 0.05 * allowed.relative, 0.05 * allowed.absolute);
    return slope && std::isfinite(analytic) && agrees(*slope, allowed.relative, allowed.relative);
  };
  const double scale = std::max(1.0, std::abs(value));
  for (const double step : plan.first_steps)
    if (at_step(step * scale)) return e;
  // Near 0 a function may change on the scale of the value itself.
  if (value != 0 && std::abs(value) < 1e-3 && at_step(plan.first_steps[0] * std::abs(value))) return e;
  if (!std::isfinite(analytic)) {
    e.verdict = GradcheckVerdict::non_finite;
    if (const auto slope = difference.central(plan.first_steps[0] * scale, 0, 0))
      e.numeric = slope->value;
    else
      e.numeric = NAN;
    return e;
  }
  if (!best) {  // the edge of the domain
    const auto slope = difference.one_sided(plan.first_steps[plan.first_steps.size() > 1 ? 1 : 0] * scale);
    if (slope)
      agrees(*slope, 10 * allowed.relative, 1e-3);
    else
      e.verdict = GradcheckVerdict::non_finite, e.numeric = NAN;
    return e;
  }
  // No step was good enough for a sharp comparison: the best of them, with its own error allowed for.
  const Slope least_error = *best;
  if (agrees(least_error, allowed.relative, 1e-3)) return e;
  if (const auto range = difference.kink()) {
    const double slack = allowed.absolute + range->tolerance;
    if (analytic >= range->low - slack && analytic <= range->high + slack) {
      e.verdict = GradcheckVerdict::kink;
      e.step = range->step;
    }
  }
  return e;
}

}  // namespace chainrule::internal
