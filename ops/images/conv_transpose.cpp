// Convolutions that are made of those in conv.cpp: conv1d is one row of conv2d, conv_transpose2d its gradient by the
// images. Neither records an operation of its own.
#include "ops/images/conv.h"

#include <fmt/format.h>

#include <algorithm>

#include "engine/scopes.h"
#include "engine/types/error.h"
#include "ops/images/images.h"
#include "ops/launch.h"
#include "ops/ops.h"

namespace chainrule {
namespace {

/// One size of the result of conv_transpose2d.
std::int64_t grown(const char* axis, std::int64_t length, std::int64_t kernel, std::int64_t stride,
                   std::int64_t padding, std::int64_t output_padding, std::int64_t dilation) {
  if (output_padding < 0 || output_padding >= std::max(stride, dilation))
    throw ValueError(
        fmt::format("conv_transpose2d: output padding along the {} is {}, it must be from 0 and below the stride {} or "
                    "the dilation {}",
                    axis, output_padding, stride, dilation));
  constexpr std::int64_t kLimit = (std::int64_t{1} << 31) - 1;
  if (length > kLimit)
    throw ShapeError(
        fmt::format("conv_transpose2d: x has {} elements along the {}, at most {} are possible", length, axis, kLimit));
  const std::int64_t size = (length - 1) * stride - 2 * padding + dilation * (kernel - 1) + output_padding + 1;
  if (size < 1)
    throw ShapeError(
        fmt::format("conv_transpose2d: the output's {} would be {} (input {}, kernel {}, stride {}, "
                    "padding {}), it must be positive",
                    axis, size, length, kernel, stride, padding));
  return size;
}

}  // namespace

Tensor conv1d(const Operand& x, const Operand& weight, const Tensor& bias, const Conv1dOptions& options) {
  const CalledFrom caller(x.where());
  const Tensor t = tensor_argument(x, "conv1d"), w = tensor_argument(weight, "conv1d", "weight");
  const Shape &s = t.shape(), &ws = w.shape();
  if (s.size() != 2 && s.size() != 3)
    throw ShapeError(fmt::format("conv1d: x is (N, C, L) or (C, L), it has shape {}", to_string(s)));
  if (ws.size() != 3)
    throw ShapeError(fmt::format("conv1d: weight has shape {}, it must be (out, in / groups, kernel)", to_string(ws)));
  const bool batched = s.size() == 3;
  const Tensor row = reshape(t, {batched ? s[0] : 1, s[s.size() - 2], 1, s[s.size() - 1]});
  const ConvOptions o{
      {1, options.stride}, {0, options.padding}, {1, options.dilation}, options.groups, options.same_padding};
  const Tensor z = conv2d(row, reshape(w, {ws[0], ws[1], 1, ws[2]}), bias, o);
  const Shape& zs = z.shape();
  return reshape(z, batched ? Shape{zs[0], zs[1], zs[3]} : Shape{zs[1], zs[3]});
}

Tensor conv_transpose2d(const Operand& x, const Operand& weight, const Tensor& bias,
                        const ConvTransposeOptions& options) {
  const CalledFrom caller(x.where());
  const char* const who = "conv_transpose2d";
  const ImageBatch batch = batch_argument(x, who);
  const Tensor tw = tensor_argument(weight, who, "weight");
  const bool has_bias = bias.defined();
  const Shape &xs = batch.x.shape(), &ws = tw.shape();
  if (ws.size() != 4)
    throw ShapeError(
        fmt::format("conv_transpose2d: weight has shape {}, it must be (in, out / groups, kernel_h, "
                    "kernel_w)",
                    to_string(ws)));
  const ConvOptions o{options.stride, options.padding, options.dilation, options.groups};
  const Size2 kernel{ws[2], ws[3]};
  // The numbers first, on images that hold one window.
  const Size2 d = options.dilation;
  const auto span = [](std::int64_t size, std::int64_t dilation) {
    const bool in_range = std::min(size, dilation) > 0 && std::max(size, dilation) < std::int64_t{1} << 31;
    return in_range ? dilation * (size - 1) + 1 : 1;
  };
  check_windows(who, {1, 1, span(kernel.h, d.h), span(kernel.w, d.w)}, kernel, o.stride, o.padding, d);
  if (o.groups < 1) throw ValueError(fmt::format("conv_transpose2d: groups is {}, it must be positive", o.groups));
  const auto sizes = [&] { return fmt::format("x {}, weight {}", to_string(xs), to_string(ws)); };
  if (xs[1] != ws[0])
    throw ShapeError(fmt::format("conv_transpose2d: x has {} channels, weight takes {} ({})", xs[1], ws[0], sizes()));
  if (xs[1] == 0 || xs[2] == 0 || xs[3] == 0 || ws[1] == 0)
    throw ShapeError(fmt::format("conv_transpose2d: only the batch axis may be empty ({})", sizes()));
  if (xs[1] % o.groups != 0)
    throw ShapeError(fmt::format("conv_transpose2d: groups {} does not divide the {} input channels ({})", o.groups,
                                 xs[1], sizes()));
  const std::int64_t out = ws[1] * o.groups;
  if (has_bias && bias.shape() != Shape{out})
    throw ShapeError(fmt::format("conv_transpose2d: bias has shape {}, the {} output channels want ({},)",
                                 to_string(bias.shape()), out, out));
  const Size2 size{
      grown("height", xs[2], kernel.h, o.stride.h, o.padding.h, options.output_padding.h, options.dilation.h),
      grown("width", xs[3], kernel.w, o.stride.w, o.padding.w, options.output_padding.w, options.dilation.w)};
  auto [a, w] = promote(batch.x, tw);
  const Tensor b = has_bias ? as_tensor(bias, common_dtype(a, bias)) : Tensor();
  if (has_bias) {
    a = as_tensor(a, b.dtype());
    w = as_tensor(w, b.dtype());
  }
  expect_floating(a, who, "x");
  // An output padding of a stride and more, which dilation allows, is one of rows and columns of zeros behind x.
  const Size2 behind{options.output_padding.h / o.stride.h, options.output_padding.w / o.stride.w};
  if (behind.h > 0 || behind.w > 0) a = pad(a, {0, behind.w, 0, behind.h});
  const Shape images{xs[0], out, size.h, size.w};
  check_shape(images, item_size(a.dtype()), who);
  check_columns(who, check_windows(who, images, kernel, o.stride, o.padding, o.dilation), a.dtype());
  const Tensor z = conv2d_input_grad(a, w, size, o);
  return batch.back(has_bias ? z + reshape(b, {out, 1, 1}) : z);
}

}  // namespace chainrule
