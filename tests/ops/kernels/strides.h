// Where the elements of pictures stand in memory, in both orders.
#pragma once

#include "ops/kernels/images/window.h"

namespace chainrule::test {

inline std::int64_t at(const kernels::ImageStrides& s, std::int64_t n, std::int64_t c, std::int64_t i, std::int64_t j) {
  return n * s[0] + c * s[1] + i * s[2] + j * s[3];
}

/// Channels last, or dense.
inline kernels::ImageStrides strides(bool last, std::int64_t c, std::int64_t h, std::int64_t w) {
  return last ? kernels::channels_last_strides(c, h, w) : kernels::dense_strides(c, h, w);
}

}  // namespace chainrule::test
