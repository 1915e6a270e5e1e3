// Images, (N, C, H, W) or (C, H, W), as columns of windows and back. Both throw ShapeError when no window fits and
// ValueError for kernel sizes, strides and dilations below 1 and negative paddings.
#pragma once

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

}  // namespace chainrule
