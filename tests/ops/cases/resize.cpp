// Rows for interpolation and pixel shuffling.
#include <cmath>

#include "tests/ops/cases/cases.h"

namespace chainrule::cases {
namespace {

/// What output i of an axis is made of, with the weights of its two neighbours.
struct Mix {
  std::int64_t low, high;
  double at_low, at_high;
};

Mix mix(std::int64_t i, std::int64_t in, std::int64_t out, double step, const InterpolateOptions& o) {
  if (in == out) return {i, i, 1, 0};
  const auto place = static_cast<double>(i);
  if (o.mode == Interpolation::nearest) {
    const auto at = std::min(static_cast<std::int64_t>(std::floor(place * step + 1e-6)), in - 1);
    return {at, at, 1, 0};
  }
  double at = o.align_corners ? (out > 1 ? place * static_cast<double>(in - 1) / static_cast<double>(out - 1) : 0)
                              : (place + 0.5) * step - 0.5;
  at = std::min(std::max(at, 0.0), static_cast<double>(in - 1));
  const auto low = static_cast<std::int64_t>(std::floor(at));
  return {low, std::min(low + 1, in - 1), 1 - (at - std::floor(at)), at - std::floor(at)};
}

Case resized(std::string variant, const Shape& x, const InterpolateOptions& o) {
  return {
      .op = "interpolate",
      .variant = std::move(variant),
      .inputs = {{.shape = x, .linear = true}},
      .f = [=](const std::vector<Tensor>& t) { return interpolate(t[0], o); },
      .reference =
          [=](const std::vector<Array>& in) {
            const bool line = x.size() == 3;
            const Array images(line ? Shape{x[0], x[1], 1, x[2]} : x, in[0].values);
            const std::int64_t h = line ? 1 : x[2], w = x[line ? 2 : 3];
            const auto grown = [&](std::int64_t size, int axis) {
              return static_cast<std::int64_t>(
                  std::floor(static_cast<double>(size) * (*o.scale_factor)[static_cast<std::size_t>(axis)]));
            };
            const std::int64_t oh = line ? 1 : o.size ? o.size->h : grown(h, 0), ow = o.size ? o.size->w : grown(w, 1);
            const auto step = [&](std::int64_t size, std::int64_t out, int axis) {
              return o.size || o.recompute_scale_factor || (line && axis == 0)
                         ? static_cast<double>(size) / static_cast<double>(out)
                         : 1 / (*o.scale_factor)[static_cast<std::size_t>(axis)];
            };
            Array z({x[0], x[1], oh, ow});
            each_index(z.shape, [&](const Shape& at) {
              const Mix r = mix(at[2], h, oh, step(h, oh, 0), o), c = mix(at[3], w, ow, step(w, ow, 1), o);
              const auto pixel = [&](std::int64_t i, std::int64_t j) { return images.at({at[0], at[1], i, j}); };
              z.at(at) = r.at_low * (c.at_low * pixel(r.low, c.low) + c.at_high * pixel(r.low, c.high)) +
                         r.at_high * (c.at_low * pixel(r.high, c.low) + c.at_high * pixel(r.high, c.high));
            });
            if (line) z.shape = {x[0], x[1], ow};
            return z;
          },
      .nan = Nan::somewhere,
      .nan_reason = "smaller images leave pixels out",
      .runs = {"interpolate_grad"}};
}

Case shuffled(std::string variant, const Shape& x, std::int64_t r) {
  return {.op = "permute",
          .variant = "pixel_shuffle, " + variant,
          .inputs = {{.shape = x, .linear = true}},
          .f = [=](const std::vector<Tensor>& t) { return pixel_shuffle(t[0], r); },
          .reference =
              [=](const std::vector<Array>& in) {
                const Array images(x.size() == 3 ? Shape{1, x[0], x[1], x[2]} : x, in[0].values);
                const Shape& s = images.shape;
                Array z({s[0], s[1] / (r * r), s[2] * r, s[3] * r});
                each_index(z.shape, [&](const Shape& at) {
                  z.at(at) = images.at({at[0], at[1] * r * r + at[2] % r * r + at[3] % r, at[2] / r, at[3] / r});
                });
                if (x.size() == 3) z.shape = {z.shape[1], z.shape[2], z.shape[3]};
                return z;
              }};
}

Case unshuffled(std::string variant, const Shape& x, std::int64_t r) {
  return {.op = "permute",
          .variant = "pixel_unshuffle, " + variant,
          .inputs = {{.shape = x, .linear = true}},
          .f = [=](const std::vector<Tensor>& t) { return pixel_unshuffle(t[0], r); },
          .reference =
              [=](const std::vector<Array>& in) {
                Array z({x[0], x[1] * r * r, x[2] / r, x[3] / r});
                each_index(x, [&](const Shape& at) {
                  z.at({at[0], at[1] * r * r + at[2] % r * r + at[3] % r, at[2] / r, at[3] / r}) = in[0].at(at);
                });
                return z;
              }};
}

}  // namespace

std::vector<Case> resize_cases() {
  using Factors = std::array<double, 2>;
  constexpr auto kBilinear = Interpolation::bilinear;
  return {
      resized("nearest, twice", {1, 2, 2, 3}, {.size = Size2{4, 6}}),
      resized("nearest, uneven", {2, 1, 5, 4}, {.size = Size2{3, 7}}),
      resized("nearest, factor", {1, 1, 4, 5}, {.scale_factor = Factors{1.5, 0.7}}),
      resized("nearest, factor worked out again", {1, 1, 4, 5},
              {.scale_factor = Factors{1.3, 0.7}, .recompute_scale_factor = true}),
      resized("nearest, line", {2, 2, 5}, {.size = 3}),
      resized("linear", {2, 2, 4}, {.size = 7, .mode = Interpolation::linear}),
      resized("bilinear", {1, 2, 2, 3}, {.size = Size2{4, 7}, .mode = kBilinear}),
      resized("bilinear, smaller", {1, 1, 5, 6}, {.size = Size2{2, 3}, .mode = kBilinear}),
      resized("bilinear, corners", {2, 1, 3, 4}, {.size = Size2{5, 2}, .mode = kBilinear, .align_corners = true}),
      resized("bilinear, corners, one row", {1, 1, 3, 4},
              {.size = Size2{1, 6}, .mode = kBilinear, .align_corners = true}),
      resized("bilinear, factor", {1, 1, 3, 5}, {.scale_factor = Factors{1.5, 0.7}, .mode = kBilinear}),
      resized("bilinear, factor worked out again", {1, 1, 3, 5},
              {.scale_factor = Factors{1.5, 0.7}, .mode = kBilinear, .recompute_scale_factor = true}),
      resized("no images", {0, 2, 2, 3}, {.size = Size2{4, 6}}),
      resized("bilinear, one axis as it is", {1, 3, 2, 3}, {.scale_factor = Factors{1.2, 1.7}, .mode = kBilinear}),
      shuffled("twice", {2, 8, 2, 3}, 2),
      shuffled("three times, no batch axis", {9, 2, 1}, 3),
      unshuffled("twice", {2, 2, 4, 6}, 2),
  };
}

}  // namespace chainrule::cases
