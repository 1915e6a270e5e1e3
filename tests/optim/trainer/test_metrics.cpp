// Metrics against published examples, plain loops, and themselves over batches of unequal size.
#include "optim/trainer/metrics.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "engine/factory.h"
#include "engine/types/error.h"
#include "ops/ops.h"
#include "tests/text.h"

using namespace chainrule;
using chainrule::testing::contains;

namespace {

using Classes = std::vector<std::int64_t>;

Tensor labels(const Classes& classes) { return from_vector(classes, {static_cast<std::int64_t>(classes.size())}); }
/// Scores whose greatest stand at these classes.
Tensor scores(const Classes& answers, std::int64_t classes) {
  std::vector<double> s(answers.size() * static_cast<std::size_t>(classes), -1);
  for (std::size_t i = 0; i < answers.size(); ++i)
    s[i * static_cast<std::size_t>(classes) + static_cast<std::size_t>(answers[i])] = 2;
  return from_vector(s, {static_cast<std::int64_t>(answers.size()), classes});
}

/// The value over all rows at once, over batches of 1, 2, 3, ... rows, and merged from two halves.
double value_in_all_ways(const AnyMetric& metric, const Tensor& outputs, const Tensor& targets,
                         double tolerance = 1e-12) {
  const std::int64_t count = outputs.size(0);
  AnyMetric whole = metric, batches = metric, left = metric, right = metric;
  whole->update(outputs, targets);
  for (std::int64_t from = 0, size = 1; from < count; from += size, ++size) {
    const std::int64_t to = std::min(count, from + size);
    batches->update(outputs[Slice(from, to)], targets[Slice(from, to)]);
    (from < count / 3 ? left : right)->update(outputs[Slice(from, to)], targets[Slice(from, to)]);
  }
  left->merge(*right);
  CHECK(batches->value() == doctest::Approx(whole->value()).epsilon(tolerance));
  CHECK(left->value() == doctest::Approx(whole->value()).epsilon(tolerance));
  batches->reset();
  CHECK(std::isnan(batches->value()));
  return whole->value();
}

template <class E, class Run>
std::string sentence(Run run) {
  try {
    run();
  } catch (const E& error) {
    return error.what();
  }
  return "no error";
}

}  // namespace

// Values of the documentation of scikit-learn's f1_score, precision_score and recall_score.
TEST_CASE("metrics: precision, recall and F1 as published") {
  const Tensor y = scores({0, 2, 1, 0, 0, 1}, 3), t = labels({0, 1, 2, 0, 1, 2});
  CHECK(value_in_all_ways(F1(3), y, t) == doctest::Approx(0.26666666));
  CHECK(value_in_all_ways(F1(3, Averaging::micro), y, t) == doctest::Approx(1.0 / 3));
  CHECK(value_in_all_ways(Precision(3), y, t) == doctest::Approx(0.22222222));
  CHECK(value_in_all_ways(Precision(3, Averaging::micro), y, t) == doctest::Approx(1.0 / 3));
  CHECK(value_in_all_ways(Recall(3), y, t) == doctest::Approx(1.0 / 3));
  F1 each(3);
  each.update(y, t);
  CHECK(each.per_class() == std::vector<double>{0.8, 0, 0});
  // Classes that never occur are left out of the mean.
  CHECK(value_in_all_ways(F1(5), scores({0, 2, 1, 0, 0, 1}, 5), t) == doctest::Approx(0.26666666));
}

// Values of the documentation of scikit-learn's r2_score, mean_absolute_error and mean_squared_error.
TEST_CASE("metrics: R2 and errors as published") {
  const Tensor t = tensor({3, -0.5, 2, 7}), y = tensor({2.5, 0.0, 2, 8});
  CHECK(value_in_all_ways(R2(), y, t) == doctest::Approx(0.9486081370));
  CHECK(value_in_all_ways(MeanAbsoluteError(), y, t) == doctest::Approx(0.5));
  CHECK(value_in_all_ways(MeanSquaredError(), y, t) == doctest::Approx(0.375));
  CHECK(value_in_all_ways(R2(), tensor({3., 2, 1}), tensor({1., 2, 3})) == doctest::Approx(-3));
  CHECK(value_in_all_ways(R2(), tensor({-2., -2, -2}), tensor({-2., -2, -2})) == 1);
  CHECK(value_in_all_ways(R2(), tensor({-2., -2, -1}), tensor({-2., -2, -2})) == 0);
}

TEST_CASE("metrics: R2 keeps its digits far from zero") {
  const Tensor t = rand({300}, DType::float64), y = t + 0.1 * rand({300}, DType::float64);
  CHECK(value_in_all_ways(R2(), y + 1e6, t + 1e6, 1e-8) ==
        doctest::Approx(value_in_all_ways(R2(), y, t)).epsilon(1e-8));
}

