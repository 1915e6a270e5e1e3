// Rows of the table: pooling.
#include <fmt/format.h>

#include <limits>

#include "engine/factory.h"
#include "engine/types/error.h"
#include "nn/files/onnx/reader.h"
#include "nn/files/onnx/table.h"
#include "nn/files/onnx/windows.h"
#include "nn/files/onnx/writer.h"
#include "ops/ops.h"

namespace chainrule::internal {
namespace {

/// Windows of the recorded pool. A last window that hangs over the end becomes padding there, which ONNX counts in
/// another way when it is asked to find it itself.
OnnxWriter::Attributes pool_attributes(OnnxWriter& w, bool average) {
  if (w.has("output_size")) {  // adaptive: as plain windows, where all are of one size
    std::vector<std::int64_t> kernel;
    for (std::size_t i = 2; i < 4; ++i) {
      if (w.shape(0)[i] % w.result_shape()[i] != 0)
        w.refuse("its windows differ in size, because the output's size does not divide the input's");
      kernel.push_back(w.shape(0)[i] / w.result_shape()[i]);
    }
    return {{"kernel_shape", kernel}, {"strides", kernel}};
  }
  const std::vector<std::int64_t> kernel = w.pair("kernel_size", 1), stride = w.pair("stride", 1),
                                  padding = w.pair("padding", 0), dilation = w.pair("dilation", 1);
  std::vector<std::int64_t> pads{padding[0], padding[1], padding[0], padding[1]};
  for (std::size_t i = 0; i < 2; ++i) {
    const std::int64_t end = (w.result_shape()[2 + i] - 1) * stride[i] + dilation[i] * (kernel[i] - 1) + 1;
    const std::int64_t hangs = end - (w.shape(0)[2 + i] + 2 * padding[i]);
    if (hangs <= -stride[i]) {  // fewer windows than would fit: there is less padding at the end
      pads[2 + i] += hangs;
      if (pads[2 + i] < 0) w.refuse("it leaves out windows that lie inside the image");
    }
    if (hangs <= 0) continue;
    if (average)
      w.refuse("its last window hangs over the end (ceil_mode), and the average there is another one in ONNX");
    pads[2 + i] += hangs;
  }
  OnnxWriter::Attributes a{{"kernel_shape", kernel}, {"strides", stride}, {"pads", pads}};
  if (!average && (dilation[0] != 1 || dilation[1] != 1)) a["dilations"] = dilation;
  return a;
}

bool is_global(OnnxWriter& w) { return w.has("output_size") && w.result_shape()[2] == 1 && w.result_shape()[3] == 1; }

std::string write_max_pool(OnnxWriter& w) {
  if (is_global(w)) return w.add("GlobalMaxPool", {w.in(0)});
  return w.add("MaxPool", {w.in(0)}, pool_attributes(w, false));
}

std::string write_average_pool(OnnxWriter& w) {
  if (is_global(w)) return w.add("GlobalAveragePool", {w.in(0)});
  OnnxWriter::Attributes a = pool_attributes(w, true);
  const bool own_divisor = w.has("divisor_override");
  a["count_include_pad"] = std::int64_t{own_divisor || w.word("count_include_pad") != "false"};
  const auto kernel = std::get<std::vector<std::int64_t>>(a["kernel_shape"]);
  std::string z = w.add("AveragePool", {w.in(0)}, std::move(a));
  if (!own_divisor) return z;
  return w.add("Mul", {z, w.scalar(static_cast<double>(kernel[0] * kernel[1]) / w.number("divisor_override"))});
}

/// With ceil_mode ONNX adds a window for what is left at the end, even one that begins in the padding.
void expect_windows(OnnxReader& r, const OnnxWindows& w, const Tensor& x, const Tensor& z) {
  if (r.integer("ceil_mode", 0) == 0) return;
  for (std::size_t i = 0; i < 2; ++i) {
    const std::int64_t left = x.shape()[2 + i] + w.before[i] + w.after[i] - (w.dilation[i] * (w.kernel[i] - 1) + 1);
    if (z.shape()[2 + i] != (left + w.stride[i] - 1) / w.stride[i] + 1)
      r.refuse("with ceil_mode a window would begin in the padding");
  }
}

Tensor read_max_pool(OnnxReader& r) {
  if (r.integer("storage_order", 0) != 0) r.refuse("its storage_order is 1");
  const OnnxWindows w = onnx_windows(r, r.in(0).shape(), {});
  const Tensor x = as_images(w, r.in(0));
  PoolOptions o{.stride = w.strides(), .dilation = w.dilations(), .ceil_mode = r.integer("ceil_mode", 0) != 0};
  const bool fits = w.is_even() && 2 * w.before[0] <= w.kernel[0] && 2 * w.before[1] <= w.kernel[1];
  if (fits) o.padding = w.padding();
  const Tensor from = fits ? x : pad(x, w.amounts(), PadMode::constant, -std::numeric_limits<double>::infinity());
  const Tensor z = max_pool2d(from, w.kernel_size(), o);
  expect_windows(r, w, x, z);
  return back_from_images(w, z);
}

Tensor read_average_pool(OnnxReader& r) {
  const OnnxWindows w = onnx_windows(r, r.in(0).shape(), {});
  const Tensor x = as_images(w, r.in(0));
  AveragePoolOptions o{.stride = w.strides(), .ceil_mode = r.integer("ceil_mode", 0) != 0};
  const bool counts = r.integer("count_include_pad", 0) != 0;
  const bool fits = w.is_even() && 2 * w.before[0] <= w.kernel[0] && 2 * w.before[1] <= w.kernel[1];
  Tensor z;
  if (fits) {
    o.padding = w.padding(), o.count_include_pad = counts;
    z = avg_pool2d(x, w.kernel_size(), o);
  } else {
    z = avg_pool2d(pad(x, w.amounts()), w.kernel_size(), o);
    if (!counts)  // the share of each window that is no padding
      z = z /
          avg_pool2d(pad(ones({1, 1, x.size(2), x.size(3)}, {.dtype = x.dtype()}), w.amounts()), w.kernel_size(), o);
  }
  expect_windows(r, w, x, z);
  return back_from_images(w, z);
}

Axes behind_channels(OnnxReader& r) {
  if (r.in(0).dim() < 3) r.refuse("its input must be (N, C, ...)");
  Axes axes;
  for (int i = 2; i < r.in(0).dim(); ++i) axes.push_back(i);
  return axes;
}

Tensor read_global_average(OnnxReader& r) {
  const Axes axes = behind_channels(r);
  return axes.size() == 2 ? adaptive_avg_pool2d(r.in(0), 1) : mean(r.in(0), axes, true);
}

Tensor read_global_max(OnnxReader& r) {
  const Axes axes = behind_channels(r);
  return axes.size() == 2 ? adaptive_max_pool2d(r.in(0), 1) : amax(r.in(0), axes, true);
}

}  // namespace

std::span<const OnnxRow> onnx_pool_rows() {
  static const OnnxRow rows[] = {
      {"max_pool2d", "MaxPool", write_max_pool, read_max_pool,
       "auto_pad ceil_mode dilations kernel_shape pads storage_order strides"},
      {"avg_pool2d", "AveragePool", write_average_pool, read_average_pool,
       "auto_pad ceil_mode count_include_pad kernel_shape pads strides"},
      {"", "GlobalAveragePool", nullptr, read_global_average},
      {"", "GlobalMaxPool", nullptr, read_global_max},
  };
  return rows;
}

}  // namespace chainrule::internal
