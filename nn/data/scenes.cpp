// A scene is planned first (which digits, where) and painted then, from one generator, so that the answers are known
// without the picture.
#include "nn/data/scenes.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "engine/types/error.h"
#include "nn/data/augment_parts.h"
#include "nn/data/ink.h"

namespace chainrule {
namespace {

using internal::Ink;
using internal::uniform_between;

struct PlacedInk {
  SceneDigit where;
  Ink ink;
};
struct ScenePlan {
  std::vector<PlacedInk> digits;
  std::vector<SceneDigit> bars;
};

std::int64_t whole_between(Generator& generator, std::int64_t low, std::int64_t high) {
  return low + generator.below(high - low + 1);
}

/// Do two boxes come closer than one free pixel?
bool boxes_touch(const SceneDigit& a, const SceneDigit& b) {
  return a.left <= b.right && b.left <= a.right && a.top <= b.bottom && b.top <= a.bottom;
}

/// A free place for height x width, by trying; false when none was found.
bool find_place(Generator& generator, const ScenePlan& plan, std::int64_t side, std::int64_t height, std::int64_t width,
                SceneDigit& place) {
  for (int attempt = 0; attempt < 50; ++attempt) {
    place.left = generator.below(side - width + 1);
    place.top = generator.below(side - height + 1);
    place.right = place.left + width;
    place.bottom = place.top + height;
    const auto touches = [&](const SceneDigit& other) { return boxes_touch(place, other); };
    if (std::none_of(plan.bars.begin(), plan.bars.end(), touches) &&
        std::none_of(plan.digits.begin(), plan.digits.end(), [&](const PlacedInk& d) { return touches(d.where); }))
      return true;
  }
  return false;
}

/// What stands where. A plan that runs out of room is thrown away as a whole.
ScenePlan plan_scene(Generator& generator, const ImageSet& digits, const SceneOptions& options) {
  const std::int64_t* labels = digits.labels.data<std::int64_t>();
  for (int attempt = 0; attempt < 200; ++attempt) {
    ScenePlan plan;
    bool fits = true;
    const std::int64_t count = whole_between(generator, options.least_digits, options.most_digits);
    for (std::int64_t i = 0; fits && i < count; ++i) {
      const std::int64_t number = generator.below(digits.size());
      PlacedInk digit;
      digit.ink = internal::ink_of(digits, number, whole_between(generator, options.least_height, options.most_height));
      digit.where.digit = labels[number];
      fits = find_place(generator, plan, options.side, digit.ink.height, digit.ink.width, digit.where);
      if (fits) plan.digits.push_back(std::move(digit));
    }
    for (std::int64_t i = 0; fits && i < options.distractors; ++i) {
      const std::int64_t length = whole_between(generator, options.least_height, options.most_height);
      const std::int64_t thickness = std::max<std::int64_t>(1, length / 6);
      const bool upright = generator.below(2) == 1;
      SceneDigit bar{.digit = -1};
      fits = find_place(generator, plan, options.side, upright ? length : thickness, upright ? thickness : length, bar);
      if (fits) plan.bars.push_back(bar);
    }
    if (fits) return plan;
  }
  throw ValueError(
      fmt::format("DigitScenes: {} digits of up to {} pixels and {} distractors find no room in a scene of "
                  "side {}",
                  options.most_digits, options.most_height, options.distractors, options.side));
}

using Rgb = std::array<double, 3>;
double grey_of(const Rgb& c) { return 0.299 * c[0] + 0.587 * c[1] + 0.114 * c[2]; }

/// A colour, or a grey for one channel, whose grey is the wanted one.
Rgb colour_of_grey(Generator& generator, double grey, bool coloured) {
  if (!coloured) return {grey, grey, grey};
  // No channel leaves 0 to 1: each lies at most twice the spread away from the wanted grey.
  const double spread = std::min(0.3, std::min(grey, 1 - grey) / 2);
  Rgb colour;
  for (double& c : colour) c = uniform_between(generator, -spread, spread);
  const double shift = grey - grey_of(colour);
  for (double& c : colour) c += shift;
  return colour;
}

class ScenePainter {
 public:
  ScenePainter(Generator& generator, const SceneOptions& options, float* out)
      : generator_(generator), options_(options), out_(out), plane_(options.side * options.side) {}

