// Operations that put elements into another arrangement: joining, cutting, turning, rolling, repeating. Plain views are
// in views.cpp, padding is in padding.cpp.

#include "ops/shape/arrangement.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "engine/record.h"
#include "engine/types/error.h"
#include "ops/arguments.h"
#include "ops/families.h"
#include "ops/launch.h"
#include "ops/ops.h"
#include "ops/shape/blocks.h"

namespace chainrule {
namespace {

// z = x1, x2, ... behind each other      dx_i = the slice of g where x_i stands
struct Cat {
  static constexpr OpInfo info{.name = "cat",
                               .formula = "z = cat(x1, x2, ...)",
                               .derivatives = {"1 (same element)", "1 (same element)"},
                               .inputs = "",
                               .flops = "0"};
  int axis;
  boost::container::small_vector<std::int64_t, 8> sizes;
  std::string attributes() const { return fmt::format("dim={}", axis); }
  Tensor forward(std::span<const Tensor> x) const {
    Shape shape = x[0].shape();
    shape[axis] = 0;
    for (const auto size : sizes) shape[axis] += size;
    check_shape(shape, item_size(x[0].dtype()), "cat");
    Tensor z = empty_strided(shape, strides_in_order_of(x[0], shape), x[0].dtype());
    Shape first = Shape::filled(shape.size(), 0);
    for (std::size_t i = 0; i < x.size(); first[axis] += sizes[i++]) copy_into(block(z, first, x[i].shape()), x[i]);
    return z;
  }
  void backward(GradContext& c, const Tensor& g) const {
    std::int64_t first = 0;
    for (int i = 0; i < c.input_count(); first += sizes[i++])
      c.send(i, [&] { return slice(g, axis, first, first + sizes[i]); });
  }
};

// z[i] = x[n - 1 - i]      dx = flip(g)
struct Flip {
  static constexpr OpInfo info{
      .name = "flip", .formula = "z[i] = x[n - 1 - i]", .derivatives = {"1 (same element)"}, .flops = "0"};
  Shape dims;
  std::string attributes() const { return fmt::format("dims={}", to_string(dims)); }
  Tensor forward(const Tensor& x) const {
    Strides strides = x.strides();
    std::int64_t offset = 0;
    for (const auto axis : dims) {
      offset += (x.shape()[axis] - 1) * strides[axis];
      strides[axis] = -strides[axis];
    }
    return internal::view(x, x.shape(), strides, x.numel() == 0 ? 0 : offset);
  }
  void backward(GradContext& c, const Tensor& g) const {
    c.send(0, [&] { return flip(g, Axes(dims.begin(), dims.end())); });
  }
};

// z = x, in a buffer of its own      dx = g
struct Clone {
  static constexpr OpInfo info{.name = "clone", .formula = "z = x", .derivatives = {"1"}, .flops = "0"};
  Tensor forward(const Tensor& x) const { return internal::copied(x); }
  void backward(GradContext& c, const Tensor& g) const {
    c.send(0, [&] { return g; });
  }
};

Tensor roll_by(const Operand& x, const Shape& shifts);

// z[(i + s) mod n] = x[i]      dx = roll(g, -s)
struct Roll {
  static constexpr OpInfo info{.name = "roll",
                               .formula = "z[(i + s) mod n] = x[i]",
                               .derivatives = {"1 (same element)"},
                               .latex = "z_{(i + s) \\bmod n} = x_{i}",
                               .flops = "0"};
  Shape s;  // for each axis, from 0 to size - 1
  std::string attributes() const { return fmt::format("shifts={}", to_string(s)); }
  Tensor forward(const Tensor& x) const {
    Tensor z = empty_like(x, x.dtype());
    // Each axis that turns falls into two parts that change places: bit i of `parts` says which one of axis i.
    for (std::uint32_t parts = 0; parts < 1u << x.dim(); ++parts) {
      Shape from = Shape::filled(s.size(), 0), to = from, size = x.shape();
      bool whole = true;
      for (int i = 0; i < x.dim(); ++i) {
        const bool tail = parts >> i & 1u;
        if (s[i] == 0) whole = whole && !tail;
        const std::int64_t head = x.shape()[i] - s[i];
        from[i] = tail ? head : 0;
        to[i] = tail ? 0 : s[i];
        size[i] = tail ? s[i] : head;
      }
      if (whole) copy_into(block(z, to, size), block(x, from, size));
    }
    return z;
  }
  void backward(GradContext& c, const Tensor& g) const {
    c.send(0, [&] {
      Shape back = s;
      for (int i = 0; i < g.dim(); ++i) back[i] = s[i] == 0 ? 0 : g.shape()[i] - s[i];
      return roll_by(g, back);
    });
  }
};

Tensor roll_by(const Operand& x, const Shape& shifts) { return record(Roll{shifts}, x); }

std::vector<Tensor> pieces(const Tensor& t, std::span<const std::int64_t> sizes, int axis) {
  std::vector<Tensor> list;
  list.reserve(sizes.size());
  std::int64_t first = 0;
  for (const auto size : sizes) {
    list.push_back(slice(t, axis, first, first + size));
    first += size;
  }
  return list;
}

/// An axis of t, which must have one.
int axis_of(const Tensor& t, std::int64_t dim, const char* who) {
  if (t.dim() == 0) throw ShapeError(fmt::format("{}: x is a scalar and has no axes", who));
  return normal_axis(dim, t.dim(), who);
}

void expect_all_defined(std::span<const Tensor> tensors, const char* who) {
  for (std::size_t i = 0; i < tensors.size(); ++i)
    if (!tensors[i].defined()) throw_empty_argument(who, fmt::format("tensor {}", i + 1));
}

}  // namespace

Tensor cat(std::span<const Tensor> tensors, std::int64_t dim, SourceLocation where) {
  const CalledFrom caller(where);
  if (tensors.empty()) throw ValueError("cat: no tensors were given");
  boost::container::small_vector<Tensor, 8> list;
  expect_all_defined(tensors, "cat");
  list.assign(tensors.begin(), tensors.end());
  const Shape& shape = list[0].shape();
  if (shape.empty()) throw ShapeError("cat: scalars have no axis to join along; stack joins them along a new one");
  Cat op{normal_axis(dim, shape.rank(), "cat"), {}};
  op.sizes.reserve(list.size());
  Tensor widest = list[0];
  std::int64_t total = 0;
  for (std::size_t i = 0; i < list.size(); ++i) {
    const Shape& other = list[i].shape();
    if (other.size() != shape.size())
      throw ShapeError(fmt::format("cat: tensor {} has shape {}, the first has {}: the number of axes differs", i + 1,
                                   to_string(other), to_string(shape)));
    for (int k = 0; k < shape.rank(); ++k)
      if (k != op.axis && other[k] != shape[k])
        throw ShapeError(
            fmt::format("cat: tensor {} has shape {}, the first has {}: axis {} has sizes {} and {}, and "
                        "only axis {} is joined",
                        i + 1, to_string(other), to_string(shape), k, other[k], shape[k], op.axis));
    op.sizes.push_back(other[op.axis]);
    if (__builtin_add_overflow(total, other[op.axis], &total)) throw ShapeError("cat: the joined axis is too long");
    if (common_dtype(widest, list[i]) != widest.dtype()) widest = list[i];
  }
  for (Tensor& t : list) t = as_tensor(t, widest.dtype());
  return record(std::move(op), std::span<const Tensor>(list.data(), list.size()), where);
}

Tensor cat(std::initializer_list<Tensor> tensors, std::int64_t dim, SourceLocation where) {
  return cat(std::span<const Tensor>(tensors.begin(), tensors.size()), dim, where);
}

Tensor stack(std::span<const Tensor> tensors, std::int64_t dim, SourceLocation where) {
  const CalledFrom caller(where);
  if (tensors.empty()) throw ValueError("stack: no tensors were given");
  boost::container::small_vector<Tensor, 8> list;
  list.reserve(tensors.size());
  expect_all_defined(tensors, "stack");
  const Tensor& first = tensors[0];
  const int axis = normal_axis(dim, first.dim() + 1, "stack");
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    const Tensor& t = tensors[i];
    if (t.shape() != first.shape())
      throw ShapeError(fmt::format("stack: tensor {} has shape {}, the first has {}; all must be alike", i + 1,
                                   to_string(t.shape()), to_string(first.shape())));
    list.push_back(unsqueeze(t, axis));
  }
  return cat(std::span<const Tensor>(list.data(), list.size()), axis);
}

