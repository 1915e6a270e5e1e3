// Pooling of images, (N, C, H, W) or (C, H, W): the largest element (pooling.cpp) or the average
// (pooling_average.cpp) of each window. Channels-last images give channels-last results. All throw ShapeError when
// another axis than N is empty or when no window fits, and ValueError for kernel sizes, strides and dilations below 1
// and paddings above half of the kernel.
#pragma once

#include <optional>

#include "engine/operand.h"
#include "ops/options.h"

namespace chainrule {

struct PoolOptions {
  std::optional<Size2> stride{};  ///< default: the kernel size
  Size2 padding = 0, dilation = 1;
  bool ceil_mode = false;  ///< a last window may hang over the end, but not begin in the right padding
};
/// Ties: the first in reading order gets the gradient. NaN wins, the last of several. Padding counts as -inf.
Tensor max_pool2d(const Operand& x, Size2 kernel_size, const PoolOptions& options = {});
/// Where each maximum stood: int64, row * W + column in the unpadded plane. No derivative.
Tensor max_pool2d_indices(const Operand& x, Size2 kernel_size, const PoolOptions& options = {});

struct UnpoolOptions {
  std::optional<Size2> stride{};  ///< default: the kernel size
  Size2 padding = 0;
  std::optional<Size2> output_size{};  ///< default: the smallest that max_pool2d may have read
};
/// Puts x back where the maxima stood, zeros elsewhere. Where indices name a place twice, the last in reading order
/// stays, and gets the gradient. Throws ShapeError unless indices have x's shape, ValueError for places outside.
Tensor max_unpool2d(const Operand& x, const Tensor& indices, Size2 kernel_size, const UnpoolOptions& options = {});

struct AveragePoolOptions {
  std::optional<Size2> stride{};  ///< default: the kernel size
  Size2 padding = 0;
  bool ceil_mode = false;
  bool count_include_pad = true;  ///< zeros of the padding count as elements
  std::optional<std::int64_t> divisor_override{};
};
/// Of int64 the result is int64, cut towards 0 as in PyTorch, and exact while sums of windows stay below 2^53.
Tensor avg_pool2d(const Operand& x, Size2 kernel_size, const AveragePoolOptions& options = {});

/// Sizes of an adaptive result; none: the input's.
struct OutputSize {
  std::optional<std::int64_t> h, w;
  OutputSize(std::int64_t both) : h(both), w(both) {}
  OutputSize(std::optional<std::int64_t> height, std::optional<std::int64_t> width) : h(height), w(width) {}
};
/// Window i of n reads from floor(i H / n) to ceil((i + 1) H / n).
Tensor adaptive_avg_pool2d(const Operand& x, const OutputSize& output_size);
Tensor adaptive_max_pool2d(const Operand& x, const OutputSize& output_size);

/// x / (k + alpha * mean of x^2 over `size` channels around)^beta, (N, C, ...): Krizhevsky, Sutskever and Hinton 2012,
/// 3.3, with torch's mean in place of their sum. Throws ShapeError below three axes and ValueError for size below 1.
Tensor local_response_norm(const Operand& x, std::int64_t size, double alpha = 1e-4, double beta = 0.75, double k = 1);

}  // namespace chainrule
