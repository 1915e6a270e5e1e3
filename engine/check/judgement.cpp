// One gradient held against numbers: which steps are tried, when a step is believed, and what an edge, a kink and a
// jump look like.
#include <algorithm>
#include <array>
#include <cmath>

#include "engine/check/difference.h"

namespace chainrule::internal {
namespace {

constexpr const char* kEdge = "the edge of the domain";
constexpr const char* kInfinite = "the slope is infinite here";
constexpr const char* kInfiniteEdge = "the edge of the domain, where the slope is infinite";
constexpr const char* kAlone = "the function has no values beside this one";
constexpr const char* kJump = "the value jumps here";

class Judgement {
 public:
  Judgement(Difference& difference, const DifferencePlan& plan, const GradientTolerance& allowed, double x,
            double analytic, const SlopeSetting& setting)
      : difference_(difference), plan_(plan), allowed_(allowed), setting_(setting), x_(x), analytic_(analytic) {
    e_.analytic = analytic;
    e_.tolerance = allowed.absolute;
    const double size = std::isfinite(x) ? std::abs(x) : 0;
    scales_[count_++] = std::max(1.0, size);
    auto add = [&](double scale) {
      if (!(scale > 0) || !std::isfinite(scale)) return;
      for (int i = 0; i < count_; ++i)
        if (scale < 10 * scales_[i] && scale > 0.1 * scales_[i]) return;
      scales_[count_++] = scale;
    };
    add(size);          // near 0 a function may change on the scale of the value itself
    add(1);             // far from 0 it may not
    add(setting.span);  // an element that is 0 changes as those beside it do
    finest_ = std::max({setting.finest, 256 * plan.epsilon * size, 1e-290});
  }

  ElementResult run() {
    if (std::isfinite(analytic_) && at_plain_steps()) return e_;
    if (!std::isfinite(analytic_)) return not_finite();
    if ((!best_ || vague(*best_, 1e-5)) && search()) return e_;
    if (!best_) return at_edge();
    // No step was good enough for a sharp comparison: the best of them, with its own error allowed for.
    const Slope least = *best_;
    if (agrees(least, allowed_.relative, 1e-3)) return e_;
    if (only_rounding()) {
      e_.verdict = GradcheckVerdict::ok;
      return e_;
    }
    if (bends() || tends("")) return e_;
    // A function that changes as fast as the gradient says has no digits left between x and the next number.
    e_.unsure = vague(least, 0.05) || plan_.epsilon * std::abs(x_ * analytic_) > 0.05 * least.size;
    return e_;
  }

 private:
  double scale_of_value() const { return x_ != 0 ? std::abs(x_) : setting_.span > 0 ? setting_.span : 1; }

  // Terms of a size near 1 that cancel, as in sum(layer_norm(x)): the rule sends no more than their rounding, and the
  // result moves by no more than that. A slope would be the same at each step, rounding is not.
  bool only_rounding() {
    const double rounding = 4096 * plan_.epsilon, size = std::max(1.0, std::abs(x_));
    if (std::abs(analytic_) * size > rounding) return false;
    // On the scale of the value itself, too: a small function of small numbers bends on the large one.
    for (const double scale : {size, scale_of_value()}) {
      double least = 0, most = 0;
      for (const double part : {1e-1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6}) {
        const auto slope = difference_.central(part * scale, 0.05 * allowed_.relative, 0);
        if (!slope || std::abs(slope->value * slope->step) > rounding) return false;
        least = part == 1e-1 ? slope->value : std::min(least, slope->value);
        most = part == 1e-1 ? slope->value : std::max(most, slope->value);
      }
      if (most - least < 0.5 * std::max(std::abs(most), std::abs(least))) return false;
    }
    return true;
  }

  // More than rounding can do is unknown of it.
  static bool vague(const Slope& s, double part) { return s.error > part * std::abs(s.value) + 16 * s.noise; }

  // The numerical error counts as far as it is a small part of the value, or plainly due to rounding: else any value
  // would pass. What is small is measured by the function: 1e-8 is much for one whose values are 1e-20.
  bool agrees(const Slope& slope, double relative, double most_error) {
    const double size = std::max(std::abs(analytic_), std::abs(slope.value));
    const double allowance = std::min(8 * slope.error, std::max(most_error * size, 8 * slope.noise));
    double absolute = allowed_.absolute;
    if (!allowed_.absolute_given)
      absolute = std::min(absolute, absolute * slope.change + 8 * (setting_.rounding / slope.step));
    const double tolerance = absolute + relative * size + allowance;
    const bool good = std::abs(analytic_ - slope.value) <= tolerance;
    auto own_error = [](const Slope& s) { return s.error / (std::abs(s.value) + s.noise); };
    if (good || !best_ || !(own_error(slope) > own_error(*best_))) {
      best_ = slope;
      e_.numeric = slope.value;
      e_.tolerance = tolerance;
      e_.step = slope.step;
    }
    if (good) e_.verdict = GradcheckVerdict::ok;
    weak_ = good && 8 * slope.noise > 1e-4 * size && size > 0;
    return good;
  }

  bool at_step(double step) {
    const auto slope = difference_.central(step, 0.05 * allowed_.relative, std::min(0.05 * allowed_.absolute, 1e-9));
    if (!slope) return false;
    if (!agrees(*slope, allowed_.relative, allowed_.relative)) {
      if (!vague(*slope, 1e-4)) sharp_.push_back(*slope);
      return false;
    }
    if (!slope->bent) return true;
    // Left and right differ, and their mean was sent.
    const ElementResult smooth = e_;
    e_.verdict = GradcheckVerdict::mismatch;
    if (!bends()) e_ = smooth;
    return true;
  }

