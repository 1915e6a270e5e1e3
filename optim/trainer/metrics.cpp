// Counting and summing. Sets are merged as Chan, Golub and LeVeque merge variances ("Algorithms for computing the
// sample variance", The American Statistician 37, 1983), which keeps the digits that sums of squares lose.
#include "optim/trainer/metrics.h"

#include <fmt/format.h>

#include <cmath>
#include <limits>

#include "engine/types/error.h"

namespace chainrule {
namespace {

constexpr std::int64_t kIgnored = -100, kNoAnswer = -1;
constexpr double kUndefined = std::numeric_limits<double>::quiet_NaN();

double share(std::int64_t part, std::int64_t whole) {
  return whole == 0 ? kUndefined : static_cast<double>(part) / static_cast<double>(whole);
}

/// Scores as (N, classes, rest), and the true class of each (N, rest).
struct Samples {
  std::int64_t count = 0, classes = 0, rest = 1;
  std::vector<double> scores;
  std::vector<std::int64_t> truth;  // kIgnored where the sample counts nowhere

  double score(std::int64_t sample, std::int64_t c) const {
    return scores[static_cast<std::size_t>((sample / rest * classes + c) * rest + sample % rest)];
  }
};

/// The first of the greatest, by `at`; kNoAnswer with a NaN among them.
template <class At>
std::int64_t greatest(std::int64_t classes, At at) {
  std::int64_t best = 0;
  for (std::int64_t c = 0; c < classes; ++c) {
    if (std::isnan(at(c))) return kNoAnswer;
    if (at(c) > at(best)) best = c;
  }
  return best;
}

Samples samples_of(const Tensor& outputs, const Tensor& targets, const std::string& who) {
  const auto refuse = [&] {
    throw ShapeError(fmt::format("{}: scores are (N, classes, ...) and targets (N, ...), not {} and {}", who,
                                 to_string(outputs.shape()), to_string(targets.shape())));
  };
  if (outputs.dim() < 2) refuse();
  Samples s;
  s.classes = outputs.size(1);
  for (int axis = 2; axis < outputs.dim(); ++axis) s.rest *= outputs.size(axis);
  s.count = outputs.size(0) * s.rest;
  s.scores = outputs.to_vector();
  if (targets.shape() == outputs.shape() && is_floating(targets.dtype())) {
    const std::vector<double> shares = targets.to_vector();
    for (std::int64_t i = 0; i < s.count; ++i)
      s.truth.push_back(greatest(s.classes, [&](std::int64_t c) {
        return shares[static_cast<std::size_t>((i / s.rest * s.classes + c) * s.rest + i % s.rest)];
      }));
    return s;
  }
  bool fits = targets.dim() == outputs.dim() - 1;
  for (int axis = 0; fits && axis < targets.dim(); ++axis)
    fits = targets.size(axis) == outputs.size(axis == 0 ? 0 : axis + 1);
  if (!fits) refuse();
  s.truth = targets.values<std::int64_t>();
  for (std::size_t i = 0; i < s.truth.size(); ++i)
    if (s.truth[i] != kIgnored && (s.truth[i] < 0 || s.truth[i] >= s.classes))
      throw ValueError(
          fmt::format("{}: label {} at place {} is none of the {} classes", who, s.truth[i], i, s.classes));
  return s;
}

/// Each pair of an output and its target.
template <class Use>
void for_each_pair(const Tensor& outputs, const Tensor& targets, const char* who, Use use) {
  if (outputs.shape() != targets.shape())
    throw ShapeError(fmt::format("{}: outputs and targets have one shape, not {} and {}", who,
                                 to_string(outputs.shape()), to_string(targets.shape())));
  const std::vector<double> y = outputs.to_vector(), t = targets.to_vector();
  for (std::size_t i = 0; i < y.size(); ++i) use(y[i], t[i]);
}

}  // namespace

void Metric::throw_other_kind(const Metric& other) const {
  throw ValueError(fmt::format("{}: only a metric of the same kind and options can be merged, not {}", name(),
                               other.name() == name() ? "this " + name() : other.name()));
}

void Accuracy::update(const Tensor& outputs, const Tensor& targets) {
  const Samples s = samples_of(outputs, targets, name());
  for (std::int64_t i = 0; i < s.count; ++i) {
    const std::int64_t truth = s.truth[static_cast<std::size_t>(i)];
    if (truth == kIgnored) continue;
    ++count_;
    right_ += greatest(s.classes, [&](std::int64_t c) { return s.score(i, c); }) == truth && truth >= 0;
  }
}
double Accuracy::value() const { return share(right_, count_); }

TopK::TopK(std::int64_t k) : k_(k) {
  if (k < 1) throw ValueError(fmt::format("TopK: k must be at least 1, not {}", k));
}
std::string TopK::name() const { return fmt::format("top{}", k_); }
void TopK::update(const Tensor& outputs, const Tensor& targets) {
  const Samples s = samples_of(outputs, targets, name());
  for (std::int64_t i = 0; i < s.count; ++i) {
    const std::int64_t truth = s.truth[static_cast<std::size_t>(i)];
    if (truth == kIgnored) continue;
    ++count_;
    if (truth < 0) continue;
    std::int64_t before = 0;
    bool nan = false;
    const double own = s.score(i, truth);
    for (std::int64_t c = 0; c < s.classes; ++c) {
      const double score = s.score(i, c);
      nan = nan || std::isnan(score);
      before += score > own || (score == own && c < truth);
    }
    right_ += !nan && before < k_;
  }
}
double TopK::value() const { return share(right_, count_); }

ConfusionMatrix::ConfusionMatrix(std::int64_t classes) : classes_(classes) {
  if (classes < 2) throw ValueError(fmt::format("ConfusionMatrix: there are at least 2 classes, not {}", classes));
  counts_.assign(static_cast<std::size_t>(classes * (classes + 1)), 0);
}
void ConfusionMatrix::update(const Tensor& outputs, const Tensor& targets) {
  const Samples s = samples_of(outputs, targets, name());
  if (s.classes != classes_)
    throw ShapeError(fmt::format("{}: scores are for {} classes, this is for {}", name(), s.classes, classes_));
  for (std::int64_t i = 0; i < s.count; ++i) {
    const std::int64_t truth = s.truth[static_cast<std::size_t>(i)];
    if (truth < 0) continue;
    const std::int64_t answer = greatest(s.classes, [&](std::int64_t c) { return s.score(i, c); });
    ++counts_[static_cast<std::size_t>(truth * (classes_ + 1) + (answer == kNoAnswer ? classes_ : answer))];
  }
}
std::int64_t ConfusionMatrix::samples(std::int64_t truth) const {
  std::int64_t sum = 0;
  for (std::int64_t c = 0; c <= classes_; ++c) sum += at(truth, c);
  return sum;
}
std::int64_t ConfusionMatrix::answers(std::int64_t answer) const {
  std::int64_t sum = 0;
  for (std::int64_t c = 0; c < classes_; ++c) sum += at(c, answer);
  return sum;
}
double ConfusionMatrix::value() const {
  std::int64_t right = 0, all = 0;
  for (std::int64_t c = 0; c < classes_; ++c) right += at(c, c), all += samples(c);
  return share(right, all);
}
void ConfusionMatrix::add(const ConfusionMatrix& other) {
  for (std::size_t i = 0; i < counts_.size(); ++i) counts_[i] += other.counts_[i];
}

ClassScore::ClassScore(const char* name, std::int64_t classes, Averaging average)
    : name_(name), average_(average), counts_(classes) {}

std::vector<double> ClassScore::per_class() const {
  std::vector<double> scores;
  for (std::int64_t c = 0; c < counts_.classes(); ++c)
    scores.push_back(score(static_cast<double>(counts_.at(c, c)), static_cast<double>(counts_.answers(c)),
                           static_cast<double>(counts_.samples(c))));
  return scores;
}
double ClassScore::value() const {
  const std::vector<double> scores = per_class();
  double sum = 0, present = 0, right = 0, answers = 0, samples = 0;
  for (std::int64_t c = 0; c < counts_.classes(); ++c) {
    const std::int64_t a = counts_.answers(c), s = counts_.samples(c);
    right += static_cast<double>(counts_.at(c, c));
    answers += static_cast<double>(a);
    samples += static_cast<double>(s);
    if (a == 0 && s == 0) continue;
    sum += scores[static_cast<std::size_t>(c)];
    ++present;
  }
  if (samples == 0) return kUndefined;
  return average_ == Averaging::macro ? sum / present : score(right, answers, samples);
}
void ClassScore::merge(const Metric& other) {
  const auto* same = dynamic_cast<const ClassScore*>(&other);
  if (!same || same->name_ != name_ || same->average_ != average_ || !counts_.fits(same->counts_))
    throw_other_kind(other);
  counts_.add(same->counts_);
}
double Precision::score(double right, double answers, double) const { return answers > 0 ? right / answers : 0; }
double Recall::score(double right, double, double samples) const { return samples > 0 ? right / samples : 0; }
double F1::score(double right, double answers, double samples) const {
  return answers + samples > 0 ? 2 * right / (answers + samples) : 0;
}

double Mean::value() const { return weight_ == 0 ? kUndefined : sum_ / weight_; }

void MeanAbsoluteError::update(const Tensor& outputs, const Tensor& targets) {
  for_each_pair(outputs, targets, "mae", [&](double y, double t) { mean_.update(std::abs(y - t)); });
}
void MeanSquaredError::update(const Tensor& outputs, const Tensor& targets) {
  for_each_pair(outputs, targets, "mse", [&](double y, double t) { mean_.update((y - t) * (y - t)); });
}

void R2::update(const Tensor& outputs, const Tensor& targets) {
  for_each_pair(outputs, targets, "r2", [&](double y, double t) {
    residual_ += (y - t) * (y - t);
    const double from_mean = t - mean_;
    mean_ += from_mean / ++count_;
    spread_ += from_mean * (t - mean_);
  });
}
double R2::value() const {
  if (count_ == 0) return kUndefined;
  if (spread_ == 0) return residual_ == 0 ? 1 : 0;
  return 1 - residual_ / spread_;
}
void R2::add(const R2& other) {
  if (other.count_ == 0) return;
  const double both = count_ + other.count_, apart = other.mean_ - mean_;
  spread_ += other.spread_ + apart * apart * count_ * other.count_ / both;
  mean_ += apart * other.count_ / both;
  count_ = both;
  residual_ += other.residual_;
}

}  // namespace chainrule
