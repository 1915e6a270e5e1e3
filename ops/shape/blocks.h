// Inner header: for our own sources, not installed.
// Blocks: a part of a tensor that starts at one position and has sizes of its own, for operations that move elements
// about in whole pieces. Library code only; nothing here is recorded.
#pragma once

#include "ops/launch.h"

namespace chainrule {

/// `size` elements of t from `first` along each axis.
inline Tensor block(const Tensor& t, const Shape& first, const Shape& size) {
  std::int64_t offset = 0;
  for (int i = 0; i < t.dim(); ++i) offset += first[i] * t.strides()[i];
  return internal::view(t, size, t.strides(), numel(size) == 0 ? 0 : offset);
}

}  // namespace chainrule
