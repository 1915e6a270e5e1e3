// Checks and layouts of images for the families that slide windows over them.

#include "ops/images/images.h"

#include <fmt/format.h>

#include "engine/types/error.h"
#include "ops/launch.h"

namespace chainrule {

Tensor ImageBatch::back(const Tensor& z) const {
  if (!added) return z;
  const Shape& s = z.shape();
  return reshape(z, Shape(s.begin() + 1, s.end()));
}

ImageBatch batch_argument(const Operand& x, const char* who) {
  const Tensor t = tensor_argument(x, who);
  if (t.dim() == 4) return {t, false};
  const Shape& s = t.shape();
  if (t.dim() != 3)
    throw ShapeError(
        fmt::format("{}: images are (N, C, H, W) or (C, H, W), x has shape {}; reshape it", who, to_string(s)));
  return {reshape(t, {1, s[0], s[1], s[2]}), true};
}

ImageBatch images_argument(const Operand& x, const char* who) {
  ImageBatch batch = batch_argument(x, who);
  const Shape& s = batch.x.shape();
  if (s[1] == 0 || s[2] == 0 || s[3] == 0)
    throw ShapeError(fmt::format("{}: x has shape {}; only the batch axis may be empty", who,
                                 to_string(tensor_argument(x, who).shape())));
  return batch;
}

bool lies_channels_last(const Tensor& x) { return is_channels_last(x) && !x.is_contiguous(); }

Tensor laid_out(const Tensor& x, bool channels_last) {
  if (channels_last ? is_channels_last(x) : x.is_contiguous()) return x;
  Tensor z = empty_images(x.shape(), x.dtype(), channels_last);
  copy_into(z, x);
  return z;
}

kernels::Pooling pooling_windows(const char* who, const Shape& images, Size2 kernel, std::optional<Size2> stride,
                                 Size2 padding, Size2 dilation, bool ceil_mode) {
  const kernels::Windows w = check_windows(who, images, kernel, stride.value_or(kernel), padding, dilation, ceil_mode);
  if (padding.h > kernel.h / 2 || padding.w > kernel.w / 2)
    throw ValueError(
        fmt::format("{}: padding {} is more than half of kernel size {}", who, to_string(padding), to_string(kernel)));
  return {w.n, w.c, {w.h, w.out_h(), w.y, false}, {w.w, w.out_w(), w.x, false}};
}

kernels::Pooling adaptive_windows(const char* who, const Shape& images, const OutputSize& output_size) {
  const std::int64_t h = output_size.h.value_or(images[2]), w = output_size.w.value_or(images[3]);
  if (h < 0 || w < 0) throw ValueError(fmt::format("{}: output size is ({}, {}), it must be from 0", who, h, w));
  check_shape({images[0], images[1], h, w}, sizeof(double), who);
  return {images[0], images[1], {images[2], h, {}, true}, {images[3], w, {}, true}};
}

Shape window_shape(const kernels::Pooling& s) { return {s.n, s.c, s.y.positions, s.x.positions}; }

std::string to_string(const WindowOptions& o) {
  return fmt::format("stride={}, padding={}, dilation={}", to_string(o.stride), to_string(o.padding),
                     to_string(o.dilation));
}

std::string to_string(const kernels::Pooling& s) {
  if (s.y.adaptive) return fmt::format("output_size={}", to_string(Size2{s.y.positions, s.x.positions}));
  const kernels::WindowAxis &y = s.y.window, &x = s.x.window;
  const bool dilated = y.dilation != 1 || x.dilation != 1;  // only maxima can be
  return fmt::format("kernel_size={}, stride={}, padding={}{}{}", to_string(Size2{y.size, x.size}),
                     to_string(Size2{y.stride, x.stride}), to_string(Size2{y.padding, x.padding}),
                     dilated ? ", dilation=" + to_string(Size2{y.dilation, x.dilation}) : "",
                     y.ceil ? ", ceil_mode=true" : "");
}

}  // namespace chainrule
