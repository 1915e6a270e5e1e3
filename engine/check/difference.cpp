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
  for (std::size_t k = 0; k < weights_.size(); ++k) {
    if (low[k] == high[k]) continue;
    if (!std::isfinite(low[k]) || !std::isfinite(high[k])) return {};
    // Divided first: the sum of large outputs might overflow.
    const double slope = weights_[k] * ((high[k] - low[k]) / width);
    q.value += slope;
    q.change += std::abs(slope);
    q.size += std::abs(weights_[k]) * std::max(std::abs(low[k]), std::abs(high[k]));
  }
  q.noise = plan_.epsilon * (q.size / width);
  q.finite = width > 0 && std::isfinite(q.value);
  return q;
}

Difference::Quotient Difference::central_quotient(double h, std::vector<double>* bends) {
  const double low = shifted(-h), high = shifted(h);
  const std::vector<double> below = evaluate_(low), above = evaluate_(high);
  if (bends) {
    bends->resize(base_.size());
    for (std::size_t k = 0; k < base_.size(); ++k) {
      const double bend = std::abs((above[k] - base_[k]) - (base_[k] - below[k]));
      const double size = std::max({std::abs(above[k]), std::abs(below[k]), std::abs(base_[k])});
      const double rounding = std::max(plan_.epsilon * size, rounding_ / std::abs(weights_[k]));
      (*bends)[k] = bend > 64 * rounding ? bend : 0;
    }
  }
  return quotient(below, above, high - low);
}

Difference::Quotient Difference::side_quotient(double h) {
  const double other = shifted(h);
  const std::vector<double> there = evaluate_(other);
  return h > 0 ? quotient(base_, there, other - x_) : quotient(there, base_, x_ - other);
}

// `power` is the factor by which halving the step shrinks the leading error: 4 for central differences, 2 for one side.
template <class Row>
std::optional<Slope> Difference::extrapolate(Row&& row, double first_step, double power, double relative,
                                             double absolute) {
  constexpr int kMostRows = 12;
  std::array<double, kMostRows> previous{}, current{};
  std::optional<Slope> best;
  double step = first_step, first = 0;
  std::vector<double> first_bends, bends;
  int filled = 0;
  for (int attempt = 0; attempt < plan_.halvings + 3 && filled < plan_.halvings; ++attempt, step /= 2) {
    const Quotient q = row(step, filled == 0 ? first_bends : bends);
    if (!q.finite) {  // outside the domain: begin again, closer
      filled = 0;
      best.reset();
      continue;
    }
    if (filled == 0) first = step;
    current[0] = q.value;
    double factor = 1;
    for (int m = 1; m <= filled; ++m) {
      factor *= power;
      current[m] = (factor * current[m - 1] - previous[m - 1]) / (factor - 1);
      const double spread = std::max(std::abs(current[m] - current[m - 1]), std::abs(current[m] - previous[m - 1]));
      const double error = spread + q.noise;
      if (!best || error < best->error)
        best = Slope{
            .value = current[m], .error = error, .noise = q.noise, .step = step, .size = q.size, .change = q.change};
    }
    previous = current;
    ++filled;
    if (filled >= 3 && best->error <= relative * std::abs(best->value) + absolute) break;
  }
  // What bends in a point changes with the step where a smooth function changes with its square.
  const double last = step < first && filled < plan_.halvings ? step : 2 * step;
  if (best)
    for (std::size_t k = 0; k < bends.size() && !best->bent; ++k)
      best->bent = bends[k] > 0 && bends[k] >= 0.6 * (last / first) * first_bends[k];
  return best;
}

std::optional<Slope> Difference::central(double first_step, double enough_relative, double enough_absolute) {
  return extrapolate([&](double h, std::vector<double>& bends) { return central_quotient(h, &bends); }, first_step, 4,
                     enough_relative, enough_absolute);
}

std::optional<Slope> Difference::one_sided(double first_step) {
  for (const double sign : {1.0, -1.0})
    if (auto slope =
            extrapolate([&](double h, std::vector<double>&) { return side_quotient(sign * h); }, first_step, 2, 0, 0))
      return slope;
  return {};
}

