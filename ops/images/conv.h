// Convolution of images, (N, C, H, W) or (C, H, W), and of signals. conv2d stands in conv.cpp; conv1d and
// conv_transpose2d, which are made of it, in conv_transpose.cpp. All throw ShapeError when no window fits and
// ValueError for kernel sizes, strides and dilations below 1 and negative paddings.
#pragma once

#include "engine/operand.h"
#include "ops/options.h"

namespace chainrule {

struct ConvOptions {
  Size2 stride = 1, padding = 0, dilation = 1;
  std::int64_t groups = 1;
  bool same_padding = false;  ///< padding='same': the result has x's size, stride must be 1; `padding` is not read
};
/// x (N, C, H, W), weight (O, C / groups, kernel_h, kernel_w), bias (O) or none.
Tensor conv2d(const Operand& x, const Operand& weight, const Tensor& bias = {}, const ConvOptions& options = {});

/// How float32 convolutions are computed. `fastest`: by oneDNN where it is built in, and there by Winograd's method
/// (Lavin and Gray 2016) for 3 x 3 kernels of stride 1 with at least 32 channels on both sides and enough positions.
/// That halves the time; its rounding errors are about four times those of `direct`, and an infinity or NaN reaches all
/// results of the 4 x 4 tile around it. `direct`: by oneDNN, product for product. `portable`: by unfold and matmul.
enum class ConvMethod { fastest, direct, portable };
/// For all threads and all convolutions from now on.
void set_conv_method(ConvMethod method);

struct Conv1dOptions {
  std::int64_t stride = 1, padding = 0, dilation = 1, groups = 1;
  bool same_padding = false;
};
/// x (N, C, L) or (C, L), weight (O, C / groups, kernel), bias (O) or none. Computed as conv2d of one row.
Tensor conv1d(const Operand& x, const Operand& weight, const Tensor& bias = {}, const Conv1dOptions& options = {});

struct ConvTransposeOptions {
  Size2 stride = 1, padding = 0, output_padding = 0;
  std::int64_t groups = 1;
  Size2 dilation = 1;
};
/// The adjoint of conv2d: x (N, C, H, W), weight (C, O / groups, kernel_h, kernel_w), bias (O) or none, to images of
/// (H - 1) * stride - 2 * padding + dilation * (kernel_h - 1) + output_padding + 1 rows. output_padding, which chooses
/// among the sizes that conv2d would have shrunk to H, is below stride or dilation.
Tensor conv_transpose2d(const Operand& x, const Operand& weight, const Tensor& bias = {},
                        const ConvTransposeOptions& options = {});

}  // namespace chainrule
