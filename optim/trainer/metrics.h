// Metrics: how well a network answers, over any number of batches of any size. Each counts or sums and divides at the
// end, so that the value is that of the whole set, not a mean of the batches' means.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "engine/tensor.h"

namespace chainrule {

class Metric {
 public:
  virtual ~Metric() = default;
  /// "accuracy": the column in tables.
  virtual std::string name() const = 0;
  /// Takes a batch: what the network gave and what was right.
  virtual void update(const Tensor& outputs, const Tensor& targets) = 0;
  /// Of all that update took; NaN when that was nothing.
  virtual double value() const = 0;
  /// Adds what another metric of the same kind and options took. Throws ValueError for any other.
  virtual void merge(const Metric& other) = 0;
  virtual void reset() = 0;
  virtual std::unique_ptr<Metric> clone() const = 0;
  /// Of two values, is the higher one the better?
  virtual bool higher_is_better() const { return true; }

 protected:
  Metric() = default;
  Metric(const Metric&) = default;
  Metric& operator=(const Metric&) = default;
  [[noreturn]] void throw_other_kind(const Metric& other) const;
};

/// Any metric, held by value: copies count for themselves. Trainer takes a list: {Accuracy(), TopK(5)}.
class AnyMetric {
 public:
  AnyMetric(const Metric& metric) : metric_(metric.clone()) {}
  AnyMetric(const AnyMetric& other) : metric_(other.metric_->clone()) {}
  AnyMetric(AnyMetric&&) noexcept = default;
  AnyMetric& operator=(const AnyMetric& other) {
    metric_ = other.metric_->clone();
    return *this;
  }
  AnyMetric& operator=(AnyMetric&&) noexcept = default;
  ~AnyMetric() = default;
  Metric* operator->() const { return metric_.get(); }
  Metric& operator*() const { return *metric_; }

 private:
  std::unique_ptr<Metric> metric_;
};

/// clone, merge and reset for a metric that is its options and numbers: `Self` has `bool fits(const Self&)`, `add(const
/// Self&)` and `clear()`.
template <class Self>
class MetricOf : public Metric {
 public:
  std::unique_ptr<Metric> clone() const override { return std::make_unique<Self>(static_cast<const Self&>(*this)); }
  void merge(const Metric& other) override {
    const auto* same = dynamic_cast<const Self*>(&other);
    auto& self = static_cast<Self&>(*this);
    if (!same || !self.fits(*same)) throw_other_kind(other);
    self.add(*same);
  }
  void reset() override { static_cast<Self&>(*this).clear(); }
};

// --- classes ---------------------------------------------------------------------------------------------------------
// Outputs are scores (N, classes) or (N, classes, ...), targets int64 classes (N) or (N, ...), or probabilities of the
// outputs' shape, whose greatest counts. As in cross_entropy, the label -100 counts nowhere. The answer is the class of
// the greatest score, the first of equal ones; with a NaN among the scores there is none, which is wrong. Throws
// ShapeError for other shapes, ValueError for a label outside the classes, with its place.

/// The share of right answers.
class Accuracy : public MetricOf<Accuracy> {
 public:
  std::string name() const override { return "accuracy"; }
  void update(const Tensor& outputs, const Tensor& targets) override;
  double value() const override;
  bool fits(const Accuracy&) const { return true; }
  void add(const Accuracy& other) { right_ += other.right_, count_ += other.count_; }
  void clear() { right_ = count_ = 0; }

 private:
  std::int64_t right_ = 0, count_ = 0;
};

/// The share of samples whose class is among the k of the greatest scores; of equal scores, the first classes are.
class TopK : public MetricOf<TopK> {
 public:
  /// Throws ValueError for k below 1.
  explicit TopK(std::int64_t k);
  std::string name() const override;
  void update(const Tensor& outputs, const Tensor& targets) override;
  double value() const override;
  bool fits(const TopK& other) const { return k_ == other.k_; }
  void add(const TopK& other) { right_ += other.right_, count_ += other.count_; }
  void clear() { right_ = count_ = 0; }

 private:
  std::int64_t k_, right_ = 0, count_ = 0;
};

/// How often each class got which answer.
class ConfusionMatrix : public MetricOf<ConfusionMatrix> {
 public:
  /// Throws ValueError for fewer than 2 classes.
  explicit ConfusionMatrix(std::int64_t classes);
  std::string name() const override { return "confusion"; }
  void update(const Tensor& outputs, const Tensor& targets) override;
  /// The share of right answers.
  double value() const override;
  std::int64_t classes() const { return classes_; }
  /// Samples of class `truth` that were answered `answer`.
  std::int64_t at(std::int64_t truth, std::int64_t answer) const { return counts_[truth * (classes_ + 1) + answer]; }
  /// Samples of a class, those without an answer included.
  std::int64_t samples(std::int64_t truth) const;
  /// How often a class was the answer.
  std::int64_t answers(std::int64_t answer) const;
  bool fits(const ConfusionMatrix& other) const { return classes_ == other.classes_; }
  void add(const ConfusionMatrix& other);
  void clear() { counts_.assign(counts_.size(), 0); }

