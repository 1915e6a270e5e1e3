// Transforms of pictures against what they say: pixels by hand, ranges and chances over many draws.
#include "nn/data/augment.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "engine/factory.h"
#include "engine/types/error.h"

using namespace chainrule;

namespace {

/// `count` copies of one picture.
Batch copies(std::int64_t count, const std::vector<double>& pixels, const Shape& chw, DType dtype = DType::float64) {
  std::vector<double> all;
  for (std::int64_t i = 0; i < count; ++i) all.insert(all.end(), pixels.begin(), pixels.end());
  return {from_vector(all, {count, chw[0], chw[1], chw[2]}, dtype), arange(count)};
}

std::vector<std::vector<double>> pictures_of(const Batch& batch) {
  const std::vector<double> all = batch.inputs.to_vector();
  const auto size = static_cast<std::ptrdiff_t>(all.size()) / batch.size();
  std::vector<std::vector<double>> out;
  for (auto at = all.begin(); at != all.end(); at += size) out.emplace_back(at, at + size);
  return out;
}

std::vector<double> ramp(std::int64_t size) {
  std::vector<double> values;
  for (std::int64_t i = 1; i <= size; ++i) values.push_back(static_cast<double>(i));
  return values;
}

/// How often each picture came of so many draws.
std::map<std::vector<double>, int> outcomes(const Transform& transform, const Batch& batch) {
  std::map<std::vector<double>, int> found;
  for (const auto& picture : pictures_of(transform(batch, {.seed = 11}))) ++found[picture];
  return found;
}

void check_even(const std::map<std::vector<double>, int>& found, std::size_t kinds, double draws) {
  CHECK(found.size() == kinds);
  const double p = 1 / static_cast<double>(kinds);
  for (const auto& [picture, times] : found) CHECK(std::abs(times - draws * p) < 5 * std::sqrt(draws * p * (1 - p)));
}

}  // namespace

TEST_CASE("augment: random_shift moves by every distance alike, zeros come in") {
  const std::int64_t h = 3, w = 4, c = 2;
  const std::vector<double> picture = ramp(c * h * w);
  std::set<std::vector<double>> expected;
  for (std::int64_t dy = -2; dy <= 2; ++dy)
    for (std::int64_t dx = -2; dx <= 2; ++dx) {
      std::vector<double> moved;
      for (std::int64_t k = 0; k < c; ++k)
        for (std::int64_t y = 0; y < h; ++y)
          for (std::int64_t x = 0; x < w; ++x) {
            const bool inside = y - dy >= 0 && y - dy < h && x - dx >= 0 && x - dx < w;
            moved.push_back(inside ? picture[static_cast<std::size_t>(k * h * w + (y - dy) * w + x - dx)] : 0);
          }
      expected.insert(moved);
    }
  const auto found = outcomes(random_shift(2), copies(5000, picture, {c, h, w}));
  check_even(found, 25, 5000);
  for (const auto& [moved, times] : found) CHECK(expected.contains(moved));
  // Further than the picture is wide: nothing is read outside of it.
  for (const auto& moved : pictures_of(random_shift(50)(copies(200, picture, {c, h, w})))) CHECK(moved.size() == 24);
  CHECK(pictures_of(random_shift(0)(copies(1, picture, {c, h, w})))[0] == picture);
}

TEST_CASE("augment: random_crop takes every place alike, with padding, too") {
  const std::vector<double> picture = ramp(12);
  check_even(outcomes(random_crop(2, 2), copies(3000, picture, {1, 3, 4})), 6, 3000);
  const Batch cropped = random_crop(4, 3, {.padding = 1})(copies(3000, picture, {1, 3, 4}));
  CHECK(cropped.inputs.shape() == Shape{3000, 1, 4, 3});
  std::map<std::vector<double>, int> found;
  for (const auto& p : pictures_of(cropped)) ++found[p];
  check_even(found, 8, 3000);
  CHECK(found.contains({0, 0, 0, 0, 1, 2, 0, 5, 6, 0, 9, 10}));  // the upper left corner
  CHECK(pictures_of(random_crop(3, 4)(copies(1, picture, {1, 3, 4})))[0] == picture);
  CHECK_THROWS_WITH_AS(random_crop(6, 4, {.padding = 1})(copies(1, picture, {1, 3, 4})),
                       "random_crop: 6 x 4 does not fit into pictures of 3 x 4 with padding 1", ShapeError);
}

TEST_CASE("augment: random_flip mirrors as often as it says") {
  const Batch batch = copies(4000, {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}, {2, 2, 3});
  const std::vector<double> across{3, 2, 1, 6, 5, 4, 9, 8, 7, 12, 11, 10}, down{4, 5, 6, 1, 2, 3, 10, 11, 12, 7, 8, 9};
  auto found = outcomes(random_flip(0.25), batch);
  CHECK(found.size() == 2);
  CHECK(std::abs(found[across] - 1000) < 5 * std::sqrt(4000 * 0.25 * 0.75));
  found = outcomes(random_flip(0.5, Flip::vertical), batch);
  CHECK(found.size() == 2);
  CHECK(std::abs(found[down] - 2000) < 5 * std::sqrt(4000 * 0.25));
  CHECK(outcomes(random_flip(1), batch)[across] == 4000);
  CHECK(outcomes(random_flip(0), batch).contains(ramp(12)));
}

