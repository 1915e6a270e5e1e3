// Picking elements by index tensors, and the adjoints that add them back. Every index is checked before the first
// element is read.
#include "ops/shape/indexing.h"

#include <fmt/format.h>

#include <algorithm>

#include "engine/factory.h"
#include "engine/record.h"
#include "engine/types/error.h"
#include "ops/arguments.h"
#include "ops/families.h"
#include "ops/kernels/index.h"
#include "ops/launch.h"
#include "ops/ops.h"
#include "ops/reduce/chosen.h"

namespace chainrule {
namespace {

/// Row-major memory of that shape, but of n along `axis`, as lines.
kernels::Lines lines(const Shape& shape, int axis, std::int64_t n) {
  kernels::Lines l{1, n, 1};
  for (int i = 0; i < axis; ++i) l.outer *= shape[i];
  for (int i = axis + 1; i < shape.rank(); ++i) l.inner *= shape[i];
  return l;
}

Tensor index_add(const Tensor& y, const Tensor& index, int axis, std::int64_t size);

// z[.., j, ..] = x[.., i[j], ..]      dx = index_add(g, i)
struct IndexSelect {
  static constexpr OpInfo info{.name = "index_select",
                               .formula = "z[j] = x[i[j]]",
                               .derivatives = {"1 (picked elements)"},
                               .inputs = "x i",
                               .flops = "0"};
  static constexpr Uses uses[] = {kY, kNothing};
  int axis;
  std::string attributes() const { return fmt::format("dim={}", axis); }
  Tensor forward(const Tensor& x, const Tensor& i) const {
    Shape shape = x.shape();
    shape[axis] = i.numel();
    Tensor z = empty(shape, x.dtype());
    const Tensor from = dense(x), index = dense(i);
    kernels::index_select(x.dtype(), from.data(), lines(shape, axis, x.shape()[axis]), index.data<std::int64_t>(),
                          i.numel(), z.impl().data);
    return z;
  }
  void backward(GradContext& c, const Tensor& g) const {
    c.send(0, [&] { return index_add(g, c.input(1), axis, c.shape(0)[axis]); });
  }
};

// z = 0, then z[.., i[j], ..] += x[.., j, ..]      dx = index_select(g, i)
struct IndexAdd {
  static constexpr OpInfo info{.name = "index_add",
                               .formula = "z = 0; z[i[j]] += x[j]",
                               .derivatives = {"1 (same element)"},
                               .inputs = "x i",
                               .flops = "numel(x)"};
  static constexpr Uses uses[] = {kY, kNothing};
  int axis;
  std::int64_t size;
  std::string attributes() const { return fmt::format("dim={}, size={}", axis, size); }
  Tensor forward(const Tensor& x, const Tensor& i) const {
    Shape shape = x.shape();
    shape[axis] = size;
    Tensor z = empty(shape, x.dtype());
    const Tensor from = dense(x), index = dense(i);
    kernels::index_add(x.dtype(), from.data(), lines(shape, axis, size), index.data<std::int64_t>(), i.numel(),
                       z.impl().data);
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
  return shape == x.shape() ? x : internal::view(x, shape, x.strides());
}

/// 0, then y added at i, in a shape of its own.
Tensor scattered(const Tensor& y, const Tensor& i, int axis, const Shape& shape) {
  const Tensor from = dense(y), index = dense(i);
  Shape part = i.shape();
  part[axis] = shape[axis];
  Tensor z = empty(part, y.dtype());
  kernels::scatter_add(y.dtype(), from.data(), lines(i.shape(), axis, shape[axis]), index.data<std::int64_t>(),
                       i.shape()[axis], z.impl().data);
  if (part == shape) return z;
  Tensor all = zeros(shape, {.dtype = y.dtype()});
  copy_into(internal::view(all, part, all.strides()), z);
  return all;
}

// z[.., j, ..] = x[.., i[.., j, ..], ..]      dx = gather_backward(g, i)
struct Gather {
  static constexpr OpInfo info{.name = "gather",
                               .formula = "z[j, k] = x[i[j, k], k]",
                               .derivatives = {"1 (picked elements)"},
                               .inputs = "x i",
                               .flops = "0"};
  static constexpr Uses uses[] = {kY, kNothing};
  int axis;
  std::string attributes() const { return fmt::format("dim={}", axis); }
  Tensor forward(const Tensor& x, const Tensor& i) const { return picked_values(x, i, axis); }
  void backward(GradContext& c, const Tensor& g) const {
    c.send(0, [&] { return gather_backward(g, c.input(1), axis, c.shape(0)); });
  }
};

// z = 0, then z[.., i[.., j, ..], ..] += x[.., j, ..]      dx = gather(g, i)
struct GatherBackward {
  static constexpr OpInfo info{.name = "gather_backward",
                               .formula = "z = 0; z[i[j, k], k] += x[j, k]",
                               .derivatives = {"1 (same element)"},
                               .inputs = "x i",
                               .flops = "numel(x)"};
  static constexpr Uses uses[] = {kY, kNothing};
  int axis;
  Shape shape;
  std::string attributes() const { return fmt::format("dim={}, shape={}", axis, to_string(shape)); }
  Tensor forward(const Tensor& x, const Tensor& i) const { return scattered(x, i, axis, shape); }
  void backward(GradContext& c, const Tensor& g) const {
    c.send(0, [&] { return record(Gather{axis}, g, c.input(1)); });
  }
};

// z = x, then z[.., i[.., j, ..], ..] += y[.., j, ..]      dx = g,  dy = gather(g, i)
struct ScatterAdd {
  static constexpr OpInfo info{.name = "scatter_add",
                               .formula = "z = x; z[i[j, k], k] += y[j, k]",
                               .derivatives = {"1", nullptr, "1 (same element)"},
                               .inputs = "x i y",
                               .flops = "numel(x) + numel(y)"};
  static constexpr Uses uses[] = {kNothing, kNothing, kY};
  int axis;
  std::string attributes() const { return fmt::format("dim={}", axis); }
  Tensor forward(const Tensor& x, const Tensor& i, const Tensor& y) const {
    Tensor z = zip(x, scattered(y, i, axis, x.shape()), Binary::add, "scatter_add");
    if (z.dtype() == DType::int64) expect_not_wrapped(z, forward(in_float64(x), i, in_float64(y)), "scatter_add");
    return z;
  }
  void backward(GradContext& c, const Tensor& g) const {
    c.send(0, [&] { return g; });
    c.send(2, [&] { return record(Gather{axis}, g, c.input(1)); });
  }
};

void check_index(const Tensor& index, const char* who, const char* name = "index") {
  if (!index.defined()) throw_empty_argument(who, name);
  if (index.dtype() != DType::int64)
    throw ValueError(fmt::format("{}: the index holds {}, it must hold int64; convert it with to(index, DType::int64)",
                                 who, name_of(index.dtype())));
}

/// "(1, 2)", or the number itself along one axis.
std::string place_of(std::int64_t position, const Shape& shape) {
  Shape place = Shape::filled(shape.size(), 0);
  for (int i = shape.rank() - 1; i >= 0; --i) {
    place[i] = position % shape[i];
    position /= shape[i];
  }
  return place.size() == 1 ? std::to_string(place[0]) : to_string(place);
}

void check_inside(const Tensor& index, std::int64_t size, int axis, const char* who) {
  const Tensor all = dense(index);
  const std::int64_t bad = kernels::first_outside(all.data<std::int64_t>(), all.numel(), size);
  if (bad < 0) return;
  throw ValueError(fmt::format("{}: index {} is {}, outside axis {} of size {}", who, place_of(bad, index.shape()),
                               all.data<std::int64_t>()[bad], axis, size));
}

/// x and index as gather and scatter_add take them: the same number of axes, the other axes of index within x's.
int check_pair(const Tensor& x, const Tensor& index, std::int64_t dim, const char* who) {
  if (index.dim() != x.dim())
    throw ShapeError(fmt::format("{}: x {} and index {} must have the same number of axes", who, to_string(x.shape()),
                                 to_string(index.shape())));
  const int axis = normal_axis(dim, x.dim(), who);
  for (int i = 0; i < x.dim(); ++i)
    if (i != axis && index.shape()[i] > x.shape()[i])
      throw ShapeError(fmt::format("{}: index {} is larger than x {} along axis {}: {} and {}", who,
                                   to_string(index.shape()), to_string(x.shape()), i, index.shape()[i], x.shape()[i]));
  check_inside(index, x.dim() ? x.shape()[axis] : 1, axis, who);
  return axis;
}

}  // namespace

Tensor picked_values(const Tensor& x, const Tensor& i, int dim) {
  const NoGrad values_only;
  Tensor z = empty(i.shape(), x.dtype());
  const Tensor from = dense(reached(x, i.shape(), dim)), index = dense(i);
  kernels::gather(x.dtype(), from.data(), lines(i.shape(), dim, x.shape()[dim]), index.data<std::int64_t>(),
                  i.shape()[dim], z.impl().data);
  return z;
}

Tensor gather_backward(const Tensor& g, const Tensor& i, int dim, const Shape& x) {
  return record(GatherBackward{dim, x}, g, i);
}

Tensor index_select(const Operand& x, std::int64_t dim, const Tensor& index) {
  const CalledFrom caller(x.where());
  const Tensor t = tensor_argument(x, "index_select");
  check_index(index, "index_select");
  if (index.dim() > 1 || (t.dim() == 0 && index.numel() != 1))
    throw ShapeError(fmt::format("index_select: the index has shape {}, it must have {}", to_string(index.shape()),
                                 t.dim() == 0 ? "one number, as x is a scalar" : "one axis"));
  const int axis = normal_axis(dim, t.dim(), "index_select");
  check_inside(index, t.dim() ? t.shape()[axis] : 1, axis, "index_select");
  if (t.dim() == 0) return reshape(x, {});
  const Tensor i = index.dim() ? index : reshape(index, {1});
  return record(IndexSelect{axis}, t, i);
}

Tensor gather(const Operand& x, std::int64_t dim, const Tensor& index) {
  const CalledFrom caller(x.where());
  const Tensor t = tensor_argument(x, "gather");
  check_index(index, "gather");
  const int axis = check_pair(t, index, dim, "gather");
  if (t.dim() == 0) return reshape(x, {});
  return record(Gather{axis}, t, index);
}

Tensor scatter_add(const Operand& x, std::int64_t dim, const Tensor& index, const Operand& src) {
  const CalledFrom caller(x.where());
  const Tensor t = tensor_argument(x, "scatter_add");
  Tensor y = tensor_argument(src, "scatter_add", "src");
  check_index(index, "scatter_add");
  if (t.dtype() != y.dtype() || t.dtype() == DType::boolean)
    throw ValueError(fmt::format("scatter_add: x holds {} and src {}; numbers of one type can be added",
                                 name_of(t.dtype()), name_of(y.dtype())));
  const int axis = check_pair(t, index, dim, "scatter_add");
  if (y.dim() != index.dim())
    throw ShapeError(fmt::format("scatter_add: src {} and index {} must have the same number of axes",
                                 to_string(y.shape()), to_string(index.shape())));
  for (int i = 0; i < y.dim(); ++i) {
    if (y.shape()[i] < index.shape()[i])
      throw ShapeError(fmt::format("scatter_add: index {} is larger than src {} along axis {}: {} and {}",
                                   to_string(index.shape()), to_string(y.shape()), i, index.shape()[i], y.shape()[i]));
    if (y.shape()[i] > index.shape()[i]) y = slice(y, i, 0, index.shape()[i]);
  }
  if (t.dim() == 0) return add(x, y);
  return record(ScatterAdd{axis}, t, index, y);
}

Tensor take_along_dim(const Operand& x, const Tensor& indices, std::optional<std::int64_t> dim) {
  const CalledFrom caller(x.where());
  const Tensor t = tensor_argument(x, "take_along_dim");
  check_index(indices, "take_along_dim", "indices");
  if (!dim) {
    const Tensor flat = reshape(indices, {-1});
    check_inside(flat, t.numel(), 0, "take_along_dim");
    return record(Gather{0}, reshape(t, {-1}), flat);
  }
  if (t.dim() != indices.dim())
    throw ShapeError(fmt::format("take_along_dim: x {} and indices {} must have the same number of axes",
                                 to_string(t.shape()), to_string(indices.shape())));
  const int axis = normal_axis(*dim, t.dim(), "take_along_dim");
  Shape a = t.shape(), b = indices.shape();
  if (t.dim() > 0) a[axis] = b[axis] = 1;
  a = b = broadcast_shapes(a, b, "take_along_dim");
  if (t.dim() > 0) a[axis] = t.shape()[axis], b[axis] = indices.shape()[axis];
  return gather(expand(t, a), axis, expand(indices, b));
}

Tensor masked_fill(const Operand& x, const Tensor& mask, const Operand& value) {
  const CalledFrom caller(x.where());
  const Tensor t = tensor_argument(x, "masked_fill");
  if (!mask.defined()) throw_empty_argument("masked_fill", "mask");
  if (mask.dtype() != DType::boolean)
    throw ValueError(fmt::format("masked_fill: the mask holds {}, it must hold bool; compare first, as in x > 0",
                                 name_of(mask.dtype())));
  (void)tensor_or_number(value, "masked_fill", "value");
  if (!value.is_number() && value.tensor().dim() > 0)
    throw ShapeError(fmt::format("masked_fill: the value has shape {}, it must be one number without axes",
                                 to_string(value.tensor().shape())));
  if (broadcast_shapes(t.shape(), mask.shape(), "masked_fill") != t.shape())
    throw ShapeError(
        fmt::format("masked_fill: the mask {} is larger than x {}", to_string(mask.shape()), to_string(t.shape())));
  return where(mask, as_tensor(value, t.dtype()), t);
}

Tensor one_hot(const Tensor& x, std::int64_t num_classes) {
  check_index(x, "one_hot", "x");
  const Tensor index = dense(x);
  const std::int64_t n = index.numel(), *p = index.data<std::int64_t>();
  if (num_classes < 0 && n == 0)
    throw ValueError("one_hot: without any class the number of classes is unknown; name it, as in num_classes=10");
  if (num_classes < -1 || num_classes == 0)
    throw ValueError(fmt::format("one_hot: num_classes is {}, it must be positive, or -1 to count them", num_classes));
  const std::int64_t classes =
      num_classes < 0 ? std::max<std::int64_t>(*std::max_element(p, p + n) + 1, 1) : num_classes;
  const std::int64_t bad = kernels::first_outside(p, n, classes);
  if (bad >= 0)
    throw ValueError(fmt::format("one_hot: the class at {} is {}, with {} classes it must be from 0 to {}",
                                 place_of(bad, x.shape()), p[bad], classes, classes - 1));
  Shape shape = x.shape();
  check_rank(shape.size() + 1);
  shape.push_back(classes);
  check_shape(shape, sizeof(std::int64_t), "one_hot");
  Tensor z = zeros(shape, {.dtype = DType::int64});
  auto* to = static_cast<std::int64_t*>(z.impl().data);
  for (std::int64_t i = 0; i < n; ++i) to[i * classes + p[i]] = 1;
  return z;
}

Family indexing_family() {
  static constexpr const OpInfo* ops[] = {&IndexSelect::info, &IndexAdd::info, &Gather::info, &GatherBackward::info,
                                          &ScatterAdd::info};
  static const Function functions[] = {
      {"index_select", "input, dim, index",
       [](const Arguments& a) -> Value { return index_select(a.operand(0), a.integer(1), a.indices(2)); },
       "index_select(x, 0, [2, 0, 2])", "x=[1,2,3]"},
      {"gather", "input, dim, index",
       [](const Arguments& a) -> Value { return gather(a.operand(0), a.integer(1), a.indices(2)); },
       "gather(x, 1, [[0, 0], [1, 0]])", "x=[[1,2],[3,4]]"},
      {"scatter_add", "input, dim, index, src",
       [](const Arguments& a) -> Value { return scatter_add(a.operand(0), a.integer(1), a.indices(2), a.operand(3)); },
       "scatter_add(x, 0, [0, 1, 0], y)", "x=[1,2,3] y=[4,5,6]"},
      {"masked_fill", "input, mask, value",
       [](const Arguments& a) -> Value { return masked_fill(a.operand(0), a.tensor(1), a.operand(2)); },
       "masked_fill(x, x > 2.5, 0)", "x=[1,2,3]", "where(mask, value, x)"},
      {"take_along_dim", "input, indices, dim=None",
       [](const Arguments& a) -> Value { return take_along_dim(a.operand(0), a.indices(1), a.optional_integer(2)); },
       "take_along_dim(x, [[1], [0]], dim=1)", "x=[[1,2],[3,4]]", "gather(x, dim, indices), both broadcast"},
      {"one_hot", "tensor, num_classes=-1",
       [](const Arguments& a) -> Value { return one_hot(a.indices(0), a.integer(1)); }, "one_hot([0, 2, 1])", "",
       "no derivative: whole numbers"},
  };
  return {ops, functions};
}

}  // namespace chainrule
