// Batches out of tensors, a sample at a time by memcpy, and the checks that every data set would have to make.
#include "nn/data/dataset.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <numeric>

#include "engine/scopes.h"
#include "engine/types/error.h"

namespace chainrule {
namespace {

void check_indices(const Indices& indices, std::int64_t size) {
  for (const std::int64_t index : indices)
    if (index < 0 || index >= size)
      throw ValueError(fmt::format("data set: index {} is outside of its {} samples", index, size));
}

void check_count(const Tensor& tensor, const char* what, std::size_t asked) {
  if (tensor.dim() == 0 || tensor.size(0) != static_cast<std::int64_t>(asked))
    throw ShapeError(fmt::format("data set: it was asked for {} samples and gave {} of shape {}", asked, what,
                                 to_string(tensor.shape())));
}

Indices all_indices(std::int64_t size) {
  Indices all(static_cast<std::size_t>(size));
  std::iota(all.begin(), all.end(), 0);
  return all;
}

/// Joined along the first axis.
Tensor joined_rows(const std::vector<Tensor>& parts, std::int64_t rows) {
  Shape shape = parts.front().shape();
  shape[0] = rows;
  Tensor whole = empty(shape, parts.front().dtype());
  auto* out = static_cast<std::byte*>(whole.mutable_data("targets"));
  for (const Tensor& part : parts) {
    Shape expected = shape;
    expected[0] = part.size(0);
    if (part.shape() != expected || part.dtype() != whole.dtype())
      throw ShapeError(fmt::format(
          "data set: its targets are {} of shape {} in one batch and {} of shape {} in another", name_of(whole.dtype()),
          to_string(parts.front().shape()), name_of(part.dtype()), to_string(part.shape())));
    const Tensor bytes = dense(part);
    const std::size_t size = item_size(part.dtype()) * static_cast<std::size_t>(part.numel());
    std::memcpy(out, bytes.data(), size);
    out += size;
  }
  return whole;
}

}  // namespace

Tensor take_rows(const Tensor& source, const Indices& indices) {
  if (!source.defined()) return {};
  if (source.dim() == 0) throw ShapeError("take_rows: a number has no rows");
  check_indices(indices, source.size(0));
  const Tensor from = dense(source);
  Shape shape = from.shape();
  shape[0] = static_cast<std::int64_t>(indices.size());
  Tensor rows = empty(shape, from.dtype());
  const std::size_t bytes =
      item_size(from.dtype()) * static_cast<std::size_t>(from.numel() / std::max<std::int64_t>(from.size(0), 1));
  if (bytes == 0) return rows;
  const auto* in = static_cast<const std::byte*>(from.data());
  auto* out = static_cast<std::byte*>(rows.mutable_data("take_rows"));
  for (const std::int64_t index : indices) {
    std::memcpy(out, in + static_cast<std::size_t>(index) * bytes, bytes);
    out += bytes;
  }
  return rows;
}

Tensor Dataset::targets() const {
  constexpr std::int64_t kAtOnce = 1000;
  std::vector<Tensor> parts;
  const Indices all = all_indices(size());
  for (std::int64_t first = 0; first < size(); first += kAtOnce) {
    const auto from = all.begin() + first, to = all.begin() + std::min(first + kAtOnce, size());
    parts.push_back(get({from, to}).targets);
    if (!parts.back().defined()) return {};
    check_count(parts.back(), "targets", static_cast<std::size_t>(to - from));
  }
  return parts.empty() ? Tensor() : joined_rows(parts, size());
}

void AnyDataset::check() const {
  if (!set_) throw ValueError("data set: the pointer to it is null");
}

Batch AnyDataset::get(const Indices& indices) const {
  check_indices(indices, size());
  Batch batch = set_->get(indices);
  check_count(batch.inputs, "inputs", indices.size());
  if (batch.targets.defined()) check_count(batch.targets, "targets", indices.size());
  return batch;
}

Batch AnyDataset::all() const { return get(all_indices(size())); }

TensorDataset::TensorDataset(const Tensor& inputs, const Tensor& targets) {
  if (inputs.dim() == 0) throw ShapeError("TensorDataset: the inputs have no axis that counts samples");
  if (targets.defined() && (targets.dim() == 0 || targets.size(0) != inputs.size(0)))
    throw ShapeError(fmt::format("TensorDataset: inputs {} and targets {} are of different numbers of samples",
                                 to_string(inputs.shape()), to_string(targets.shape())));
  inputs_ = dense(inputs.detach());
  if (targets.defined()) targets_ = dense(targets.detach());
}

Batch TensorDataset::get(const Indices& indices) const {
  return {take_rows(inputs_, indices), take_rows(targets_, indices)};
}

}  // namespace chainrule
