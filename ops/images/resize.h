// Images in another size: interpolation, and channels traded for size.
#pragma once

#include <array>
#include <optional>

#include "engine/operand.h"
#include "ops/options.h"

namespace chainrule {

enum class Interpolation : std::uint8_t { nearest, nearest_exact, linear, bilinear, bicubic, area };

struct InterpolateOptions {
  std::optional<Size2> size{};  ///< this or scale_factor
  std::optional<std::array<double, 2>> scale_factor{};
  Interpolation mode = Interpolation::nearest;
  bool align_corners = false;           ///< corners stay where they are; for linear, bilinear, bicubic
  bool recompute_scale_factor = false;  ///< steps of input size / output size, not 1 / scale_factor
};
/// (N, C, H, W), or (N, C, L) with `nearest`, `nearest_exact`, `linear` or `area`, which reads the second numbers.
/// Places are torch's: nearest takes floor(i * step), nearest_exact floor((i + 1/2) * step), linear and cubic the
/// middle of pixels, cut off at the border, and an axis that keeps its size stays as it is except for bicubic (there
/// torch's memory formats disagree; this is its channels-last). bicubic reads four by four pixels (Keys 1981, "Cubic
/// convolution interpolation for digital image processing", with a = -3/4); area takes the mean of all that an output
/// pixel covers. Channels-last images stay so.
/// Throws ShapeError when another axis than N is or becomes empty, ValueError for options that do not go together.
Tensor interpolate(const Operand& x, const InterpolateOptions& options);

/// (..., C r^2, H, W) to (..., C, H r, W r): Shi and others 2016, "Real-time single image and video super-resolution".
Tensor pixel_shuffle(const Operand& x, std::int64_t upscale_factor);
/// The inverse: (..., C, H r, W r) to (..., C r^2, H, W).
Tensor pixel_unshuffle(const Operand& x, std::int64_t downscale_factor);

}  // namespace chainrule
