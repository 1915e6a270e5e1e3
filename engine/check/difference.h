// Inner header: for our own sources, not installed.
// Numerical derivatives of a weighed sum of outputs by one number, and the judgement of one gradient by them (in
// judgement.cpp). No graph and no tensor here.
#pragma once

#include <cmath>
#include <functional>
#include <limits>
#include <optional>
#include <span>
#include <vector>

#include "engine/check/gradcheck.h"

namespace chainrule::internal {

/// How a precision is differentiated: where the steps begin and how often they are halved.
struct DifferencePlan {
  double epsilon;                       // of the arithmetic
  std::span<const double> first_steps;  // tried in order, times max(1, |x|)
  int halvings;                         // rows of the extrapolation table of each
  double kink_step;                     // for left and right differences
};
DifferencePlan difference_plan(bool single_precision);

/// A numerical derivative and what is known of its error.
struct Slope {
  double value = 0;
  double error = 0;   // estimated from how the extrapolations differ
  double noise = 0;   // of rounding in the outputs alone
  double step = 0;    // the smallest shift that it was made from
  double size = 0;    // of the outputs that change, weighed
  double change = 0;  // the slope, were there no signs
  bool bent = false;  // left and right may differ: to be looked at with kink()
};

/// Between which values the derivative lies when left and right disagree.
struct SlopeRange {
  double low, high, tolerance, step;
  bool jump, edge;  // the value jumps; one side lies outside the domain
};

class Difference {
 public:
  /// Sets the input to a number and returns the outputs; the same number of outputs each time.
  using Evaluate = std::function<std::vector<double>(double)>;
  /// `base` are the outputs at x, weighed they are known to `rounding`. With single_input shifted inputs are rounded to
  /// float.
  Difference(Evaluate evaluate, std::span<const double> weights, std::span<const double> base, double x,
             bool single_input, const DifferencePlan& plan, double rounding)
      : evaluate_(std::move(evaluate)),
        weights_(weights),
        base_(base),
        x_(x),
        single_input_(single_input),
        plan_(plan),
        rounding_(rounding) {}

  /// Richardson's extrapolation of central differences, from the given step downwards; stops early when the estimated
  /// error is below `enough` of the value. Empty where no step gives finite values on both sides.
  std::optional<Slope> central(double first_step, double enough_relative, double enough_absolute);
  /// The same from one side, for the edge of a domain: the side that is finite.
  std::optional<Slope> one_sided(double first_step);
  /// Left and right derivatives at the distance h; empty when no output has a kink, a jump or an edge here.
  std::optional<SlopeRange> kink(double h);
  /// The step whose quotient changes least when it is halved: how the function's own scale is found.
  std::optional<double> best_step(double largest, double smallest, double ratio);
  /// True when nothing beside x has finite values, so that x has no derivative at all.
  bool alone(double first_step, double smallest);
  /// The quotients grow without limit toward the sign of `toward`.
  bool diverges(double first_step, double smallest, double toward);
  /// The quotients come ever nearer to `limit`, however slowly, as those of x^1.5 do at 0.
  bool tends_to(double limit, double first_step, double smallest);

 private:
  struct Quotient {
    double value = 0, noise = 0, size = 0, change = 0;
    bool finite = false;
  };
  double shifted(double by) const;
  Quotient quotient(std::span<const double> low, std::span<const double> high, double width) const;
  Quotient central_quotient(double h, std::vector<double>* bends = nullptr);
  Quotient side_quotient(double h);  // h below 0: the left side
  template <class Row>
  std::optional<Slope> extrapolate(Row&& row, double first_step, double power, double relative, double absolute);

  Evaluate evaluate_;
  std::span<const double> weights_, base_;
  double x_;
  bool single_input_;
  DifferencePlan plan_;
  double rounding_;
};

/// Of the finite ones.
inline double largest_size(std::span<const double> values) {
  double most = 0;
  for (const double v : values)
    if (std::isfinite(v) && std::abs(v) > most) most = std::abs(v);
  return most;
}

struct GradientTolerance {
  double relative, absolute;
  bool absolute_given = false;  // by the user: not made smaller for small functions
};

/// What is known of an element beside its value.
struct SlopeSetting {
  double span = 0;          // the largest size of the elements beside it
  double finest = 0;        // steps below this say nothing
  double rounding = 0;      // of the weighed outputs
  int* searches = nullptr;  // how many more searches for a step may be made
};

/// How one element fared.
struct ElementResult {
  GradcheckVerdict verdict = GradcheckVerdict::mismatch;
  double analytic = 0, numeric = 0, tolerance = 0, step = 0;
  bool unsure = false;      // of a mismatch: no step gave a number that can be relied on
  const char* remark = "";  // "the edge of the domain"
  double badness() const {
    const double part = std::abs(analytic - numeric) / tolerance;
    return std::isfinite(part) ? part : std::numeric_limits<double>::infinity();
  }
};

/// Judges the gradient `analytic` of an element whose value is x.
ElementResult check_slope(Difference& difference, const DifferencePlan& plan, const GradientTolerance& tolerance,
                          double x, double analytic, const SlopeSetting& setting);

}  // namespace chainrule::internal
