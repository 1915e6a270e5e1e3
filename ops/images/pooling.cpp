// Max pooling, sliding and adaptive, and its inverse. Where each maximum stood is kept, for small windows as the number
// of its tap in one byte, else as its place in the plane; derivatives of all orders read and add there. Averages are
// in pooling_average.cpp.
#include "ops/images/pooling.h"

#include <fmt/format.h>

#include <utility>

#include "engine/record.h"
#include "engine/types/error.h"
#include "ops/families.h"
#include "ops/images/images.h"
#include "ops/launch.h"
#include "ops/ops.h"

namespace chainrule {
namespace {

/// Elements picked from planes, one for each window: how the index tensor i of an operation is to be read.
struct Picked {
  kernels::Pooling s;
  bool channels_last;
  bool taps;  // i is a row of bytes, eight to a word, laid out as the windows; else int64 places of their shape

  kernels::Planes planes() const { return {s.n, s.c, s.y.length, s.x.length, s.y.positions, s.x.positions}; }
  Shape image_shape() const { return {s.n, s.c, s.y.length, s.x.length}; }
  std::string attributes() const { return fmt::format("size={}", to_string(Size2{s.y.length, s.x.length})); }
};

const std::uint8_t* bytes(const Tensor& i) { return static_cast<const std::uint8_t*>(i.data()); }
const std::int64_t* places(const Tensor& i) { return static_cast<const std::int64_t*>(i.data()); }

Tensor plane_scatter(const Tensor& x, const Tensor& index, const Picked& p);
Tensor plane_gather(const Tensor& x, const Tensor& index, const Picked& p);

// z[p] = max of x over window p = x[i[p]]      dx = plane_scatter(g, i)
struct MaxPool2d {
  static constexpr OpInfo info{
      .name = "max_pool2d",
      .formula = "z[p] = max of x over window p = x[i[p]]",
      .derivatives = {"1 at the maximum, else 0"},
      .kinks = "ties: the first in reading order; NaN wins, the last of several; padding counts as -inf",
      .inputs = "x i",
      .hidden = kY,
      .latex = "z_p = \\max_{q \\in W(p)} x_q",
      .flops = "numel(x)"};
  static constexpr Uses uses[] = {kY, kNothing};
  Picked picked;
  mutable Tensor z;  // found together with the indices; forward hands it on
  std::string attributes() const { return to_string(picked.s); }
  Tensor forward(const Tensor&, const Tensor&) const { return std::move(z); }
  void backward(GradContext& c, const Tensor& g) const {
    c.send(0, [&] { return plane_scatter(g, c.input(1), picked); });
  }
};

// z = 0, then z[i[p]] += x[p]      dx = plane_gather(g, i)
struct PlaneScatter {
  static constexpr OpInfo info{.name = "plane_scatter",
                               .formula = "z = 0; z[i[p]] += x[p]",
                               .derivatives = {"1 (same element)"},
                               .inputs = "x i",
                               .flops = "numel(x)"};
  static constexpr Uses uses[] = {kY, kNothing};
  Picked picked;
  std::string attributes() const { return picked.attributes(); }
  Tensor forward(const Tensor& x, const Tensor& i) const {
    Tensor z = empty_images(picked.image_shape(), x.dtype(), picked.channels_last);
    if (z.numel() == 0) return z;
    if (picked.taps) {
      const Tensor from = laid_out(x, picked.channels_last);
      kernels::max_pool2d_grad(x.dtype(), picked.s, picked.channels_last, from.data(), bytes(i), z.impl().data);
    } else {
      const Tensor from = image_values(x), index = image_values(i);
      kernels::plane_scatter_add(x.dtype(), picked.planes(), from.data(), image_strides(from), places(index),
                                 image_strides(index), z.impl().data, image_strides(z));
    }
    return z;
  }
  void backward(GradContext& c, const Tensor& g) const {
    c.send(0, [&] { return plane_gather(g, c.input(1), picked); });
  }
};

// z[p] = x[i[p]]      dx = plane_scatter(g, i)
struct PlaneGather {
  static constexpr OpInfo info{.name = "plane_gather",
                               .formula = "z[p] = x[i[p]]",
                               .derivatives = {"1 (picked elements)"},
                               .inputs = "x i",
                               .flops = "0"};
  static constexpr Uses uses[] = {kY, kNothing};
  Picked picked;
  std::string attributes() const { return picked.attributes(); }
  Tensor forward(const Tensor& x, const Tensor& i) const {
    Tensor z = empty_images(window_shape(picked.s), x.dtype(), picked.channels_last);
    if (z.numel() == 0) return z;
    if (picked.taps) {
      const Tensor from = laid_out(x, picked.channels_last);
      kernels::max_pool2d_pick(x.dtype(), picked.s, picked.channels_last, from.data(), bytes(i), z.impl().data);
    } else {
      const Tensor from = image_values(x), index = image_values(i);
      kernels::plane_gather(x.dtype(), picked.planes(), from.data(), image_strides(from), places(index),
                            image_strides(index), z.impl().data, image_strides(z));
    }
    return z;
  }
  void backward(GradContext& c, const Tensor& g) const {
    c.send(0, [&] { return plane_scatter(g, c.input(1), picked); });
  }
};

Tensor plane_scatter(const Tensor& x, const Tensor& index, const Picked& p) {
  return record(PlaneScatter{p}, x, index);
}
Tensor plane_gather(const Tensor& x, const Tensor& index, const Picked& p) { return record(PlaneGather{p}, x, index); }

void expect_order(const Tensor& x, const char* who) {
  if (x.dtype() == DType::boolean)
    throw ValueError(fmt::format("{}: not defined for bool; convert to a number type first", who));
}

/// Values and places of the maxima.
struct Found {
  Tensor z, index;
};
Found find_places(const Tensor& x, const kernels::Pooling& s) {
  const Tensor from = image_values(x);
  Tensor z = empty_images(window_shape(s), x.dtype(), lies_channels_last(from));
  Tensor index = empty_strided(z.shape(), z.strides(), DType::int64);
  if (z.numel() > 0)
    kernels::max_pool2d_indexed(x.dtype(), s, from.data(), image_strides(from), z.impl().data,
                                static_cast<std::int64_t*>(index.impl().data), image_strides(z));
  return {std::move(z), std::move(index)};
}

Found find_taps(const Tensor& x, const kernels::Pooling& s, bool channels_last) {
  const Tensor from = laid_out(x, channels_last);
  Tensor z = empty_images(window_shape(s), x.dtype(), channels_last);
  const bool wanted = thread_state().recording && x.requires_grad();  // else nobody will ask for the places
  Tensor index = empty({wanted ? (z.numel() + 7) / 8 : 0}, DType::int64);
  auto* words = static_cast<std::int64_t*>(index.impl().data);
  if (index.numel() > 0) words[index.numel() - 1] = 0;
  if (z.numel() > 0)
    kernels::max_pool2d(x.dtype(), s, channels_last, from.data(), z.impl().data,
                        wanted ? reinterpret_cast<std::uint8_t*>(words) : nullptr);
  return {std::move(z), std::move(index)};
}

Tensor pooled(const Tensor& x, const kernels::Pooling& s) {
  const bool channels_last = lies_channels_last(x);
  const bool taps = is_floating(x.dtype()) && !s.y.adaptive && s.y.window.size <= kernels::kNoTap &&
                    s.x.window.size <= kernels::kNoTap && s.taps() <= kernels::kNoTap;
  Found found = taps ? find_taps(x, s, channels_last) : find_places(x, s);
  return record(MaxPool2d{{s, channels_last, taps}, std::move(found.z)}, x, found.index);
}

kernels::Pooling max_pool_windows(const char* who, const Tensor& x, Size2 kernel, const PoolOptions& o) {
  expect_order(x, who);
  return pooling_windows(who, x.shape(), kernel, o.stride, o.padding, o.dilation, o.ceil_mode);
}

/// The size that unpooling restores by default, or the one asked for when pooling could have read it.
std::int64_t unpooled_size(std::int64_t positions, std::int64_t kernel, std::int64_t stride, std::int64_t padding,
                           std::optional<std::int64_t> asked, const char* axis) {
  const std::int64_t size = (positions - 1) * stride - 2 * padding + kernel;
  const std::int64_t wanted = asked.value_or(size);
  if (wanted < 1 || wanted <= size - stride || wanted >= size + stride)
    throw ShapeError(
        fmt::format("max_unpool2d: the output's {} would be {}, it must be positive and between {} and {} "
                    "for {} windows of {}, stride {}",
                    axis, wanted, size - stride + 1, size + stride - 1, positions, kernel, stride));
  return wanted;
}

void expect_places(const Tensor& index, std::int64_t h, std::int64_t w) {
  const auto* p = places(index);
  for (std::int64_t k = 0; k < index.numel(); ++k)
    if (p[k] < 0 || p[k] >= h * w)
      throw ValueError(
          fmt::format("max_unpool2d: index {} is outside of the {} elements of a ({}, {}) plane", p[k], h * w, h, w));
}

PoolOptions pool_options(const Arguments& a) {
  return {.stride = a.optional_size2(2), .padding = a.size2(3), .dilation = a.size2(4), .ceil_mode = a.flag(5)};
}

std::optional<Size2> last_two(const Arguments& a, int i) {
  if (a.is_none(i)) return std::nullopt;
  const auto sizes = a.integers(i);
  if (sizes.size() < 2) return a.size2(i);
  return Size2{sizes[sizes.size() - 2], sizes[sizes.size() - 1]};
}

}  // namespace

Tensor max_pool2d(const Operand& x, Size2 kernel_size, const PoolOptions& options) {
  const CalledFrom caller(x.where());
  const ImageBatch batch = images_argument(x, "max_pool2d");
  return batch.back(pooled(batch.x, max_pool_windows("max_pool2d", batch.x, kernel_size, options)));
}

Tensor max_pool2d_indices(const Operand& x, Size2 kernel_size, const PoolOptions& options) {
  const NoGrad compute_only;
  const ImageBatch batch = images_argument(x, "max_pool2d_indices");
  const auto s = max_pool_windows("max_pool2d_indices", batch.x, kernel_size, options);
  return batch.back(find_places(batch.x, s).index);
}

Tensor adaptive_max_pool2d(const Operand& x, const OutputSize& output_size) {
  const CalledFrom caller(x.where());
  const ImageBatch batch = images_argument(x, "adaptive_max_pool2d");
  expect_order(batch.x, "adaptive_max_pool2d");
  kernels::Pooling s = adaptive_windows("adaptive_max_pool2d", batch.x.shape(), output_size);
  const auto even = [](const kernels::PoolAxis& a) { return a.positions > 0 && a.length % a.positions == 0; };
  if (even(s.y) && even(s.x)) {  // windows that slide, which are quicker
    for (kernels::PoolAxis* a : {&s.y, &s.x})
      *a = {a->length, a->positions, {a->length / a->positions, a->length / a->positions, 0, 1}, false};
  }
  return batch.back(pooled(batch.x, s));
}

Tensor max_unpool2d(const Operand& x, const Tensor& indices, Size2 kernel_size, const UnpoolOptions& options) {
  const CalledFrom caller(x.where());
  const ImageBatch batch = images_argument(x, "max_unpool2d");
  expect_order(batch.x, "max_unpool2d");
  const Tensor given = tensor_argument(indices, "max_unpool2d", "indices");
  if (given.dtype() != DType::int64)
    throw ValueError(fmt::format("max_unpool2d: indices hold {}, they must be int64", name_of(given.dtype())));
  if (given.shape() != tensor_argument(x, "max_unpool2d").shape())
    throw ShapeError(fmt::format("max_unpool2d: indices have shape {}, x has {}", to_string(given.shape()),
                                 to_string(tensor_argument(x, "max_unpool2d").shape())));
  const Size2 stride = options.stride.value_or(kernel_size);
  const Shape& s = batch.x.shape();
  // Checks the numbers as well: a plane as large as the kernel always fits.
  check_windows("max_unpool2d", {1, 1, kernel_size.h, kernel_size.w}, kernel_size, stride, options.padding, 1);
  const auto& asked = options.output_size;
  const auto of = [&](std::int64_t size) { return asked ? std::optional(size) : std::nullopt; };
  const std::int64_t h = unpooled_size(s[2], kernel_size.h, stride.h, options.padding.h, of(asked ? asked->h : 0),
                                       "height"),
                     w = unpooled_size(s[3], kernel_size.w, stride.w, options.padding.w, of(asked ? asked->w : 0),
                                       "width");
  check_shape({s[0], s[1], h, w}, sizeof(double), "max_unpool2d");
  const kernels::Pooling windows{s[0], s[1], {h, s[2], {}, false}, {w, s[3], {}, false}};
  Tensor index = empty(s, DType::int64);
  if (index.numel() > 0) {
    const Tensor from = dense(given);
    std::copy_n(places(from), from.numel(), static_cast<std::int64_t*>(index.impl().data));
    expect_places(index, h, w);
    kernels::keep_last_of_each({s[0], s[1], h, w, s[2], s[3]}, static_cast<std::int64_t*>(index.impl().data));
  }
  return batch.back(record(PlaneScatter{{windows, lies_channels_last(batch.x), false}}, batch.x, index));
}

Family pooling_family() {
  static constexpr const OpInfo* ops[] = {&MaxPool2d::info, &PlaneScatter::info, &PlaneGather::info};
  static const Function functions[] = {
      {"max_pool2d", "input, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False",
       [](const Arguments& a) -> Value { return max_pool2d(a.operand(0), a.size2(1), pool_options(a)); },
       "max_pool2d(x, 2, stride=1)", "x=randn(1,2,3,4)"},
      {"max_pool2d_indices", "input, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False",
       [](const Arguments& a) -> Value { return max_pool2d_indices(a.operand(0), a.size2(1), pool_options(a)); },
       "max_pool2d_indices(x, 2)", "x=randn(1,2,4,4)", "no derivative: places of the largest elements"},
      {"max_unpool2d", "input, indices, kernel_size, stride=None, padding=0, output_size=None",
       [](const Arguments& a) -> Value {
         return max_unpool2d(a.operand(0), a.indices(1), a.size2(2),
                             {.stride = a.optional_size2(3), .padding = a.size2(4), .output_size = last_two(a, 5)});
       },
       "max_unpool2d(x, [[[0, 3], [8, 15]]], 2)", "x=randn(1,2,2)", "z = 0; z[i[p]] = x[p]"},
      {"adaptive_max_pool2d", "input, output_size",
       [](const Arguments& a) -> Value { return adaptive_max_pool2d(a.operand(0), output_size(a, 1)); },
       "adaptive_max_pool2d(x, (2, None))", "x=randn(1,2,3,4)", "z[p] = max of x over an even share p"},
  };
  return {ops, functions};
}

}  // namespace chainrule
