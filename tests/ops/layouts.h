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

}  // namespace chainrule::cases
