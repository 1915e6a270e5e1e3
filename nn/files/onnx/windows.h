// Inner header: for our own sources, not installed.
// The windows of convolutions and pools as ONNX writes them, along one or two axes.
#pragma once

#include <algorithm>
#include <array>
#include <string>

#include "nn/files/onnx/reader.h"
#include "ops/ops.h"

namespace chainrule::internal {

/// Of an operator over (N, C, L) or (N, C, H, W); lines are images of height 1.
struct OnnxWindows {
  bool line = false;
  std::array<std::int64_t, 2> kernel{1, 1}, stride{1, 1}, dilation{1, 1};
  std::array<std::int64_t, 2> before{0, 0}, after{0, 0};  // padding
  bool is_even() const { return before == after; }
  Size2 kernel_size() const { return {kernel[0], kernel[1]}; }
  Size2 strides() const { return {stride[0], stride[1]}; }
  Size2 dilations() const { return {dilation[0], dilation[1]}; }
  Size2 padding() const { return {before[0], before[1]}; }
  /// What pad() takes.
  std::vector<std::int64_t> amounts() const { return {before[1], after[1], before[0], after[0]}; }
};

/// Reads kernel_shape (unless `kernel` gives it), strides, dilations, pads and auto_pad for an input of that shape.
/// `grows`: the operator is a transposed convolution, whose own rules for auto_pad apply.
OnnxWindows onnx_windows(OnnxReader& r, const Shape& x, std::vector<std::int64_t> kernel, bool grows = false);
/// (N, C, L) as (N, C, 1, L), and back.
Tensor as_images(const OnnxWindows& w, const Tensor& x);
Tensor back_from_images(const OnnxWindows& w, const Tensor& z);

}  // namespace chainrule::internal
