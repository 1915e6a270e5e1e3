// Inner header: for our own sources, not installed.
// The ink of one digit, cut out of its picture and brought to a size, to be put down in scenes.
#pragma once

#include <vector>

#include "nn/data/image_set.h"

namespace chainrule::internal {

struct Ink {
  std::int64_t height = 0, width = 0;
  std::vector<float> values{};  // 0 to 1, row by row
  float at(std::int64_t y, std::int64_t x) const { return values[static_cast<std::size_t>(y * width + x)]; }
};

/// Pixels of more than this are a digit's in masks.
inline constexpr float kInkOfMask = 0.4F;

/// Throws ValueError unless these are pictures (N, 1, H, W) float32 with a class from 0 to 9 and ink in each.
void check_digits(const char* who, const ImageSet& digits);

/// The digit's own box, its longer side resized to `longer` pixels.
Ink ink_of(const ImageSet& digits, std::int64_t number, std::int64_t longer);

}  // namespace chainrule::internal
