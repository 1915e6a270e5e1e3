// Axes as bits, and the order of axes in which a reduction can run over memory as it lies.

#include "ops/reduce/axes.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <limits>

#include "engine/types/error.h"
#include "ops/function.h"
#include "ops/launch.h"
#include "ops/ops.h"

namespace chainrule {

Axes Over::axes() const {
  Axes list;
  list.reserve(kMaxRank);
  for (int i = 0; i < kMaxRank; ++i)
    if (has(i)) list.push_back(i);
  return list;
}

Shape Over::result(const Shape& x, bool keep) const {
  Shape z;
  for (int i = 0; i < x.rank(); ++i)
    if (!has(i))
      z.push_back(x[i]);
    else if (keep)
      z.push_back(1);
  return z;
}

std::int64_t Over::count(const Shape& x) const {
  std::int64_t n = 1;
  for (int i = 0; i < x.rank(); ++i)
    if (has(i)) n *= x[i];
  return n;
}

std::string Over::text() const { return fmt::format("dim=({}), keepdim={}", fmt::join(axes(), ", "), keepdim); }

Over over(const Tensor& x, const Axes& dim, bool keepdim, const char* who) {
  Over o{0, keepdim};
  for (const std::int64_t d : dim) {
    const int axis = normal_axis(d, x.dim(), who);
    if (o.has(axis))
      throw ShapeError(fmt::format("{}: axis {} is given twice in ({})", who, axis, fmt::join(dim, ", ")));
    o.bits |= 1u << axis;
  }
  const std::uint32_t all = (1u << x.dim()) - 1;
  o.bits = dim.empty() ? all : o.bits & all;  // a scalar accepts axis 0 and has none
  return o;
}

void expect_elements(const Tensor& x, const Over& o, const char* who, const char* what) {
  for (int i = 0; i < x.dim(); ++i)
    if (o.has(i) && x.shape()[i] == 0)
      throw ShapeError(
          fmt::format("{}: axis {} of shape {} is empty, so it has no {}", who, i, to_string(x.shape()), what));
}

FoldPlan fold(const Tensor& x, const Over& o, DType dtype) {
  std::array<int, kMaxRank> order{};  // the axes, slowest in memory first
  const int rank = x.dim();
  for (int i = 0; i < rank; ++i) order[i] = i;
  const auto begin = order.begin(), end = begin + rank;
  FoldPlan f{.x = x, .z = {}};
  auto reduced_axis = [&](int a) { return o.has(a) || x.shape()[a] == 1; };
  if (is_dense(x.shape(), x.strides()))
    sort_axes(begin, end, [&](int a, int b) { return x.strides()[a] > x.strides()[b]; });
  // One run of reduced axes can be folded in place; axes of size 1 belong to any run.
  auto run = std::find_if(begin, end, [&](int a) { return o.has(a) && x.shape()[a] != 1; });
  auto rest = std::find_if_not(run, end, reduced_axis);
  const bool one_run = std::none_of(rest, end, [&](int a) { return o.has(a) && x.shape()[a] != 1; });
  if (!one_run || !is_dense(x.shape(), x.strides())) {
    for (int i = 0; i < rank; ++i) order[i] = i;
    sort_axes(begin, end, [&](int a, int b) { return !o.has(a) && o.has(b); });
    run = std::find_if(begin, end, [&](int a) { return o.has(a); });
    rest = end;
    Shape shape;
    Strides strides;
    for (auto a = begin; a != end; ++a) {
      shape.push_back(x.shape()[*a]);
      strides.push_back(x.strides()[*a]);
    }
    f.x = empty(shape, x.dtype());
    kernels::copy_strided(x.dtype(), x.data(), strides, f.x.impl().data, f.x.strides(), shape);
  }
  for (auto a = begin; a != end; ++a) (a < run ? f.lines.outer : a < rest ? f.lines.n : f.lines.inner) *= x.shape()[*a];

  // The kept axes lie in the result in the order that they have in memory.
  Strides of_axis = Strides::filled(rank, 1);
  std::int64_t step = 1;
  for (auto a = end; a != begin;) {
    if (o.has(*--a)) continue;
    of_axis[*a] = step;
    step *= std::max<std::int64_t>(x.shape()[*a], 1);
  }
  const Shape shape = o.result(x.shape(), o.keepdim);
  Strides strides;
  for (int i = 0; i < rank; ++i)
    if (!o.has(i) || o.keepdim) strides.push_back(of_axis[i]);
  std::int64_t last = std::numeric_limits<std::int64_t>::max();
  bool row_major = true;
  for (int i = 0; i < rank; ++i) {
    if (o.has(i) || x.shape()[i] == 1) continue;
    row_major = row_major && of_axis[i] <= last;
    last = of_axis[i];
  }
  f.z = row_major ? internal::empty_result(shape, dtype) : empty_strided(shape, strides, dtype);
  return f;
}

Tensor with_axes(const Tensor& g, const Over& o, const Shape& x) {
  return o.keepdim ? g : reshape(g, o.result(x, true));
}

Tensor joined(const Tensor& x, const Over& o) {
  Axes order;
  order.reserve(kMaxRank);
  for (int i = 0; i < x.dim(); ++i)
    if (!o.has(i)) order.push_back(i);
  for (int i = 0; i < x.dim(); ++i)
    if (o.has(i)) order.push_back(i);
  Shape shape = o.result(x.shape(), false);
  shape.push_back(o.count(x.shape()));
  return reshape(permute(x, order), shape);
}

Tensor unjoined(const Tensor& y, const Over& o, const Shape& x) {
  Shape moved;
  Axes order = Axes::filled(x.size(), 0);  // where each axis of x stands in y
  for (const bool reduced : {false, true})
    for (int i = 0; i < x.rank(); ++i)
      if (o.has(i) == reduced) {
        order[static_cast<std::size_t>(i)] = moved.rank();
        moved.push_back(x[i]);
      }
  return permute(reshape(y, moved), order);
}

kernels::Lines lines(const Tensor& dense, int dim) {
  if (dense.numel() == 0) {  // an empty axis still has lines, and logsumexp a result for each
    kernels::Lines l{1, dense.dim() ? dense.shape()[dim] : 1, 1};
    for (int i = 0; i < dense.dim(); ++i)
      if (i != dim) l.outer *= dense.shape()[i];
    return l;
  }
  const std::int64_t n = dense.dim() ? dense.shape()[dim] : 1, inner = n == 1 ? 1 : dense.strides()[dim];
  return {dense.numel() / (n * inner), n, inner};
}

Tensor input_as(const Arguments& a, int dtype) {
  const Tensor x = a.tensor(0);
  return a.is_none(dtype) ? x : to(x, a.dtype(dtype));
}

}  // namespace chainrule
