// The same numbers laid out in memory in other ways, for tests that results do not depend on it.
#pragma once

#include "tests/ops/numeric.h"

namespace chainrule::cases {

enum class Layout { reversed_axes, stepped, backwards, channels_last, expanded };
inline constexpr Layout kLayouts[] = {Layout::reversed_axes, Layout::stepped, Layout::backwards, Layout::channels_last,
                                      Layout::expanded};
const char* name_of(Layout layout);

/// The numbers with every position of the longest axis equal to the first: what an expanded tensor can hold.
Array repeated(const Array& x);
/// A leaf of these numbers whose memory is not row-major; made from strides by hand. `expanded` wants repeated().
Tensor laid_out(const Array& x, Layout layout, DType dtype, bool trainable = true);

/// A leaf of random numbers.
inline Tensor random(const Shape& shape, std::uint64_t seed, DType dtype = DType::float64, bool trainable = false) {
  return leaf(random_values({.shape = shape}, seed), dtype, trainable);
}
inline bool channels_side_by_side(const Tensor& t) { return t.strides()[1] == 1; }

}  // namespace chainrule::cases
