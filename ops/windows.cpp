// unfold and fold: images as columns of windows and back. Each is the other's adjoint.
#include <fmt/format.h>

#include "engine/error.h"
#include "engine/record.h"
#include "ops/arguments.h"
#include "ops/launch.h"
#include "ops/function.h"
#include "ops/ops.h"
#include "ops/registry.h"

namespace chainrule {
namespace {

std::string text(Size2 kernel, const WindowOptions& o) {
  return fmt::format("kernel_size={}, stride={}, padding={}, dilation={}", to_string(kernel), to_string(o.stride),
                     to_string(o.padding), to_string(o.dilation));
}

kernels::Windows windows_of(const char* who, const Shape& images, Size2 kernel, const WindowOptions& o) {
  return check_windows(who, images, kernel, o.stride, o.padding, o.dilation);
}

// z[n, (c, tap), p] = x[n, c, position p of tap]      dx = fold(g)
struct Unfold {
  static constexpr OpInfo info{
      .name = "unfold", .formula = "z = windows of x", .derivatives = {"1 (each window)"}, .inputs = "x"};
  static constexpr Uses uses[] = {kNothing};
  Size2 kernel;
  WindowOptions options;
  std::string attributes() const { return text(kernel, options); }
  Tensor forward(const Tensor& x) const {
    const kernels::Windows s = windows_of("unfold", x.shape(), kernel, options);
    check_columns("unfold", s, x.dtype());
    Tensor z = empty({s.n, s.c * kernel.h * kernel.w, s.out_h() * s.out_w()}, x.dtype());
    const Tensor from = image_values(x);
    if (z.numel() > 0) kernels::im2col(x.dtype(), s, from.data(), image_strides(from), z.impl().data);
    return z;
  }
  void backward(GradContext& c, const Tensor& g) const {
    c.send(0, [&] { return fold(g, {c.shape(0)[2], c.shape(0)[3]}, kernel, options); });
  }
};

// z[n, c, h, w] = sum of the x[n, (c, tap), p] that stand there      dx = unfold(g)
struct Fold {
  static constexpr OpInfo info{
      .name = "fold", .formula = "z = sum of the windows x", .derivatives = {"1 (same element)"}, .inputs = "x"};
  static constexpr Uses uses[] = {kNothing};
  Size2 size, kernel;
  WindowOptions options;
  std::string attributes() const { return fmt::format("output_size={}, {}", to_string(size), text(kernel, options)); }
  Tensor forward(const Tensor& x) const {
    const Shape shape{x.shape()[0], x.shape()[1] / (kernel.h * kernel.w), size.h, size.w};
    Tensor z = empty(shape, x.dtype());
    const kernels::Windows s = windows_of("fold", shape, kernel, options);
    const Tensor from = contiguous_values(x);
    if (z.numel() > 0) kernels::col2im(x.dtype(), s, from.data(), z.impl().data, image_strides(z));
    return z;
  }
  void backward(GradContext& c, const Tensor& g) const {
    c.send(0, [&] { return unfold(g, kernel, options); });
  }
};

void expect_numbers(const Tensor& x, const char* who) {
  if (x.dtype() == DType::boolean)
    throw ValueError(fmt::format("{}: not defined for bool; convert to a number type first", who));
}

}  // namespace

Tensor unfold(const Operand& x, Size2 kernel_size, const WindowOptions& options) {
  const Tensor t = tensor_argument(x, "unfold");
  expect_numbers(t, "unfold");
  return record(Unfold{kernel_size, options}, Operand(t, x.where()));
}

Tensor fold(const Operand& x, Size2 output_size, Size2 kernel_size, const WindowOptions& options) {
  const Tensor t = tensor_argument(x, "fold");
  expect_numbers(t, "fold");
  const Shape& shape = t.shape();
  if (shape.size() != 3)
    throw ShapeError(
        fmt::format("fold: x has shape {}, it must be (N, C * kernel_h * kernel_w, windows)", to_string(shape)));
  if (output_size.h < 1 || output_size.w < 1)
    throw ValueError(fmt::format("fold: output size is {}, it must be positive", to_string(output_size)));
  const kernels::Windows s = windows_of("fold", {shape[0], 1, output_size.h, output_size.w}, kernel_size, options);
  const std::int64_t taps = kernel_size.h * kernel_size.w, positions = s.out_h() * s.out_w();
  if (shape[1] % taps != 0)
    throw ShapeError(fmt::format("fold: the {} rows of x {} are not a multiple of the {} taps of kernel {}", shape[1],
                                 to_string(shape), taps, to_string(kernel_size)));
  if (shape[2] != positions)
    throw ShapeError(fmt::format("fold: x {} has {} windows, an output of ({}, {}) has {} ({} by {})", to_string(shape),
                                 shape[2], output_size.h, output_size.w, positions, s.out_h(), s.out_w()));
  return record(Fold{output_size, kernel_size, options}, Operand(t, x.where()));
}

std::span<const OpInfo* const> window_ops() {
  static constexpr const OpInfo* list[] = {&Unfold::info, &Fold::info};
  return list;
}

std::span<const Function> window_functions() { return {}; }

}  // namespace chainrule