 private:
  std::int64_t classes_;
  std::vector<std::int64_t> counts_;  // (classes, classes + 1): the last column counts those without an answer
};

/// macro: the mean over the classes that occur as truth or answer; micro: over all samples.
enum class Averaging : std::uint8_t { macro, micro };

/// Precision, recall and F1 of each class, from a confusion matrix; 0 where the quotient would be 0 / 0.
class ClassScore : public Metric {
 public:
  void update(const Tensor& outputs, const Tensor& targets) override { counts_.update(outputs, targets); }
  double value() const override;
  std::vector<double> per_class() const;
  void merge(const Metric& other) override;
  void reset() override { counts_.clear(); }
  std::string name() const override { return name_; }
  const ConfusionMatrix& counts() const { return counts_; }

 protected:
  ClassScore(const char* name, std::int64_t classes, Averaging average);
  /// Of so many right answers, answers and samples of a class.
  virtual double score(double right, double answers, double samples) const = 0;

 private:
  std::string name_;
  Averaging average_;
  ConfusionMatrix counts_;
};
/// Right answers among a class's answers.
class Precision : public ClassScore {
 public:
  explicit Precision(std::int64_t classes, Averaging average = Averaging::macro)
      : ClassScore("precision", classes, average) {}
  std::unique_ptr<Metric> clone() const override { return std::make_unique<Precision>(*this); }

 protected:
  double score(double right, double answers, double samples) const override;
};
/// Right answers among a class's samples.
class Recall : public ClassScore {
 public:
  explicit Recall(std::int64_t classes, Averaging average = Averaging::macro)
      : ClassScore("recall", classes, average) {}
  std::unique_ptr<Metric> clone() const override { return std::make_unique<Recall>(*this); }

 protected:
  double score(double right, double answers, double samples) const override;
};
/// The harmonic mean of the two.
class F1 : public ClassScore {
 public:
  explicit F1(std::int64_t classes, Averaging average = Averaging::macro) : ClassScore("f1", classes, average) {}
  std::unique_ptr<Metric> clone() const override { return std::make_unique<F1>(*this); }

 protected:
  double score(double right, double answers, double samples) const override;
};

// --- numbers: outputs and targets of one shape, every element counts -------------------------------------------------

/// The mean of a number, each with a weight: a loss over batches of unequal size.
class Mean {
 public:
  void update(double value, double weight = 1) { sum_ += value * weight, weight_ += weight; }
  double value() const;
  void merge(const Mean& other) { sum_ += other.sum_, weight_ += other.weight_; }
  void reset() { sum_ = weight_ = 0; }

 private:
  double sum_ = 0, weight_ = 0;
};

/// The mean of |output - target|.
class MeanAbsoluteError : public MetricOf<MeanAbsoluteError> {
 public:
  std::string name() const override { return "mae"; }
  void update(const Tensor& outputs, const Tensor& targets) override;
  double value() const override { return mean_.value(); }
  bool higher_is_better() const override { return false; }
  bool fits(const MeanAbsoluteError&) const { return true; }
  void add(const MeanAbsoluteError& other) { mean_.merge(other.mean_); }
  void clear() { mean_.reset(); }

 private:
  Mean mean_;
};

/// The mean of (output - target)^2.
class MeanSquaredError : public MetricOf<MeanSquaredError> {
 public:
  std::string name() const override { return "mse"; }
  void update(const Tensor& outputs, const Tensor& targets) override;
  double value() const override { return mean_.value(); }
  bool higher_is_better() const override { return false; }
  bool fits(const MeanSquaredError&) const { return true; }
  void add(const MeanSquaredError& other) { mean_.merge(other.mean_); }
  void clear() { mean_.reset(); }

 private:
  Mean mean_;
};

/// The share of the targets' variance that the outputs explain: 1 - sum((y - t)^2) / sum((t - mean t)^2), over all
/// elements. 1 is perfect, 0 is what the mean would do. Targets that are all equal: 1 when met exactly, else 0.
class R2 : public MetricOf<R2> {
 public:
  std::string name() const override { return "r2"; }
  void update(const Tensor& outputs, const Tensor& targets) override;
  double value() const override;
  bool fits(const R2&) const { return true; }
  void add(const R2& other);
  void clear() { count_ = mean_ = spread_ = residual_ = 0; }

 private:
  double count_ = 0, mean_ = 0, spread_ = 0;  // of the targets; spread is the sum of squares about the mean
  double residual_ = 0;
};

}  // namespace chainrule
