// Views: the same memory with other shapes and strides; a copy only where no strides show the new shape. Joining,
// repeating and padding are in arrangement.cpp, picking elements by index tensors in indexing.cpp.
#include "ops/shape/views.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "engine/factory.h"
#include "engine/record.h"
#include "engine/types/error.h"
#include "ops/arguments.h"
#include "ops/families.h"
#include "ops/launch.h"
#include "ops/ops.h"

namespace chainrule {
namespace {

/// Strides that show x's memory in another shape, or false when no strides do. Axes of x that lie evenly behind each
/// other form a run; each run must be cut into whole axes of the new shape.
bool view_strides(const Tensor& x, const Shape& shape, Strides& strides) {
  strides = contiguous_strides(shape);
  if (x.numel() == 0 || x.dim() == 0) return true;
  int axis = shape.rank() - 1;
  std::int64_t run_stride = x.strides().back(), run = 1, covered = 1;
  for (int i = x.dim() - 1; i >= 0; --i) {
    run *= x.shape()[i];
    if (i > 0 && (x.shape()[i - 1] == 1 || x.strides()[i - 1] == run * run_stride)) continue;
    while (axis >= 0 && (covered < run || shape[axis] == 1)) {
      strides[axis] = covered * run_stride;
      covered *= shape[axis--];
    }
    if (covered != run) return false;
    if (i > 0) run_stride = x.strides()[i - 1];
    run = covered = 1;
  }
  return true;
}

// z = reshape(x)      dx = reshape(g)
struct Reshape {
  static constexpr OpInfo info{
      .name = "reshape", .formula = "z = reshape(x)", .derivatives = {"1 (same element)"}, .flops = "0"};
  Shape shape;
  std::string attributes() const { return fmt::format("shape={}", to_string(shape)); }
  Tensor forward(const Tensor& x) const {
    Strides strides;
    if (view_strides(x, shape, strides)) return internal::view(x, shape, strides);
    return internal::view(dense(x), shape, contiguous_strides(shape));
  }
  void backward(GradContext& c, const Tensor& g) const {
    c.send(0, [&] { return reshape(g, c.shape(0)); });
  }
};

// z[.., j, .., i, ..] = x[.., i, .., j, ..]      dx = transpose(g)
struct Transpose {
  static constexpr OpInfo info{
      .name = "transpose", .formula = "z = x^T", .derivatives = {"1 (same element)"}, .flops = "0"};
  int axis0, axis1;
  std::string attributes() const { return fmt::format("dim0={}, dim1={}", axis0, axis1); }
  Tensor forward(const Tensor& x) const {
    Shape shape = x.shape();
    Strides strides = x.strides();
    std::swap(shape[axis0], shape[axis1]);
    std::swap(strides[axis0], strides[axis1]);
    return internal::view(x, shape, strides);
  }
  void backward(GradContext& c, const Tensor& g) const {
    c.send(0, [&] { return transpose(g, axis0, axis1); });
  }
};

// axis i of z = axis p[i] of x      dx = permute(g, inverse of p)
struct Permute {
  static constexpr OpInfo info{
      .name = "permute", .formula = "z = permute(x, p)", .derivatives = {"1 (same element)"}, .flops = "0"};
  Shape p;
  std::string attributes() const { return fmt::format("dims={}", to_string(p)); }
  Tensor forward(const Tensor& x) const {
    Shape shape;
    Strides strides;
    for (const auto axis : p) {
      shape.push_back(x.shape()[axis]);
      strides.push_back(x.strides()[axis]);
    }
    return internal::view(x, shape, strides);
  }
  void backward(GradContext& c, const Tensor& g) const {
    c.send(0, [&] {
      Axes inverse = Axes::filled(p.size(), 0);
      for (std::size_t i = 0; i < p.size(); ++i) inverse[p[i]] = static_cast<std::int64_t>(i);
      return permute(g, inverse);
    });
  }
};

// z = x, repeated along axes of one element      dx = sum of g over the repetitions
struct Expand {
  static constexpr OpInfo info{
      .name = "expand", .formula = "z = expand(x)", .derivatives = {"1 (each repetition)"}, .flops = "0"};
  Shape shape;
  std::string attributes() const { return fmt::format("size={}", to_string(shape)); }
  Tensor forward(const Tensor& x) const { return internal::view(x, shape, broadcast_strides(x, shape)); }
  void backward(GradContext& c, const Tensor& g) const {
    c.send(0, [&] { return sum_to(g, c.shape(0)); });
  }
};

/// `count` elements of one axis: first, first + step, ...
struct Steps {
  int axis;
  std::int64_t first, step, count;
  std::string text() const {
    const std::int64_t end = count == 0 ? first : first + (count - 1) * step + 1;
    return fmt::format("dim={}, start={}, end={}, step={}", axis, first, end, step);
  }
  Tensor of(const Tensor& x) const {
    Shape shape = x.shape();
    Strides strides = x.strides();
    const std::int64_t offset = count > 0 ? first * strides[axis] : 0;
    shape[axis] = count;
    strides[axis] *= step;
    return internal::view(x, shape, strides, offset);
  }
};

Tensor slice(const Tensor& x, const Steps& steps);
Tensor slice_backward(const Tensor& y, const Steps& steps, std::int64_t size);

// z[i] = x[first + i step]      dx = slice_backward(g)
struct TakeSteps {
  static constexpr OpInfo info{
      .name = "slice", .formula = "z = x[start:end:step]", .derivatives = {"1 (picked elements)"}, .flops = "0"};
  Steps steps;
  std::string attributes() const { return steps.text(); }
  Tensor forward(const Tensor& x) const { return steps.of(x); }
  void backward(GradContext& c, const Tensor& g) const {
    c.send(0, [&] { return slice_backward(g, steps, c.shape(0)[steps.axis]); });
  }
};

// z = 0, then z[first + i step] = x[i]      dx = slice(g)
struct SliceBackward {
  static constexpr OpInfo info{
      .name = "slice_backward", .formula = "z = 0; z[start:end:step] = x", .derivatives = {"1 (same element)"}};
  Steps steps;
  std::int64_t size;
  std::string attributes() const { return fmt::format("{}, size={}", steps.text(), size); }
  Tensor forward(const Tensor& x) const {
    Shape shape = x.shape();
    shape[steps.axis] = size;
    Tensor z = zeros(shape, {.dtype = x.dtype()});
    copy_into(steps.of(z), x);
    return z;
  }
  void backward(GradContext& c, const Tensor& g) const {
    c.send(0, [&] { return slice(g, steps); });
  }
};

Tensor slice(const Tensor& x, const Steps& steps) { return record(TakeSteps{steps}, x); }
Tensor slice_backward(const Tensor& y, const Steps& steps, std::int64_t size) {
  return record(SliceBackward{steps, size}, y);
}

}  // namespace

Tensor reshape(const Operand& x, const Shape& wanted) {
  const CalledFrom caller(x.where());
  const Tensor t = tensor_argument(x, "reshape");
  Shape shape = wanted;
  std::int64_t* unknown = nullptr;
  for (auto& size : shape) {
    if (size != -1) continue;
    if (unknown) throw ShapeError(fmt::format("reshape: only one size may be -1, not two as in {}", to_string(wanted)));
    unknown = &size;
    size = 1;
  }
  check_shape(shape, item_size(t.dtype()), "reshape");
  const std::int64_t known = numel(shape);
  if (unknown && known == 0)
    throw ShapeError(fmt::format("reshape: the size -1 in {} is open, because another size is 0", to_string(wanted)));
  if (unknown && t.numel() % known == 0) *unknown = t.numel() / known;
  if (numel(shape) != t.numel())
    throw ShapeError(fmt::format("reshape: {} does not fit {}: {} elements into {}{}", to_string(t.shape()),
                                 to_string(wanted), t.numel(), unknown ? "a multiple of " : "", known));
  return record(Reshape{shape}, t);
}

Tensor flatten(const Operand& x, std::int64_t start_dim, std::int64_t end_dim) {
  const CalledFrom caller(x.where());
  const Tensor t = tensor_argument(x, "flatten");
  const int first = normal_axis(start_dim, t.dim(), "flatten"), last = normal_axis(end_dim, t.dim(), "flatten");
  if (first > last)
    throw ShapeError(
        fmt::format("flatten: start_dim {} stands behind end_dim {} in {}", start_dim, end_dim, to_string(t.shape())));
  Shape shape(t.shape().begin(), t.shape().begin() + std::min(first, t.dim()));
  shape.push_back(1);
  for (int i = first; i <= last && i < t.dim(); ++i) shape.back() *= t.shape()[i];
  for (int i = last + 1; i < t.dim(); ++i) shape.push_back(t.shape()[i]);
  return reshape(t, shape);
}

Tensor squeeze(const Operand& x, const Axes& dim) {
  const CalledFrom caller(x.where());
  const Tensor t = tensor_argument(x, "squeeze");
  std::uint32_t named = dim.empty() ? ~0u : 0;
  for (const auto d : dim) {
    const int axis = normal_axis(d, t.dim(), "squeeze");
    if (named >> axis & 1u)
      throw ShapeError(fmt::format("squeeze: axis {} is named twice in ({})", axis, fmt::join(dim, ", ")));
    named |= 1u << axis;
  }
  Shape shape;
  for (int i = 0; i < t.dim(); ++i)
    if (t.shape()[i] != 1 || !(named >> i & 1u)) shape.push_back(t.shape()[i]);
  return reshape(t, shape);
}

Tensor unsqueeze(const Operand& x, std::int64_t dim) {
  const CalledFrom caller(x.where());
  const Tensor t = tensor_argument(x, "unsqueeze");
  const int axis = normal_axis(dim, t.dim() + 1, "unsqueeze");
  check_rank(t.shape().size() + 1);
  Shape shape = t.shape();
  shape.insert(shape.begin() + axis, 1);
  return reshape(t, shape);
}

Tensor transpose(const Operand& x, std::int64_t dim0, std::int64_t dim1) {
  const CalledFrom caller(x.where());
  const Tensor t = tensor_argument(x, "transpose");
  if (t.dim() == 0) throw ShapeError("transpose: x is a scalar and has no axes");
  const int axis0 = normal_axis(dim0, t.dim(), "transpose"), axis1 = normal_axis(dim1, t.dim(), "transpose");
  return record(Transpose{axis0, axis1}, t);
}

Tensor permute(const Operand& x, const Axes& dims) {
  const CalledFrom caller(x.where());
  const Tensor t = tensor_argument(x, "permute");
  if (dims.size() != t.shape().size())
    throw ShapeError(fmt::format("permute: {} axes are named, x has shape {}", dims.size(), to_string(t.shape())));
  Shape p;
  for (const auto dim : dims) {
    const int axis = normal_axis(dim, t.dim(), "permute");
    if (std::find(p.begin(), p.end(), axis) != p.end())
      throw ShapeError(fmt::format("permute: axis {} is named twice in ({})", axis, fmt::join(dims, ", ")));
    p.push_back(axis);
  }
  return record(Permute{p}, t);
}

Tensor expand(const Operand& x, const Shape& wanted) {
  const CalledFrom caller(x.where());
  const Tensor t = tensor_argument(x, "expand");
  Shape shape = wanted;
  const int lead = shape.rank() - t.dim();
  auto fail = [&](int i) {
    throw ShapeError(fmt::format("expand: {} does not expand to {}: axis {} has size {}, and only size 1 repeats",
                                 to_string(t.shape()), to_string(wanted), i - lead, t.shape()[i - lead]));
  };
  if (lead < 0)
    throw ShapeError(fmt::format("expand: {} has fewer axes than x, {}", to_string(wanted), to_string(t.shape())));
  for (int i = 0; i < shape.rank(); ++i) {
    if (shape[i] == -1 && i >= lead) shape[i] = t.shape()[i - lead];
    if (shape[i] < 0)
      throw ShapeError(
          fmt::format("expand: size {} in {} is not a size; -1 keeps an axis that x has", shape[i], to_string(wanted)));
    if (i >= lead && t.shape()[i - lead] != 1 && shape[i] != t.shape()[i - lead]) fail(i);
  }
  check_shape(shape, item_size(t.dtype()), "expand");
  return record(Expand{shape}, t);
}

Tensor slice(const Operand& x, std::int64_t dim, std::optional<std::int64_t> start, std::optional<std::int64_t> end,
             std::int64_t step) {
  const CalledFrom caller(x.where());
  const Tensor t = tensor_argument(x, "slice");
  if (t.dim() == 0) throw ShapeError("slice: x is a scalar and has no axes");
  const int axis = normal_axis(dim, t.dim(), "slice");
  constexpr auto kLowest = std::numeric_limits<std::int64_t>::min();
  if (step == 0 || step == kLowest) throw ValueError(fmt::format("slice: step {} is not allowed", step));
  // NumPy's bounds: counted from the end when negative, then clipped to where a walk may start or stop.
  const std::int64_t size = t.shape()[axis], low = step > 0 ? 0 : -1, high = step > 0 ? size : size - 1;
  auto bound = [&](std::optional<std::int64_t> given, std::int64_t open) {
    if (!given) return open;
    return std::clamp(*given < 0 ? *given + size : *given, low, high);
  };
  const std::int64_t first = bound(start, step > 0 ? low : high), last = bound(end, step > 0 ? high : low);
  const std::int64_t room = step > 0 ? last - first : first - last, stride = step > 0 ? step : -step;
  const std::int64_t count = room > 0 ? (room - 1) / stride + 1 : 0;
  // With one element or none the step is never taken, and a huge one must not overflow the strides.
  return record(TakeSteps{{axis, first, count > 1 ? step : 1, count}}, t);
}

Family view_family() {
  static constexpr const OpInfo* ops[] = {&Reshape::info, &Transpose::info, &Permute::info,
                                          &Expand::info,  &TakeSteps::info, &SliceBackward::info};
  static const Function functions[] = {
      {"reshape", "input, *shape", [](const Arguments& a) -> Value { return reshape(a.operand(0), a.shape(1)); },
       "reshape(x, 3, -1)", "x=randn(2,3)"},
      {"flatten", "input, start_dim=0, end_dim=-1",
       [](const Arguments& a) -> Value { return flatten(a.operand(0), a.integer(1), a.integer(2)); }, "flatten(x, 1)",
       "x=randn(2,2,3)", "reshape(x) with the axes from start_dim to end_dim joined"},
      {"squeeze", "input, dim=None", [](const Arguments& a) -> Value { return squeeze(a.operand(0), a.axes(1)); },
       "squeeze(x, 1)", "x=randn(2,1,3)", "reshape(x) without axes of size 1"},
      {"unsqueeze", "input, dim", [](const Arguments& a) -> Value { return unsqueeze(a.operand(0), a.integer(1)); },
       "unsqueeze(x, 0)", "x=[1,2,3]", "reshape(x) with one more axis of size 1"},
      {"expand", "input, *size", [](const Arguments& a) -> Value { return expand(a.operand(0), a.shape(1)); },
       "expand(x, 2, -1)", "x=[1,2,3]"},
      {"permute", "input, *dims", [](const Arguments& a) -> Value { return permute(a.operand(0), a.axes(1)); },
       "permute(x, 2, 0, 1)", "x=randn(2,3,2)"},
      {"transpose", "input, dim0, dim1",
       [](const Arguments& a) -> Value { return transpose(a.operand(0), a.integer(1), a.integer(2)); },
       "transpose(x, 0, 1)", "x=randn(2,3)"},
      {"slice", "input, dim=0, start=None, end=None, step=1",
       [](const Arguments& a) -> Value {
         return slice(a.operand(0), a.integer(1), a.optional_integer(2), a.optional_integer(3), a.integer(4));
       },
       "slice(x, 0, 1, 4, 2)", "x=[1,2,3,4,5]"},
      {"detach", "input", [](const Arguments& a) -> Value { return a.tensor(0).detach(); }, "detach(x)", "x=[1,2,3]",
       "no derivative: x as a constant"},
  };
  return {ops, functions};
}

}  // namespace chainrule
