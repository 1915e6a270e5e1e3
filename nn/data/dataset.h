// What a data set is: how many samples, and some of them as a batch, so that memory, files and generators look alike.
// Order, shuffling and batches are in loader.h; parts and unions of data sets in splits.h.
#pragma once

#include <concepts>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "engine/tensor.h"

namespace chainrule {

/// Places of samples in a data set, counted from 0.
using Indices = std::vector<std::int64_t>;

/// Some samples: the first axis of both tensors counts them. Targets are an empty handle where a set has none.
struct Batch {
  Tensor inputs, targets;
  std::int64_t size() const { return inputs.size(0); }
};

/// To write one: derive, and hand it to a DataLoader by value or as a std::shared_ptr. What it refers to must live as
/// long as it does.
class Dataset {
 public:
  virtual ~Dataset() = default;
  virtual std::int64_t size() const = 0;
  /// These samples, in this order, in tensors that nobody writes to later. Several threads may call it at once, and the
  /// same indices always give the same samples. AnyDataset has checked that the indices lie within the set.
  virtual Batch get(const Indices& indices) const = 0;
  /// The targets of all samples. Unless a data set knows better, from get(), a thousand samples at a time.
  virtual Tensor targets() const;

 protected:
  Dataset() = default;
  Dataset(const Dataset&) = default;
  Dataset& operator=(const Dataset&) = default;
};

/// Any data set, held by value: copies share it, and whoever holds one keeps it alive.
class AnyDataset {
 public:
  template <std::derived_from<Dataset> D>
  AnyDataset(D set) : set_(std::make_shared<D>(std::move(set))) {}
  /// Throws ValueError for a null pointer.
  template <std::derived_from<Dataset> D>
  AnyDataset(std::shared_ptr<D> set) : set_(std::move(set)) {
    check();
  }

  std::int64_t size() const { return set_->size(); }
  /// Throws ValueError for an index outside the set, ShapeError when the set answers with another number of samples.
  Batch get(const Indices& indices) const;
  Tensor targets() const { return set_->targets(); }
  /// The whole set as one batch.
  Batch all() const;
  const Dataset& operator*() const { return *set_; }

 private:
  void check() const;
  std::shared_ptr<const Dataset> set_;
};

/// Tensors whose first axis counts the samples. Nobody may write to them later: batches are copied out of them when
/// they are asked for.
class TensorDataset : public Dataset {
 public:
  /// Throws ShapeError for a tensor without axes and for another number of targets than of inputs.
  explicit TensorDataset(const Tensor& inputs, const Tensor& targets = {});
  std::int64_t size() const override { return inputs_.size(0); }
  Batch get(const Indices& indices) const override;
  Tensor targets() const override { return targets_; }

 private:
  Tensor inputs_, targets_;  // dense, without history
};

/// Rows of a tensor along its first axis, as a tensor of their own; an empty handle gives one. Throws ValueError for an
/// index outside of it. Records nothing.
Tensor take_rows(const Tensor& source, const Indices& indices);

}  // namespace chainrule
