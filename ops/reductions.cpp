// Sum, mean and largest value over any axes. The kernels fold one axis of dense memory, so the axes are brought
// together here first; memory that is dense in some order (channels-last images too) is folded where it lies.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <limits>

#include "engine/error.h"
#include "ops/kernels/reduce.h"
#include "ops/function.h"
#include "ops/ops.h"
#include "ops/registry.h"
#include "ops/rules.h"

namespace chainrule {
namespace {

/// Which axes of an input are reduced, as bits, and whether they stay with size 1.
struct Over {
  std::uint32_t bits = 0;
  bool keepdim = false;

  bool has(int axis) const { return bits >> axis & 1u; }
  Axes axes() const {
    Axes list;
    for (int i = 0; i < kMaxRank; ++i)
      if (has(i)) list.push_back(i);
    return list;
  }
  /// The result's shape: reduced axes gone, or of size 1.
  Shape result(const Shape& x, bool keep) const {
    Shape z;
    for (int i = 0; i < x.rank(); ++i)
      if (!has(i))
        z.push_back(x[i]);
      else if (keep)
        z.push_back(1);
    return z;
  }
  /// Numbers in one group.
  std::int64_t count(const Shape& x) const {
    std::int64_t n = 1;
    for (int i = 0; i < x.rank(); ++i)
      if (has(i)) n *= x[i];
    return n;
  }
  std::string text() const { return fmt::format("dim=({}), keepdim={}", fmt::join(axes(), ", "), keepdim); }
};

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

/// x seen as (outer, reduced, inner), and room for the result.
struct Fold {
  Tensor x, z;
  std::int64_t outer = 1, reduced = 1, inner = 1;
};

Fold fold(const Tensor& x, const Over& o, DType dtype) {
  std::array<int, kMaxRank> order{};  // the axes, slowest in memory first
  const int rank = x.dim();
  for (int i = 0; i < rank; ++i) order[i] = i;
  const auto begin = order.begin(), end = begin + rank;
  Fold f{.x = x, .z = {}};
  auto reduced_axis = [&](int a) { return o.has(a) || x.shape()[a] == 1; };
  if (is_dense(x.shape(), x.strides()))
    std::stable_sort(begin, end, [&](int a, int b) { return x.strides()[a] > x.strides()[b]; });
  // One run of reduced axes can be folded in place; axes of size 1 belong to any run.
  auto run = std::find_if(begin, end, [&](int a) { return o.has(a) && x.shape()[a] != 1; });
  auto rest = std::find_if_not(run, end, reduced_axis);
  const bool one_run = std::none_of(rest, end, [&](int a) { return o.has(a) && x.shape()[a] != 1; });
  if (!one_run || !is_dense(x.shape(), x.strides())) {
    for (int i = 0; i < rank; ++i) order[i] = i;
    run = std::stable_partition(begin, end, [&](int a) { return !o.has(a); });
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
  for (auto a = begin; a != end; ++a) (a < run ? f.outer : a < rest ? f.reduced : f.inner) *= x.shape()[*a];

  // The kept axes lie in the result in the order that they have in memory.
  Strides of_axis(rank, 1);
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
  f.z = row_major ? empty_result(shape, dtype) : empty_strided(shape, strides, dtype);
  return f;
}

// g with the reduced axes back, of size 1.
Tensor with_axes(const Tensor& g, const Over& o, const Shape& x) {
  return o.keepdim ? g : reshape(g, o.result(x, true));
}

// z = sum(x)      dx = g, repeated along the summed axes
struct Sum {
  static constexpr OpInfo info{.name = "sum", .formula = "z = sum(x)", .derivatives = {"1"}, .inputs = "x"};
  static constexpr Uses uses[] = {kNothing};
  Over o;
  std::string attributes() const { return o.text(); }
  Tensor forward(const Tensor& x) const {
    const Fold f = fold(x, o, is_floating(x.dtype()) ? x.dtype() : DType::int64);
    kernels::sum(x.dtype(), f.x.data(), f.z.impl().data, f.outer, f.reduced, f.inner);
    return f.z;
  }
  void backward(GradContext& c, const Tensor& g) const {
    c.send(0, [&] { return expand(with_axes(g, o, c.shape(0)), c.shape(0)); });
  }
};

// z = sum(x) / n      dx = g / n, repeated along the averaged axes
struct Mean {
  static constexpr OpInfo info{.name = "mean", .formula = "z = sum(x) / n", .derivatives = {"1 / n"}, .inputs = "x"};
  static constexpr Uses uses[] = {kNothing};
  Over o;
  std::string attributes() const { return o.text(); }
  Tensor forward(const Tensor& x) const {
    const Fold f = fold(x, o, x.dtype());
    kernels::mean(x.dtype(), f.x.data(), f.z.impl().data, f.outer, f.reduced, f.inner);
    return f.z;
  }
  void backward(GradContext& c, const Tensor& g) const {
    c.send(0, [&] {
      const Shape& x = c.shape(0);
      const std::int64_t n = std::max<std::int64_t>(o.count(x), 1);  // an empty group has nobody to divide for
      return expand(with_axes(g / n, o, x), x);
    });
  }
};

// z = max(x)      dx = g / n where x = z, else 0; n counts the x that are equal to z
struct Amax {
  static constexpr OpInfo info{.name = "amax",
                               .formula = "z = max(x)",
                               .derivatives = {"1 where x = z, else 0"},
                               .kinks = "1 / n at each of n equal largest values",
                               .inputs = "x"};
  static constexpr Uses uses[] = {kX | kOutput};
  Over o;
  std::string attributes() const { return o.text(); }
  Tensor forward(const Tensor& x) const {
    const Fold f = fold(x, o, x.dtype());
    if (f.z.numel() > 0) kernels::amax(x.dtype(), f.x.data(), f.z.impl().data, f.outer, f.reduced, f.inner);
    return f.z;
  }
  void backward(GradContext& c, const Tensor& g) const {
    c.send(0, [&] {
      const Tensor x = c.input(0), z = with_axes(c.output(), o, x.shape());
      const Tensor largest = eq(x, z), n = to(sum(largest, o.axes(), true), x.dtype());
      const double nan = std::numeric_limits<double>::quiet_NaN();
      // Neither equal nor less: the group holds a NaN.
      return where(largest, with_axes(g, o, x.shape()) / n, where(x < z, 0, nan));
    });
  }
};

void expect_numbers(const Tensor& x, const Over& o, const char* who) {
  if (x.dtype() == DType::boolean) throw ValueError(fmt::format("{}: not defined for bool", who));
  for (int i = 0; i < x.dim(); ++i)
    if (o.has(i) && x.shape()[i] == 0)
      throw ShapeError(
          fmt::format("{}: axis {} of shape {} is empty, so it has no largest value", who, i, to_string(x.shape())));
}

}  // namespace

Tensor sum(const Operand& x, const Axes& dim, bool keepdim) {
  const Tensor a = x.to_tensor();
  return record(Sum{over(a, dim, keepdim, "sum")}, Operand(a, x.where()));
}

Tensor mean(const Operand& x, const Axes& dim, bool keepdim) {
  const Tensor a = x.to_tensor();
  if (!is_floating(a.dtype()))
    throw ValueError(
        fmt::format("mean: {} has no mean of its own type; convert it first, as in "
                    "mean(to(x, DType::float32))",
                    name_of(a.dtype())));
  return record(Mean{over(a, dim, keepdim, "mean")}, Operand(a, x.where()));
}

Tensor amax(const Operand& x, const Axes& dim, bool keepdim) {
  const Tensor a = x.to_tensor();
  const Over o = over(a, dim, keepdim, "amax");
  expect_numbers(a, o, "amax");
  return record(Amax{o}, Operand(a, x.where()));
}

Tensor argmax(const Tensor& x, std::int64_t dim, bool keepdim) {
  const Over o = over(x, {dim}, keepdim, "argmax");
  expect_numbers(x, o, "argmax");
  const Fold f = fold(x.detach(), o, DType::int64);
  if (f.z.numel() > 0)
    kernels::argmax(x.dtype(), f.x.data(), static_cast<std::int64_t*>(f.z.impl().data), f.outer, f.reduced, f.inner);
  return f.z;
}

std::span<const OpInfo* const> reduction_ops() {
  static constexpr const OpInfo* list[] = {&Sum::info, &Mean::info, &Amax::info};
  return list;
}

std::span<const Function> reduction_functions() { return {}; }

}  // namespace chainrule