Tensor stack(std::initializer_list<Tensor> tensors, std::int64_t dim, SourceLocation where) {
  return stack(std::span<const Tensor>(tensors.begin(), tensors.size()), dim, where);
}

std::vector<Tensor> split(const Operand& x, std::int64_t size, std::int64_t dim) {
  const CalledFrom caller(x.where());
  const Tensor t = tensor_argument(x, "split");
  const int axis = axis_of(t, dim, "split");
  const std::int64_t n = t.shape()[axis];
  if (size < 0 || (size == 0 && n > 0))
    throw ValueError(fmt::format("split: pieces of size {} do not cover axis {} of size {}", size, axis, n));
  std::vector<std::int64_t> sizes;
  for (std::int64_t left = n; left > 0; left -= size) sizes.push_back(std::min(size, left));
  if (n == 0) sizes.push_back(0);
  return pieces(t, sizes, axis);
}

std::vector<Tensor> split(const Operand& x, const std::vector<std::int64_t>& sizes, std::int64_t dim) {
  const CalledFrom caller(x.where());
  const Tensor t = tensor_argument(x, "split");
  const int axis = axis_of(t, dim, "split");
  const std::int64_t n = t.shape()[axis];
  std::int64_t left = n;
  for (const auto size : sizes) left = size < 0 || size > left ? -1 : left - size;
  if (left != 0)
    throw ShapeError(fmt::format("split: sizes ({}) do not add up to axis {} of shape {}, which has {}",
                                 fmt::join(sizes, ", "), axis, to_string(t.shape()), n));
  return pieces(t, sizes, axis);
}

