// Data sets out of data sets: parts, unions, copies in memory. All of them hold what they are made of, and give the
// same samples for the same arguments.
#pragma once

#include <array>
#include <cstddef>
#include <utility>
#include <vector>

#include "nn/data/dataset.h"
#include "nn/data/transform.h"

namespace chainrule {

/// Some samples, in this order; one may come several times. Throws ValueError for an index outside the set and for
/// none.
AnyDataset subset(const AnyDataset& data, const Indices& indices);

/// One data set after the other. Throws ValueError for an empty list, ShapeError when samples of two differ in shape or
/// dtype, which is looked at in the first sample of each.
AnyDataset concat(const std::vector<AnyDataset>& parts);

/// Each sample through a transform that is not random (ValueError): what standardises test data, for example. Random
/// ones belong to a DataLoader, which knows the epoch.
AnyDataset transformed(const AnyDataset& data, const Transform& transform);

/// Keeps every sample in memory once it was asked for, so that reading or computing it is done once. All samples must
/// have the shape and dtype of the first (ShapeError).
AnyDataset cached(const AnyDataset& data);

struct SplitOptions {
  std::uint64_t seed = 0;
  /// Each part holds the classes in the proportions of the whole, give or take two samples of each; targets are (N)
  /// int64 then.
  bool stratify = false;
};

/// Parts without a common sample, in random order: shares that sum to 1 (`{0.8, 0.1, 0.1}`), rounded so that no sample
/// is left out, or numbers of samples that sum to the size. Throws ValueError for others, and for a part without a
/// sample.
std::vector<AnyDataset> random_split(const AnyDataset& data, const std::vector<double>& shares,
                                     const SplitOptions& options = {});
/// The same for structured bindings: `auto [train, validation] = random_split(data, {0.9, 0.1});`
template <std::size_t Parts>
std::array<AnyDataset, Parts> random_split(const AnyDataset& data, const double (&shares)[Parts],
                                           const SplitOptions& options = {}) {
  const auto parts = random_split(data, std::vector<double>(shares, shares + Parts), options);
  return [&]<std::size_t... I>(std::index_sequence<I...>) { return std::array<AnyDataset, Parts>{parts[I]...}; }
  (std::make_index_sequence<Parts>());
}

struct Fold {
  AnyDataset train, validation;
};
/// Cross-validation: each sample is in the validation part of exactly one of the k folds, whose sizes differ by one at
/// most. Throws ValueError unless 2 <= k <= size.
std::vector<Fold> k_fold(const AnyDataset& data, std::int64_t k, const SplitOptions& options = {});

}  // namespace chainrule
