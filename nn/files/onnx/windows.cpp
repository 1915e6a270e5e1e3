// How ONNX says windows: lists of one number for each axis, pads before and behind, and padding by rule.
#include "nn/files/onnx/windows.h"

#include <fmt/format.h>

namespace chainrule::internal {

OnnxWindows onnx_windows(OnnxReader& r, const Shape& x, std::vector<std::int64_t> kernel, bool grows) {
  if (x.size() != 3 && x.size() != 4)
    r.refuse(fmt::format("its input has shape {}; (N, C, L) and (N, C, H, W) can be computed", to_string(x)));
  OnnxWindows w{.line = x.size() == 3};
  const std::size_t axes = x.size() - 2, skip = 2 - axes;
  kernel = r.integers("kernel_shape", kernel);
  const auto strides = r.integers("strides", std::vector<std::int64_t>(axes, 1));
  const auto dilations = r.integers("dilations", std::vector<std::int64_t>(axes, 1));
  const auto pads = r.integers("pads", std::vector<std::int64_t>(2 * axes, 0));
  if (kernel.size() != axes || strides.size() != axes || dilations.size() != axes || pads.size() != 2 * axes)
    r.refuse(fmt::format("its kernel_shape, strides, dilations or pads are not those of {} axes", axes));
  const std::string rule = r.word("auto_pad", "NOTSET");
  if (rule != "NOTSET" && rule != "VALID" && rule != "SAME_UPPER" && rule != "SAME_LOWER")
    r.refuse(fmt::format("its auto_pad is '{}'", rule));
  if (grows && rule.starts_with("SAME")) r.refuse(fmt::format("its auto_pad is '{}'", rule));
  constexpr std::int64_t kMost = std::int64_t{1} << 28;
  for (std::size_t i = 0; i < axes; ++i) {
    for (const auto number : {kernel[i], strides[i], dilations[i]})
      if (number < 1 || number > kMost) r.refuse(fmt::format("a kernel size, stride or dilation is {}", number));
    for (const auto number : {pads[i], pads[axes + i]})
      if (number < 0 || number > kMost) r.refuse(fmt::format("it pads by {}", number));
    const std::size_t at = skip + i;
    w.kernel[at] = kernel[i], w.stride[at] = strides[i], w.dilation[at] = dilations[i];
    if (rule == "NOTSET") {
      w.before[at] = pads[i], w.after[at] = pads[axes + i];
    } else if (rule != "VALID") {
      const std::int64_t size = x[2 + i], out = (size + strides[i] - 1) / strides[i];
      const std::int64_t total =
          std::max<std::int64_t>(0, (out - 1) * strides[i] + dilations[i] * (kernel[i] - 1) + 1 - size);
      w.before[at] = rule == "SAME_UPPER" ? total / 2 : total - total / 2;
      w.after[at] = total - w.before[at];
    }
  }
  return w;
}

Tensor as_images(const OnnxWindows& w, const Tensor& x) { return w.line ? unsqueeze(x, 2) : x; }
Tensor back_from_images(const OnnxWindows& w, const Tensor& z) { return w.line ? squeeze(z, {2}) : z; }

}  // namespace chainrule::internal