TEST_CASE("metrics: accuracy, top-k and the confusion matrix against loops") {
  Generator random(3);
  const std::int64_t count = 101, classes = 7;
  const Tensor y = randn({count, classes}, {.dtype = DType::float64}, random), t = randint(0, classes, {count}, random);
  const auto s = y.to_vector();
  const auto truth = t.values<std::int64_t>();
  std::vector<std::vector<std::int64_t>> table(7, std::vector<std::int64_t>(7));
  std::vector<std::int64_t> among(8);
  for (std::size_t i = 0; i < 101; ++i) {
    Classes order{0, 1, 2, 3, 4, 5, 6};
    std::sort(order.begin(), order.end(), [&](auto a, auto b) {
      return s[i * 7 + static_cast<std::size_t>(a)] > s[i * 7 + static_cast<std::size_t>(b)];
    });
    ++table[static_cast<std::size_t>(truth[i])][static_cast<std::size_t>(order[0])];
    const auto place = std::find(order.begin(), order.end(), truth[i]) - order.begin();
    for (auto k = place + 1; k <= 7; ++k) ++among[static_cast<std::size_t>(k)];
  }
  CHECK(value_in_all_ways(Accuracy(), y, t) == static_cast<double>(among[1]) / 101);
  for (std::int64_t k = 1; k <= 7; ++k)
    CHECK(value_in_all_ways(TopK(k), y, t) == static_cast<double>(among[static_cast<std::size_t>(k)]) / 101);
  ConfusionMatrix confusion(classes);
  confusion.update(y, t);
  for (std::int64_t a = 0; a < classes; ++a)
    for (std::int64_t b = 0; b < classes; ++b)
      CHECK(confusion.at(a, b) == table[static_cast<std::size_t>(a)][static_cast<std::size_t>(b)]);
  CHECK(value_in_all_ways(ConfusionMatrix(classes), y, t) == static_cast<double>(among[1]) / 101);
}

TEST_CASE("metrics: pictures of labels, probabilities as targets, ignored labels") {
  // Two samples of 2 classes and 3 places each.
  const Tensor y = tensor({{{1., 0, 3}, {0, 5, 4}}, {{1, 1, 1}, {2, 0, 1}}});
  const Tensor t = tensor({{0, 1, 0}, {1, 1, -100}});
  CHECK(value_in_all_ways(Accuracy(), y, t) == 3.0 / 5);
  CHECK(value_in_all_ways(TopK(1), y, t) == 3.0 / 5);
  const Tensor two = tensor({{1., 2}, {3, 1}});
  CHECK(value_in_all_ways(Accuracy(), two, tensor({{0.1, 0.9}, {0.4, 0.6}})) == 0.5);
}

TEST_CASE("metrics: a NaN among the scores is a wrong answer") {
  const double nan = std::nan("");
  const Tensor y = tensor({{nan, nan}, {0, nan}, {2., 1}}), t = tensor({0, 0, 0});
  CHECK(value_in_all_ways(Accuracy(), y, t) == 1.0 / 3);
  CHECK(value_in_all_ways(TopK(2), y, t) == 1.0 / 3);
  CHECK(value_in_all_ways(Recall(2), y, t) == 1.0 / 3);
  CHECK(value_in_all_ways(Precision(2), y, t) == 1);
  ConfusionMatrix confusion(2);
  confusion.update(y, t);
  CHECK(confusion.samples(0) == 3);
  CHECK(confusion.at(0, 0) == 1);
}

TEST_CASE("metrics: equal scores go to the first classes") {
  const Tensor y = zeros({1, 4});
  CHECK(value_in_all_ways(Accuracy(), y, tensor({0})) == 1);
  CHECK(value_in_all_ways(Accuracy(), y, tensor({1})) == 0);
  CHECK(value_in_all_ways(TopK(2), y, tensor({1})) == 1);
  CHECK(value_in_all_ways(TopK(2), y, tensor({2})) == 0);
}

TEST_CASE("metrics: the mean of a loss weighs batches by their size") {
  Mean mean, other;
  CHECK(std::isnan(mean.value()));
  mean.update(2, 100);
  mean.update(5, 50);
  CHECK(mean.value() == 3);
  other.update(0, 50);
  mean.merge(other);
  CHECK(mean.value() == 450.0 / 200);
}

TEST_CASE("metrics: what is refused") {
  const Tensor y = zeros({2, 3});
  CHECK(sentence<ValueError>([&] {
          Accuracy().update(y, tensor({0, 3}));
        }) == "accuracy: label 3 at place 1 is none of the 3 classes");
  CHECK(sentence<ShapeError>([&] {
          Accuracy().update(y, tensor({0, 1, 2}));
        }) == "accuracy: scores are (N, classes, ...) and targets (N, ...), not (2, 3) and (3,)");
  CHECK(contains(sentence<ShapeError>([&] { TopK(2).update(zeros({3}), tensor({0, 1, 2})); }), "not (3,) and (3,)"));
  CHECK(sentence<ValueError>([] { TopK(0); }) == "TopK: k must be at least 1, not 0");
  CHECK(contains(sentence<ValueError>([] { F1(1); }), "at least 2 classes, not 1"));
  CHECK(contains(sentence<ShapeError>([&] { F1(4).update(y, tensor({0, 1})); }), "for 3 classes, this is for 4"));
  CHECK(contains(sentence<ShapeError>([&] {
                   R2().update(zeros({2}), zeros({2, 1}));
                 }),
                 "have one shape, not (2,) and"));
  CHECK(sentence<ValueError>([] { TopK(2).merge(TopK(3)); }) ==
        "top2: only a metric of the same kind and options can be merged, not top3");
  CHECK(contains(sentence<ValueError>([] { F1(3).merge(F1(4)); }), "not this f1"));
  CHECK(contains(sentence<ValueError>([] { F1(3).merge(Recall(3)); }), "not recall"));
  CHECK(contains(sentence<ValueError>([] { F1(3).merge(F1(3, Averaging::micro)); }), "not this f1"));
}
