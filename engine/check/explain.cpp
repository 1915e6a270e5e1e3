// Which finding belongs to which input, and what is left when every rule is right.
#include "engine/check/explain.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "engine/check/diagnosis.h"
#include "engine/check/overflow.h"

namespace chainrule::internal {

namespace {

// The first finding that input i leads to; null when there is none.
const Finding* first_of(const std::vector<Finding>& findings, std::size_t i) {
  for (const Finding& f : findings)
    if (i < f.inputs.size() && f.inputs[i]) return &f;
  return nullptr;
}

void take(GradcheckInput& result, const Finding& finding) {
  result.cause = finding.cause;
  result.factor = finding.factor;
  result.blame = finding.blame;
  result.reason =
      fmt::format("{}{}{}: {}", result.reason, result.reason.empty() ? "" : "; ", finding.blame.text(), finding.reason);
}

void explain_failure(GradcheckInput& r, std::size_t i, const Diagnosis& found, double epsilon) {
  if (const Finding* wrong = first_of(found.wrong, i)) return take(r, *wrong);
  // Rounding explains the difference, or leaves the gradient no digit to compare.
  const bool cancelled =
      r.compared && r.rounding > 0 && (r.absolute_error <= 16 * r.rounding || std::abs(r.analytic) <= 4 * r.rounding);
  for (const Finding& f : found.kinks)
    if (f.convention && i < f.inputs.size() && f.inputs[i] && r.verdict != GradcheckVerdict::wrong_shape) {
      r.verdict = GradcheckVerdict::kink;
      r.kinks += std::exchange(r.mismatches, 0);
      r.reason.clear();
      return take(r, f);
    }
  const double error = r.compared && r.relative_error > 0 ? r.relative_error : 1;
  const bool digits_are_lost = found.lossy && found.lossy->inputs[i] && found.lost * epsilon >= 1e-2 * error;
  if (r.verdict == GradcheckVerdict::wrong_shape) {
    r.cause = GradcheckCause::wrong_shape;
  } else if (digits_are_lost || cancelled) {
    if (cancelled) r.reason += fmt::format("; cancellation: rounding alone moves this gradient by {:.2g}", r.rounding);
    r.cause = GradcheckCause::precision;
    if (found.lossy && found.lossy->inputs[i]) take(r, *found.lossy);
  } else if (r.unsure) {
    r.cause = GradcheckCause::precision;
    r.reason += "; no step gives a numerical derivative that can be relied on here";
  } else if (r.verdict == GradcheckVerdict::non_finite) {
    r.cause = GradcheckCause::precision;
  } else if (found.complete) {
    r.cause = GradcheckCause::detached;
    r.reason += "; every operation's own rule is right, so a path is missing from the graph";
    if (!found.stopped.empty()) r.reason += ": " + found.stopped;
  } else {
    r.cause = GradcheckCause::wrong_rule;
    r.reason += "; not every operation could be checked alone";
  }
}

}  // namespace

void explain(std::span<GradcheckInput> results, const CheckedFunction& evaluate, const std::vector<Tensor>& x,
             const GradientTolerance& tolerance, bool single_precision, Generator& generator) {
  const auto plain = [](const GradcheckInput& r) {
    return r.verdict == GradcheckVerdict::ok || r.verdict == GradcheckVerdict::unused;
  };
  if (std::all_of(results.begin(), results.end(), plain)) return;
  if (results[0].verdict == GradcheckVerdict::non_deterministic && results[0].checked == 0) {
    for (GradcheckInput& r : results) r.cause = GradcheckCause::non_deterministic;
    return;
  }
  const auto never_compared = [](const GradcheckInput& r) {
    return r.verdict == GradcheckVerdict::non_finite && r.checked == 0 && r.elements > 0;
  };
  if (std::all_of(results.begin(), results.end(), never_compared)) {  // the value itself is not finite
    std::string input;
    for (std::size_t i = 0; i < x.size() && input.empty(); ++i) input = infinite_input(results, x, i);
    const std::optional<Finding> overflow = input.empty() ? find_overflow(evaluate, x) : std::nullopt;
    for (GradcheckInput& r : results) {
      r.cause = GradcheckCause::precision;
      if (overflow) take(r, *overflow);
      if (!input.empty()) r.reason += "; " + input;
    }
    return;
  }
  const Diagnosis found = diagnose(evaluate, x, tolerance, single_precision, generator);
  const double epsilon = difference_plan(single_precision).epsilon;
  for (std::size_t i = 0; i < results.size(); ++i) {
    GradcheckInput& r = results[i];
    if (r.verdict == GradcheckVerdict::non_deterministic) {
      r.cause = GradcheckCause::non_deterministic;
    } else if (r.verdict == GradcheckVerdict::kink) {
      r.cause = GradcheckCause::kink;
      if (const Finding* kink = first_of(found.kinks, i)) take(r, *kink);
      if (r.reason.empty()) r.reason = r.remark;
    } else if (!plain(r)) {
      const std::string input = r.verdict == GradcheckVerdict::non_finite ? infinite_input(results, x, i, r.worst) : "";
      if (input.empty()) {
        explain_failure(r, i, found, epsilon);
      } else {
        r.cause = GradcheckCause::precision;
        r.reason += "; " + input;
      }
    }
  }
}

}  // namespace chainrule::internal