std::vector<Tensor> chunk(const Operand& x, std::int64_t chunks, std::int64_t dim) {
  const CalledFrom caller(x.where());
  const Tensor t = tensor_argument(x, "chunk");
  const int axis = axis_of(t, dim, "chunk");
  if (chunks < 1) throw ValueError(fmt::format("chunk: {} chunks; there must be one at least", chunks));
  const std::int64_t n = t.shape()[axis];
  if (n > 0) return split(t, (n - 1) / chunks + 1, axis);
  return pieces(t, std::vector<std::int64_t>(static_cast<std::size_t>(chunks), 0), axis);
}

Tensor clone(const Operand& x) {
  const CalledFrom caller(x.where());
  return record(Clone{}, tensor_argument(x, "clone"));
}

Tensor flip(const Operand& x, const Axes& dims) {
  const CalledFrom caller(x.where());
  const Tensor t = tensor_argument(x, "flip");
  Shape axes;
  for (const auto d : dims) {
    const int axis = normal_axis(d, t.dim(), "flip");
    if (std::find(axes.begin(), axes.end(), axis) != axes.end())
      throw ShapeError(fmt::format("flip: axis {} is named twice in ({})", axis, fmt::join(dims, ", ")));
    axes.push_back(axis);
  }
  if (t.dim() == 0) axes.clear();
  return record(Flip{axes}, t);
}

Tensor roll(const Operand& x, const Integers& shifts, const Axes& dims) {
  const CalledFrom caller(x.where());
  const Tensor t = tensor_argument(x, "roll");
  if (dims.empty() && shifts.size() == 1 && t.dim() != 1) return reshape(roll(flatten(t), shifts, {0}), t.shape());
  const std::size_t named = dims.empty() ? 1 : dims.size();
  if (shifts.size() != named)
    throw ValueError(fmt::format("roll: {} shifts for {} axes: ({}) and ({})", shifts.size(), named,
                                 fmt::join(shifts, ", "), fmt::join(dims, ", ")));
  Shape total = Shape::filled(t.shape().size(), 0);
  for (std::size_t k = 0; k < named; ++k) {
    const int axis = axis_of(t, dims.empty() ? 0 : dims[k], "roll");
    const std::int64_t n = t.shape()[axis];
    if (n == 0) continue;
    const std::int64_t shift = shifts[k] % n;
    total[axis] = (total[axis] + (shift < 0 ? shift + n : shift)) % n;
  }
  return roll_by(t, total);
}

