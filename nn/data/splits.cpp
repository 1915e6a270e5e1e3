// Splits are lists of indices; a stratified one deals out the samples class by class, so that rounding never adds up.
#include "nn/data/splits.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "engine/random.h"
#include "engine/types/error.h"

namespace chainrule {
namespace {

/// All indices in random order, or class by class, each class in random order.
Indices dealing_order(const AnyDataset& data, const SplitOptions& options, const char* who) {
  Generator generator(options.seed);
  Indices order = generator.permutation(data.size());
  if (!options.stratify) return order;
  const Tensor targets = data.targets();
  if (!targets.defined() || targets.dtype() != DType::int64 || targets.dim() != 1)
    throw ValueError(fmt::format(
        "{}: to stratify, targets must be one int64 class for each sample, not {}", who,
        targets.defined() ? fmt::format("{} of shape {}", name_of(targets.dtype()), to_string(targets.shape()))
                          : "none"));
  const std::vector<std::int64_t> classes = targets.values<std::int64_t>();
  std::stable_sort(order.begin(), order.end(), [&](std::int64_t a, std::int64_t b) {
    return classes[static_cast<std::size_t>(a)] < classes[static_cast<std::size_t>(b)];
  });
  return order;
}

/// Sizes in these proportions whose sum is `size`: rounded down, the rest to those that lost most.
std::vector<std::int64_t> part_sizes(const std::vector<double>& shares, std::int64_t size) {
  double sum = 0;
  bool counts = true;
  for (const double share : shares) {
    if (!(share > 0) || std::isinf(share))
      throw ValueError(fmt::format("random_split: a share of {}; every part must be above 0", share));
    sum += share;
    counts = counts && share == std::floor(share);
  }
  if (shares.empty()) throw ValueError("random_split: there are no parts");
  if (counts && sum == static_cast<double>(size)) return {shares.begin(), shares.end()};
  if (!(std::abs(sum - 1) < 1e-6))
    throw ValueError(fmt::format("random_split: the parts {} sum to {}; shares sum to 1, numbers of samples to {}",
                                 shares, sum, size));
  std::vector<std::int64_t> sizes;
  std::vector<std::size_t> by_loss(shares.size());
  std::iota(by_loss.begin(), by_loss.end(), 0);
  const auto exact = [&](std::size_t i) { return shares[i] / sum * static_cast<double>(size); };
  for (std::size_t i = 0; i < shares.size(); ++i)
    sizes.push_back(static_cast<std::int64_t>(std::floor(exact(i) + 1e-9)));
  std::stable_sort(by_loss.begin(), by_loss.end(), [&](std::size_t a, std::size_t b) {
    return exact(a) - static_cast<double>(sizes[a]) > exact(b) - static_cast<double>(sizes[b]);
  });
  std::int64_t left = size - std::accumulate(sizes.begin(), sizes.end(), std::int64_t{0});
  for (std::size_t i = 0; left > 0; ++i, --left) ++sizes[by_loss[i % by_loss.size()]];
  for (std::size_t i = 0; i < sizes.size(); ++i)
    if (sizes[i] < 1)
      throw ValueError(fmt::format("random_split: a share of {} of {} samples is none", shares[i], size));
  return sizes;
}

/// Deals samples out one by one to the part that lags behind its share most: every stretch of the order, and so every
/// class, is shared out in proportion.
std::vector<Indices> dealt_out(const Indices& order, const std::vector<std::int64_t>& sizes) {
  std::vector<Indices> parts(sizes.size());
  const auto size = static_cast<double>(order.size());
  for (std::size_t i = 0; i < order.size(); ++i) {
    std::size_t most = 0;
    double lag = -1;
    for (std::size_t p = 0; p < sizes.size(); ++p) {
      if (static_cast<std::int64_t>(parts[p].size()) == sizes[p]) continue;
      const double behind =
          static_cast<double>(sizes[p]) / size * static_cast<double>(i + 1) - static_cast<double>(parts[p].size());
      if (behind > lag) lag = behind, most = p;
    }
    parts[most].push_back(order[i]);
  }
  return parts;
}

/// Parts of a class-by-class order come out class by class; a split's order is random.
void shuffle_parts(std::vector<Indices>& parts, const SplitOptions& options) {
  for (std::size_t p = 0; p < parts.size(); ++p) {
    Generator generator(options.seed, p + 1);
    Indices shuffled;
    for (const std::int64_t place : generator.permutation(static_cast<std::int64_t>(parts[p].size())))
      shuffled.push_back(parts[p][static_cast<std::size_t>(place)]);
    parts[p] = std::move(shuffled);
  }
}

}  // namespace

std::vector<AnyDataset> random_split(const AnyDataset& data, const std::vector<double>& shares,
                                     const SplitOptions& options) {
  const std::vector<std::int64_t> sizes = part_sizes(shares, data.size());
  std::vector<Indices> parts = dealt_out(dealing_order(data, options, "random_split"), sizes);
  shuffle_parts(parts, options);
  std::vector<AnyDataset> sets;
  sets.reserve(parts.size());
  for (const Indices& part : parts) sets.push_back(subset(data, part));
  return sets;
}

std::vector<Fold> k_fold(const AnyDataset& data, std::int64_t k, const SplitOptions& options) {
  if (k < 2 || k > data.size())
    throw ValueError(fmt::format("k_fold: k is {}; it must be from 2 to the {} samples", k, data.size()));
  // Every k-th sample of the order, so that a class, which lies together, is spread over all folds.
  const Indices order = dealing_order(data, options, "k_fold");
  std::vector<Indices> held(static_cast<std::size_t>(k));
  for (std::size_t i = 0; i < order.size(); ++i) held[i % held.size()].push_back(order[i]);
  shuffle_parts(held, options);
  std::vector<Fold> folds;
  for (std::size_t fold = 0; fold < held.size(); ++fold) {
    Indices train;
    for (std::size_t other = 0; other < held.size(); ++other)
      if (other != fold) train.insert(train.end(), held[other].begin(), held[other].end());
    folds.push_back({subset(data, train), subset(data, held[fold])});
  }
  return folds;
}

}  // namespace chainrule