// Each output is looked at alone: two outputs with kinks in opposite directions would hide each other in the sum.
std::optional<SlopeRange> Difference::kink(double h) {
  constexpr double kParts[] = {1, 0.5, 1.0 / 64, 1.0 / 128};
  std::array<std::vector<double>, 8> at;  // left, then right, from far to near
  std::array<double, 8> where{};
  for (std::size_t i = 0; i < 8; ++i) {
    where[i] = shifted((i < 4 ? -h : h) * kParts[i % 4]);
    at[i] = evaluate_(where[i]);
  }
  SlopeRange range{0, 0, 0, h, false, false};
  bool found = false;
  for (std::size_t k = 0; k < weights_.size(); ++k) {
    const double rounding = std::max(plan_.epsilon * std::abs(base_[k]), rounding_ / std::abs(weights_[k]));
    struct Side {
      double slope = 0;
      bool finite = false, jump = false;
    };
    auto side = [&](std::size_t first) {
      auto slope = [&](std::size_t i) { return at[i][k] == base_[k] ? 0.0 : (at[i][k] - base_[k]) / (where[i] - x_); };
      auto gap = [&](std::size_t i) { return std::abs(base_[k] - (2 * at[i + 1][k] - at[i][k])); };
      Side s{.slope = 2 * slope(first + 1) - slope(first)};
      s.finite = std::isfinite(s.slope) && std::isfinite(at[first + 3][k]);
      s.jump = s.finite && gap(first) > 64 * rounding && gap(first + 2) > 0.8 * gap(first);
      if (s.jump) s.slope = (at[first + 1][k] - at[first][k]) / (where[first + 1] - where[first]);
      return s;
    };
    Side left = side(0), right = side(4);
    if (!left.finite && !right.finite) return {};
    const bool edge = !left.finite || !right.finite, jump = left.jump || right.jump;
    if (edge) (left.finite ? right : left) = left.finite ? left : right;
    const double size = std::max(std::abs(left.slope), std::abs(right.slope));
    const bool changes = left.slope != 0 || right.slope != 0;
    const double noise = changes ? 8 * rounding / h : 0;
    const bool bent = std::abs(left.slope - right.slope) > 1e-3 * size + 8 * noise;
    found |= bent || edge || jump;
    range.edge |= edge;
    range.jump |= jump;
    const double middle = (left.slope + right.slope) / 2, w = weights_[k];
    range.low += bent ? std::min(w * left.slope, w * right.slope) : w * middle;
    range.high += bent ? std::max(w * left.slope, w * right.slope) : w * middle;
    range.tolerance += std::abs(w) * (noise + 1e-5 * size);
  }
  if (!found) return {};
  return range;
}

std::optional<double> Difference::best_step(double largest, double smallest, double ratio) {
  std::optional<double> best;
  double least = std::numeric_limits<double>::infinity();
  for (double h = largest; h >= smallest; h /= ratio) {
    const Quotient whole = central_quotient(h);
    if (!whole.finite || whole.size == 0) continue;
    const Quotient half = central_quotient(h / 2);
    if (!half.finite || half.size == 0) continue;
    const double error = (std::abs(whole.value - half.value) + half.noise) / std::abs(half.value);
    if (!(error < least)) continue;
    least = error;
    best = h;
  }
  return best;
}

bool Difference::alone(double first_step, double smallest) {
  if (!(first_step > smallest) || !std::isfinite(first_step)) return false;
  for (double h = first_step; h > smallest; h /= 1024)
    if (side_quotient(h).finite || side_quotient(-h).finite) return false;
  return true;
}

bool Difference::diverges(double first_step, double smallest, double toward) {
  constexpr double kRatio = 64;
  constexpr int kRungs = 12;
  for (const double sign : {1.0, -1.0}) {
    double before = NAN, change = NAN;
    int grown = 0;
    double h = first_step;
    for (int rung = 0; rung < kRungs && h >= smallest; ++rung, h /= kRatio) {
      const Quotient q = side_quotient(sign * h);
      if (!q.finite) continue;  // still too far away
      const double now = q.value - before;
      const bool grows = now * toward > 0 && !(std::abs(now) < 0.8 * std::abs(change));
      if (std::isfinite(now) && !grows) break;
      grown += std::isfinite(now);
      change = now;
      before = q.value;
    }
    if (grown >= 4) return true;
  }
  return false;
}

bool Difference::tends_to(double limit, double first_step, double smallest) {
  constexpr double kRatio = 64;
  constexpr int kRungs = 40;
  for (const int side : {0, 1, -1}) {
    double first = NAN, last = NAN;
    bool nearer = true;
    int rungs = 0;
    double h = first_step;
    for (int rung = 0; rung < kRungs && h >= smallest && nearer; ++rung, h /= kRatio) {
      const Quotient q = side == 0 ? central_quotient(h) : side_quotient(side * h);
      if (!q.finite) continue;
      const double off = std::abs(q.value - limit);
      if (rungs > 0 && off <= 16 * q.noise) {  // as near as rounding lets it come
        last = std::min(last, off);
        break;
      }
      nearer = rungs == 0 || off <= 0.8 * last;
      if (rungs++ == 0) first = off;
      last = off;
    }
    if (!nearer || rungs < 4) continue;
    if (last <= 1e-3 * first && (limit == 0 || last <= 1e-4 * std::abs(limit))) return true;
  }
  return false;
}

}  // namespace chainrule::internal
