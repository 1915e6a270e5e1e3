// Orders. All randomness comes from the generator that is handed in, so an order is a function of its seed.
#include "nn/data/sampler.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>

#include "engine/types/error.h"

namespace chainrule {
namespace {

/// How many samples each class has. Refuses what are no labels.
std::map<std::int64_t, std::int64_t> class_counts(const std::vector<std::int64_t>& labels) {
  std::map<std::int64_t, std::int64_t> counts;
  for (const std::int64_t label : labels) ++counts[label];
  return counts;
}

std::vector<std::int64_t> labels_in(const Tensor& labels, const char* who) {
  if (labels.dtype() != DType::int64 || labels.dim() != 1 || labels.numel() == 0)
    throw ValueError(fmt::format("{}: labels are one int64 number for each sample, not {} of shape {}", who,
                                 name_of(labels.dtype()), to_string(labels.shape())));
  return labels.values<std::int64_t>();
}

/// Indices in the order of their keys, the lowest first; equal keys in the order of the indices.
Indices sorted_by(const std::vector<double>& keys) {
  Indices order(keys.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](std::int64_t a, std::int64_t b) {
    return keys[static_cast<std::size_t>(a)] < keys[static_cast<std::size_t>(b)];
  });
  return order;
}

/// Weights as the leaves of a tree of sums: finding one and taking it out take as many steps as the tree is high, and
/// what is taken out leaves no trace of rounding.
class WeightTree {
 public:
  explicit WeightTree(const std::vector<double>& weights) {
    while (leaves_ < weights.size()) leaves_ *= 2;
    sums_.resize(2 * leaves_);
    std::copy(weights.begin(), weights.end(), sums_.begin() + static_cast<std::ptrdiff_t>(leaves_));
    for (std::size_t node = leaves_ - 1; node > 0; --node) sums_[node] = sums_[2 * node] + sums_[2 * node + 1];
  }
  double sum() const { return sums_[1]; }
  /// The leaf at a place between 0 and the sum; never one without weight.
  std::int64_t find(double place) const {
    std::size_t node = 1;
    while (node < leaves_) {
      node *= 2;
      if ((place < sums_[node] && sums_[node] > 0) || !(sums_[node + 1] > 0)) continue;
      place -= sums_[node++];
    }
    return static_cast<std::int64_t>(node - leaves_);
  }
  void remove(std::int64_t leaf) {
    std::size_t node = leaves_ + static_cast<std::size_t>(leaf);
    sums_[node] = 0;
    while ((node /= 2) > 0) sums_[node] = sums_[2 * node] + sums_[2 * node + 1];
  }

 private:
  std::size_t leaves_ = 1;
  std::vector<double> sums_;
};

}  // namespace

Sampler::Sampler(std::string name, Order order, std::optional<std::int64_t> count, std::optional<std::int64_t> size)
    : name_(std::move(name)), order_(std::move(order)), count_(count), size_(size) {
  if (!order_) throw ValueError(fmt::format("{}: it has no function that gives an order", name_));
  if (count_.value_or(1) < 1)
    throw ValueError(fmt::format("{}: an epoch must have at least one sample, not {}", name_, *count_));
}

std::int64_t Sampler::count(std::int64_t size) const {
  if (size_ && *size_ != size)
    throw ValueError(fmt::format("{}: it was made for {} samples, the data set has {}", name_, *size_, size));
  return count_.value_or(size);
}

Indices Sampler::order(std::int64_t size, Generator& generator) const {
  const std::int64_t wanted = count(size);
  Indices order = order_(size, generator);
  if (static_cast<std::int64_t>(order.size()) != wanted)
    throw ValueError(fmt::format("{}: it gave {} samples where an epoch has {}", name_, order.size(), wanted));
  for (const std::int64_t index : order)
    if (index < 0 || index >= size)
      throw ValueError(fmt::format("{}: it gave index {} for a data set of {} samples", name_, index, size));
  return order;
}

Sampler sequential_sampler() {
  return {"sequential_sampler", [](std::int64_t size, Generator&) {
            Indices order(static_cast<std::size_t>(size));
            std::iota(order.begin(), order.end(), 0);
            return order;
          }};
}

Sampler random_sampler() {
  return {"random_sampler", [](std::int64_t size, Generator& generator) { return generator.permutation(size); }};
}

Sampler weighted_sampler(const std::vector<double>& weights, std::int64_t count, bool replacement) {
  const char* who = "weighted_sampler";
  std::int64_t drawable = 0;
  for (std::size_t i = 0; i < weights.size(); ++i) {
    if (!(weights[i] >= 0) || std::isinf(weights[i]))
      throw ValueError(fmt::format("{}: weight {} is {}; weights are finite and at least 0", who, i, weights[i]));
    drawable += weights[i] > 0;
  }
  const WeightTree tree(weights);
  if (!(tree.sum() > 0) || std::isinf(tree.sum()))
    throw ValueError(fmt::format("{}: the weights sum to {}; the sum must be finite and above 0", who, tree.sum()));
  if (!replacement && count > drawable)
    throw ValueError(
        fmt::format("{}: {} samples without replacement out of {} whose weight is not 0", who, count, drawable));
  return {who,
          [tree, count, replacement](std::int64_t, Generator& generator) {
            WeightTree left = tree;
            Indices order(static_cast<std::size_t>(count));
            for (std::int64_t& index : order) {
              index = left.find(generator.uniform() * left.sum());
              if (!replacement) left.remove(index);
            }
            return order;
          },
          count, static_cast<std::int64_t>(weights.size())};
}

Sampler stratified_sampler(const Tensor& labels) {
  std::vector<std::int64_t> classes = labels_in(labels, "stratified_sampler");
  const auto size = static_cast<std::int64_t>(classes.size());
  return {"stratified_sampler",
          [classes = std::move(classes)](std::int64_t, Generator& generator) {
            // The k-th sample of a class of n, in random order, takes a random place in the k-th of n equal stretches
            // of the epoch.
            const std::map<std::int64_t, std::int64_t> counts = class_counts(classes);
            std::map<std::int64_t, std::int64_t> next;
            std::vector<double> keys(classes.size());
            for (const std::int64_t index : generator.permutation(static_cast<std::int64_t>(classes.size()))) {
              const std::int64_t label = classes[static_cast<std::size_t>(index)];
              const auto place = static_cast<double>(next[label]++) + generator.uniform();
              keys[static_cast<std::size_t>(index)] = place / static_cast<double>(counts.at(label));
            }
            return sorted_by(keys);
          },
          {},
          size};
}

std::vector<double> balanced_weights(const Tensor& labels) {
  const std::vector<std::int64_t> classes = labels_in(labels, "balanced_weights");
  const std::map<std::int64_t, std::int64_t> counts = class_counts(classes);
  std::vector<double> weights;
  weights.reserve(classes.size());
  for (const std::int64_t label : classes) weights.push_back(1 / static_cast<double>(counts.at(label)));
  return weights;
}

}  // namespace chainrule