  void ground() {
    if (options_.grounds.defined())
      cut_ground();
    else
      sloping_ground();
    for (std::int64_t i = 0; options_.noise > 0 && i < plane_; ++i) {
      const auto grain = static_cast<float>(options_.noise * generator_.normal());
      for (std::int64_t c = 0; c < options_.channels; ++c) {
        float& value = out_[c * plane_ + i];
        value = std::clamp(value + grain, 0.0F, 1.0F);
      }
    }
  }

  /// Ink over the ground, further from its mean grey than the least contrast.
  template <class Cover>
  void put(const SceneDigit& box, Cover cover) {
    const double ground = mean_grey(box);
    // On one side at least there is room between the contrast and 0.02 before black or white.
    const double below = ground - options_.contrast, above = ground + options_.contrast;
    const bool dark = above > 0.98 || (below >= 0.02 && generator_.below(2) == 1);
    const double grey = dark ? uniform_between(generator_, 0.02, below) : uniform_between(generator_, above, 0.98);
    const Rgb colour = colour_of_grey(generator_, grey, options_.channels == 3);
    for (std::int64_t y = box.top; y < box.bottom; ++y)
      for (std::int64_t x = box.left; x < box.right; ++x) {
        const float share = cover(y - box.top, x - box.left);
        for (std::int64_t c = 0; c < options_.channels; ++c) {
          float& value = out_[c * plane_ + y * options_.side + x];
          value += share * (static_cast<float>(colour[static_cast<std::size_t>(c)]) - value);
        }
      }
  }

 private:
  void sloping_ground() {
    const bool coloured = options_.channels == 3;
    const Rgb from = colour_of_grey(generator_, uniform_between(generator_, 0.1, 0.9), coloured);
    const double slope_x = uniform_between(generator_, -0.1, 0.1), slope_y = uniform_between(generator_, -0.1, 0.1);
    const auto side = static_cast<double>(options_.side);
    for (std::int64_t c = 0; c < options_.channels; ++c)
      for (std::int64_t i = 0; i < plane_; ++i) {
        const std::int64_t row = i / options_.side, column = i % options_.side;
        const double x = static_cast<double>(column) / side, y = static_cast<double>(row) / side;
        out_[c * plane_ + i] = static_cast<float>(
            std::clamp(from[static_cast<std::size_t>(c)] + slope_x * (x - 0.5) + slope_y * (y - 0.5), 0.0, 1.0));
      }
  }
  void cut_ground() {
    const Tensor& grounds = options_.grounds;
    const std::int64_t height = grounds.size(2), width = grounds.size(3);
    const std::int64_t number = generator_.below(grounds.size(0));
    const std::int64_t top = generator_.below(height - options_.side + 1),
                       left = generator_.below(width - options_.side + 1);
    for (std::int64_t c = 0; c < options_.channels; ++c) {
      const auto tint = static_cast<float>(options_.channels == 3 ? uniform_between(generator_, 0.7, 1.0) : 1.0);
      const float* from = grounds.data<float>() + (number * options_.channels + c) * height * width;
      for (std::int64_t i = 0; i < plane_; ++i)
        out_[c * plane_ + i] =
            std::clamp(tint * from[(top + i / options_.side) * width + left + i % options_.side], 0.0F, 1.0F);
    }
  }
  double mean_grey(const SceneDigit& box) const {
    double sum = 0;
    for (std::int64_t y = box.top; y < box.bottom; ++y)
      for (std::int64_t x = box.left; x < box.right; ++x) {
        const float* at = out_ + y * options_.side + x;
        sum += options_.channels == 3 ? grey_of({at[0], at[plane_], at[2 * plane_]}) : double{at[0]};
      }
    return sum / static_cast<double>((box.bottom - box.top) * (box.right - box.left));
  }