TEST_CASE("augment: random_rotate turns about the centre, as far as it may, bilinear") {
  // A plane a + b x + c y is turned exactly by bilinear reading, so the angle can be read off its slopes.
  const std::int64_t side = 21;
  std::vector<double> plane;
  for (std::int64_t y = 0; y < side; ++y)
    for (std::int64_t x = 0; x < side; ++x) plane.push_back(100 + 2 * static_cast<double>(x - 10));
  double least = 180, most = -180, sum = 0;
  for (const auto& p : pictures_of(random_rotate(30)(copies(500, plane, {1, side, side})))) {
    const auto at = [&](std::int64_t y, std::int64_t x) {
      return p[static_cast<std::size_t>((y + 10) * side + x + 10)];
    };
    CHECK(at(0, 0) == doctest::Approx(100));
    const double by_x = (at(0, 3) - at(0, -3)) / 12, by_y = (at(3, 0) - at(-3, 0)) / 12;
    CHECK(std::hypot(by_x, by_y) == doctest::Approx(1));  // lengths stay
    CHECK(at(2, 1) == doctest::Approx(100 + 2 * (by_x + 2 * by_y)));
    const double angle = std::atan2(by_y, by_x) / 3.14159265358979 * 180;
    least = std::min(least, angle), most = std::max(most, angle), sum += angle;
  }
  CHECK(least >= -30.0001);
  CHECK(least < -28);
  CHECK(most <= 30.0001);
  CHECK(most > 28);
  CHECK(std::abs(sum / 500) < 5 * 30 / std::sqrt(3 * 500));
  const auto still = pictures_of(random_rotate(0)(copies(1, ramp(12), {1, 3, 4})))[0];
  for (std::size_t i = 0; i < 12; ++i) CHECK(still[i] == doctest::Approx(static_cast<double>(i) + 1));
}

TEST_CASE("augment: random_zoom changes the size by its share") {
  std::vector<double> plane;
  for (int y = 0; y < 9; ++y)
    for (int x = 0; x < 9; ++x) plane.push_back(50 + x - 4);
  double least = 10, most = 0;
  for (const auto& p : pictures_of(random_zoom(0.25)(copies(400, plane, {1, 9, 9})))) {
    const double factor = 2 / (p[4 * 9 + 5] - p[4 * 9 + 3]);
    least = std::min(least, factor), most = std::max(most, factor);
    CHECK(p[3 * 9 + 4] == doctest::Approx(50));
  }
  CHECK(least > 0.7499);
  CHECK(least < 0.77);
  CHECK(most < 1.2501);
  CHECK(most > 1.23);
}

TEST_CASE("augment: cut_out sets a square anywhere to 0, in all channels") {
  std::map<std::size_t, int> sizes;
  for (const auto& p : pictures_of(cut_out(3)(copies(2000, std::vector<double>(50, 1), {2, 5, 5})))) {
    CHECK(std::equal(p.begin(), p.begin() + 25, p.begin() + 25));
    ++sizes[static_cast<std::size_t>(std::count(p.begin(), p.begin() + 25, 0))];
  }
  CHECK(sizes.size() == 3);  // in a corner, at an edge, whole
  CHECK(std::abs(sizes[9] - 2000 * 9 / 25.) < 5 * std::sqrt(2000 * 9 / 25. * 16 / 25.));
  CHECK(std::abs(sizes[4] - 2000 * 4 / 25.) < 5 * std::sqrt(2000 * 4 / 25. * 21 / 25.));
}

TEST_CASE("augment: gaussian_noise has its mean and spread, for inputs of any shape") {
  const Batch noisy = gaussian_noise(0.5)({full({100, 200}, 3, DType::float64), {}});
  double sum = 0, squares = 0;
  for (const double v : noisy.inputs.to_vector()) sum += v - 3, squares += (v - 3) * (v - 3);
  CHECK(std::abs(sum / 20000) < 5 * 0.5 / std::sqrt(20000));
  CHECK(squares / 20000 == doctest::Approx(0.25).epsilon(0.05));
  CHECK(gaussian_noise(0)({ones({2, 3}), {}}).inputs.to_vector() == std::vector<double>(6, 1));
}

