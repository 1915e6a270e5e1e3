#include "nn/layers/shape.h"

#include <fmt/format.h>

#include <algorithm>

#include "nn/layers/checks.h"

namespace chainrule {

Unflatten::Unflatten(std::int64_t dim, const Shape& unflattened_size) : dim_(dim), sizes_(unflattened_size) {
  if (sizes_.empty()) throw ValueError("Unflatten: unflattened_size names at least one axis");
  for (const auto size : sizes_)
    if (size < -1 || size == 0)
      throw ValueError(fmt::format("Unflatten: unflattened_size holds sizes of at least 1, or one -1, unlike {}",
                                   to_string(sizes_)));
  if (std::count(sizes_.begin(), sizes_.end(), -1) > 1)
    throw ValueError(
        fmt::format("Unflatten: only one size of unflattened_size may be -1, unlike {}", to_string(sizes_)));
}

Tensor Identity::forward(const Tensor& x) {
  expect_value(x, "Identity");
  return x;
}

Tensor Unflatten::forward(const Tensor& x) {
  const CalledFrom caller(called_from());
  expect_value(x, "Unflatten");
  const std::int64_t axis = dim_ < 0 ? dim_ + x.dim() : dim_;
  if (axis < 0 || axis >= x.dim())
    throw ShapeError(fmt::format("Unflatten: x {} has no axis {}", to_string(x.shape()), dim_));
  std::int64_t known = 1;
  for (const auto size : sizes_) known *= size == -1 ? 1 : size;
  const std::int64_t whole = x.shape()[static_cast<std::size_t>(axis)];
  const bool open = std::count(sizes_.begin(), sizes_.end(), -1) > 0;
  if (open ? whole % known != 0 : whole != known)
    throw ShapeError(fmt::format("Unflatten: axis {} of x {} does not split into {}", dim_, to_string(x.shape()),
                                 to_string(sizes_)));
  Shape shape;
  for (std::int64_t i = 0; i < x.dim(); ++i) {
    if (i != axis)
      shape.push_back(x.shape()[static_cast<std::size_t>(i)]);
    else
      for (const auto size : sizes_) shape.push_back(size == -1 ? whole / known : size);
  }
  return reshape(x, shape);
}

Upsample::Upsample(const Options& options) : Applied(options) {
  if (options.size.has_value() == options.scale_factor.has_value())
    throw ValueError("Upsample: give either size or scale_factor");
  if (options.size) positive(*options.size, "Upsample", "size");
  if (options.scale_factor)
    for (const double factor : *options.scale_factor) above_zero(factor, "Upsample", "scale_factor");
  const Interpolation m = options.mode;
  if (options.align_corners &&
      (m == Interpolation::nearest || m == Interpolation::nearest_exact || m == Interpolation::area))
    throw ValueError("Upsample: align_corners is for the modes linear, bilinear and bicubic");
}

PixelShuffle::PixelShuffle(std::int64_t upscale_factor)
    : Applied(positive(upscale_factor, "PixelShuffle", "upscale_factor")) {}
PixelUnshuffle::PixelUnshuffle(std::int64_t downscale_factor)
    : Applied(positive(downscale_factor, "PixelUnshuffle", "downscale_factor")) {}

}  // namespace chainrule
