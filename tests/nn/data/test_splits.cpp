// Data sets out of data sets: which samples are where, and that each is read as often as promised.
#include "nn/data/splits.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <map>
#include <numeric>
#include <set>
#include <thread>

#include "engine/factory.h"
#include "engine/types/error.h"
#include "nn/data/augment.h"
#include "nn/data/fitted.h"
#include "nn/data/loader.h"

using namespace chainrule;

namespace {

/// Sample i is the number i + first, of class i % 10 < 7 ? 0 : i % 10 < 9 ? 1 : 2.
AnyDataset classed(std::int64_t size, std::int64_t first = 0) {
  std::vector<std::int64_t> labels;
  for (std::int64_t i = 0; i < size; ++i) labels.push_back(i % 10 < 7 ? 0 : i % 10 < 9 ? 1 : 2);
  return TensorDataset(arange(first, first + size), from_vector(labels, {size}));
}

std::vector<std::int64_t> inputs_of(const AnyDataset& data) { return data.all().inputs.values<std::int64_t>(); }

std::map<std::int64_t, double> classes_of(const AnyDataset& data) {
  std::map<std::int64_t, double> counts;
  for (const std::int64_t label : data.targets().values<std::int64_t>()) ++counts[label];
  return counts;
}

/// Knows nothing but get(), and counts the samples that it gives.
struct Counting : Dataset {
  std::shared_ptr<std::atomic<std::int64_t>> samples = std::make_shared<std::atomic<std::int64_t>>(0);
  std::int64_t size() const override { return 2500; }
  Batch get(const Indices& indices) const override {
    *samples += static_cast<std::int64_t>(indices.size());
    const Tensor numbers = from_vector(indices, {static_cast<std::int64_t>(indices.size())});
    return {numbers, numbers};
  }
};

}  // namespace

TEST_CASE("splits: every sample in one part, sizes by the shares, order by the seed") {
  const AnyDataset data = classed(103);
  auto [train, validation, test] = random_split(data, {0.8, 0.1, 0.1});
  CHECK(train.size() == 83);
  CHECK(validation.size() == 10);
  CHECK(test.size() == 10);
  std::vector<std::int64_t> all;
  for (const AnyDataset& part : {train, validation, test}) {
    const auto some = inputs_of(part);
    CHECK_FALSE(std::is_sorted(some.begin(), some.end()));
    all.insert(all.end(), some.begin(), some.end());
  }
  std::sort(all.begin(), all.end());
  CHECK(all == inputs_of(data));
  CHECK(inputs_of(random_split(data, {0.8, 0.1, 0.1})[0]) == inputs_of(train));
  CHECK(inputs_of(random_split(data, {0.8, 0.1, 0.1}, {.seed = 1})[0]) != inputs_of(train));
  auto [most, few] = random_split(data, {100, 3});
  CHECK(most.size() == 100);
  CHECK(few.size() == 3);
  CHECK(random_split(data, std::vector<double>(103, 1)).size() == 103);
}

TEST_CASE("splits: stratified parts hold the classes in proportion") {
  const AnyDataset data = classed(1000);
  auto [a, b, c] = random_split(data, {0.5, 0.33, 0.17}, {.seed = 4, .stratify = true});
  for (const auto& [part, share] : {std::pair{a, 0.5}, std::pair{b, 0.33}, std::pair{c, 0.17}}) {
    CHECK(part.size() == static_cast<std::int64_t>(std::lround(1000 * share)));
    for (const auto& [label, count] : classes_of(part)) CHECK(std::abs(count - share * classes_of(data)[label]) <= 2);
    const auto labels = part.targets().values<std::int64_t>();
    CHECK_FALSE(std::is_sorted(labels.begin(), labels.end()));  // the classes are mixed again
  }
}

TEST_CASE("splits: k_fold validates with each sample once") {
  for (const bool stratify : {false, true})
    for (const std::int64_t k : {2, 3, 10}) {
      const AnyDataset data = classed(101);
      std::vector<std::int64_t> held;
      for (const Fold& fold : k_fold(data, k, {.stratify = stratify})) {
        CHECK((fold.validation.size() == 101 / k || fold.validation.size() == 101 / k + 1));
        auto both = inputs_of(concat({fold.train, fold.validation}));
        std::sort(both.begin(), both.end());
        CHECK(both == inputs_of(data));
        const auto some = inputs_of(fold.validation);
        held.insert(held.end(), some.begin(), some.end());
        if (stratify)
          for (const auto& [label, count] : classes_of(fold.validation))
            CHECK(std::abs(count - classes_of(data)[label] / static_cast<double>(k)) <= 1);
      }
      std::sort(held.begin(), held.end());
      CHECK(held == inputs_of(data));
    }
}

