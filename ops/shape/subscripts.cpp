// Subscripts in terms of slice, permute, index_select and reshape, whose derivatives are known. Positions of several
// axes become positions along one: these axes are joined first.
#include "ops/shape/subscripts.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>

#include "engine/factory.h"
#include "engine/scopes.h"
#include "engine/types/error.h"
#include "ops/arguments.h"
#include "ops/launch.h"
#include "ops/ops.h"

namespace chainrule {
namespace {

using Positions = std::vector<std::int64_t>;

/// One axis of the result, or what is picked, which may have any number of axes.
struct Part {
  enum class Kind : std::uint8_t { kept, added, picked };
  Kind kind;
  std::int64_t size = 1;
};

/// Positions along an axis of x; a mask of no axes picks along none.
struct Pick {
  int axis;  // -1 for none
  Tensor at;
};

bool is_mask(const Index& s) { return s.kind() == Index::Kind::tensor && s.tensor().dtype() == DType::boolean; }

int axes_of(const Index& s) {
  switch (s.kind()) {
    case Index::Kind::new_axis:
    case Index::Kind::ellipsis:
      return 0;
    case Index::Kind::tensor:
      return is_mask(s) ? s.tensor().dim() : 1;
    default:
      return 1;
  }
}

void check_subscripts(const Tensor& x, const std::vector<Index>& subscripts) {
  int count = 0, ellipses = 0;
  for (const Index& s : subscripts) {
    if (s.kind() == Index::Kind::tensor) {
      if (!s.tensor().defined()) throw_empty_argument("subscript", "an index");
      if (is_floating(s.tensor().dtype()))
        throw ValueError(fmt::format("subscript: an index of {} is refused; positions are int64, masks bool",
                                     name_of(s.tensor().dtype())));
    }
    count += axes_of(s);
    ellipses += s.kind() == Index::Kind::ellipsis;
  }
  if (count > x.dim())
    throw ShapeError(
        fmt::format("subscript: {} subscripts for a tensor of {} axes, {}", count, x.dim(), to_string(x.shape())));
  if (ellipses > 1) throw ShapeError("subscript: more than one ...");
}

std::int64_t inside(std::int64_t i, std::int64_t size, int axis) {
  if (i < -size || i >= size)
    throw ValueError(fmt::format("subscript: index {} is out of range for axis {} of size {}", i, axis, size));
  return i < 0 ? i + size : i;
}

/// The positions where a mask is true, for each of its axes.
std::vector<Pick> true_places(const Tensor& mask, const Shape& x, int axis) {
  for (int i = 0; i < mask.dim(); ++i)
    if (mask.shape()[i] != x[axis + i])
      throw ShapeError(fmt::format("subscript: a mask of shape {} does not fit {} from axis {} on",
                                   to_string(mask.shape()), to_string(x), axis));
  const Tensor values = dense(mask);
  const bool* on = values.data<bool>();
  std::vector<Positions> places(static_cast<std::size_t>(std::max(mask.dim(), 1)));
  for (std::int64_t i = 0; i < mask.numel(); ++i) {
    if (!on[i]) continue;
    std::int64_t rest = i;
    if (mask.dim() == 0) places[0].push_back(0);
    for (int k = mask.dim() - 1; k >= 0; --k) {
      places[static_cast<std::size_t>(k)].push_back(rest % mask.shape()[k]);
      rest /= mask.shape()[k];
    }
  }
  std::vector<Pick> picks;
  for (std::size_t k = 0; k < places.size(); ++k) {
    const auto n = static_cast<std::int64_t>(places[k].size());
    picks.push_back({mask.dim() == 0 ? -1 : axis + static_cast<int>(k), from_vector(places[k], {n})});
  }
  return picks;
}

/// Row-major positions in the joined axes of the picks, in the shape that their indices broadcast to.
Tensor joined_positions(const std::vector<Pick>& picks, const Shape& x) {
  Shape shape;
  for (const Pick& p : picks) shape = broadcast_shapes(shape, p.at.shape(), "subscript: the index lists");
  Positions joined(static_cast<std::size_t>(numel(shape)), 0);
  for (const Pick& p : picks) {
    const std::int64_t size = p.axis < 0 ? 1 : x[p.axis];
    // As in NumPy a whole number is inside the axis, and so are the numbers of a list that picks anything.
    if (p.at.dim() == 0) inside(p.at.data<std::int64_t>()[0], size, p.axis);
    const Tensor all = dense(expand(dense(p.at), shape));
    const auto* at = all.data<std::int64_t>();
    for (std::size_t i = 0; i < joined.size(); ++i) joined[i] = joined[i] * size + inside(at[i], size, p.axis);
  }
  return from_vector(joined, shape);
}

Shape checked_shape(const Positions& sizes) {
  if (sizes.size() > static_cast<std::size_t>(kMaxRank))
    throw ShapeError(
        fmt::format("subscript: the result would have {} axes; a tensor has {} at most", sizes.size(), kMaxRank));
  return {sizes.begin(), sizes.end()};
}

Tensor in_shape(const Tensor& x, const Positions& sizes) {
  const Shape shape = checked_shape(sizes);
  return shape == x.shape() ? x : reshape(x, shape);
}

/// The axes of the picks joined to one, what they pick along it, and that split into the axes of the indices. These
/// stand where the first pick stands, or in front.
Tensor picked(Tensor x, const std::vector<Pick>& picks, bool in_front, int place) {
  const Tensor at = joined_positions(picks, x.shape());
  std::vector<bool> joins(static_cast<std::size_t>(x.dim()), false);
  for (const Pick& p : picks)
    if (p.axis >= 0) joins[static_cast<std::size_t>(p.axis)] = true;
  if (in_front) {
    Axes order;
    for (const bool joined : {true, false})
      for (int i = 0; i < x.dim(); ++i)
        if (joins[static_cast<std::size_t>(i)] == joined) order.push_back(i);
    if (!std::is_sorted(order.begin(), order.end())) x = permute(x, order);
    std::sort(joins.begin(), joins.end(), std::greater<>());
    place = 0;
  }
  Positions before, after;
  std::int64_t size = 1;
  for (int i = 0; i < x.dim(); ++i) {
    if (joins[static_cast<std::size_t>(i)])
      size *= x.shape()[i];
    else
      (i < place ? before : after).push_back(x.shape()[i]);
  }
  const auto around = [&](const auto& middle) {
    Positions sizes = before;
    sizes.insert(sizes.end(), middle.begin(), middle.end());
    sizes.insert(sizes.end(), after.begin(), after.end());
    return sizes;
  };
  const Tensor z = index_select(in_shape(x, around(Positions{size})), place, in_shape(at, {at.numel()}));
  return in_shape(z, around(at.shape()));
}

}  // namespace

Tensor index(const Operand& x, const std::vector<Index>& subscripts) {
  const CalledFrom caller(x.where());
  const Tensor t = tensor_argument(x, "subscript");
  check_subscripts(t, subscripts);
  int named = 0;
  for (const Index& s : subscripts) named += axes_of(s);
  // Beside a list a whole number is a list of one, which matters for where the picked axes go.
  const bool picks_any =
      std::any_of(subscripts.begin(), subscripts.end(), [](const Index& s) { return s.kind() == Index::Kind::tensor; });

  Tensor z = t;
  std::vector<Part> parts;
  std::vector<Pick> picks;
  bool in_front = false;  // the picks do not stand side by side
  std::size_t last_pick = 0;
  int axis = 0, place = 0;  // of t and of what is kept so far
  const auto keep = [&] { parts.push_back({Part::Kind::kept, z.shape()[axis++]}); };
  for (std::size_t i = 0; i < subscripts.size(); ++i) {
    const Index& s = subscripts[i];
    if (s.kind() == Index::Kind::new_axis) {
      parts.push_back({Part::Kind::added});
    } else if (s.kind() == Index::Kind::ellipsis) {
      for (int skip = t.dim() - named; skip > 0; --skip) keep();
    } else if (s.kind() == Index::Kind::slice) {
      const std::int64_t step = s.slice().step.value.value_or(1);
      if (step == 0) throw ValueError("subscript: the step of a slice must not be 0");
      const auto start = s.slice().start.value, stop = s.slice().stop.value;
      if (start || stop || step != 1) z = slice(z, axis, start, stop, step);
      keep();
    } else if (!picks_any) {
      const std::int64_t at = inside(s.number(), t.shape()[axis], axis);
      z = slice(z, axis++, at, at + 1);
    } else {
      if (picks.empty()) {
        place = axis;
        parts.push_back({Part::Kind::picked});
      } else if (last_pick + 1 != i) {
        in_front = true;
      }
      last_pick = i;
      if (is_mask(s)) {
        const auto places = true_places(s.tensor(), t.shape(), axis);
        picks.insert(picks.end(), places.begin(), places.end());
      } else {
        picks.push_back(
            {axis, s.kind() == Index::Kind::tensor ? s.tensor() : from_vector<std::int64_t>({s.number()}, {})});
      }
      axis += axes_of(s);
    }
  }
  while (axis < t.dim()) keep();

  Shape shape;  // of what is picked
  if (!picks.empty()) {
    for (const Pick& p : picks) shape = broadcast_shapes(shape, p.at.shape(), "subscript: the index lists");
    z = picked(z, picks, in_front, place);
  }
  Positions sizes;
  const auto add_picked = [&] { sizes.insert(sizes.end(), shape.begin(), shape.end()); };
  if (in_front) add_picked();
  for (const Part& p : parts) {
    if (p.kind != Part::Kind::picked)
      sizes.push_back(p.size);
    else if (!in_front)
      add_picked();
  }
  return in_shape(z, sizes);
}

Tensor Tensor::operator[](const Subscripts& subscripts) const {
  return index(Operand(*this, subscripts.where()), subscripts.list());
}

}  // namespace chainrule
