// Layers that give their input another shape.
#pragma once

#include "nn/layers/applied.h"

namespace chainrule {

/// x itself.
class Identity : public Module {
 public:
  Identity() = default;

 protected:
  Tensor forward(const Tensor& x) override;
};

/// Joins the axes from start_dim on: (N, C, H, W) to (N, C H W).
struct Flatten : internal::Applied<flatten> {
  explicit Flatten(std::int64_t start_dim = 1, std::int64_t end_dim = -1) : Applied(start_dim, end_dim) {}
};

/// Splits axis dim into axes of these sizes, of which one may be -1: Unflatten(1, {1, 28, 28}) makes images.
class Unflatten : public Module {
 public:
  Unflatten(std::int64_t dim, const Shape& unflattened_size);

 protected:
  Tensor forward(const Tensor& x) override;

 private:
  std::int64_t dim_;
  Shape sizes_;
};

/// Images in another size: {.scale_factor = {{2, 2}}} or {.size = 64}, and `mode`.
struct Upsample : internal::Applied<interpolate> {
  using Options = InterpolateOptions;
  explicit Upsample(const Options& options);
};

/// (N, C r^2, H, W) to (N, C, H r, W r), and back.
struct PixelShuffle : internal::Applied<pixel_shuffle> {
  explicit PixelShuffle(std::int64_t upscale_factor);
};
struct PixelUnshuffle : internal::Applied<pixel_unshuffle> {
  explicit PixelUnshuffle(std::int64_t downscale_factor);
};

}  // namespace chainrule
