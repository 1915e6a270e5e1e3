// Inner header: for our own sources, not installed.
// What the families that slide over images share: batches of one, memory layouts, windows of pooling. Library code
// only.
#pragma once

#include <optional>

#include "ops/arguments.h"
#include "ops/images/conv.h"
#include "ops/images/pooling.h"
#include "ops/images/windows.h"
#include "ops/kernels/images/pool.h"

namespace chainrule {

class Arguments;

/// Images with a batch axis: (C, H, W) counts as a batch of one, and `back` takes that axis away again.
struct ImageBatch {
  Tensor x;
  bool added;
  Tensor back(const Tensor& z) const;
};
/// Throws ShapeError unless x is (N, C, H, W) or (C, H, W), and when another axis than N is empty.
ImageBatch images_argument(const Operand& x, const char* who);
/// Only the first of the two checks.
ImageBatch batch_argument(const Operand& x, const char* who);

/// The adjoint of conv2d by its images, which have `size`: g (N, O, h, w), w (O, C / groups, kernel_h, kernel_w), both
/// checked by the caller.
Tensor conv2d_input_grad(const Tensor& g, const Tensor& w, Size2 size, const ConvOptions& options);

/// True for memory that is channels-last and not row-major at the same time.
bool lies_channels_last(const Tensor& x);
/// x itself when its memory lies as asked, else a copy. Not recorded.
Tensor laid_out(const Tensor& x, bool channels_last);

/// The checked windows of sliding pooling; stride none: the kernel size.
kernels::Pooling pooling_windows(const char* who, const Shape& images, Size2 kernel, std::optional<Size2> stride,
                                 Size2 padding, Size2 dilation, bool ceil_mode);
/// The windows that divide images into output_size evenly.
kernels::Pooling adaptive_windows(const char* who, const Shape& images, const OutputSize& output_size);
/// Argument i of a call by name: one size, or two of which each may be None.
OutputSize output_size(const Arguments& a, int i);
/// (n, c, rows, columns) of the windows.
Shape window_shape(const kernels::Pooling& s);
/// "stride=2, padding=0, dilation=1".
std::string to_string(const WindowOptions& o);
/// "kernel_size=2, stride=2, padding=0, dilation=1" or "output_size=3".
std::string to_string(const kernels::Pooling& s);

}  // namespace chainrule
