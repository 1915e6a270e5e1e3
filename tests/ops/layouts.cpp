// Layouts by hand-made strides over a buffer with room to spare.
#include "tests/ops/layouts.h"

#include <algorithm>
#include <numeric>

#include "engine/factory.h"

namespace chainrule::cases {
namespace {

std::size_t longest_axis(const Shape& shape) {
  return static_cast<std::size_t>(std::max_element(shape.begin(), shape.end()) - shape.begin());
}

}  // namespace

const char* name_of(Layout layout) {
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

Array repeated(const Array& x) {
  Array z = x;
  if (x.shape.empty() || x.values.empty()) return z;
  const std::size_t axis = longest_axis(x.shape);
  each_index(x.shape, [&](Shape index) {
    const Shape to = index;
    index[axis] = 0;
    z.at(to) = x.at(index);
  });
  return z;
}

Tensor laid_out(const Array& x, Layout layout, DType dtype, bool trainable) {
  const Shape& shape = x.shape;
  const std::size_t rank = shape.size();
  std::vector<std::size_t> order(rank);
  std::iota(order.begin(), order.end(), std::size_t{0});
  if (layout == Layout::reversed_axes) std::reverse(order.begin(), order.end());
  if (layout == Layout::channels_last && rank > 2) std::rotate(order.begin() + 1, order.begin() + 2, order.end());
  Strides strides = Strides::filled(rank, 0);
  std::int64_t step = layout == Layout::stepped ? 2 : 1, first = 0;
  for (auto axis = order.rbegin(); axis != order.rend(); ++axis) {
    if (layout == Layout::expanded && *axis == longest_axis(shape)) continue;
    strides[*axis] = step;
    step *= std::max<std::int64_t>(shape[*axis], 1);
  }
  if (layout == Layout::backwards) {
    for (std::size_t i = 0; i < rank; ++i) {
      first += strides[i] * std::max<std::int64_t>(shape[i] - 1, 0);
      strides[i] = -strides[i];
    }
  }
  // Elements that belong to nobody hold a number that would be seen in any result.
  const Tensor buffer = full({2 * std::max<std::int64_t>(numel(shape), 1)}, -12345, {.dtype = dtype});
  Tensor t = internal::view(buffer, shape, strides, first);
  t.copy_(leaf(x, dtype, false));
  if (trainable) t.set_requires_grad();
  return t;
}

}  // namespace chainrule::cases