Tensor repeat(const Operand& x, const Integers& repeats) {
  const CalledFrom caller(x.where());
  const Tensor t = tensor_argument(x, "repeat");
  const std::size_t rank = repeats.size();
  if (rank < t.shape().size())
    throw ShapeError(
        fmt::format("repeat: {} numbers for the {} axes of {}; tile takes fewer", rank, t.dim(), to_string(t.shape())));
  check_rank(rank);
  Shape shape = Shape::filled(rank - t.shape().size(), 1);
  shape.insert(shape.end(), t.shape().begin(), t.shape().end());
  Shape whole = shape;
  for (std::size_t i = 0; i < rank; ++i)
    if (repeats[i] < 0 || __builtin_mul_overflow(shape[i], repeats[i], &whole[i]))
      throw ValueError(
          fmt::format("repeat: {} times along axis {} of {} is not possible", repeats[i], i, to_string(shape)));
  check_shape(whole, item_size(t.dtype()), "repeat");
  Tensor z = reshape(t, shape);
  // From the last axis on: what lies behind an axis is repeated with it, as one run.
  for (std::size_t i = rank; i-- > 0;) {
    if (repeats[i] == 1) continue;
    const Shape before = z.shape();
    std::int64_t outer = 1, run = 1;
    for (std::size_t k = 0; k < rank; ++k) (k < i ? outer : run) *= before[k];
    z = expand(reshape(z, {outer, 1, run}), {outer, repeats[i], run});
    Shape after = before;
    after[i] = whole[i];
    z = reshape(z, after);
  }
  return z;
}

Tensor tile(const Operand& x, const Integers& dims) {
  const CalledFrom caller(x.where());
  const Tensor t = tensor_argument(x, "tile");
  Integers repeats = Integers::filled(std::max(t.shape().size(), dims.size()), 1);
  std::copy(dims.begin(), dims.end(), repeats.end() - static_cast<std::ptrdiff_t>(dims.size()));
  return repeat(t, repeats);
}

namespace {

Value as_list(const std::vector<Tensor>& tensors) { return Value::List(tensors.begin(), tensors.end()); }

}  // namespace

Family arrangement_family() {
  static constexpr const OpInfo* ops[] = {&Cat::info, &Clone::info, &Flip::info, &Roll::info};
  static const Function functions[] = {
      {"cat", "tensors, dim=0", [](const Arguments& a) -> Value { return cat(a.tensors(0), a.integer(1)); },
       "cat([x, y], dim=1)", "x=randn(2,3) y=randn(2,1)"},
      {"stack", "tensors, dim=0", [](const Arguments& a) -> Value { return stack(a.tensors(0), a.integer(1)); },
       "stack([x, y], dim=1)", "x=[1,2,3] y=[4,5,6]", "cat of the tensors with a new axis each"},
      {"split", "tensor, split_size_or_sections, dim=0",
       [](const Arguments& a) -> Value {
         if (a.value(1).is<Value::List>()) return as_list(split(a.operand(0), a.integers(1), a.integer(2)));
         return as_list(split(a.operand(0), a.integer(1), a.integer(2)));
       },
       "split(x, 2)", "x=[1,2,3,4]", "a list of slices of x"},
      {"chunk", "input, chunks, dim=0",
       [](const Arguments& a) -> Value { return as_list(chunk(a.operand(0), a.integer(1), a.integer(2))); },
       "chunk(x, 2)", "x=[1,2,3,4]", "a list of slices of x"},
      {"clone", "input", [](const Arguments& a) -> Value { return clone(a.operand(0)); }, "clone(x)", "x=[1,2,3]"},
      {"flip", "input, *dims", [](const Arguments& a) -> Value { return flip(a.operand(0), a.axes(1)); },
       "flip(x, [1])", "x=randn(2,3)"},
      {"roll", "input, shifts, dims=None",
       [](const Arguments& a) -> Value { return roll(a.operand(0), a.integers(1), a.axes(2)); }, "roll(x, 1)",
       "x=[1,2,3]"},
      {"repeat", "input, *repeats", [](const Arguments& a) -> Value { return repeat(a.operand(0), a.integers(1)); },
       "repeat(x, 2, 2)", "x=randn(2,3)", "x beside itself along each axis"},
      {"tile", "input, *dims", [](const Arguments& a) -> Value { return tile(a.operand(0), a.integers(1)); },
       "tile(x, 2)", "x=[1,2,3]", "x beside itself along each axis"},
  };
  return {ops, functions};
}

}  // namespace chainrule
