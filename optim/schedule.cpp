// Schedules of the learning rate.
#include "optim/schedule.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include "engine/factory.h"
#include "engine/types/error.h"
#include "optim/arguments.h"

namespace chainrule {

using namespace optim;

namespace {

void at_least(const char* who, const char* argument, std::int64_t value, std::int64_t least) {
  if (value < least) throw ValueError(fmt::format("{}: {} must be at least {}, not {}", who, argument, least, value));
}

/// From 1 at 0 to 0 at 1, along half a cosine.
double half_cosine(double share) { return (1 + std::cos(std::numbers::pi * share)) / 2; }

void expect_rising(const char* who, const std::vector<std::int64_t>& milestones) {
  std::int64_t before = 0;
  for (const std::int64_t m : milestones) {
    if (m <= before)
      throw ValueError(
          fmt::format("{}: milestones must be above 0 and rise, not [{}]", who, fmt::join(milestones, ", ")));
    before = m;
  }
}

}  // namespace

double Schedule::operator()(double step) const {
  expect_not_negative(text_.c_str(), "step", step);
  const double factor = factor_(step);
  expect_not_negative(text_.c_str(), fmt::format("the factor at step {}", step).c_str(), factor);
  return factor;
}

std::vector<double> Schedule::values(std::int64_t count) const {
  std::vector<double> all;
  for (std::int64_t i = 0; i < count; ++i) all.push_back((*this)(static_cast<double>(i)));
  return all;
}

std::string table(const Schedule& schedule, std::int64_t count, double lr, std::int64_t rows) {
  at_least("table", "count", count, 1);
  at_least("table", "rows", rows, 2);
  std::string text = fmt::format("{:>8}  {}\n", "step", "rate");
  const std::int64_t lines = std::min(count, rows);
  for (std::int64_t i = 0; i < lines; ++i) {
    const std::int64_t at = lines == 1 ? 0 : i * (count - 1) / (lines - 1);
    text += fmt::format("{:>8}  {:.6g}\n", at, lr * schedule(static_cast<double>(at)));
  }
  return text;
}

Schedule operator*(const Schedule& a, const Schedule& b) {
  return {fmt::format("{} * {}", a.text(), b.text()), [=](double t) { return a(t) * b(t); }};
}

Schedule sequential(const std::vector<Schedule>& schedules, const std::vector<std::int64_t>& milestones) {
  expect_rising("sequential", milestones);
  if (schedules.size() != milestones.size() + 1)
    throw ValueError(fmt::format("sequential: {} schedules need {} milestones between them, not {}", schedules.size(),
                                 std::max<std::size_t>(schedules.size(), 1) - 1, milestones.size()));
  std::vector<std::string> texts;
  texts.reserve(schedules.size());
  for (const Schedule& s : schedules) texts.push_back(s.text());
  return {fmt::format("sequential([{}], [{}])", fmt::join(texts, ", "), fmt::join(milestones, ", ")), [=](double t) {
            std::size_t i = 0;
            while (i < milestones.size() && t >= static_cast<double>(milestones[i])) ++i;
            return schedules[i](i == 0 ? t : t - static_cast<double>(milestones[i - 1]));
          }};
}

Schedule step(std::int64_t size, double gamma) {
  at_least("step", "size", size, 1);
  expect_not_negative("step", "gamma", gamma);
  return {fmt::format("step({}, {})", size, gamma),
          [=](double t) { return std::pow(gamma, std::floor(t / static_cast<double>(size))); }};
}

Schedule multi_step(std::vector<std::int64_t> milestones, double gamma) {
  expect_rising("multi_step", milestones);
  expect_not_negative("multi_step", "gamma", gamma);
  return {fmt::format("multi_step([{}], {})", fmt::join(milestones, ", "), gamma), [=](double t) {
            const auto passed = std::count_if(milestones.begin(), milestones.end(),
                                              [&](std::int64_t m) { return t >= static_cast<double>(m); });
            return std::pow(gamma, static_cast<double>(passed));
          }};
}

Schedule exponential(double gamma) {
  expect_not_negative("exponential", "gamma", gamma);
  return {fmt::format("exponential({})", gamma), [=](double t) { return std::pow(gamma, t); }};
}

Schedule inverse_time(double decay) {
  expect_not_negative("inverse_time", "decay", decay);
  return {fmt::format("inverse_time({})", decay), [=](double t) { return 1 / (1 + decay * t); }};
}

Schedule polynomial(std::int64_t steps, double power, double last) {
  at_least("polynomial", "steps", steps, 1);
  expect_not_negative("polynomial", "power", power);
  expect_not_negative("polynomial", "last", last);
  return {fmt::format("polynomial({}, {}, {})", steps, power, last), [=](double t) {
            const double n = static_cast<double>(steps);
            return last + (1 - last) * std::pow(1 - std::min(t, n) / n, power);
          }};
}

Schedule cosine(std::int64_t steps, double last) {
  at_least("cosine", "steps", steps, 1);
  expect_not_negative("cosine", "last", last);
  return {last == 0 ? fmt::format("cosine({})", steps) : fmt::format("cosine({}, {})", steps, last), [=](double t) {
            const double n = static_cast<double>(steps);
            return last + (1 - last) * half_cosine(std::min(t, n) / n);
          }};
}

Schedule cosine_restarts(std::int64_t first, std::int64_t multiplier, double last) {
  at_least("cosine_restarts", "first", first, 1);
  at_least("cosine_restarts", "multiplier", multiplier, 1);
  expect_not_negative("cosine_restarts", "last", last);
  return {fmt::format("cosine_restarts({}, {}, {})", first, multiplier, last), [=](double t) {
            double length = static_cast<double>(first);
            if (multiplier == 1) {
              t = std::fmod(t, length);
            } else {
              for (; t >= length; length *= static_cast<double>(multiplier)) t -= length;
            }
            return last + (1 - last) * half_cosine(t / length);
          }};
}

Schedule warm_up(std::int64_t steps, double start) {
  at_least("warm_up", "steps", steps, 1);
  expect_not_negative("warm_up", "start", start);
  return {fmt::format("warm_up({}, {:.6g})", steps, start), [=](double t) {
            const double n = static_cast<double>(steps);
            return start + (1 - start) * std::min(t, n) / n;
          }};
}

Schedule hold(std::int64_t steps, double factor) {
  at_least("hold", "steps", steps, 1);
  expect_not_negative("hold", "factor", factor);
  return {fmt::format("hold({}, {:.6g})", steps, factor),
          [=](double t) { return t < static_cast<double>(steps) ? factor : 1; }};
}

Schedule one_cycle(std::int64_t steps, OneCycleOptions o) {
  at_least("one_cycle", "steps", steps, 1);
  expect(o.pct_start > 0 && o.pct_start < 1, "one_cycle", "pct_start", o.pct_start, "in (0, 1)");
  expect_positive("one_cycle", "div_factor", o.div_factor);
  expect_positive("one_cycle", "final_div_factor", o.final_div_factor);
  const double n = static_cast<double>(steps), start = 1 / o.div_factor, end = start / o.final_div_factor;
  const double top = o.pct_start * n - 1;
  struct Phase {
    double until, from, to;
  };
  std::vector<Phase> phases{{top, start, 1}};
  if (o.three_phase) phases.push_back({2 * top, 1, start});
  phases.push_back({n - 1, o.three_phase ? start : 1, end});
  if (top <= 0 || (o.three_phase && 2 * top >= n - 1))
    throw ValueError(fmt::format("one_cycle: {} steps are too few for phases of a share of {}", steps, o.pct_start));
  return {fmt::format("one_cycle({})", steps), [=](double t) {
            double begin = 0;
            for (const Phase& phase : phases) {
              if (t <= phase.until) {
                const double share = (t - begin) / (phase.until - begin);
                return o.linear ? phase.from + (phase.to - phase.from) * share
                                : phase.to + (phase.from - phase.to) * half_cosine(share);
              }
              begin = phase.until;
            }
            return end;
          }};
}

// --- on plateau -----------------------------------------------------------------------------------------------------

Plateau::Plateau(PlateauOptions o)
    : options_(o), best_((o.higher_is_better ? -1 : 1) * std::numeric_limits<double>::infinity()) {
  expect(o.factor > 0 && o.factor < 1, "Plateau", "factor", o.factor, "in (0, 1)");
  at_least("Plateau", "patience", o.patience, 0);
  expect_not_negative("Plateau", "threshold", o.threshold);
  at_least("Plateau", "cooldown", o.cooldown, 0);
  expect_not_negative("Plateau", "min_factor", o.min_factor);
}

double Plateau::update(double metric) {
  const double sign = options_.higher_is_better ? 1 : -1;
  // A share of infinity, the first best, or of 0 would be no number.
  const double goal = std::isinf(best_) ? best_ : best_ + sign * options_.threshold * (options_.relative ? best_ : 1);
  if (options_.higher_is_better ? metric > goal : metric < goal) {
    best_ = metric;
    bad_ = 0;
  } else {
    ++bad_;
  }
  if (cooldown_ > 0) {
    --cooldown_;
    bad_ = 0;
  }
  if (bad_ > options_.patience) {
    // What would change nothing that can be seen is left, as in PyTorch.
    if (const double next = std::max(factor_ * options_.factor, options_.min_factor); factor_ - next > 1e-8)
      factor_ = next;
    cooldown_ = options_.cooldown;
    bad_ = 0;
  }
  return factor_;
}

std::vector<NamedTensor> Plateau::state() const {
  return {{"plateau.best", from_vector({best_}, {})},
          {"plateau.factor", from_vector({factor_}, {})},
          {"plateau.bad", from_vector({bad_}, {})},
          {"plateau.cooldown", from_vector({cooldown_}, {})}};
}

void Plateau::load_state(const std::vector<NamedTensor>& given) {
  expect_same("Plateau", state(), given);
  const auto find = [&](const char* name) -> const Tensor& {
    return std::find_if(given.begin(), given.end(), [&](const NamedTensor& t) { return t.name == name; })->tensor;
  };
  best_ = find("plateau.best").item();
  factor_ = find("plateau.factor").item();
  bad_ = *find("plateau.bad").data<std::int64_t>();
  cooldown_ = *find("plateau.cooldown").data<std::int64_t>();
}

}  // namespace chainrule
