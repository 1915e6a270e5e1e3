// Samplers: in which order, and how often, an epoch sees the samples of a data set. What becomes of the order is in
// loader.h.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "engine/random.h"
#include "nn/data/dataset.h"

namespace chainrule {

class Sampler {
 public:
  /// The samples of one epoch out of `size`, drawn with a generator that belongs to (seed, epoch).
  using Order = std::function<Indices(std::int64_t size, Generator& generator)>;
  /// One of your own. `count`: how many samples an epoch has; without one, as many as the data set. `size`: of the only
  /// data set that it fits, if there is one.
  Sampler(std::string name, Order order, std::optional<std::int64_t> count = {}, std::optional<std::int64_t> size = {});

  const std::string& name() const { return name_; }
  /// How many samples an epoch of such a data set has. Throws ValueError when the sampler was made for another size.
  std::int64_t count(std::int64_t size) const;
  /// Throws ValueError when the order has another length than `count`, or an index outside the data set.
  Indices order(std::int64_t size, Generator& generator) const;

 private:
  std::string name_;
  Order order_;
  std::optional<std::int64_t> count_, size_;
};

/// 0, 1, 2, ...
Sampler sequential_sampler();
/// Every sample once, in random order.
Sampler random_sampler();
/// `count` samples, each drawn with a chance in proportion to its weight; without replacement, out of those that are
/// left. As torch's WeightedRandomSampler.
/// Throws ValueError for a weight that is negative or not finite, for weights whose sum is 0, and when there are not
/// `count` different samples to be drawn.
Sampler weighted_sampler(const std::vector<double>& weights, std::int64_t count, bool replacement = true);
/// Every sample once, in an order in which each class is spread evenly: with C classes, a batch of B samples of a data
/// set of N holds B n / N of a class of n, give or take 1 + C n / N. Labels (N) int64.
Sampler stratified_sampler(const Tensor& labels);

/// Weights under which all classes are drawn equally often: 1 / (samples of the same class). Labels (N) int64.
std::vector<double> balanced_weights(const Tensor& labels);

}  // namespace chainrule
