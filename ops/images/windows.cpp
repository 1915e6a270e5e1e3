// unfold and fold: images as columns of windows and back. Each is the other's adjoint.
#include "ops/images/windows.h"

#include <fmt/format.h>

#include "engine/record.h"
#include "engine/types/error.h"
#include "ops/families.h"
#include "ops/images/images.h"
#include "ops/launch.h"
#include "ops/ops.h"

namespace chainrule {
namespace {

std::string text(Size2 kernel, const WindowOptions& o) {
  return fmt::format("kernel_size={}, {}", to_string(kernel), to_string(o));
}

kernels::Windows windows_of(const char* who, const Shape& images, Size2 kernel, const WindowOptions& o) {
  return check_windows(who, images, kernel, o.stride, o.padding, o.dilation);
}

// z[n, (c, tap), p] = x[n, c, position p of tap]      dx = fold(g)
struct Unfold {
  static constexpr OpInfo info{.name = "unfold",
                               .formula = "z = windows of x",
                               .derivatives = {"1 (each window)"},
                               .latex = "z_{n,(c,k),p} = x_{n,c,sp+k}",
                               .flops = "0"};
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
  static constexpr OpInfo info{.name = "fold",
                               .formula = "z = sum of the windows x",
                               .derivatives = {"1 (same element)"},
                               .latex = "z_{n,c,q} = \\sum_{sp+k=q} x_{n,(c,k),p}",
                               .flops = "numel(x)"};
  Size2 size, kernel;
  WindowOptions options;
  std::string attributes() const { return fmt::format("output_size={}, {}", to_string(size), text(kernel, options)); }
  Tensor forward(const Tensor& x) const {
    const Shape shape{x.shape()[0], x.shape()[1] / (kernel.h * kernel.w), size.h, size.w};
    Tensor z = empty(shape, x.dtype());
    const kernels::Windows s = windows_of("fold", shape, kernel, options);
    const Tensor from = dense(x);
    if (z.numel() > 0) kernels::col2im(x.dtype(), s, from.data(), z.impl().data, image_strides(z));
    if (x.dtype() == DType::int64) expect_not_wrapped(z, forward(in_float64(x)), "fold");
    return z;
  }
  void backward(GradContext& c, const Tensor& g) const {
    c.send(0, [&] { return unfold(g, kernel, options); });
  }
};

}  // namespace

Tensor unfold(const Operand& x, Size2 kernel_size, const WindowOptions& options) {
  const CalledFrom caller(x.where());
  const ImageBatch batch = images_argument(x, "unfold");
  expect_numbers(batch.x, "unfold");
  return batch.back(record(Unfold{kernel_size, options}, batch.x));
}

Tensor fold(const Operand& x, Size2 output_size, Size2 kernel_size, const WindowOptions& options) {
  const CalledFrom caller(x.where());
  const Tensor t = tensor_argument(x, "fold");
  expect_numbers(t, "fold");
  const Shape& shape = t.shape();
  if (shape.size() == 2) {
    const Tensor one = reshape(t, {1, shape[0], shape[1]});
    return ImageBatch{t, true}.back(fold(one, output_size, kernel_size, options));
  }
  if (shape.size() != 3)
    throw ShapeError(
        fmt::format("fold: x has shape {}, it must be (N, C * kernel_h * kernel_w, windows) or the same "
                    "without N",
                    to_string(shape)));
  if (shape[1] == 0 || shape[2] == 0)
    throw ShapeError(fmt::format("fold: x has shape {}; only the batch axis may be empty", to_string(shape)));
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
  return record(Fold{output_size, kernel_size, options}, t);
}

Family window_family() {
  static constexpr const OpInfo* ops[] = {&Unfold::info, &Fold::info};
  constexpr auto unfolded = [](const Arguments& a) -> Value {
    return unfold(a.operand(0), a.size2(1), {.stride = a.size2(4), .padding = a.size2(3), .dilation = a.size2(2)});
  };
  constexpr auto folded = [](const Arguments& a) -> Value {
    return fold(a.operand(0), a.size2(1), a.size2(2),
                {.stride = a.size2(5), .padding = a.size2(4), .dilation = a.size2(3)});
  };
  constexpr const char* kUnfold = "input, kernel_size, dilation=1, padding=0, stride=1";
  constexpr const char* kFold = "input, output_size, kernel_size, dilation=1, padding=0, stride=1";
  static const Function functions[] = {
      {"unfold", kUnfold, unfolded, "unfold(x, 2, padding=1)", "x=randn(1,2,3,4)"},
      {"fold", kFold, folded, "fold(x, (3, 4), 2)", "x=randn(1,8,6)"},
      {"im2col", kUnfold, unfolded, "im2col(x, 2, padding=1)", "x=randn(1,2,3,4)", "z = unfold(x)"},
      {"col2im", kFold, folded, "col2im(x, (3, 4), 2)", "x=randn(1,8,6)", "z = fold(x)"},
  };
  return {ops, functions};
}

}  // namespace chainrule
