// Inner header: for our own sources, not installed.
// What the transforms of pictures share: checks of their arguments, and a walk over the pictures of a batch.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <string>

#include "engine/types/error.h"
#include "nn/data/transform.h"

namespace chainrule::internal {

struct PictureSize {
  std::int64_t channels = 0, height = 0, width = 0;
  std::int64_t plane() const { return height * width; }
  std::int64_t numel() const { return channels * plane(); }
};

/// Throws ValueError unless low <= value <= high; what is not a number is outside.
inline void check_range(const char* who, const char* what, double value, double low, double high) {
  if (!(value >= low && value <= high))
    throw ValueError(fmt::format("{}: {} is {}, it must be from {} to {}", who, what, value, low, high));
}

inline void check_least(const char* who, const char* what, std::int64_t value, std::int64_t least) {
  if (value < least || value > (std::int64_t{1} << 30))
    throw ValueError(fmt::format("{}: {} is {}, it must be at least {} and at most 2^30", who, what, value, least));
}

inline void check_floating(const char* who, const Tensor& inputs) {
  if (!is_floating(inputs.dtype()))
    throw ValueError(fmt::format("{}: the inputs are {}; scale() makes float32 of them", who, name_of(inputs.dtype())));
}

inline PictureSize picture_size(const char* who, const Tensor& inputs) {
  check_floating(who, inputs);
  if (inputs.dim() != 4)
    throw ShapeError(
        fmt::format("{}: the inputs have shape {}; pictures are (N, C, H, W)", who, to_string(inputs.shape())));
  return {inputs.size(1), inputs.size(2), inputs.size(3)};
}

/// Calls change(in, out, number) for each sample, with pointers to its first number in the old inputs and in new ones
/// of `shape`.
template <class Change>
Batch change_each(const Batch& batch, const Shape& shape, Change change) {
  const Tensor from = dense(batch.inputs);
  Tensor to = empty(shape, from.dtype());
  if (to.numel() > 0)
    dispatch_floating(from.dtype(), [&](auto zero) {
      using T = decltype(zero);
      const T* in = from.data<T>();
      T* out = static_cast<T*>(to.mutable_data("transform"));
      const std::int64_t samples = shape[0], in_size = from.numel() / samples, out_size = to.numel() / samples;
      for (std::int64_t i = 0; i < samples; ++i) change(in + i * in_size, out + i * out_size, i);
    });
  return {to, batch.targets};
}

/// Uniform between the two.
inline double uniform_between(Generator& generator, double low, double high) {
  return low + (high - low) * generator.uniform();
}

}  // namespace chainrule::internal
