// Inner header: for our own sources, not installed.
// Subscripts as in NumPy: x[1], x[:, 1:3], x[..., None], x[[0, 2]]. Library code only.
#pragma once

#include <optional>
#include <vector>

#include "engine/tensor.h"

namespace chainrule::language {

struct Subscript {
  enum class Kind : std::uint8_t { index, range, ellipsis, new_axis, list };
  Kind kind = Kind::index;
  std::optional<std::int64_t> start{}, end{}, step{};  // an index is in start
  Tensor indices{};                                    // of a list: int64, one axis
};

/// Throws ValueError or ShapeError for indices out of range and too many of them.
Tensor subscript(const Tensor& x, const std::vector<Subscript>& items);

}  // namespace chainrule::language
