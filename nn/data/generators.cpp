// Points by formula, in order; a DataLoader shuffles them.
#include "nn/data/generators.h"

#include <fmt/format.h>

#include <cmath>
#include <numbers>

#include "engine/factory.h"
#include "engine/types/error.h"
#include "nn/data/augment_parts.h"

namespace chainrule {
namespace {

constexpr double kPi = std::numbers::pi;

/// Coordinates one after the other, with noise where it is asked for, and the targets beside them.
class Points {
 public:
  Points(const char* who, std::int64_t samples, const PointOptions& options)
      : noise_(options.noise), generator_(options.seed) {
    internal::check_least(who, "samples", samples, 1);
    internal::check_range(who, "noise", options.noise, 0, 1e6);
  }
  Generator& generator() { return generator_; }
  void add(double value) {
    values_.push_back(static_cast<float>(noise_ > 0 ? value + noise_ * generator_.normal() : value));
  }
  void add_exactly(double value) { values_.push_back(static_cast<float>(value)); }
  void add_class(std::int64_t number) { classes_.push_back(number); }

  TensorDataset classed() const {
    const auto n = static_cast<std::int64_t>(classes_.size());
    return TensorDataset(from_vector(values_, {n, static_cast<std::int64_t>(values_.size()) / n}),
                         from_vector(classes_, {n}));
  }
  const std::vector<float>& values() const { return values_; }

 private:
  double noise_;
  Generator generator_;
  std::vector<float> values_;
  std::vector<std::int64_t> classes_;
};

/// The i-th of n angles that are even from 0 to `end`, which the last one reaches if it is included.
double even_angle(std::int64_t i, std::int64_t n, double end, bool included) {
  const std::int64_t steps = included ? std::max<std::int64_t>(n - 1, 1) : n;
  return end * static_cast<double>(i) / static_cast<double>(steps);
}

}  // namespace

TensorDataset make_spiral(std::int64_t samples, std::int64_t classes, PointOptions options) {
  Points points("make_spiral", samples, options);
  internal::check_least("make_spiral", "classes", classes, 1);
  for (std::int64_t arm = 0; arm < classes; ++arm)
    for (std::int64_t i = 0; i < samples; ++i) {
      const double radius = static_cast<double>(i) / static_cast<double>(samples);
      const double angle = static_cast<double>(arm) * 4 + 4 * radius + options.noise * points.generator().normal();
      points.add_exactly(radius * std::sin(angle));
      points.add_exactly(radius * std::cos(angle));
      points.add_class(arm);
    }
  return points.classed();
}

TensorDataset make_moons(std::int64_t samples, PointOptions options) {
  Points points("make_moons", samples, options);
  const std::int64_t outer = samples / 2, inner = samples - outer;
  for (std::int64_t i = 0; i < samples; ++i) {
    const bool second = i >= outer;
    const double angle = second ? even_angle(i - outer, inner, kPi, true) : even_angle(i, outer, kPi, true);
    points.add(second ? 1 - std::cos(angle) : std::cos(angle));
    points.add(second ? 0.5 - std::sin(angle) : std::sin(angle));
    points.add_class(second);
  }
  return points.classed();
}

TensorDataset make_circles(std::int64_t samples, double factor, PointOptions options) {
  Points points("make_circles", samples, options);
  if (!(factor > 0 && factor < 1))
    throw ValueError(fmt::format("make_circles: factor is {}, it must be above 0 and below 1", factor));
  const std::int64_t outer = samples / 2, inner = samples - outer;
  for (std::int64_t i = 0; i < samples; ++i) {
    const bool second = i >= outer;
    const double angle = second ? even_angle(i - outer, inner, 2 * kPi, false) : even_angle(i, outer, 2 * kPi, false);
    const double radius = second ? factor : 1;
    points.add(radius * std::cos(angle));
    points.add(radius * std::sin(angle));
    points.add_class(second);
  }
  return points.classed();
}

TensorDataset make_blobs(std::int64_t samples, std::int64_t centres, std::int64_t features, PointOptions options) {
  Points points("make_blobs", samples, options);
  internal::check_least("make_blobs", "centres", centres, 1);
  internal::check_least("make_blobs", "features", features, 1);
  std::vector<double> middle;
  for (std::int64_t i = 0; i < centres * features; ++i)
    middle.push_back(internal::uniform_between(points.generator(), -10, 10));
  for (std::int64_t i = 0; i < samples; ++i) {
    for (std::int64_t f = 0; f < features; ++f)
      points.add(middle[static_cast<std::size_t>(i % centres * features + f)] + points.generator().normal());
    points.add_class(i % centres);
  }
  return points.classed();
}

TensorDataset make_xor(std::int64_t samples, PointOptions options) {
  Points points("make_xor", samples, options);
  for (std::int64_t i = 0; i < samples; ++i) {
    const bool right = i % 2 == 1, up = i / 2 % 2 == 1;
    points.add(right ? 1 : -1);
    points.add(up ? 1 : -1);
    points.add_class(right != up);
  }
  return points.classed();
}

TensorDataset make_sine(std::int64_t samples, PointOptions options) {
  Points points("make_sine", samples, options);
  std::vector<float> x;
  for (std::int64_t i = 0; i < samples; ++i) {
    const double at = even_angle(i, samples, 1, true);
    x.push_back(static_cast<float>(at));
    points.add(std::sin(2 * kPi * at));
  }
  return TensorDataset(from_vector(x, {samples, 1}), from_vector(points.values(), {samples, 1}));
}

}  // namespace chainrule
