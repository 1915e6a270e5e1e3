// Images in another size. Interpolation is linear in the images, so its rule is its adjoint and the other way round;
// pixel shuffling is made of reshape and permute.

#include "ops/images/resize.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "engine/record.h"
#include "engine/types/error.h"
#include "ops/families.h"
#include "ops/images/images.h"
#include "ops/kernels/images/resize.h"
#include "ops/launch.h"
#include "ops/ops.h"

namespace chainrule {
namespace {

constexpr std::int64_t kLimit = (std::int64_t{1} << 31) - 1;

Tensor interpolate_grad(const Tensor& g, const kernels::Resize& s);
Tensor resized(const Operand& x, const kernels::Resize& s);

std::string text(const kernels::Resize& s) {
  constexpr const char* kModes[] = {"nearest", "nearest-exact", "bilinear", "bicubic", "area"};
  return fmt::format("size={}, mode={}{}", to_string(Size2{s.y.out, s.x.out}),
                     kModes[static_cast<std::size_t>(s.x.kernel)], s.x.align_corners ? ", align_corners=true" : "");
}

// The result of a kernel over images, in the layout that x has.
template <class Kernel>
Tensor over_images(const Tensor& x, const kernels::Resize& s, std::int64_t height, std::int64_t width, Kernel kernel) {
  const bool channels_last = lies_channels_last(x);
  const Tensor from = laid_out(x, channels_last);
  Tensor z = empty_images({s.n, s.c, height, width}, x.dtype(), channels_last);
  if (z.numel() > 0) kernel(x.dtype(), s, channels_last, from.data(), z.impl().data);
  return z;
}

// z[p] = sum over q of w[p, q] x[q], a few q an axis      dx = interpolate_grad(g)
struct Interpolate {
  static constexpr OpInfo info{.name = "interpolate",
                               .formula = "z[p] = sum over the pixels q around p of weights[p, q] * x[q]",
                               .derivatives = {"weights (each pixel)"},
                               .flops = "6 * numel(z)"};
  kernels::Resize s;
  std::string attributes() const { return text(s); }
  Tensor forward(const Tensor& x) const { return over_images(x, s, s.y.out, s.x.out, kernels::resize2d); }
  void backward(GradContext& c, const Tensor& g) const {
    c.send(0, [&] { return interpolate_grad(g, s); });
  }
};

// z[q] = sum over p of w[p, q] x[p]      dx = interpolate(g)
struct InterpolateGrad {
  static constexpr OpInfo info{.name = "interpolate_grad",
                               .formula = "z[q] = sum over the pixels p that read q of weights[p, q] * x[p]",
                               .derivatives = {"weights (each pixel)"},
                               .flops = "6 * numel(x)"};
  kernels::Resize s;
  std::string attributes() const { return text(s); }
  Tensor forward(const Tensor& x) const { return over_images(x, s, s.y.in, s.x.in, kernels::resize2d_grad); }
  void backward(GradContext& c, const Tensor& g) const {
    c.send(0, [&] { return resized(g, s); });
  }
};

Tensor interpolate_grad(const Tensor& g, const kernels::Resize& s) { return record(InterpolateGrad{s}, g); }
Tensor resized(const Operand& x, const kernels::Resize& s) { return record(Interpolate{s}, x); }

kernels::ResizeKernel kernel_of(Interpolation mode) {
  switch (mode) {
    case Interpolation::nearest:
      return kernels::ResizeKernel::nearest;
    case Interpolation::nearest_exact:
      return kernels::ResizeKernel::nearest_exact;
    case Interpolation::linear:
    case Interpolation::bilinear:
      return kernels::ResizeKernel::linear;
    case Interpolation::bicubic:
      return kernels::ResizeKernel::cubic;
    case Interpolation::area:
      break;
  }
  return kernels::ResizeKernel::area;
}
bool aligns(Interpolation mode) {
  return mode == Interpolation::linear || mode == Interpolation::bilinear || mode == Interpolation::bicubic;
}

/// One axis from its old size and either the new one or a factor.
kernels::ResizeAxis axis_of(std::int64_t in, std::optional<std::int64_t> size, double factor,
                            const InterpolateOptions& o) {
  kernels::ResizeAxis a{.in = in, .kernel = kernel_of(o.mode), .align_corners = o.align_corners};
  if (!size && !(factor > 0 && std::isfinite(factor)))
    throw ValueError(fmt::format("interpolate: scale factor is {:g}, it must be positive and finite", factor));
  const double wanted = size ? static_cast<double>(*size) : std::floor(static_cast<double>(in) * factor);
  if (wanted < 1 || wanted > static_cast<double>(kLimit) || in > kLimit)
    throw ShapeError(
        fmt::format("interpolate: {} elements would become {:.0f}, sizes must be from 1 to {}", in, wanted, kLimit));
  a.out = static_cast<std::int64_t>(wanted);
  if (a.align_corners)
    a.step = a.out > 1 ? static_cast<double>(in - 1) / static_cast<double>(a.out - 1) : 0;
  else if (!size && !o.recompute_scale_factor)
    a.step = 1 / factor;
  else if (o.mode == Interpolation::nearest)
    a.step = static_cast<double>(static_cast<float>(in) / static_cast<float>(a.out));
  else
    a.step = static_cast<double>(in) / static_cast<double>(a.out);
  return a;
}

void check_options(const InterpolateOptions& o, const Shape& shape) {
  if (o.size.has_value() == o.scale_factor.has_value())
    throw ValueError(fmt::format("interpolate: {} of size and scale_factor {} given, exactly one is needed",
                                 o.size ? "both" : "none", o.size ? "are" : "is"));
  if (o.align_corners && !aligns(o.mode))
    throw ValueError("interpolate: align_corners is for linear, bilinear and bicubic, not for nearest or area");
  if (o.size && o.recompute_scale_factor)
    throw ValueError("interpolate: recompute_scale_factor means nothing with a size");
  const bool line = o.mode != Interpolation::bilinear && o.mode != Interpolation::bicubic;
  const bool image = o.mode != Interpolation::linear;
  if (!(line && shape.rank() == 3) && !(image && shape.rank() == 4))
    throw ShapeError(
        fmt::format("interpolate: x has shape {}; nearest and area take (N, C, L) or (N, C, H, W), linear the first, "
                    "bilinear and bicubic the second",
                    to_string(shape)));
  for (int axis = 1; axis < shape.rank(); ++axis)
    if (shape[axis] == 0)
      throw ShapeError(fmt::format("interpolate: x has shape {}; only the batch axis may be empty", to_string(shape)));
}

/// The shape of x around its last three axes: (..., C, H, W), B of them in all.
struct Blocks {
  Shape lead;
  std::int64_t b, c, h, w;
};
Blocks blocks_of(const Tensor& x, std::int64_t factor, const char* who, const char* parameter) {
  const Shape& s = x.shape();
  if (s.size() < 3) throw ShapeError(fmt::format("{}: x is (..., C, H, W), it has shape {}", who, to_string(s)));
  if (factor < 1 || factor > kLimit)
    throw ValueError(fmt::format("{}: {} is {}, it must be from 1 to {}", who, parameter, factor, kLimit));
  const Shape lead(s.begin(), s.end() - 3);
  Blocks k{lead, numel(lead), s[s.size() - 3], s[s.size() - 2], s[s.size() - 1]};
  if (std::max(k.h, k.w) > kLimit) throw ShapeError(fmt::format("{}: x has shape {}, too large", who, to_string(s)));
  return k;
}

Shape with_lead(const Shape& lead, std::initializer_list<std::int64_t> rest) {
  Shape shape(lead);
  shape.insert(shape.end(), rest.begin(), rest.end());
  return shape;
}

}  // namespace

Tensor interpolate(const Operand& x, const InterpolateOptions& options) {
  const CalledFrom caller(x.where());
  const Tensor t = as_floating(tensor_argument(x, "interpolate"));
  check_options(options, t.shape());
  const bool line = t.dim() == 3;
  const Shape& s = t.shape();
  const Tensor images = line ? reshape(t, {s[0], s[1], 1, s[2]}) : t;
  const Shape& from = images.shape();
  const auto size = [&](std::int64_t v) { return options.size ? std::optional(v) : std::nullopt; };
  const Size2 sizes = options.size.value_or(Size2{1});
  const auto factors = options.scale_factor.value_or(std::array<double, 2>{1, 1});
  const kernels::Resize r{from[0], from[1],
                          line ? kernels::ResizeAxis{} : axis_of(from[2], size(sizes.h), factors[0], options),
                          axis_of(from[3], size(sizes.w), factors[1], options)};
  check_shape({from[0], from[1], r.y.out, r.x.out}, item_size(t.dtype()), "interpolate");
  const Tensor z = resized(images, r);
  return line ? reshape(z, {s[0], s[1], r.x.out}) : z;
}

Tensor pixel_shuffle(const Operand& x, std::int64_t upscale_factor) {
  const CalledFrom caller(x.where());
  const Tensor t = tensor_argument(x, "pixel_shuffle");
  const std::int64_t r = upscale_factor;
  const auto [lead, b, c, h, w] = blocks_of(t, r, "pixel_shuffle", "upscale_factor");
  if (c % (r * r) != 0)
    throw ShapeError(fmt::format("pixel_shuffle: {} channels are not a multiple of {} squared (x has shape {})", c, r,
                                 to_string(t.shape())));
  const std::int64_t out = c / (r * r);
  check_shape(with_lead(lead, {out, h * r, w * r}), sizeof(double), "pixel_shuffle");
  const Tensor parts = reshape(t, {b, out, r, r, h, w});
  if (lies_channels_last(t)) {
    const Tensor rows = reshape(permute(parts, {0, 4, 2, 5, 3, 1}), {b, h * r, w * r, out});
    return permute(rows, {0, 3, 1, 2});
  }
  return reshape(permute(parts, {0, 1, 4, 2, 5, 3}), with_lead(lead, {out, h * r, w * r}));
}

Tensor pixel_unshuffle(const Operand& x, std::int64_t downscale_factor) {
  const CalledFrom caller(x.where());
  const Tensor t = tensor_argument(x, "pixel_unshuffle");
  const std::int64_t r = downscale_factor;
  const auto [lead, b, c, h, w] = blocks_of(t, r, "pixel_unshuffle", "downscale_factor");
  if (h % r != 0 || w % r != 0)
    throw ShapeError(
        fmt::format("pixel_unshuffle: images of ({}, {}) do not divide into squares of {} (x has shape {})", h, w, r,
                    to_string(t.shape())));
  check_shape({c, r, r}, sizeof(double), "pixel_unshuffle");
  const std::int64_t out = c * r * r;
  const Tensor parts = reshape(t, {b, c, h / r, r, w / r, r});
  if (lies_channels_last(t)) {
    const Tensor rows = reshape(permute(parts, {0, 2, 4, 1, 3, 5}), {b, h / r, w / r, out});
    return permute(rows, {0, 3, 1, 2});
  }
  return reshape(permute(parts, {0, 1, 3, 5, 2, 4}), with_lead(lead, {out, h / r, w / r}));
}

namespace {

std::optional<std::array<double, 2>> factors(const Arguments& a, int i) {
  if (a.is_none(i)) return std::nullopt;
  const Value& v = a.value(i);
  if (!v.is<Value::List>()) return std::array{a.number(i), a.number(i)};
  std::vector<double> list;
  list.reserve(2);
  for (const Value& one : v.as<Value::List>()) {
    if (!one.is_number()) throw ValueError("interpolate: scale_factor must be a number, or a list of them");
    list.push_back(one.is<double>() ? one.as<double>() : static_cast<double>(one.as<std::int64_t>()));
  }
  if (list.empty() || list.size() > 2)
    throw ValueError(fmt::format("interpolate: scale_factor holds {} numbers, images have two axes", list.size()));
  return std::array{list.front(), list.back()};
}

Interpolation interpolation(const std::string& mode) {
  if (mode == "nearest") return Interpolation::nearest;
  if (mode == "nearest-exact") return Interpolation::nearest_exact;
  if (mode == "linear") return Interpolation::linear;
  if (mode == "bilinear") return Interpolation::bilinear;
  if (mode == "bicubic") return Interpolation::bicubic;
  if (mode == "area") return Interpolation::area;
  throw ValueError(fmt::format(
      "interpolate: mode is '{}', it must be 'nearest', 'nearest-exact', 'linear', 'bilinear', 'bicubic' or 'area'",
      mode));
}

}  // namespace

Family resize_family() {
  static constexpr const OpInfo* ops[] = {&Interpolate::info, &InterpolateGrad::info};
  static const Function functions[] = {
      {"interpolate",
       "input, size=None, scale_factor=None, mode='nearest', align_corners=None, recompute_scale_factor=None",
       [](const Arguments& a) -> Value {
         return interpolate(a.operand(0), {.size = a.optional_size2(1),
                                           .scale_factor = factors(a, 2),
                                           .mode = interpolation(a.mode(3)),
                                           .align_corners = !a.is_none(4) && a.flag(4),
                                           .recompute_scale_factor = !a.is_none(5) && a.flag(5)});
       },
       "interpolate(x, scale_factor=1.5, mode='bilinear')", "x=randn(1,2,2,4)"},
      {"pixel_shuffle", "input, upscale_factor",
       [](const Arguments& a) -> Value { return pixel_shuffle(a.operand(0), a.integer(1)); }, "pixel_shuffle(x, 2)",
       "x=randn(4,2,3)", "z[c, h r + i, w r + j] = x[c r^2 + i r + j, h, w]"},
      {"pixel_unshuffle", "input, downscale_factor",
       [](const Arguments& a) -> Value { return pixel_unshuffle(a.operand(0), a.integer(1)); }, "pixel_unshuffle(x, 2)",
       "x=randn(1,4,6)", "z[c r^2 + i r + j, h, w] = x[c, h r + i, w r + j]"},
  };
  return {ops, functions};
}

}  // namespace chainrule
