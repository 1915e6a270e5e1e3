// Rows of the table: convolutions, resizing, blocks of pixels.
#include <fmt/format.h>

#include <cmath>

#include "engine/factory.h"
#include "engine/types/error.h"
#include "nn/files/onnx/reader.h"
#include "nn/files/onnx/table.h"
#include "nn/files/onnx/windows.h"
#include "nn/files/onnx/writer.h"
#include "ops/ops.h"

namespace chainrule::internal {
namespace {

OnnxWriter::Attributes conv_attributes(OnnxWriter& w) {
  const std::vector<std::int64_t> padding = w.pair("padding", 0);
  return {{"strides", w.pair("stride", 1)},
          {"pads", std::vector<std::int64_t>{padding[0], padding[1], padding[0], padding[1]}},
          {"dilations", w.pair("dilation", 1)},
          {"group", w.integer("groups")},
          {"kernel_shape", std::vector<std::int64_t>{w.shape(1)[2], w.shape(1)[3]}}};
}

std::string write_conv(OnnxWriter& w) {
  std::vector<std::string> inputs{w.in(0), w.in(1)};
  if (w.inputs() > 2) inputs.push_back(w.in(2));
  return w.add("Conv", std::move(inputs), conv_attributes(w));
}

/// The gradient of a convolution by its images is the transposed convolution.
std::string write_conv_transpose(OnnxWriter& w) {
  OnnxWriter::Attributes a = conv_attributes(w);
  const std::vector<std::int64_t> stride = w.pair("stride", 1), padding = w.pair("padding", 0),
                                  dilation = w.pair("dilation", 1);
  std::vector<std::int64_t> more;
  for (std::size_t i = 0; i < 2; ++i)
    more.push_back(w.result_shape()[2 + i] -
                   ((w.shape(0)[2 + i] - 1) * stride[i] - 2 * padding[i] + dilation[i] * (w.shape(1)[2 + i] - 1) + 1));
  a["output_padding"] = more;
  return w.add("ConvTranspose", {w.in(0), w.in(1)}, std::move(a));
}

std::vector<std::int64_t> kernel_of_weight(OnnxReader& r) {
  const Shape& s = r.in(1).shape();
  if (s.size() != r.in(0).shape().size()) r.refuse("its weight and its input differ in the number of axes");
  return std::vector<std::int64_t>(s.begin() + std::min<std::ptrdiff_t>(2, static_cast<std::ptrdiff_t>(s.size())),
                                   s.end());
}

Tensor read_conv(OnnxReader& r) {
  const OnnxWindows w = onnx_windows(r, r.in(0).shape(), kernel_of_weight(r));
  Tensor x = as_images(w, r.in(0));
  const Tensor weight = as_images(w, r.in(1));
  if (weight.size(2) != w.kernel[0] || weight.size(3) != w.kernel[1])
    r.refuse("kernel_shape is not that of its weight");
  ConvOptions o{.stride = w.strides(), .dilation = w.dilations(), .groups = r.integer("group", 1)};
  if (w.is_even())
    o.padding = w.padding();
  else
    x = pad(x, w.amounts());
  return back_from_images(w, conv2d(x, weight, r.optional(2), o));
}

/// Padding of one side is cut off from what no padding gives; room at the end is filled with the bias.
Tensor read_conv_transpose(OnnxReader& r) {
  const OnnxWindows w = onnx_windows(r, r.in(0).shape(), kernel_of_weight(r), true);
  const std::size_t axes = w.line ? 1 : 2, skip = 2 - axes;
  const Tensor x = as_images(w, r.in(0)), weight = as_images(w, r.in(1));
  const std::vector<std::int64_t> more = r.integers("output_padding", std::vector<std::int64_t>(axes, 0)),
                                  wanted = r.integers("output_shape", {});
  if (more.size() != axes || (!wanted.empty() && wanted.size() != axes))
    r.refuse("its output_padding or output_shape is not that of its axes");
  std::array<std::int64_t, 2> before = w.before, after = w.after, extra{0, 0};
  for (std::size_t i = 0; i < axes; ++i) {
    const std::size_t at = skip + i;
    extra[at] = more[i];
    if (wanted.empty()) continue;
    const std::int64_t whole =
        (x.shape()[2 + at] - 1) * w.stride[at] + extra[at] + w.dilation[at] * (w.kernel[at] - 1) + 1;
    const std::int64_t total = whole - wanted[i];
    if (total < 0) {
      extra[at] += -total;
      before[at] = after[at] = 0;
    } else {  // auto_pad NOTSET and SAME_UPPER put the smaller half first
      before[at] = total / 2, after[at] = total - total / 2;
    }
  }
  ConvTransposeOptions o{.stride = w.strides(), .groups = r.integer("group", 1), .dilation = w.dilations()};
  o.output_padding = {extra[0], extra[1]};
  const bool even = before == after;
  if (even) o.padding = {before[0], before[1]};
  Tensor z = conv_transpose2d(x, weight, r.optional(2), o);
  if (!even)
    for (int i = 0; i < 2; ++i) {
      const auto at = static_cast<std::size_t>(i);
      if (before[at] + after[at] >= z.size(2 + i)) r.refuse("it pads away its whole result");
      z = slice(z, 2 + i, before[at], z.size(2 + i) - after[at]);
    }
  return back_from_images(w, z);
}

// --- resizing --------------------------------------------------------------------------------------------------------

std::string write_interpolate(OnnxWriter& w) {
  const Shape from = w.shape(0), to = w.result_shape();
  const std::string mode = w.word("mode");
  const bool corners = w.flag("align_corners");
  OnnxWriter::Attributes a;
  const auto say = [&](const char* how, const char* coordinates) {
    a["mode"] = std::string(how);
    a["coordinate_transformation_mode"] = std::string(coordinates);
  };
  for (std::size_t i = 2; i < 4; ++i)
    if (mode.starts_with("nearest") && to[i] % from[i] != 0 && from[i] % to[i] != 0)
      w.refuse("rounding may pick other pixels elsewhere, unless one size is a multiple of the other");
  InterpolateOptions o{.size = Size2{to[2], to[3]}, .align_corners = corners};
  if (mode == "nearest") {
    say("nearest", "asymmetric");
    a["nearest_mode"] = std::string("floor");
    o.mode = Interpolation::nearest;
  } else if (mode == "nearest-exact") {
    say("nearest", "half_pixel");
    a["nearest_mode"] = std::string("round_prefer_ceil");
    o.mode = Interpolation::nearest_exact;
  } else if (mode == "bilinear") {
    say("linear", corners ? "align_corners" : "half_pixel");
    o.mode = Interpolation::bilinear;
  } else if (mode == "bicubic") {
    say("cubic", corners ? "align_corners" : "half_pixel");
    o.mode = Interpolation::bicubic;
  } else {
    w.refuse(fmt::format("Resize of ONNX, opset 17, has no mode '{}'", mode));
  }
  // A scale factor that does not give whole sizes makes other steps, which the recorded operation does not tell.
  if (interpolate(w.value(0), o).to_vector() != w.result().to_vector())
    w.refuse("its scale factor is not the ratio of the sizes; give the size, or recompute_scale_factor");
  // The first two sizes are those of the input, whatever the batch.
  const std::string outer = w.add("Shape", {w.in(0)}, {{"start", std::int64_t{0}}, {"end", std::int64_t{2}}});
  const std::string sizes =
      w.add("Concat", {outer, w.constant(std::vector<std::int64_t>{to[2], to[3]})}, {{"axis", std::int64_t{0}}});
  return w.add("Resize", {w.in(0), "", "", sizes}, std::move(a));
}

Interpolation resize_mode(OnnxReader& r) {
  const std::string mode = r.word("mode", "nearest"), c = r.word("coordinate_transformation_mode", "half_pixel");
  const bool old = r.node().type == "Upsample" || r.opset() < 11;
  if (mode == "nearest") {
    const std::string rounding = r.word("nearest_mode", "round_prefer_floor");
    if (old || (c == "asymmetric" && rounding == "floor")) return Interpolation::nearest;
    if (c == "half_pixel" && rounding == "round_prefer_ceil") return Interpolation::nearest_exact;
    r.refuse(fmt::format("nearest with coordinate_transformation_mode '{}' and nearest_mode '{}'", c, rounding));
  }
  if (old || (c != "half_pixel" && c != "align_corners" && c != "pytorch_half_pixel"))
    r.refuse(fmt::format("{} with coordinate_transformation_mode '{}'", mode, old ? "asymmetric" : c));
  if (mode == "linear" || mode == "bilinear") return Interpolation::bilinear;
  if (mode != "cubic") r.refuse(fmt::format("its mode is '{}'", mode));
  if (std::abs(r.number("cubic_coeff_a", -0.75) + 0.75) > 1e-6 || r.integer("exclude_outside", 0) != 0)
    r.refuse("cubic with another cubic_coeff_a than -0.75, or with exclude_outside");
  return Interpolation::bicubic;
}

Tensor read_resize(OnnxReader& r) {
  const Tensor& x = r.in(0);
  if (x.dim() != 4) r.refuse(fmt::format("its input has shape {}; (N, C, H, W) can be computed", to_string(x.shape())));
  InterpolateOptions o{.mode = resize_mode(r)};
  o.align_corners = r.word("coordinate_transformation_mode", "") == "align_corners";
  const bool upsample = r.node().type == "Upsample";
  const std::size_t at = upsample || r.opset() < 11 ? 1 : 2;
  std::vector<double> scales = upsample && r.opset() < 9 ? r.numbers("scales", {}) : std::vector<double>{};
  if (scales.empty() && r.has(at)) scales = r.numbers(at);
  Shape shape = x.shape();
  if (!scales.empty()) {
    if (scales.size() != 4 || scales[0] != 1 || scales[1] != 1) r.refuse("only the last two axes can be resized");
    for (std::size_t i = 2; i < 4; ++i) {
      const double size = std::floor(static_cast<double>(shape[i]) * scales[i]);
      if (!(size >= 1 && size < 1 << 28)) r.refuse(fmt::format("a scale is {}", scales[i]));
      shape[i] = static_cast<std::int64_t>(size);
    }
    o.scale_factor = {scales[2], scales[3]};
  } else {
    const std::vector<std::int64_t> sizes =
        at == 2 && r.has(3) ? r.integers(std::size_t{3}) : std::vector<std::int64_t>{};
    if (sizes.size() != 4 || sizes[0] != shape[0] || sizes[1] != shape[1])
      r.refuse("only the last two axes can be resized");
    shape = r.shape_of(sizes);
    o.size = Size2{sizes[2], sizes[3]};
  }
  r.expect_size(shape);
  const std::string how = r.word("coordinate_transformation_mode", "half_pixel");
  for (std::size_t i = 2; i < 4; ++i) {
    if (o.align_corners && !scales.empty() &&
        static_cast<double>(shape[i]) != static_cast<double>(x.shape()[i]) * scales[i])
      r.refuse("align_corners with a scale that gives no whole size");
    if (how == "pytorch_half_pixel" && shape[i] == 1) r.refuse("pytorch_half_pixel to a size of 1");
  }
  return interpolate(x, o);
}

// --- blocks of pixels ------------------------------------------------------------------------------------------------

std::int64_t blocksize(OnnxReader& r, bool to_space) {
  const Shape& s = r.in(0).shape();
  const std::int64_t b = r.integer("blocksize");
  if (s.size() != 4 || b < 1 || b > 1 << 14 || (to_space ? s[1] % (b * b) != 0 : s[2] % b != 0 || s[3] % b != 0))
    r.refuse(fmt::format("blocks of {} do not fit the shape {}", b, to_string(s)));
  return b;
}

Tensor read_depth_to_space(OnnxReader& r) {
  const std::int64_t b = blocksize(r, true);
  const std::string mode = r.word("mode", "DCR");
  if (mode == "CRD") return pixel_shuffle(r.in(0), b);
  if (mode != "DCR") r.refuse(fmt::format("its mode is '{}'", mode));
  const Shape& s = r.in(0).shape();
  const Tensor parts = permute(reshape(r.in(0), {s[0], b, b, s[1] / (b * b), s[2], s[3]}), {0, 3, 4, 1, 5, 2});
  return reshape(parts, {s[0], s[1] / (b * b), s[2] * b, s[3] * b});
}

Tensor read_space_to_depth(OnnxReader& r) {
  const std::int64_t b = blocksize(r, false);
  const Shape& s = r.in(0).shape();
  const Tensor parts = permute(reshape(r.in(0), {s[0], s[1], s[2] / b, b, s[3] / b, b}), {0, 3, 5, 1, 2, 4});
  return reshape(parts, {s[0], s[1] * b * b, s[2] / b, s[3] / b});
}

}  // namespace

std::span<const OnnxRow> onnx_image_rows() {
  constexpr const char* kWindows = "auto_pad dilations group kernel_shape pads strides";
  constexpr const char* kGrowing = "auto_pad dilations group kernel_shape pads strides output_padding output_shape";
  constexpr const char* kResize =
      "mode coordinate_transformation_mode nearest_mode cubic_coeff_a exclude_outside extrapolation_value";
  static const OnnxRow rows[] = {
      {"conv2d", "Conv", write_conv, read_conv, kWindows},
      {"conv2d_input_grad", "ConvTranspose", write_conv_transpose, read_conv_transpose, kGrowing},
      {"interpolate", "Resize", write_interpolate, read_resize, kResize, 14},
      {"", "Upsample", nullptr, read_resize, "mode scales", 2},
      {"", "DepthToSpace", nullptr, read_depth_to_space, "blocksize mode"},
      {"", "SpaceToDepth", nullptr, read_space_to_depth, "blocksize"},
  };
  return rows;
}

}  // namespace chainrule::internal
