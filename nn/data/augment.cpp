// Transforms that move pixels: whole rows where the distances are whole, bilinear where they are not.
#include "nn/data/augment.h"

#include <cstring>
#include <numbers>

#include "nn/data/augment_parts.h"

namespace chainrule {
namespace {

using internal::change_each;
using internal::check_least;
using internal::check_range;
using internal::picture_size;
using internal::PictureSize;

/// The picture seen through a window of `to` whose upper left corner lies at (top, left) of it, which may be outside.
template <class T>
void copy_window(const T* in, T* out, const PictureSize& from, const PictureSize& to, std::int64_t top,
                 std::int64_t left) {
  const std::int64_t begin = std::clamp<std::int64_t>(-left, 0, to.width);
  const std::int64_t end = std::clamp<std::int64_t>(from.width - left, begin, to.width);
  for (std::int64_t c = 0; c < from.channels; ++c) {
    for (std::int64_t y = 0; y < to.height; ++y) {
      T* row = out + c * to.plane() + y * to.width;
      const std::int64_t source = y + top;
      if (source < 0 || source >= from.height || begin == end) {
        std::fill(row, row + to.width, T(0));
        continue;
      }
      std::fill(row, row + begin, T(0));
      std::copy_n(in + c * from.plane() + source * from.width + begin + left, end - begin, row + begin);
      std::fill(row + end, row + to.width, T(0));
    }
  }
}

/// A turn and a change of size about the centre: where in the old picture each pixel of the new one comes from.
struct Turn {
  double cosine = 1, sine = 0;
};

template <class T>
void turn_picture(const T* in, T* out, const PictureSize& size, Turn turn) {
  const double middle_y = static_cast<double>(size.height - 1) / 2, middle_x = static_cast<double>(size.width - 1) / 2;
  for (std::int64_t y = 0; y < size.height; ++y) {
    for (std::int64_t x = 0; x < size.width; ++x) {
      const double dy = static_cast<double>(y) - middle_y, dx = static_cast<double>(x) - middle_x;
      const double from_y = middle_y + turn.cosine * dy - turn.sine * dx;
      const double from_x = middle_x + turn.cosine * dx + turn.sine * dy;
      const double floor_y = std::floor(from_y), floor_x = std::floor(from_x);
      const auto y0 = static_cast<std::int64_t>(floor_y), x0 = static_cast<std::int64_t>(floor_x);
      const T wy = static_cast<T>(from_y - floor_y), wx = static_cast<T>(from_x - floor_x);
      const bool top = y0 >= 0 && y0 < size.height, bottom = y0 + 1 >= 0 && y0 + 1 < size.height;
      const bool left = x0 >= 0 && x0 < size.width, right = x0 + 1 >= 0 && x0 + 1 < size.width;
      for (std::int64_t c = 0; c < size.channels; ++c) {
        const T* at = in + c * size.plane() + y0 * size.width + x0;  // read only where it is inside
        const T a = top && left ? at[0] : T(0), b = top && right ? at[1] : T(0);
        const T d = bottom && left ? at[size.width] : T(0), e = bottom && right ? at[size.width + 1] : T(0);
        const T upper = a + wx * (b - a), lower = d + wx * (e - d);
        out[c * size.plane() + y * size.width + x] = upper + wy * (lower - upper);
      }
    }
  }
}

/// A step that turns or resizes each picture by what `draw` says.
template <class Draw>
Transform turning(const char* who, double amount, Draw draw) {
  return {fmt::format("{}({})", who, amount),
          [who, draw](const Batch& batch, const Draws& draws) {
            const PictureSize size = picture_size(who, batch.inputs);
            return change_each(batch, batch.inputs.shape(), [&](const auto* in, auto* out, std::int64_t i) {
              Generator generator = draws.generator(i);
              turn_picture(in, out, size, draw(generator));
            });
          },
          true};
}

}  // namespace

Transform random_shift(std::int64_t pixels) {
  check_least("random_shift", "pixels", pixels, 0);
  return {fmt::format("random_shift({})", pixels),
          [pixels](const Batch& batch, const Draws& draws) {
            const PictureSize size = picture_size("random_shift", batch.inputs);
            return change_each(batch, batch.inputs.shape(), [&](const auto* in, auto* out, std::int64_t i) {
              Generator generator = draws.generator(i);
              const std::int64_t down = generator.below(2 * pixels + 1) - pixels;
              const std::int64_t right = generator.below(2 * pixels + 1) - pixels;
              copy_window(in, out, size, size, -down, -right);
            });
          },
          true};
}

Transform random_rotate(double degrees) {
  check_range("random_rotate", "degrees", degrees, 0, 180);
  return turning("random_rotate", degrees, [degrees](Generator& generator) {
    const double angle = internal::uniform_between(generator, -degrees, degrees) / 180 * std::numbers::pi;
    return Turn{std::cos(angle), std::sin(angle)};
  });
}

Transform random_zoom(double share) {
  check_range("random_zoom", "share", share, 0, std::nextafter(1.0, 0.0));
  return turning("random_zoom", share, [share](Generator& generator) {
    return Turn{1 / internal::uniform_between(generator, 1 - share, 1 + share), 0};
  });
}

Transform random_crop(std::int64_t height, std::int64_t width, CropOptions options) {
  check_least("random_crop", "height", height, 1);
  check_least("random_crop", "width", width, 1);
  check_least("random_crop", "padding", options.padding, 0);
  const std::int64_t padding = options.padding;
  return {padding ? fmt::format("random_crop({}, {}, {{.padding = {}}})", height, width, padding)
                  : fmt::format("random_crop({}, {})", height, width),
          [height, width, padding](const Batch& batch, const Draws& draws) {
            const PictureSize from = picture_size("random_crop", batch.inputs), to{from.channels, height, width};
            const std::int64_t spare_y = from.height + 2 * padding - height, spare_x = from.width + 2 * padding - width;
            if (spare_y < 0 || spare_x < 0)
              throw ShapeError(fmt::format("random_crop: {} x {} does not fit into pictures of {} x {} with padding {}",
                                           height, width, from.height, from.width, padding));
            const Shape shape{batch.size(), from.channels, height, width};
            return change_each(batch, shape, [&](const auto* in, auto* out, std::int64_t i) {
              Generator generator = draws.generator(i);
              const std::int64_t top = generator.below(spare_y + 1) - padding;
              const std::int64_t left = generator.below(spare_x + 1) - padding;
              copy_window(in, out, from, to, top, left);
            });
          },
          true};
}

Transform random_flip(double p, Flip flip) {
  check_range("random_flip", "p", p, 0, 1);
  const bool across = flip == Flip::horizontal;
  return {fmt::format("random_flip({}{})", p, across ? "" : ", Flip::vertical"),
          [p, across](const Batch& batch, const Draws& draws) {
            const PictureSize size = picture_size("random_flip", batch.inputs);
            return change_each(batch, batch.inputs.shape(), [&](const auto* in, auto* out, std::int64_t i) {
              Generator generator = draws.generator(i);
              const bool turned = generator.uniform() < p;
              for (std::int64_t row = 0; row < size.channels * size.height; ++row) {
                const std::int64_t y = row % size.height, to = row - y + (turned && !across ? size.height - 1 - y : y);
                const auto *begin = in + row * size.width, *end = begin + size.width;
                if (turned && across)
                  std::reverse_copy(begin, end, out + to * size.width);
                else
                  std::copy(begin, end, out + to * size.width);
              }
            });
          },
          true};
}

Transform cut_out(std::int64_t size) {
  check_least("cut_out", "size", size, 1);
  return {fmt::format("cut_out({})", size),
          [size](const Batch& batch, const Draws& draws) {
            const PictureSize whole = picture_size("cut_out", batch.inputs);
            return change_each(batch, batch.inputs.shape(), [&](const auto* in, auto* out, std::int64_t i) {
              std::copy_n(in, whole.numel(), out);
              Generator generator = draws.generator(i);
              const std::int64_t top = generator.below(whole.height) - size / 2;
              const std::int64_t left = generator.below(whole.width) - size / 2;
              const std::int64_t begin = std::max<std::int64_t>(left, 0), end = std::min(left + size, whole.width);
              for (std::int64_t c = 0; c < whole.channels; ++c)
                for (std::int64_t y = std::max<std::int64_t>(top, 0); y < std::min(top + size, whole.height); ++y)
                  std::fill(out + c * whole.plane() + y * whole.width + begin,
                            out + c * whole.plane() + y * whole.width + end, 0);
            });
          },
          true};
}

}  // namespace chainrule
