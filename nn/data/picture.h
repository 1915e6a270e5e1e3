// Inner header: for our own sources, not installed.
// One picture file as a tensor: PNG, and JPEG where the library was built with it. Sizes that a file claims are held
// against its length before memory is asked for.
#pragma once

#include <string>
#include <string_view>

#include "engine/tensor.h"

namespace chainrule {

/// (channels, H, W) float32 from 0 to 1; one channel is grey, 0.299 red + 0.587 green + 0.114 blue. Transparent pixels
/// lie on white. `file` is what messages call it. Throws ValueError for what is wrong with the bytes, EnvironmentError
/// for a JPEG file in a build without JPEG.
Tensor parse_picture(std::string_view bytes, const std::string& file, std::int64_t channels);

/// What the two formats give: 8 bits, the channels of a pixel together.
struct PicturePixels {
  std::int64_t height = 0, width = 0, channels = 0;
  std::string bytes{};
};
PicturePixels parse_jpeg(std::string_view bytes, const std::string& who, bool grey);

/// Throws ValueError for more pixels than any of our files should have, or than `bytes` could hold when each stands for
/// at most `most_a_byte` of them.
void check_picture_size(const std::string& who, std::int64_t width, std::int64_t height, double most_a_byte,
                        std::size_t bytes);

}  // namespace chainrule
