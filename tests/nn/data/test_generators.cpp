// Generated points against their curves and spreads.
#include "nn/data/generators.h"

#include <doctest/doctest.h>

#include <cmath>
#include <map>

#include "engine/types/error.h"
#include "nn/data/loader.h"

using namespace chainrule;

namespace {

struct Drawn {
  std::vector<double> x;
  std::vector<std::int64_t> y;
};
Drawn drawn(const AnyDataset& data) { return {data.all().inputs.to_vector(), data.targets().values<std::int64_t>()}; }

std::map<std::int64_t, int> counts(const std::vector<std::int64_t>& classes) {
  std::map<std::int64_t, int> found;
  for (const std::int64_t c : classes) ++found[c];
  return found;
}

}  // namespace

TEST_CASE("generators: the spiral of the book, with and without noise") {
  const auto [x, y] = drawn(make_spiral(100, 3, {}));
  CHECK(counts(y) == std::map<std::int64_t, int>{{0, 100}, {1, 100}, {2, 100}});
  for (std::size_t i = 0; i < y.size(); ++i) {
    const double radius = static_cast<double>(i % 100) / 100, angle = 4 * static_cast<double>(y[i]) + 4 * radius;
    CHECK(x[2 * i] == doctest::Approx(radius * std::sin(angle)));
    CHECK(x[2 * i + 1] == doctest::Approx(radius * std::cos(angle)));
  }
  double squares = 0;
  const auto noisy = drawn(make_spiral(2000, 2, {.noise = 0.2, .seed = 3}));
  for (std::size_t i = 1; i < 2000; ++i) {
    const double radius = static_cast<double>(i) / 2000;
    CHECK(std::hypot(noisy.x[2 * i], noisy.x[2 * i + 1]) == doctest::Approx(radius));
    squares +=
        std::pow(std::remainder(std::atan2(noisy.x[2 * i], noisy.x[2 * i + 1]) - 4 * radius, 2 * 3.14159265358979), 2);
  }
  CHECK(std::sqrt(squares / 1999) == doctest::Approx(0.2).epsilon(0.08));
}

TEST_CASE("generators: moons and circles lie on their curves") {
  const auto [x, y] = drawn(make_moons(101));
  CHECK(counts(y) == std::map<std::int64_t, int>{{0, 50}, {1, 51}});
  for (std::size_t i = 0; i < y.size(); ++i) {
    const double cx = y[i] ? 1 : 0, cy = y[i] ? 0.5 : 0;
    CHECK(std::hypot(x[2 * i] - cx, x[2 * i + 1] - cy) == doctest::Approx(1));
    CHECK((y[i] ? x[2 * i + 1] <= 0.5 + 1e-6 : x[2 * i + 1] >= -1e-6));
  }
  CHECK(x[0] == doctest::Approx(1));
  CHECK(x[100] == doctest::Approx(0));  // scikit-learn's make_moons(101, shuffle=False)[0][50] is (0, 0.5)
  CHECK(x[101] == doctest::Approx(0.5));
  const auto circles = drawn(make_circles(40, 0.5));
  for (std::size_t i = 0; i < 40; ++i)
    CHECK(std::hypot(circles.x[2 * i], circles.x[2 * i + 1]) == doctest::Approx(circles.y[i] ? 0.5 : 1));
  double squares = 0;
  const auto exact = drawn(make_circles(4000)), noisy = drawn(make_circles(4000, 0.8, {.noise = 0.1}));
  for (std::size_t i = 0; i < 8000; ++i) squares += std::pow(noisy.x[i] - exact.x[i], 2);
  CHECK(std::sqrt(squares / 8000) == doctest::Approx(0.1).epsilon(0.05));
}

TEST_CASE("generators: blobs, corners and the sine") {
  const auto blobs = drawn(make_blobs(3000, 3, 4, {.seed = 5}));
  for (std::int64_t c = 0; c < 3; ++c)
    for (std::size_t f = 0; f < 4; ++f) {
      double sum = 0, squares = 0;
      for (std::size_t i = 0; i < 3000; ++i)
        if (blobs.y[i] == c) sum += blobs.x[4 * i + f], squares += blobs.x[4 * i + f] * blobs.x[4 * i + f];
      const double mean = sum / 1000;
      CHECK(std::abs(mean) < 10.2);
      CHECK(std::sqrt(squares / 1000 - mean * mean) == doctest::Approx(1).epsilon(0.12));
    }
  const auto corners = drawn(make_xor(400));
  for (std::size_t i = 0; i < 400; ++i) {
    CHECK(std::abs(std::abs(corners.x[2 * i]) - 1) < 1);
    CHECK(corners.y[i] == (corners.x[2 * i] * corners.x[2 * i + 1] < 0));
  }
  const AnyDataset sine = make_sine(11);
  CHECK(sine.all().inputs.shape() == Shape{11, 1});
  for (std::size_t i = 0; i < 11; ++i) {
    CHECK(sine.all().inputs.to_vector()[i] == doctest::Approx(static_cast<double>(i) / 10));
    CHECK(sine.targets().to_vector()[i] ==
          doctest::Approx(std::sin(2 * 3.14159265358979 * static_cast<double>(i) / 10)).epsilon(1e-6));
  }
  CHECK(make_sine(1).get({0}).inputs.item() == 0);
}

TEST_CASE("generators: seeds, and what is refused") {
  CHECK(drawn(make_xor(50, {.noise = 0.1, .seed = 1})).x == drawn(make_xor(50, {.noise = 0.1, .seed = 1})).x);
  CHECK(drawn(make_xor(50, {.noise = 0.1, .seed = 1})).x != drawn(make_xor(50, {.noise = 0.1, .seed = 2})).x);
  CHECK(DataLoader(make_moons(), {.batch_size = 32, .shuffle = true}).size() == 4);
  CHECK_THROWS_WITH_AS(make_moons(0), "make_moons: samples is 0, it must be at least 1 and at most 2^30", ValueError);
  CHECK_THROWS_AS(make_moons(10, {.noise = -1}), ValueError);
  CHECK_THROWS_AS(make_spiral(10, 0), ValueError);
  CHECK_THROWS_WITH_AS(make_circles(10, 1), "make_circles: factor is 1, it must be above 0 and below 1", ValueError);
  CHECK_THROWS_AS(make_blobs(10, 3, 0), ValueError);
}
