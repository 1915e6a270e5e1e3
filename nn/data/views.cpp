// Data sets that stand in front of others: some of the samples, one set after the other, transformed, kept in memory.
#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <mutex>
#include <optional>
#include <tuple>
#include <utility>

#include "engine/types/error.h"
#include "nn/data/splits.h"

namespace chainrule {
namespace {

/// Copies `count` rows of a tensor over those of another one; both are dense.
void copy_rows(const Tensor& from, std::int64_t from_row, Tensor& to, std::int64_t to_row, std::int64_t count) {
  const std::size_t row = item_size(to.dtype()) * static_cast<std::size_t>(to.numel() / to.size(0));
  if (row == 0 || count == 0) return;
  std::memcpy(static_cast<std::byte*>(to.mutable_data("data set")) + static_cast<std::size_t>(to_row) * row,
              static_cast<const std::byte*>(from.data()) + static_cast<std::size_t>(from_row) * row,
              static_cast<std::size_t>(count) * row);
}

/// Room for `rows` samples like those of a batch; an empty handle for one.
Tensor room_for(const Tensor& batch, std::int64_t rows) {
  if (!batch.defined()) return {};
  Shape shape = batch.shape();
  shape[0] = rows;
  return empty(shape, batch.dtype());
}

/// "float32 (1, 28, 28)" of one sample, or "none".
std::string form_of(const Tensor& batch) {
  if (!batch.defined()) return "none";
  return fmt::format("{} {}", name_of(batch.dtype()), to_string(Shape(batch.shape().begin() + 1, batch.shape().end())));
}

void check_same_form(const Batch& first, const Batch& other, const std::string& who) {
  for (const auto& [a, b, what] :
       {std::tuple{first.inputs, other.inputs, "inputs"}, std::tuple{first.targets, other.targets, "targets"}})
    if (form_of(a) != form_of(b))
      throw ShapeError(fmt::format("{}: {} of {} and of {}", who, what, form_of(a), form_of(b)));
}

class Subset : public Dataset {
 public:
  Subset(AnyDataset data, Indices indices) : data_(std::move(data)), indices_(std::move(indices)) {
    if (indices_.empty()) throw ValueError("subset: there is no sample in it");
    for (const std::int64_t index : indices_)
      if (index < 0 || index >= data_.size())
        throw ValueError(fmt::format("subset: index {} is outside of the {} samples", index, data_.size()));
  }
  std::int64_t size() const override { return static_cast<std::int64_t>(indices_.size()); }
  Batch get(const Indices& indices) const override { return data_.get(inner(indices)); }
  Tensor targets() const override { return take_rows(data_.targets(), indices_); }

 private:
  Indices inner(const Indices& outer) const {
    Indices found;
    found.reserve(outer.size());
    for (const std::int64_t i : outer) found.push_back(indices_.at(static_cast<std::size_t>(i)));
    return found;
  }
  AnyDataset data_;
  Indices indices_;
};

class Concatenation : public Dataset {
 public:
  explicit Concatenation(const std::vector<AnyDataset>& parts) : parts_(parts) {
    if (parts_.empty()) throw ValueError("concat: there is no data set");
    std::optional<Batch> first;
    for (std::size_t i = 0; i < parts_.size(); ++i) {
      begins_.push_back(size_);
      size_ += parts_[i].size();
      if (parts_[i].size() == 0) continue;
      const Batch one = parts_[i].get({0});
      if (!first) first = one;
      check_same_form(*first, one, fmt::format("concat: data set {} has other samples than the first", i));
    }
  }
  std::int64_t size() const override { return size_; }
  Batch get(const Indices& indices) const override {
    // One request for each part, then every sample to its place.
    std::vector<Indices> wanted(parts_.size()), places(parts_.size());
    for (std::size_t i = 0; i < indices.size(); ++i) {
      const auto part =
          static_cast<std::size_t>(std::upper_bound(begins_.begin(), begins_.end(), indices[i]) - begins_.begin()) - 1;
      wanted[part].push_back(indices[i] - begins_[part]);
      places[part].push_back(static_cast<std::int64_t>(i));
    }
    std::optional<Batch> first, all;
    for (std::size_t part = 0; part < parts_.size(); ++part) {
      if (wanted[part].empty() && !(indices.empty() && part == 0)) continue;
      Batch some = parts_[part].get(wanted[part]);
      if (wanted[part].size() == indices.size()) return some;
      const auto rows = static_cast<std::int64_t>(indices.size());
      if (!all) first = some, all = Batch{room_for(some.inputs, rows), room_for(some.targets, rows)};
      check_same_form(*first, some, fmt::format("concat: data set {} has other samples than those before", part));
      for (auto [from, to] : {std::pair{&some.inputs, &all->inputs}, std::pair{&some.targets, &all->targets}}) {
        if (!to->defined()) continue;
        *from = dense(*from);
        for (std::size_t row = 0; row < places[part].size(); ++row)
          copy_rows(*from, static_cast<std::int64_t>(row), *to, places[part][row], 1);
      }
    }
    return *all;
  }

