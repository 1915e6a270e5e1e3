// The same numbers laid out in memory in other ways, for tests that results do not depend on it.
#pragma once

#include <numeric>

#include "engine/factory.h"
#include "tests/ops/numeric.h"

namespace chainrule::cases {

enum class Layout { reversed_axes, stepped, backwards, channels_last, expanded };
inline constexpr Layout kLayouts[] = {Layout::reversed_axes, Layout::stepped, Layout::backwards, Layout::channels_last,
                                      Layout::expanded};

inline const char* name_of(Layout layout) {
  switch (layout) {
    case Layout::reversed_axes:
      return "reversed axes";
    case Layout::stepped:
      return "every second element of a larger buffer";
    case Layout::backwards:
      return "backwards";
    case Layout::channels_last:
      return "channels last";
    case Layout::expanded:
      return "expanded along the longest axis";
  }
  return "?";
}

inline int longest_axis(const Shape& shape) {
  return static_cast<int>(std::max_element(shape.begin(), shape.end()) - shape.begin());
}

/// The numbers with every position of the longest axis equal to the first: what an expanded tensor can hold.
inline Array repeated(const Array& x) {
  Array z = x;
  if (x.shape.empty() || x.values.empty()) return z;
  const int axis = longest_axis(x.shape);
  each_index(x.shape, [&](Shape index) {
    const Shape to = index;
    index[axis] = 0;
    z.at(to) = x.at(index);
  });
  return z;
}

/// A leaf of these numbers whose memory is not row-major; made from strides by hand. `expanded` wants repeated().
inline Tensor laid_out(const Array& x, Layout layout, DType dtype, bool trainable = true) {
  const Shape& shape = x.shape;
  const int rank = shape.rank();
  Strides strides(shape.size());
  std::int64_t room = std::max<std::int64_t>(numel(shape), 1), first = 0;
  std::vector<int> order(shape.size());
  std::iota(order.begin(), order.end(), 0);
  if (layout == Layout::reversed_axes) std::reverse(order.begin(), order.end());
  if (layout == Layout::channels_last && rank > 2) std::rotate(order.begin() + 1, order.begin() + 2, order.end());
  std::int64_t step = layout == Layout::stepped ? 2 : 1;
  const int skipped = layout == Layout::expanded && rank > 0 ? longest_axis(shape) : -1;
  for (int i = rank - 1; i >= 0; --i) {
    const int axis = order[static_cast<std::size_t>(i)];
    strides[axis] = axis == skipped ? 0 : step;
    if (axis != skipped) step *= std::max<std::int64_t>(shape[axis], 1);
  }
  room *= 2;
  if (layout == Layout::backwards) {
    for (int i = 0; i < rank; ++i) {
      first += strides[i] * std::max<std::int64_t>(shape[i] - 1, 0);
      strides[i] = -strides[i];
    }
  }
  // Elements that belong to nobody hold a number that would be seen in any result.
  const Tensor buffer = full({room}, -12345, {.dtype = dtype});
  Tensor t = view(buffer, shape, strides, first);
  t.copy_(leaf(x, dtype, false));
  if (trainable) t.set_requires_grad();
  return t;
}

}  // namespace chainrule::cases
