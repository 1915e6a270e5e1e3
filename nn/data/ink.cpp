// Cutting and resizing: each new pixel is the mean of the old ones that it covers, between them bilinear.
#include "nn/data/ink.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "engine/types/error.h"

namespace chainrule::internal {
namespace {

constexpr float kLeastInk = 0.2F;

struct InkBox {
  std::int64_t top, left, bottom, right;  // the last two are behind the ink
  bool empty() const { return bottom <= top; }
};

InkBox ink_box(const float* picture, std::int64_t height, std::int64_t width) {
  InkBox box{height, width, 0, 0};
  for (std::int64_t y = 0; y < height; ++y)
    for (std::int64_t x = 0; x < width; ++x)
      if (picture[y * width + x] > kLeastInk)
        box = {std::min(box.top, y), std::min(box.left, x), std::max(box.bottom, y + 1), std::max(box.right, x + 1)};
  return box;
}

/// The picture's value between pixel centres; the edge goes on outside.
float value_between(const float* picture, std::int64_t height, std::int64_t width, double y, double x) {
  y = std::clamp(y, 0.0, static_cast<double>(height - 1));
  x = std::clamp(x, 0.0, static_cast<double>(width - 1));
  const auto y0 = static_cast<std::int64_t>(y), x0 = static_cast<std::int64_t>(x);
  const std::int64_t y1 = std::min(y0 + 1, height - 1), x1 = std::min(x0 + 1, width - 1);
  const auto wy = static_cast<float>(y - static_cast<double>(y0)), wx = static_cast<float>(x - static_cast<double>(x0));
  const float upper = picture[y0 * width + x0] + wx * (picture[y0 * width + x1] - picture[y0 * width + x0]);
  const float lower = picture[y1 * width + x0] + wx * (picture[y1 * width + x1] - picture[y1 * width + x0]);
  return upper + wy * (lower - upper);
}

}  // namespace

void check_digits(const char* who, const ImageSet& digits) {
  const Tensor &images = digits.images, &labels = digits.labels;
  if (images.dim() != 4 || images.size(1) != 1 || images.dtype() != DType::float32 || images.numel() == 0)
    throw ValueError(fmt::format("{}: digits are pictures (N, 1, H, W) of float32, not {} of shape {}", who,
                                 name_of(images.dtype()), to_string(images.shape())));
  if (labels.dtype() != DType::int64 || labels.dim() != 1 || labels.size(0) != images.size(0))
    throw ValueError(fmt::format("{}: labels of shape {} for pictures {}", who, to_string(labels.shape()),
                                 to_string(images.shape())));
  const std::vector<std::int64_t> classes = labels.values<std::int64_t>();
  const Tensor pictures = dense(images);
  for (std::size_t i = 0; i < classes.size(); ++i) {
    if (classes[i] < 0 || classes[i] > 9)
      throw ValueError(fmt::format("{}: label {} is {}, digits are 0 to 9", who, i, classes[i]));
    const std::int64_t plane = images.size(2) * images.size(3);
    if (ink_box(pictures.data<float>() + static_cast<std::int64_t>(i) * plane, images.size(2), images.size(3)).empty())
      throw ValueError(fmt::format("{}: picture {} has no pixel above {}, so no digit", who, i, kLeastInk));
  }
}

Ink ink_of(const ImageSet& digits, std::int64_t number, std::int64_t longer) {
  const std::int64_t height = digits.images.size(2), width = digits.images.size(3);
  const float* picture = digits.images.data<float>() + number * height * width;
  const InkBox box = ink_box(picture, height, width);
  const std::int64_t h = box.bottom - box.top, w = box.right - box.left;
  const double factor = static_cast<double>(std::max(h, w)) / static_cast<double>(longer);  // old pixels in a new one
  Ink ink;
  ink.height = std::max<std::int64_t>(1, std::llround(static_cast<double>(h) / factor));
  ink.width = std::max<std::int64_t>(1, std::llround(static_cast<double>(w) / factor));
  const int samples = std::max(1, static_cast<int>(std::ceil(factor)));  // along each axis of a new pixel
  for (std::int64_t y = 0; y < ink.height; ++y)
    for (std::int64_t x = 0; x < ink.width; ++x) {
      float sum = 0;
      for (int i = 0; i < samples; ++i)
        for (int j = 0; j < samples; ++j) {
          const double in_y =
              (static_cast<double>(y) + (i + 0.5) / samples) * static_cast<double>(h) / static_cast<double>(ink.height);
          const double in_x =
              (static_cast<double>(x) + (j + 0.5) / samples) * static_cast<double>(w) / static_cast<double>(ink.width);
          sum += value_between(picture, height, width, static_cast<double>(box.top) + in_y - 0.5,
                               static_cast<double>(box.left) + in_x - 0.5);
        }
      ink.values.push_back(std::clamp(sum / static_cast<float>(samples * samples), 0.0F, 1.0F));
    }
  return ink;
}

}  // namespace chainrule::internal