  Generator& generator_;
  const SceneOptions& options_;
  float* out_;
  std::int64_t plane_;
};

}  // namespace

DigitScenes::DigitScenes(const ImageSet& digits, Target target, const SceneOptions& options)
    : digits_{dense(digits.images.detach()), dense(digits.labels.detach())}, target_(target), options_(options) {
  const char* who = "DigitScenes";
  internal::check_digits(who, digits_);
  internal::check_least(who, "scenes", options.scenes, 1);
  const auto within = [&](const char* what, std::int64_t value, std::int64_t low, std::int64_t high) {
    if (value < low || value > high)
      throw ValueError(fmt::format("{}: {} is {}, it must be from {} to {}", who, what, value, low, high));
  };
  within("side", options.side, 8, 4096);
  within("most_digits", options.most_digits, 1, 100);
  within("least_digits", options.least_digits, 0, options.most_digits);
  within("most_height", options.most_height, 4, options.side);
  within("least_height", options.least_height, 4, options.most_height);
  within("distractors", options.distractors, 0, 100);
  if (options.channels != 1 && options.channels != 3)
    throw ValueError(fmt::format("{}: channels is {}, it must be 1 or 3", who, options.channels));
  internal::check_range(who, "contrast", options.contrast, 0.05, 0.45);
  internal::check_range(who, "noise", options.noise, 0, 0.2);
  if (!options.grounds.defined()) return;
  const Shape& shape = options.grounds.shape();
  if (shape.rank() != 4 || options.grounds.dtype() != DType::float32 || shape[0] < 1 || shape[1] != options.channels ||
      shape[2] < options.side || shape[3] < options.side)
    throw ValueError(fmt::format("{}: grounds are float32 (K, {}, H, W) of at least {} x {} pixels, not {} {}", who,
                                 options.channels, options.side, options.side, name_of(options.grounds.dtype()),
                                 to_string(shape)));
  options_.grounds = dense(options.grounds.detach());
}

std::vector<SceneDigit> DigitScenes::digits_in(std::int64_t scene) const {
  if (scene < 0 || scene >= size()) throw ValueError(fmt::format("DigitScenes: there is no scene {}", scene));
  Generator generator = sample_generator(options_.seed, 0, scene, 0);
  std::vector<SceneDigit> found;
  for (const PlacedInk& digit : plan_scene(generator, digits_, options_).digits) found.push_back(digit.where);
  return found;
}

Batch DigitScenes::get(const Indices& indices) const {
  const auto n = static_cast<std::int64_t>(indices.size());
  const std::int64_t plane = options_.side * options_.side;
  Tensor pictures = empty({n, options_.channels, options_.side, options_.side}, DType::float32);
  auto* out = static_cast<float*>(pictures.mutable_data("DigitScenes"));
  const bool boxes = target_ == Target::boxes;
  Tensor targets = boxes ? empty({n, options_.most_digits, 5}, DType::float32)
                         : empty({n, options_.side, options_.side}, DType::int64);
  void* answers = targets.mutable_data("DigitScenes");
  for (std::int64_t i = 0; i < n; ++i) {
    Generator generator = sample_generator(options_.seed, 0, indices[static_cast<std::size_t>(i)], 0);
    const ScenePlan plan = plan_scene(generator, digits_, options_);
    ScenePainter painter(generator, options_, out + i * options_.channels * plane);
    painter.ground();
    for (const PlacedInk& digit : plan.digits)
      painter.put(digit.where, [&](std::int64_t y, std::int64_t x) { return digit.ink.at(y, x); });
    for (const SceneDigit& bar : plan.bars) painter.put(bar, [](std::int64_t, std::int64_t) { return 1.0F; });
    if (boxes) {
      float* row = static_cast<float*>(answers) + i * options_.most_digits * 5;
      for (std::int64_t d = 0; d < options_.most_digits; ++d, row += 5) {
        const bool there = d < static_cast<std::int64_t>(plan.digits.size());
        const SceneDigit at = there ? plan.digits[static_cast<std::size_t>(d)].where : SceneDigit{.digit = -1};
        const std::array<std::int64_t, 5> numbers{at.digit, at.left, at.top, at.right, at.bottom};
        std::transform(numbers.begin(), numbers.end(), row, [](std::int64_t v) { return static_cast<float>(v); });
      }
      continue;
    }
    std::int64_t* mask = static_cast<std::int64_t*>(answers) + i * plane;
    std::fill(mask, mask + plane, kBackgroundClass);
    for (const auto& [where, ink] : plan.digits)
      for (std::int64_t y = 0; y < ink.height; ++y)
        for (std::int64_t x = 0; x < ink.width; ++x)
          if (ink.at(y, x) > internal::kInkOfMask) mask[(where.top + y) * options_.side + where.left + x] = where.digit;
  }
  return {pictures, targets};
}

}  // namespace chainrule
