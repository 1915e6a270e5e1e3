// Picking elements by index tensors, and the adjoints that add them back. Every index is checked before the first
// element is read.
#include <fmt/format.h>

#include <algorithm>

#include "engine/error.h"
#include "engine/factory.h"
#include "engine/record.h"
#include "ops/arguments.h"
#include "ops/kernels/index.h"
#include "ops/launch.h"
#include "ops/function.h"
#include "ops/ops.h"
#include "ops/registry.h"

namespace chainrule {
namespace {

/// A row-major block seen as (outer, axis, inner).
struct Blocks {
  std::int64_t outer = 1, inner = 1;
  Blocks(const Shape& shape, int axis) {
    for (int i = 0; i < axis; ++i) outer *= shape[i];
    for (int i = axis + 1; i < shape.rank(); ++i) inner *= shape[i];
  }
};

const std::int64_t* numbers(const Tensor& index) { return static_cast<const std::int64_t*>(index.data()); }

Tensor index_add(const Tensor& y, const Tensor& index, int axis, std::int64_t size);
Tensor scatter_add(const Tensor& y, const Tensor& index, int axis, const Shape& shape);

// z[.., j, ..] = x[.., i[j], ..]      dx = index_add(g, i)
struct IndexSelect {
  static constexpr OpInfo info{
      .name = "index_select", .formula = "z[j] = x[i[j]]", .derivatives = {"1 (picked elements)"}, .inputs = "x i"};
  static constexpr Uses uses[] = {kY, kNothing};
  int axis;
  std::string attributes() const { return fmt::format("dim={}", axis); }
  Tensor forward(const Tensor& x, const Tensor& i) const {
    Shape shape = x.shape();
    shape[axis] = i.numel();
    Tensor z = empty(shape, x.dtype());
    const Blocks b(shape, axis);
    const Tensor from = contiguous_values(x), index = contiguous_values(i);
    kernels::index_select(x.dtype(), from.data(), b.outer, x.shape()[axis], b.inner, numbers(index), i.numel(),
                          z.impl().data);
    return z;
  }
  void backward(GradContext& c, const Tensor& g) const {
    c.send(0, [&] { return index_add(g, c.input(1), axis, c.shape(0)[axis]); });
  }
};

// z = 0, then z[.., i[j], ..] += x[.., j, ..]      dx = index_select(g, i)
struct IndexAdd {
  static constexpr OpInfo info{
      .name = "index_add", .formula = "z = 0; z[i[j]] += x[j]", .derivatives = {"1 (same element)"}, .inputs = "x i"};
  static constexpr Uses uses[] = {kY, kNothing};
  int axis;
  std::int64_t size;
  std::string attributes() const { return fmt::format("dim={}, size={}", axis, size); }
  Tensor forward(const Tensor& x, const Tensor& i) const {
    Shape shape = x.shape();
    shape[axis] = size;
    Tensor z = empty(shape, x.dtype());
    const Blocks b(shape, axis);
    const Tensor from = contiguous_values(x), index = contiguous_values(i);
    kernels::index_add(x.dtype(), from.data(), b.outer, size, b.inner, numbers(index), i.numel(), z.impl().data);
    return z;
  }
  void backward(GradContext& c, const Tensor& g) const {
    c.send(0, [&] { return index_select(g, axis, c.input(1)); });
  }
};

Tensor index_add(const Tensor& y, const Tensor& index, int axis, std::int64_t size) {
  return record(IndexAdd{axis, size}, y, index);
}

/// The part of x that an index of that shape reaches: all of `axis`, the first elements of the others.
Tensor reached(const Tensor& x, const Shape& index, int axis) {
  Shape shape = index;
  shape[axis] = x.shape()[axis];
  return shape == x.shape() ? x : view(x, shape, x.strides());
}

// z[.., j, ..] = x[.., i[.., j, ..], ..]      dx = scatter_add(g, i)
struct Gather {
  static constexpr OpInfo info{
      .name = "gather", .formula = "z[j, k] = x[i[j, k], k]", .derivatives = {"1 (picked elements)"}, .inputs = "x i"};
  static constexpr Uses uses[] = {kY, kNothing};
  int axis;
  std::string attributes() const { return fmt::format("dim={}", axis); }
  Tensor forward(const Tensor& x, const Tensor& i) const {
    Tensor z = empty(i.shape(), x.dtype());
    const Blocks b(i.shape(), axis);
    const Tensor from = contiguous_values(reached(x, i.shape(), axis)), index = contiguous_values(i);
    kernels::gather(x.dtype(), from.data(), b.outer, x.shape()[axis], b.inner, numbers(index), i.shape()[axis],
                    z.impl().data);
    return z;
  }
  void backward(GradContext& c, const Tensor& g) const {
    c.send(0, [&] { return scatter_add(g, c.input(1), axis, c.shape(0)); });
  }
};

// z = 0, then z[.., i[.., j, ..], ..] += x[.., j, ..]      dx = gather(g, i)
struct ScatterAdd {
  static constexpr OpInfo info{.name = "scatter_add",
                               .formula = "z = 0; z[i[j, k], k] += x[j, k]",
                               .derivatives = {"1 (same element)"},
                               .inputs = "x i"};
  static constexpr Uses uses[] = {kY, kNothing};
  int axis;
  Shape shape;
  std::string attributes() const { return fmt::format("dim={}, shape={}", axis, to_string(shape)); }
  Tensor forward(const Tensor& x, const Tensor& i) const {
    const Tensor from = contiguous_values(x), index = contiguous_values(i);
    const Blocks b(i.shape(), axis);
    Shape part = i.shape();
    part[axis] = shape[axis];
    Tensor z = empty(part, x.dtype());
    kernels::scatter_add(x.dtype(), from.data(), b.outer, shape[axis], b.inner, numbers(index), i.shape()[axis],
                         z.impl().data);
    if (part == shape) return z;
    Tensor all = zeros(shape, {.dtype = x.dtype()});
    kernels::copy_strided(x.dtype(), z.data(), z.strides(), all.impl().data, all.strides(), part);
    return all;
  }
  void backward(GradContext& c, const Tensor& g) const {
    c.send(0, [&] { return gather(g, axis, c.input(1)); });
  }
};

Tensor scatter_add(const Tensor& y, const Tensor& index, int axis, const Shape& shape) {
  return record(ScatterAdd{axis, shape}, y, index);
}

void check_index(const Tensor& index, const char* who) {
  if (!index.defined()) throw ValueError(fmt::format("{}: the index is an empty tensor handle", who));
  if (index.dtype() != DType::int64)
    throw ValueError(fmt::format("{}: the index holds {}, it must hold int64", who, name_of(index.dtype())));
}

void check_inside(const Tensor& index, std::int64_t size, int axis, const char* who) {
  const Tensor all = contiguous_values(index);
  const std::int64_t bad = kernels::first_outside(numbers(all), all.numel(), size);
  if (bad < 0) return;
  Shape place(index.shape().size());
  std::int64_t rest = bad;
  for (int i = index.dim() - 1; i >= 0; --i) {
    place[i] = rest % index.shape()[i];
    rest /= index.shape()[i];
  }
  const std::string at = place.size() == 1 ? std::to_string(place[0]) : to_string(place);
  throw ValueError(
      fmt::format("{}: index {} is {}, outside axis {} of size {}", who, at, numbers(all)[bad], axis, size));
}

}  // namespace

Tensor index_select(const Operand& x, std::int64_t dim, const Tensor& index) {
  const Tensor t = tensor_argument(x, "index_select");
  check_index(index, "index_select");
  if (t.dim() == 0) throw ShapeError("index_select: x is a scalar and has no axes");
  if (index.dim() != 1)
    throw ShapeError(
        fmt::format("index_select: the index has shape {}, it must have one axis", to_string(index.shape())));
  const int axis = normal_axis(dim, t.dim(), "index_select");
  check_inside(index, t.shape()[axis], axis, "index_select");
  return record(IndexSelect{axis}, Operand(t, x.where()), Operand(index, x.where()));
}

Tensor gather(const Operand& x, std::int64_t dim, const Tensor& index) {
  const Tensor t = tensor_argument(x, "gather");
  check_index(index, "gather");
  if (t.dim() == 0 || index.dim() != t.dim())
    throw ShapeError(fmt::format("gather: x {} and index {} must have the same number of axes, one at least",
                                 to_string(t.shape()), to_string(index.shape())));
  const int axis = normal_axis(dim, t.dim(), "gather");
  for (int i = 0; i < t.dim(); ++i)
    if (i != axis && index.shape()[i] > t.shape()[i])
      throw ShapeError(fmt::format("gather: index {} is larger than x {} along axis {}: {} and {}",
                                   to_string(index.shape()), to_string(t.shape()), i, index.shape()[i], t.shape()[i]));
  check_inside(index, t.shape()[axis], axis, "gather");
  return record(Gather{axis}, Operand(t, x.where()), Operand(index, x.where()));
}

std::span<const OpInfo* const> indexing_ops() {
  static constexpr const OpInfo* list[] = {&IndexSelect::info, &Gather::info, &IndexAdd::info, &ScatterAdd::info};
  return list;
}

std::span<const Function> indexing_functions() { return {}; }

}  // namespace chainrule
