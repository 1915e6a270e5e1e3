// Max pooling. Where each maximum stood is kept as indices, and its derivatives of all orders read and add at them.
#include <fmt/format.h>

#include <utility>

#include "engine/error.h"
#include "engine/record.h"
#include "ops/arguments.h"
#include "ops/function.h"
#include "ops/ops.h"
#include "ops/registry.h"

namespace chainrule {
namespace {

std::string text(const kernels::Windows& s) {
  return fmt::format("kernel_size={}, stride={}, padding={}, dilation={}", to_string(Size2{s.y.size, s.x.size}),
                     to_string(Size2{s.y.stride, s.x.stride}), to_string(Size2{s.y.padding, s.x.padding}),
                     to_string(Size2{s.y.dilation, s.x.dilation}));
}

Shape window_shape(const kernels::Windows& s) { return {s.n, s.c, s.out_h(), s.out_w()}; }

/// A result whose memory lies as x's does.
Tensor empty_as(const Tensor& x, const Shape& shape, DType dtype) {
  return empty_images(shape, dtype, is_channels_last(x) && !x.is_contiguous());
}

Tensor plane_scatter(const Tensor& y, const Tensor& index, const kernels::Windows& s);
Tensor plane_gather(const Tensor& x, const Tensor& index, const kernels::Windows& s);

// z[p] = max of x over window p = x[i[p]]      dx = plane_scatter(g, i)
struct MaxPool2d {
  static constexpr OpInfo info{.name = "max_pool2d",
                               .formula = "z[p] = max of x over window p = x[i[p]]",
                               .derivatives = {"1 at the maximum, else 0"},
                               .kinks = "ties: the first in reading order; NaN wins; padding counts as -inf",
                               .inputs = "x i"};
  static constexpr Uses uses[] = {kY, kNothing};
  kernels::Windows s;
  mutable Tensor z;  // found together with the indices; forward hands it on
  std::string attributes() const { return text(s); }
  Tensor forward(const Tensor&, const Tensor&) const { return std::move(z); }
  void backward(GradContext& c, const Tensor& g) const {
    c.send(0, [&] { return plane_scatter(g, c.input(1), s); });
  }
};

// z = 0, then z[i[p]] += x[p]      dx = plane_gather(g, i)
struct PlaneScatter {
  static constexpr OpInfo info{.name = "plane_scatter",
                               .formula = "z = 0; z[i[p]] += x[p]",
                               .derivatives = {"1 (same element)"},
                               .inputs = "x i"};
  static constexpr Uses uses[] = {kY, kNothing};
  kernels::Windows s;
  std::string attributes() const { return text(s); }
  Tensor forward(const Tensor& x, const Tensor& i) const {
    Tensor z = empty_as(i, {s.n, s.c, s.h, s.w}, x.dtype());
    if (z.numel() == 0) return z;
    const Tensor from = image_values(x), index = image_values(i);
    kernels::plane_scatter_add(x.dtype(), s, from.data(), image_strides(from),
                               static_cast<const std::int64_t*>(index.data()), image_strides(index), z.impl().data,
                               image_strides(z));
    return z;
  }
  void backward(GradContext& c, const Tensor& g) const {
    c.send(0, [&] { return plane_gather(g, c.input(1), s); });
  }
};

// z[p] = x[i[p]]      dx = plane_scatter(g, i)
struct PlaneGather {
  static constexpr OpInfo info{
      .name = "plane_gather", .formula = "z[p] = x[i[p]]", .derivatives = {"1 (picked elements)"}, .inputs = "x i"};
  static constexpr Uses uses[] = {kY, kNothing};
  kernels::Windows s;
  std::string attributes() const { return text(s); }
  Tensor forward(const Tensor& x, const Tensor& i) const {
    Tensor z = empty_as(x, window_shape(s), x.dtype());
    if (z.numel() == 0) return z;
    const Tensor from = image_values(x), index = image_values(i);
    kernels::plane_gather(x.dtype(), s, from.data(), image_strides(from),
                          static_cast<const std::int64_t*>(index.data()), image_strides(index), z.impl().data,
                          image_strides(z));
    return z;
  }
  void backward(GradContext& c, const Tensor& g) const {
    c.send(0, [&] { return plane_scatter(g, c.input(1), s); });
  }
};

Tensor plane_scatter(const Tensor& y, const Tensor& index, const kernels::Windows& s) {
  return record(PlaneScatter{s}, y, index);
}
Tensor plane_gather(const Tensor& x, const Tensor& index, const kernels::Windows& s) {
  return record(PlaneGather{s}, x, index);
}

}  // namespace

Tensor max_pool2d(const Operand& x, Size2 kernel_size, const PoolOptions& options) {
  const Tensor t = tensor_argument(x, "max_pool2d");
  const kernels::Windows s = check_windows("max_pool2d", t.shape(), kernel_size, options.stride.value_or(kernel_size),
                                           options.padding, options.dilation);
  if (t.dtype() == DType::boolean) throw ValueError("max_pool2d: not defined for bool; convert to a number type first");
  if (s.h == 0 || s.w == 0)
    throw ShapeError(
        fmt::format("max_pool2d: x has shape {}, and an empty image has no maximum", to_string(t.shape())));
  if (options.padding.h > kernel_size.h / 2 || options.padding.w > kernel_size.w / 2)
    throw ValueError(fmt::format("max_pool2d: padding {} is more than half of kernel size {}",
                                 to_string(options.padding), to_string(kernel_size)));
  const Tensor from = image_values(t);
  const Shape shape = window_shape(s);
  Tensor z = empty_as(from, shape, t.dtype());
  Tensor index = empty_strided(shape, z.strides(), DType::int64);
  if (z.numel() > 0)
    kernels::max_pool2d(t.dtype(), s, from.data(), image_strides(from), z.impl().data,
                        static_cast<std::int64_t*>(index.impl().data), image_strides(z));
  return record(MaxPool2d{s, std::move(z)}, Operand(t, x.where()), Operand(index, x.where()));
}

std::span<const OpInfo* const> pooling_ops() {
  static constexpr const OpInfo* list[] = {&MaxPool2d::info, &PlaneScatter::info, &PlaneGather::info};
  return list;
}

std::span<const Function> pooling_functions() { return {}; }

}  // namespace chainrule
