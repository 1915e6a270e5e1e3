// Samplers: how often each sample comes against the chances by formula, five standard deviations either way.
#include "nn/data/sampler.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>

#include "engine/factory.h"
#include "engine/types/error.h"
#include "nn/data/loader.h"

using namespace chainrule;

namespace {

void check_share(double found, double chance, double draws) {
  CAPTURE(found);
  CAPTURE(chance);
  CHECK(std::abs(found - draws * chance) <= 5 * std::sqrt(draws * chance * (1 - chance)));
}

std::vector<double> frequencies(const Indices& drawn, std::size_t size) {
  std::vector<double> times(size);
  for (const std::int64_t i : drawn) ++times[static_cast<std::size_t>(i)];
  return times;
}

}  // namespace

TEST_CASE("samplers: weighted with replacement draws in proportion to the weights") {
  const std::vector<double> weights{1, 0, 3, 0.5, 0, 5.5};
  const Sampler sampler = weighted_sampler(weights, 20000);
  CHECK(sampler.count(6) == 20000);
  Generator generator(3);
  const Indices drawn = sampler.order(6, generator);
  const std::vector<double> times = frequencies(drawn, 6);
  for (std::size_t i = 0; i < 6; ++i) check_share(times[i], weights[i] / 10, 20000);
  CHECK(times[1] + times[4] == 0);
  // Two after each other are independent.
  double pairs = 0;
  for (std::size_t i = 1; i < drawn.size(); ++i) pairs += drawn[i] == 5 && drawn[i - 1] == 5;
  check_share(pairs, 0.55 * 0.55, 19999);
}

TEST_CASE("samplers: weighted without replacement takes nothing twice, and the first two by their chances") {
  const std::vector<double> weights{1, 2, 0, 3, 4};
  const Sampler sampler = weighted_sampler(weights, 4, false);
  std::vector<double> first(5), second(5);
  Generator generator(9);
  for (int epoch = 0; epoch < 10000; ++epoch) {
    const Indices drawn = sampler.order(5, generator);
    REQUIRE(std::set<std::int64_t>(drawn.begin(), drawn.end()) == std::set<std::int64_t>{0, 1, 3, 4});
    ++first[static_cast<std::size_t>(drawn[0])];
    ++second[static_cast<std::size_t>(drawn[1])];
  }
  for (std::size_t i = 0; i < 5; ++i) {
    check_share(first[i], weights[i] / 10, 10000);
    double chance = 0;
    for (std::size_t j = 0; j < 5; ++j)
      if (j != i) chance += weights[j] / 10 * weights[i] / (10 - weights[j]);
    check_share(second[i], chance, 10000);
  }
}

TEST_CASE("samplers: balanced weights show each class equally often") {
  std::vector<std::int64_t> labels(900, 0);
  labels.insert(labels.end(), 90, 7);
  labels.insert(labels.end(), 10, 3);
  const Tensor t = from_vector(labels, {1000});
  Generator generator(1);
  const Indices drawn = weighted_sampler(balanced_weights(t), 9000).order(1000, generator);
  std::vector<double> classes(8);
  for (const std::int64_t i : drawn) ++classes[static_cast<std::size_t>(labels[static_cast<std::size_t>(i)])];
  for (const std::size_t c : {0U, 3U, 7U}) check_share(classes[c], 1.0 / 3, 9000);
}

TEST_CASE("samplers: stratified batches hold each class in its share, and orders differ") {
  std::vector<std::int64_t> labels;
  for (const auto& [label, count] : std::vector<std::pair<std::int64_t, int>>{{0, 500}, {1, 300}, {2, 190}, {9, 10}})
    labels.insert(labels.end(), static_cast<std::size_t>(count), label);
  const Tensor targets = from_vector(labels, {1000});
  const DataLoader loader{TensorDataset(arange(1000), targets),
                          {.batch_size = 100, .sampler = stratified_sampler(targets)}};
  std::set<std::vector<std::int64_t>> firsts;
  for (std::int64_t epoch = 0; epoch < 5; ++epoch) {
    std::set<std::int64_t> seen;
    for (const auto& [inputs, classes] : loader.epoch(epoch)) {
      const auto values = classes.values<std::int64_t>(), indices = inputs.values<std::int64_t>();
      if (seen.empty()) firsts.insert(indices);
      seen.insert(indices.begin(), indices.end());
      const auto in = [&](std::int64_t c) { return static_cast<double>(std::count(values.begin(), values.end(), c)); };
      for (const auto& [label, share] :
           std::vector<std::pair<std::int64_t, double>>{{0, .5}, {1, .3}, {2, .19}, {9, .01}})
        CHECK(std::abs(in(label)-100 * share) <= 1 + 4 * share);
    }
    CHECK(seen.size() == 1000);
  }
  CHECK(firsts.size() == 5);
}

TEST_CASE("samplers: one of one's own, and what is refused") {
  const Sampler backwards("backwards", [](std::int64_t size, Generator&) {
    Indices order(static_cast<std::size_t>(size));
    std::iota(order.rbegin(), order.rend(), 0);
    return order;
  });
  for (const Batch& b : DataLoader(TensorDataset(arange(3)), {.batch_size = 3, .sampler = backwards}).epoch(0))
    CHECK(b.inputs.values<std::int64_t>() == std::vector<std::int64_t>{2, 1, 0});
  Generator generator;
  const auto returning = [](Indices order) {
    return Sampler("mine", [order](std::int64_t, Generator&) { return order; });
  };
  CHECK_THROWS_WITH_AS(returning({0, 1}).order(3, generator), "mine: it gave 2 samples where an epoch has 3",
                       ValueError);
  CHECK_THROWS_WITH_AS(returning({0, 3, 1}).order(3, generator), "mine: it gave index 3 for a data set of 3 samples",
                       ValueError);
  CHECK_THROWS_WITH_AS(returning({0, -1, 1}).order(3, generator), "mine: it gave index -1 for a data set of 3 samples",
                       ValueError);
  CHECK_THROWS_WITH_AS(Sampler("mine", nullptr), "mine: it has no function that gives an order", ValueError);
  CHECK_THROWS_WITH_AS(weighted_sampler({1, -1}, 2),
                       "weighted_sampler: weight 1 is -1; weights are finite and at least 0", ValueError);
  CHECK_THROWS_AS(weighted_sampler({1, NAN}, 2), ValueError);
  CHECK_THROWS_AS(weighted_sampler({1, INFINITY}, 2), ValueError);
  CHECK_THROWS_AS(weighted_sampler({1e308, 1e308}, 2), ValueError);
  CHECK_THROWS_WITH_AS(weighted_sampler({0, 0}, 2),
                       "weighted_sampler: the weights sum to 0; the sum must be finite and above 0", ValueError);
  CHECK_THROWS_AS(weighted_sampler({}, 2), ValueError);
  CHECK_THROWS_WITH_AS(weighted_sampler({1, 0, 1}, 3, false),
                       "weighted_sampler: 3 samples without replacement out of 2 whose weight is not 0", ValueError);
  CHECK_THROWS_WITH_AS(weighted_sampler({1, 1}, 0), "weighted_sampler: an epoch must have at least one sample, not 0",
                       ValueError);
  CHECK_THROWS_WITH_AS(DataLoader(TensorDataset(arange(3)), {.sampler = weighted_sampler({1, 1}, 5)}),
                       "weighted_sampler: it was made for 2 samples, the data set has 3", ValueError);
  CHECK_THROWS_WITH_AS(stratified_sampler(zeros({3})),
                       "stratified_sampler: labels are one int64 number for each sample, not float32 of shape (3,)",
                       ValueError);
}
