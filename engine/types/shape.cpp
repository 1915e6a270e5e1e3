// Shape arithmetic with every overflow checked before it can happen.
#include "engine/types/shape.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <limits>
#include <ostream>

#include "engine/types/error.h"

namespace chainrule {

void check_rank(std::size_t rank) {
  if (rank > kMaxRank) throw ShapeError(fmt::format("a tensor has at most {} axes, not {}", kMaxRank, rank));
}

std::string to_string(const AxisNumbers& numbers) {
  if (numbers.size() == 1) return fmt::format("({},)", numbers[0]);
  return fmt::format("({})", fmt::join(numbers, ", "));
}

std::ostream& operator<<(std::ostream& out, const AxisNumbers& numbers) { return out << to_string(numbers); }

void check_shape(const Shape& shape, std::size_t item_bytes, const char* who) {
  std::int64_t limit = std::numeric_limits<std::int64_t>::max() / static_cast<std::int64_t>(item_bytes);
  for (auto size : shape) {
    if (size < 0) throw ShapeError(fmt::format("{}: negative size {} in shape {}", who, size, to_string(shape)));
  }
  // A zero anywhere makes the product zero, but row-major strides multiply the other sizes, so those are bounded too.
  for (auto size : shape) {
    if (size > limit) throw ShapeError(fmt::format("{}: shape {} is too large to address", who, to_string(shape)));
    if (size > 0) limit /= size;
  }
}

Strides contiguous_strides(const Shape& shape) {
  Strides strides = Strides::filled(shape.size(), 0);
  std::int64_t step = 1;
  for (int i = shape.rank() - 1; i >= 0; --i) {
    strides[i] = step;
    if (shape[i] > 0) step *= shape[i];
  }
  return strides;
}

Shape broadcast_shapes(const Shape& x, const Shape& y, const char* who) {
  const Shape& longer = x.size() >= y.size() ? x : y;
  const Shape& shorter = x.size() >= y.size() ? y : x;
  Shape result = longer;
  const std::size_t lead = longer.size() - shorter.size();
  for (std::size_t i = 0; i < shorter.size(); ++i) {
    const auto a = longer[lead + i], b = shorter[i];
    if (a == b || b == 1) continue;
    if (a == 1) {
      result[lead + i] = b;
    } else {
      throw ShapeError(fmt::format("{}: shapes {} and {} do not broadcast: axis {} has sizes {} and {}", who,
                                   to_string(x), to_string(y), static_cast<int>(i) - shorter.rank(),
                                   x.size() >= y.size() ? a : b, x.size() >= y.size() ? b : a));
    }
  }
  return result;
}

int normal_axis(std::int64_t axis, int rank, const char* who) {
  // A scalar accepts axis 0 and -1, as in PyTorch.
  const int bound = rank == 0 ? 1 : rank;
  if (axis < -bound || axis >= bound)
    throw ShapeError(fmt::format("{}: axis {} is out of range for {} {} (allowed: {} to {})", who, axis, rank,
                                 rank == 1 ? "axis" : "axes", -bound, bound - 1));
  return static_cast<int>(axis < 0 ? axis + bound : axis);
}

}  // namespace chainrule