 private:
  std::vector<AnyDataset> parts_;
  std::vector<std::int64_t> begins_;
  std::int64_t size_ = 0;
};

class Transformed : public Dataset {
 public:
  Transformed(AnyDataset data, Transform transform) : data_(std::move(data)), transform_(std::move(transform)) {
    if (transform_.random())
      throw ValueError(fmt::format("transformed: {} is random; give it to a DataLoader, which knows the epoch",
                                   to_string(transform_)));
  }
  std::int64_t size() const override { return data_.size(); }
  Batch get(const Indices& indices) const override { return transform_(data_.get(indices), {.indices = indices}); }

 private:
  AnyDataset data_;
  Transform transform_;
};

class Cached : public Dataset {
 public:
  explicit Cached(AnyDataset data) : data_(std::move(data)) {}
  std::int64_t size() const override { return data_.size(); }
  Batch get(const Indices& indices) const override {
    const std::lock_guard lock(mutex_);
    fill(indices);
    return {take_rows(all_.inputs, indices), take_rows(all_.targets, indices)};
  }

 private:
  void fill(const Indices& indices) const {
    Indices missing;
    for (const std::int64_t i : indices)
      if (there_.empty() || !there_[static_cast<std::size_t>(i)]) missing.push_back(i);
    std::sort(missing.begin(), missing.end());
    missing.erase(std::unique(missing.begin(), missing.end()), missing.end());
    if (missing.empty() && !there_.empty()) return;
    const Batch some = data_.get(missing);
    if (there_.empty()) {
      all_ = {room_for(some.inputs, size()), room_for(some.targets, size())};
      there_.resize(static_cast<std::size_t>(size()));
    }
    check_same_form(all_, some, "cached: samples of different form");
    for (auto [from, to] : {std::pair{&some.inputs, &all_.inputs}, std::pair{&some.targets, &all_.targets}}) {
      if (!to->defined()) continue;
      const Tensor rows = dense(*from);
      for (std::size_t row = 0; row < missing.size(); ++row)
        copy_rows(rows, static_cast<std::int64_t>(row), *to, missing[row], 1);
    }
    for (const std::int64_t i : missing) there_[static_cast<std::size_t>(i)] = true;  // only when all of it is there
  }

  AnyDataset data_;
  mutable std::mutex mutex_;
  mutable Batch all_;
  mutable std::vector<bool> there_;
};

}  // namespace

AnyDataset subset(const AnyDataset& data, const Indices& indices) { return Subset(data, indices); }
AnyDataset concat(const std::vector<AnyDataset>& parts) { return Concatenation(parts); }
AnyDataset transformed(const AnyDataset& data, const Transform& transform) { return Transformed(data, transform); }
AnyDataset cached(const AnyDataset& data) { return std::make_shared<Cached>(data); }

}  // namespace chainrule