  bool at_plain_steps() {
    bool accepted = false;
    ElementResult weak;
    double weak_value = 0, weak_noise = 0;
    for (int i = 0; i < count_; ++i) {
      const std::size_t steps = i == 0 ? plan_.first_steps.size() : 1;
      for (std::size_t k = 0; k < steps; ++k) {
        const double step = plan_.first_steps[k] * scales_[i];
        if (step < finest_ && i > 0) continue;
        if (!at_step(step)) continue;
        const bool flat = best_->size == 0 && analytic_ == 0 && setting_.span > 10 * scales_[0];
        if (!weak_ && !flat) return true;
        accepted = true;
        weak = e_;
        weak_value = best_->value;
        weak_noise = 8 * best_->noise;
        e_.verdict = GradcheckVerdict::mismatch;
        break;  // rounding hides what a smaller step would show
      }
    }
    // What rounding hides here, another step may have shown plainly.
    for (const Slope& sharp : sharp_) {
      if (!accepted || std::abs(sharp.value - weak_value) > weak_noise) continue;
      best_ = sharp;
      e_.numeric = sharp.value;
      e_.step = sharp.step;
      e_.tolerance = allowed_.relative * std::abs(sharp.value) + 8 * sharp.error;
      return false;
    }
    if (accepted) e_ = weak;
    return accepted;
  }

  ElementResult not_finite() {
    e_.verdict = GradcheckVerdict::non_finite;
    e_.numeric = NAN;
    const double scale = scale_of_value();
    if (const auto slope = difference_.central(plan_.first_steps[0] * scale, 0, 0))
      e_.numeric = slope->value;
    else if (const auto side = difference_.one_sided(plan_.first_steps[0] * scale))
      e_.numeric = side->value;
    if (std::isnan(analytic_) || !difference_.diverges(plan_.first_steps[0] * scale, finest_, analytic_)) return e_;
    const auto range = difference_.kink(plan_.kink_step * scale);
    e_.verdict = GradcheckVerdict::kink;
    e_.numeric = analytic_;
    e_.remark = range && !range->edge ? kInfinite : kInfiniteEdge;
    return e_;
  }

  // Every quarter of the digits that a number can have is looked at, where the plain steps gave nothing.
  bool search() {
    if (!setting_.searches || *setting_.searches <= 0) return false;
    --*setting_.searches;
    const bool zero = x_ == 0 && setting_.finest == 0;
    const double largest = zero ? 1e150 : 20 * *std::max_element(scales_.begin(), scales_.begin() + count_);
    const auto step = difference_.best_step(largest, zero ? 1e-160 : finest_, zero ? 1024 : 32);
    if (!step) return false;
    for (const double first : {*step * 4, *step, *step / 16})
      if (at_step(first)) return true;
    return false;
  }

  ElementResult at_edge() {
    const double least = plan_.first_steps[plan_.first_steps.size() > 1 ? 1 : 0];
    for (int i = 0; i < count_; ++i) {
      const auto slope = difference_.one_sided((i == 0 ? least : plan_.first_steps[0]) * scales_[i]);
      if (!slope || !agrees(*slope, 10 * allowed_.relative, 1e-3)) continue;
      e_.remark = kEdge;
      return e_;
    }
    if (tends(kEdge) || bends()) return e_;
    if (!best_ && difference_.alone(plan_.first_steps[0] * scale_of_value(), finest_)) {
      e_.verdict = GradcheckVerdict::kink;
      e_.numeric = analytic_;
      e_.remark = kAlone;
      return e_;
    }
    if (!best_) e_.verdict = GradcheckVerdict::non_finite, e_.numeric = NAN;
    e_.unsure = !best_ || vague(*best_, 0.05);
    return e_;
  }

  bool tends(const char* remark) {
    for (int i = 0; i < count_; ++i) {
      if (!difference_.tends_to(analytic_, plan_.first_steps[0] * scales_[i], finest_)) continue;
      e_.verdict = GradcheckVerdict::ok;
      e_.numeric = analytic_;
      e_.remark = remark;
      return true;
    }
    return false;
  }

  bool bends() {
    for (int i = 0; i < count_; ++i) {
      // Farther away than the value is from 0 other things happen.
      if (scales_[i] > 10 * scale_of_value()) continue;
      const auto range = difference_.kink(plan_.kink_step * scales_[i]);
      if (!range) continue;
      const double slack = range->tolerance + std::min(allowed_.absolute, 1e-3 * std::abs(range->high - range->low)) +
                           1e-4 * std::max(std::abs(range->low), std::abs(range->high));
      if (!(analytic_ >= range->low - slack && analytic_ <= range->high + slack)) continue;
      e_.verdict = GradcheckVerdict::kink;
      e_.step = range->step;
      if (range->jump || range->edge) e_.numeric = (range->low + range->high) / 2;
      e_.remark = range->edge ? kEdge : range->jump ? kJump : "";
      return true;
    }
    return false;
  }

  Difference& difference_;
  const DifferencePlan& plan_;
  const GradientTolerance& allowed_;
  const SlopeSetting& setting_;
  const double x_, analytic_;
  std::array<double, 4> scales_{};
  int count_ = 0;
  double finest_ = 0;
  bool weak_ = false;
  std::vector<Slope> sharp_;  // slopes that are well known and not the gradient
  std::optional<Slope> best_;
  ElementResult e_;
};

}  // namespace

ElementResult check_slope(Difference& difference, const DifferencePlan& plan, const GradientTolerance& allowed,
                          double x, double analytic, const SlopeSetting& setting) {
  return Judgement(difference, plan, allowed, x, analytic, setting).run();
}

}  // namespace chainrule::internal
