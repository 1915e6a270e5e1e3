// Transforms that change the numbers of a picture where they are, and the one that leaves some samples out.
#include <cstring>

#include "nn/data/augment.h"
#include "nn/data/augment_parts.h"

namespace chainrule {
namespace {

using internal::check_range;
using internal::PictureSize;

/// Grey of one pixel; of other numbers of channels than three their mean.
template <class T>
T grey_at(const T* picture, const PictureSize& size, std::int64_t pixel) {
  if (size.channels == 3)
    return T(0.299) * picture[pixel] + T(0.587) * picture[size.plane() + pixel] +
           T(0.114) * picture[2 * size.plane() + pixel];
  T sum = 0;
  for (std::int64_t c = 0; c < size.channels; ++c) sum += picture[c * size.plane() + pixel];
  return sum / static_cast<T>(size.channels);
}

template <class T>
T cut_to_unit(T value) {
  return std::clamp(value, T(0), T(1));
}

template <class T>
void jitter_picture(const T* in, T* out, const PictureSize& size, T brightness, T contrast, T saturation) {
  for (std::int64_t i = 0; i < size.numel(); ++i) out[i] = cut_to_unit(in[i] * brightness);
  if (contrast != 1) {  // with a factor of 1 not even rounding may change anything
    T mean = 0;
    for (std::int64_t i = 0; i < size.plane(); ++i) mean += grey_at(out, size, i);
    mean /= static_cast<T>(size.plane());
    for (std::int64_t i = 0; i < size.numel(); ++i) out[i] = cut_to_unit(mean + contrast * (out[i] - mean));
  }
  if (saturation == 1) return;
  for (std::int64_t i = 0; i < size.plane(); ++i) {
    const T grey = grey_at(out, size, i);
    for (std::int64_t c = 0; c < size.channels; ++c) {
      T& value = out[c * size.plane() + i];
      value = cut_to_unit(grey + saturation * (value - grey));
    }
  }
}

}  // namespace

Transform gaussian_noise(double std) {
  check_range("gaussian_noise", "std", std, 0, 1e30);
  return {fmt::format("gaussian_noise({})", std),
          [std](const Batch& batch, const Draws& draws) {
            internal::check_floating("gaussian_noise", batch.inputs);
            const std::int64_t size = batch.inputs.numel() / std::max<std::int64_t>(batch.size(), 1);
            return internal::change_each(batch, batch.inputs.shape(),
                                         [&]<class T>(const T* in, T* out, std::int64_t sample) {
                                           Generator generator = draws.generator(sample);
                                           for (std::int64_t i = 0; i < size; ++i)
                                             out[i] = in[i] + static_cast<T>(std * generator.normal());
                                         });
          },
          true};
}

Transform colour_jitter(ColourJitterOptions options) {
  const char* who = "colour_jitter";
  check_range(who, "brightness", options.brightness, 0, 1e6);
  check_range(who, "contrast", options.contrast, 0, 1e6);
  check_range(who, "saturation", options.saturation, 0, 1e6);
  return {fmt::format("colour_jitter({{.brightness = {}, .contrast = {}, .saturation = {}}})", options.brightness,
                      options.contrast, options.saturation),
          [who, options](const Batch& batch, const Draws& draws) {
            const PictureSize size = internal::picture_size(who, batch.inputs);
            if (options.saturation > 0 && size.channels != 3)
              throw ShapeError(
                  fmt::format("{}: saturation needs three channels, red, green and blue, not {}", who, size.channels));
            return internal::change_each(
                batch, batch.inputs.shape(), [&]<class T>(const T* in, T* out, std::int64_t sample) {
                  Generator generator = draws.generator(sample);
                  const auto factor = [&](double share) {
                    const double low = std::max(0.0, 1 - share);
                    return share > 0 ? static_cast<T>(internal::uniform_between(generator, low, 1 + share)) : T(1);
                  };
                  const T brightness = factor(options.brightness), contrast = factor(options.contrast);
                  const T saturation = factor(options.saturation);
                  jitter_picture(in, out, size, brightness, contrast, saturation);
                });
          },
          true};
}

Transform random_apply(double p, const Transform& transform) {
  check_range("random_apply", "p", p, 0, 1);
  return {fmt::format("random_apply({}, {})", p, to_string(transform)),
          [p, transform](const Batch& batch, const Draws& draws) {
            Draws inner = draws;
            inner.step = (draws.step + 1) << 16;  // apart from the steps that follow this one
            const Batch changed = transform(batch, inner);
            if (changed.inputs.shape() != batch.inputs.shape() || changed.inputs.dtype() != batch.inputs.dtype())
              throw ShapeError(fmt::format("random_apply: {} makes {} {} of {} {}; it must keep the form",
                                           to_string(transform), name_of(changed.inputs.dtype()),
                                           to_string(changed.inputs.shape()), name_of(batch.inputs.dtype()),
                                           to_string(batch.inputs.shape())));
            const Tensor before = dense(batch.inputs), after = dense(changed.inputs);
            Tensor chosen = empty(before.shape(), before.dtype());
            if (chosen.numel() == 0) return batch;
            const auto bytes = static_cast<std::size_t>(before.numel() / batch.size()) * item_size(before.dtype());
            auto* out = static_cast<std::byte*>(chosen.mutable_data("random_apply"));
            for (std::int64_t i = 0; i < batch.size(); ++i) {
              const Tensor& source = draws.generator(i).uniform() < p ? after : before;
              const std::size_t at = static_cast<std::size_t>(i) * bytes;
              std::memcpy(out + at, static_cast<const std::byte*>(source.data()) + at, bytes);
            }
            return Batch{chosen, batch.targets};
          },
          true};
}

}  // namespace chainrule