TEST_CASE("augment: colour_jitter by its formulas") {
  const std::vector<double> rgb{0.2, 0.4, 0.3, 0.5, 0.6, 0.1};  // two pixels: (0.2, 0.3, 0.6) and (0.4, 0.5, 0.1)
  const double greys[] = {0.299 * 0.2 + 0.587 * 0.3 + 0.114 * 0.6, 0.299 * 0.4 + 0.587 * 0.5 + 0.114 * 0.1};
  const Batch batch = copies(300, rgb, {3, 1, 2});
  double least = 9, most = 0;
  const auto factors = [&](ColourJitterOptions options, auto base) {
    least = 9, most = 0;
    for (const auto& p : pictures_of(colour_jitter(options)(batch))) {
      const double f = (p[0] - base(0)) / (rgb[0] - base(0));
      for (std::size_t i = 0; i < 6; ++i)
        CHECK(p[i] == doctest::Approx(std::clamp(base(i) + f * (rgb[i] - base(i)), 0., 1.)));
      least = std::min(least, f), most = std::max(most, f);
    }
  };
  factors({.brightness = 0.5}, [](std::size_t) { return 0.; });
  CHECK((least >= 0.5 && least < 0.53 && most <= 1.5 && most > 1.47));
  factors({.contrast = 0.4}, [&](std::size_t) { return (greys[0] + greys[1]) / 2; });
  CHECK((least >= 0.599 && least < 0.63 && most <= 1.401 && most > 1.37));
  factors({.saturation = 0.3}, [&](std::size_t i) { return greys[i % 2]; });
  CHECK((least >= 0.699 && least < 0.73 && most <= 1.301 && most > 1.27));
  CHECK(pictures_of(colour_jitter({})(batch))[0] == rgb);
  CHECK_THROWS_WITH_AS(colour_jitter({.saturation = 0.1})(copies(1, {1, 2}, {1, 1, 2})),
                       "colour_jitter: saturation needs three channels, red, green and blue, not 1", ShapeError);
}

TEST_CASE("augment: random_apply does all of a chain or nothing") {
  const Batch batch = copies(2000, {1, 2, 3, 4}, {1, 2, 2});
  auto found = outcomes(random_apply(0.3, random_flip(1) | random_flip(1, Flip::vertical)), batch);
  CHECK(found.size() == 2);
  CHECK(std::abs(found[{4, 3, 2, 1}] - 600) < 5 * std::sqrt(2000 * 0.21));
  CHECK_THROWS_WITH_AS(random_apply(0.3, random_crop(1, 1))(batch),
                       "random_apply: random_crop(1, 1) makes float64 (2000, 1, 1, 1) of float64 (2000, 1, 2, 2); it "
                       "must keep the form",
                       ShapeError);
}

TEST_CASE("augment: chains draw for each step anew, leave their input alone, and say what they are") {
  const Batch batch = copies(500, ramp(9), {1, 3, 3}, DType::float32);
  const Transform chain = random_shift(1) | random_shift(1);
  CHECK(to_string(chain | random_crop(2, 2, {.padding = 1}) | random_flip()) ==
        "random_shift(1) | random_shift(1) | random_crop(2, 2, {.padding = 1}) | random_flip(0.5)");
  CHECK(to_string(Transform()) == "none");
  CHECK(chain.random());
  CHECK_FALSE(Transform().random());
  const Batch changed = chain(batch, {.seed = 4});
  CHECK(changed.inputs.dtype() == DType::float32);
  CHECK(changed.targets.to_vector() == batch.targets.to_vector());
  CHECK(pictures_of(batch)[7] == ramp(9));
  const Batch once = random_shift(1)(batch, {.seed = 4}), twice = random_shift(1)(once, {.seed = 4});
  CHECK(twice.inputs.to_vector() != changed.inputs.to_vector());
  CHECK_THROWS_WITH_AS(chain(batch, {.indices = {1, 2}}), "transform: 2 indices for a batch of 500", ValueError);
}

TEST_CASE("augment: what is out of range or no picture is refused by name") {
  CHECK_THROWS_WITH_AS(random_shift(-1), "random_shift: pixels is -1, it must be at least 0 and at most 2^30",
                       ValueError);
  CHECK_THROWS_WITH_AS(random_rotate(181), "random_rotate: degrees is 181, it must be from 0 to 180", ValueError);
  CHECK_THROWS_AS(random_rotate(NAN), ValueError);
  CHECK_THROWS_AS(random_zoom(1), ValueError);
  CHECK_THROWS_AS(random_crop(0, 3), ValueError);
  CHECK_THROWS_AS(random_crop(3, 3, {.padding = -1}), ValueError);
  CHECK_THROWS_WITH_AS(random_flip(1.5), "random_flip: p is 1.5, it must be from 0 to 1", ValueError);
  CHECK_THROWS_AS(random_apply(-0.1, random_flip()), ValueError);
  CHECK_THROWS_AS(cut_out(0), ValueError);
  CHECK_THROWS_AS(gaussian_noise(-1), ValueError);
  CHECK_THROWS_AS(gaussian_noise(INFINITY), ValueError);
  CHECK_THROWS_AS(colour_jitter({.contrast = -0.1}), ValueError);
  CHECK_THROWS_WITH_AS(random_flip()({ones({2, 3}), {}}),
                       "random_flip: the inputs have shape (2, 3); pictures are (N, C, H, W)", ShapeError);
  CHECK_THROWS_WITH_AS(random_shift(1)({randint(0, 9, {1, 1, 2, 2}), {}}),
                       "random_shift: the inputs are int64; scale() makes float32 of them", ValueError);
}
