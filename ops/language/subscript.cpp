// Subscripts in terms of slice, index_select and reshape, which have derivatives.
#include "ops/language/subscript.h"

#include <fmt/format.h>

#include <algorithm>

#include "engine/types/error.h"
#include "ops/ops.h"

namespace chainrule::language {

Tensor subscript(const Tensor& x, const std::vector<Subscript>& items) {
  using Kind = Subscript::Kind;
  const auto uses_axis = [](const Subscript& s) { return s.kind != Kind::ellipsis && s.kind != Kind::new_axis; };
  const auto count = std::count_if(items.begin(), items.end(), uses_axis);
  if (count > x.dim())
    throw ShapeError(
        fmt::format("subscript: {} subscripts for a tensor of {} axes, {}", count, x.dim(), to_string(x.shape())));
  if (std::count_if(items.begin(), items.end(), [](const Subscript& s) { return s.kind == Kind::ellipsis; }) > 1)
    throw ShapeError("subscript: more than one ...");

  Tensor z = x;
  Shape shape;            // of the result so far
  std::int64_t axis = 0;  // of z: indexed axes stay, with size 1, until the end
  for (const Subscript& s : items) {
    if (s.kind == Kind::new_axis) {
      shape.push_back(1);
      continue;
    }
    if (s.kind == Kind::ellipsis) {
      for (auto skip = x.dim() - count; skip > 0; --skip) shape.push_back(z.shape()[static_cast<std::size_t>(axis++)]);
      continue;
    }
    const std::int64_t size = z.shape()[static_cast<std::size_t>(axis)];
    if (s.kind == Kind::index) {
      const std::int64_t i = *s.start < 0 ? *s.start + size : *s.start;
      if (i < 0 || i >= size)
        throw ValueError(
            fmt::format("subscript: index {} is out of range for axis {} of size {}", *s.start, axis, size));
      z = slice(z, axis, i, i + 1);
    } else if (s.kind == Kind::range) {
      if (s.step == 0) throw ValueError("subscript: the step of a slice must not be 0");
      if (s.start || s.end || s.step.value_or(1) != 1) z = slice(z, axis, s.start, s.end, s.step.value_or(1));
      shape.push_back(z.shape()[static_cast<std::size_t>(axis)]);
    } else {
      z = index_select(z, axis, s.indices);
      shape.push_back(z.shape()[static_cast<std::size_t>(axis)]);
    }
    if (shape.size() > static_cast<std::size_t>(kMaxRank - 1) && &s != &items.back())
      throw ShapeError(fmt::format("subscript: a tensor has {} axes at most", kMaxRank));
    ++axis;
  }
  for (; axis < x.dim(); ++axis) shape.push_back(z.shape()[static_cast<std::size_t>(axis)]);
  return shape == z.shape() ? z : reshape(z, shape);
}

}  // namespace chainrule::language
