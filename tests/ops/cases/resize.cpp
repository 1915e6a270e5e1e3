// Rows for interpolation and pixel shuffling.
#include <algorithm>
#include <cmath>
#include <vector>

#include "tests/ops/cases/cases.h"

namespace chainrule::cases {
namespace {

/// What output i of an axis is made of.
struct Part {
  std::int64_t at;
  double weight;
};

std::vector<Part> parts(std::int64_t i, std::int64_t in, std::int64_t out, double step, const InterpolateOptions& o) {
  const auto place = static_cast<double>(i), size = static_cast<double>(in);
  if (o.mode == Interpolation::area) {
    std::vector<Part> all;
    for (std::int64_t j = 0; j < in; ++j)
      if (j * out < (i + 1) * in && (j + 1) * out > i * in) all.push_back({j, 1});
    for (Part& part : all) part.weight = 1 / static_cast<double>(all.size());
    return all;
  }
  if (in == out && o.mode != Interpolation::bicubic) return {{i, 1}};
  if (o.mode == Interpolation::nearest || o.mode == Interpolation::nearest_exact) {
    const double middle = o.mode == Interpolation::nearest ? 0 : 0.5;
    return {{std::min(static_cast<std::int64_t>(std::floor((place + middle) * step + 1e-6)), in - 1), 1}};
  }
  double at =
      o.align_corners ? (out > 1 ? place * (size - 1) / static_cast<double>(out - 1) : 0) : (place + 0.5) * step - 0.5;
  if (o.mode == Interpolation::bicubic) {  // Keys's curve, piece by piece
    const double a = -0.75;
    std::vector<Part> all;
    for (double j = std::floor(at) - 1; j <= std::floor(at) + 2; ++j) {
      const double d = std::abs(at - j);
      const double w = d <= 1  ? (a + 2) * d * d * d - (a + 3) * d * d + 1
                       : d < 2 ? a * d * d * d - 5 * a * d * d + 8 * a * d - 4 * a
                               : 0;
      all.push_back({static_cast<std::int64_t>(std::min(std::max(j, 0.0), size - 1)), w});
    }
    return all;
  }
  at = std::min(std::max(at, 0.0), size - 1);
  const double low = std::floor(at);
  return {{static_cast<std::int64_t>(low), 1 - (at - low)},
          {std::min(static_cast<std::int64_t>(low) + 1, in - 1), at - low}};
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
              for (const Part& r : parts(at[2], h, oh, step(h, oh, 0), o))
                for (const Part& c : parts(at[3], w, ow, step(w, ow, 1), o))
                  z.at(at) += r.weight * c.weight * images.at({at[0], at[1], r.at, c.at});
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
  constexpr auto kBilinear = Interpolation::bilinear, kBicubic = Interpolation::bicubic;
  constexpr auto kExact = Interpolation::nearest_exact;
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
      resized("nearest-exact, uneven", {2, 1, 5, 4}, {.size = Size2{3, 7}, .mode = kExact}),
      resized("nearest-exact, line, factor", {1, 2, 5}, {.scale_factor = Factors{1, 1.7}, .mode = kExact}),
      resized("area, smaller", {1, 2, 5, 7}, {.size = Size2{2, 3}, .mode = Interpolation::area}),
      resized("area, larger", {1, 1, 3, 2}, {.size = Size2{4, 5}, .mode = Interpolation::area}),
      resized("area, line", {2, 1, 7}, {.size = 3, .mode = Interpolation::area}),
      resized("bicubic, larger", {1, 2, 4, 3}, {.size = Size2{7, 8}, .mode = kBicubic}),
      resized("bicubic, smaller", {1, 1, 6, 7}, {.size = Size2{3, 2}, .mode = kBicubic}),
      resized("bicubic, corners", {2, 1, 5, 4}, {.size = Size2{8, 2}, .mode = kBicubic, .align_corners = true}),
      resized("bicubic, factor", {1, 1, 4, 5}, {.scale_factor = Factors{1.2, 0.7}, .mode = kBicubic}),
      resized("no images", {0, 2, 2, 3}, {.size = Size2{4, 6}}),
      resized("bilinear, one axis as it is", {1, 3, 2, 3}, {.scale_factor = Factors{1.2, 1.7}, .mode = kBilinear}),
      shuffled("twice", {2, 8, 2, 3}, 2),
      shuffled("three times, no batch axis", {9, 2, 1}, 3),
      unshuffled("twice", {2, 2, 4, 6}, 2),
  };
}

}  // namespace chainrule::cases
