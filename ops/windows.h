// What slides over images, (N, C, H, W): unfolding, convolution, pooling.
#pragma once

#include <optional>

#include "engine/operand.h"
#include "ops/options.h"

namespace chainrule {

struct WindowOptions {
  Size2 stride = 1, padding = 0, dilation = 1;
};
/// (N, C, H, W) to (N, C * kernel_h * kernel_w, windows): im2col.
Tensor unfold(const Operand& x, Size2 kernel_size, const WindowOptions& options = {});
/// The adjoint: windows added back into images of output_size: col2im.
Tensor fold(const Operand& x, Size2 output_size, Size2 kernel_size, const WindowOptions& options = {});
struct ConvOptions {
  Size2 stride = 1, padding = 0, dilation = 1;
  std::int64_t groups = 1;
};
/// x (N, C, H, W), weight (O, C / groups, kernel_h, kernel_w), bias (O) or none.
Tensor conv2d(const Operand& x, const Operand& weight, const std::optional<Tensor>& bias = {},
              const ConvOptions& options = {});
struct PoolOptions {
  std::optional<Size2> stride{};  ///< default: the kernel size
  Size2 padding = 0, dilation = 1;
};
/// Ties: the first in reading order gets the gradient.
Tensor max_pool2d(const Operand& x, Size2 kernel_size, const PoolOptions& options = {});

}  // namespace chainrule
