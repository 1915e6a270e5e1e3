// Random changes to pictures that leave their meaning alone, made anew in every epoch. They change the inputs (N, C, H,
// W), float32 or float64, and leave targets alone; what a change moves into a picture from outside is 0. Each sample
// draws its own numbers, see Draws. Ranges and probabilities outside their limits throw ValueError when the transform
// is made, pictures of another form when it is applied.
#pragma once

#include "nn/data/transform.h"

namespace chainrule {

/// Moved by whole pixels, each way by up to `pixels` (at least 0), all distances equally likely.
Transform random_shift(std::int64_t pixels);
/// Turned about the centre by up to `degrees` (0 to 180) either way, bilinear.
Transform random_rotate(double degrees);
/// Enlarged about the centre by a factor from 1 - share to 1 + share (share at least 0, below 1), bilinear.
Transform random_zoom(double share);

struct CropOptions {
  std::int64_t padding = 0;  ///< zeros around the picture before it is cut, on each side
};
/// A part of height x width, every place equally likely (Krizhevsky et al., 2012; with padding as in He et al., 2016).
Transform random_crop(std::int64_t height, std::int64_t width, CropOptions options = {});

enum class Flip : std::uint8_t { horizontal, vertical };
/// Mirrored with probability p: left and right change places, or top and bottom.
Transform random_flip(double p = 0.5, Flip flip = Flip::horizontal);

/// A square of side `size` (at least 1) set to 0, its centre any pixel of the picture, so that it may reach beyond
/// (DeVries and Taylor, "Improved regularization of convolutional neural networks with cutout", 2017).
Transform cut_out(std::int64_t size);
/// A normal number with mean 0 and this standard deviation (at least 0) added to every number. For inputs of any shape.
Transform gaussian_noise(double std);

/// Each a share: the factor is drawn from 1 - share, but at least 0, to 1 + share.
struct ColourJitterOptions {
  double brightness = 0;  ///< all numbers times a factor
  double contrast = 0;    ///< the distance from the picture's mean grey times a factor
  double saturation = 0;  ///< the distance from each pixel's own grey times a factor; needs three channels
};
/// Pictures from 0 to 1, which they stay, in this order of steps. As torchvision's ColorJitter, without hue; grey is
/// 0.299 red + 0.587 green + 0.114 blue (ITU-R BT.601).
Transform colour_jitter(ColourJitterOptions options);

/// The transform for each sample with probability p, and nothing else. It must keep the shape and dtype of the inputs;
/// the targets stay. As torchvision's RandomApply.
Transform random_apply(double p, const Transform& transform);

}  // namespace chainrule