TEST_CASE("splits: subset and concat answer in the order that is asked for") {
  const AnyDataset some = subset(classed(20), {7, 3, 3, 19});
  CHECK(some.size() == 4);
  CHECK(inputs_of(some) == std::vector<std::int64_t>{7, 3, 3, 19});
  CHECK(some.targets().values<std::int64_t>() == std::vector<std::int64_t>{1, 0, 0, 2});
  const AnyDataset joined = concat({classed(3), some, classed(2, 100)});
  CHECK(joined.size() == 9);
  CHECK(joined.get({8, 0, 3, 7, 2, 6}).inputs.values<std::int64_t>() ==
        std::vector<std::int64_t>{101, 0, 7, 100, 2, 19});
  CHECK(joined.get({8, 0, 3}).targets.values<std::int64_t>() == std::vector<std::int64_t>{0, 0, 1});
  CHECK(joined.get({4, 4}).inputs.values<std::int64_t>() == std::vector<std::int64_t>{3, 3});
  CHECK(joined.targets().numel() == 9);
}

TEST_CASE("splits: cached reads each sample once, for several threads, too") {
  const Counting source;
  const AnyDataset data = cached(source);
  CHECK(inputs_of(data) == inputs_of(AnyDataset(source)));
  *source.samples = 0;
  const AnyDataset again = cached(source);
  CHECK(again.get({5, 9, 5}).inputs.values<std::int64_t>() == std::vector<std::int64_t>{5, 9, 5});
  CHECK(*source.samples == 2);
  std::vector<std::thread> threads;
  for (int t = 0; t < 3; ++t)
    threads.emplace_back([&again, t] {
      for (const Batch& b : DataLoader(again, {.batch_size = 30, .shuffle = true, .prefetch = t}).epoch(t))
        if (b.inputs.to_vector() != b.targets.to_vector()) throw 1;  // ends the test program
    });
  for (std::thread& t : threads) t.join();
  CHECK(*source.samples == 2500);
  CHECK(AnyDataset(source).targets().numel() == 2500);
}

TEST_CASE("splits: transformed data sets") {
  const AnyDataset tenfold = transformed(classed(5), scale(10));
  CHECK(tenfold.all().inputs.to_vector() == std::vector<double>{0, 10, 20, 30, 40});
  CHECK_THROWS_WITH_AS(transformed(classed(5), scale(10) | random_flip()),
                       "transformed: scale(10) | random_flip(0.5) is random; give it to a DataLoader, which knows the "
                       "epoch",
                       ValueError);
}

TEST_CASE("splits: what cannot be split or joined is refused by name") {
  const AnyDataset data = classed(10);
  CHECK_THROWS_WITH_AS(random_split(data, {0.5, 0.4}),
                       "random_split: the parts [0.5, 0.4] sum to 0.9; shares sum to 1, numbers of samples to 10",
                       ValueError);
  CHECK_THROWS_WITH_AS(random_split(data, {1.2, -0.2}), "random_split: a share of -0.2; every part must be above 0",
                       ValueError);
  CHECK_THROWS_AS(random_split(data, {NAN, 0.5}), ValueError);
  CHECK_THROWS_WITH_AS(random_split(data, std::vector<double>()), "random_split: there are no parts", ValueError);
  CHECK_THROWS_WITH_AS(random_split(data, {0.999, 0.001}), "random_split: a share of 0.001 of 10 samples is none",
                       ValueError);
  CHECK_THROWS_WITH_AS(
      random_split(TensorDataset(zeros({4, 2}), zeros({4, 2})), {0.5, 0.5}, {.stratify = true}),
      "random_split: to stratify, targets must be one int64 class for each sample, not float32 of shape (4, 2)",
      ValueError);
  CHECK_THROWS_AS(k_fold(TensorDataset(zeros({4, 2})), 2, {.stratify = true}), ValueError);
  CHECK_THROWS_WITH_AS(k_fold(data, 1), "k_fold: k is 1; it must be from 2 to the 10 samples", ValueError);
  CHECK_THROWS_AS(k_fold(data, 11), ValueError);
  CHECK_THROWS_WITH_AS(subset(data, {3, 10}), "subset: index 10 is outside of the 10 samples", ValueError);
  CHECK_THROWS_WITH_AS(subset(data, {}), "subset: there is no sample in it", ValueError);
  CHECK_THROWS_WITH_AS(concat({}), "concat: there is no data set", ValueError);
  CHECK_THROWS_WITH_AS(
      concat({TensorDataset(zeros({4, 2})), TensorDataset(zeros({4, 3}))}),
      "concat: data set 1 has other samples than the first: inputs of float32 (2,) and of float32 (3,)", ShapeError);
  CHECK_THROWS_WITH_AS(concat({data, TensorDataset(arange(3))}),
                       "concat: data set 1 has other samples than the first: targets of int64 () and of none",
                       ShapeError);
}
