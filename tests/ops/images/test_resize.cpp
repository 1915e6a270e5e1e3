// Resizing beyond the table: every wrong argument, torch's places, memory layouts, infinities beside numbers.
#include <doctest/doctest.h>

#include <cmath>

#include "tests/ops/checks.h"
#include "tests/ops/layouts.h"

using namespace chainrule;
using namespace chainrule::cases;
using namespace chainrule::testing;

namespace {

using Factors = std::array<double, 2>;

Numbers line(const Tensor& x, std::int64_t size, bool corners = false) {
  return interpolate(reshape(x, {1, 1, -1}), {.size = size, .mode = Interpolation::linear, .align_corners = corners})
      .to_vector();
}

}  // namespace

TEST_CASE("wrong arguments of resizing, each with its sentence") {
  const Tensor x = zeros({2, 4, 3, 4});
  CHECK(message([&] { interpolate(x, {}); }) ==
        "interpolate: none of size and scale_factor is given, exactly one is needed");
  CHECK_THROWS_WITH_AS(interpolate(x, {.size = 2, .scale_factor = Factors{2, 2}}), doctest::Contains("both of size"),
                       ValueError);
  CHECK_THROWS_WITH_AS(interpolate(x, {.size = 0}), doctest::Contains("3 elements would become 0"), ShapeError);
  CHECK_THROWS_AS(interpolate(x, {.size = -2}), ShapeError);
  CHECK_THROWS_AS(interpolate(x, {.size = std::int64_t{1} << 40}), ShapeError);
  CHECK_THROWS_AS(interpolate(x, {.scale_factor = Factors{0.1, 1}}), ShapeError);
  CHECK_THROWS_AS(interpolate(x, {.scale_factor = Factors{1e300, 1}}), ShapeError);
  CHECK_THROWS_WITH_AS(interpolate(x, {.scale_factor = Factors{1, -1}}), doctest::Contains("scale factor is -1"),
                       ValueError);
  CHECK_THROWS_AS(interpolate(x, {.scale_factor = Factors{1, NAN}}), ValueError);
  CHECK_THROWS_WITH_AS(interpolate(x, {.size = 2, .align_corners = true}), doctest::Contains("not for nearest"),
                       ValueError);
  CHECK_THROWS_WITH_AS(interpolate(x, {.size = 2, .mode = Interpolation::area, .align_corners = true}),
                       doctest::Contains("not for nearest or area"), ValueError);
  CHECK_THROWS_AS(interpolate(x, {.size = 2, .recompute_scale_factor = true}), ValueError);
  CHECK_THROWS_WITH_AS(interpolate(zeros({2, 3, 4}), {.size = 2, .mode = Interpolation::bicubic}),
                       doctest::Contains("bicubic the second"), ShapeError);
  CHECK_THROWS_WITH_AS(interpolate(zeros({2, 3, 4}), {.size = 2, .mode = Interpolation::bilinear}),
                       doctest::Contains("x has shape (2, 3, 4)"), ShapeError);
  CHECK_THROWS_AS(interpolate(x, {.size = 2, .mode = Interpolation::linear}), ShapeError);
  CHECK_THROWS_AS(interpolate(zeros({3, 4}), {.size = 2}), ShapeError);
  CHECK_THROWS_WITH_AS(interpolate(zeros({1, 0, 3, 4}), {.size = 2}), doctest::Contains("only the batch axis"),
                       ShapeError);

  CHECK_THROWS_WITH_AS(pixel_shuffle(x, 3), doctest::Contains("4 channels are not a multiple of 3 squared"),
                       ShapeError);
  CHECK_THROWS_WITH_AS(pixel_shuffle(x, 0), doctest::Contains("upscale_factor is 0"), ValueError);
  CHECK_THROWS_AS(pixel_shuffle(x, std::int64_t{1} << 40), ValueError);
  CHECK_THROWS_AS(pixel_shuffle(zeros({4, 4}), 2), ShapeError);
  CHECK_THROWS_WITH_AS(pixel_unshuffle(x, 2), doctest::Contains("(3, 4) do not divide into squares of 2"), ShapeError);
}

TEST_CASE("places are torch's") {
  const Tensor x = tensor({0., 10, 20});
  CHECK(line(x, 6) == Numbers{0, 2.5, 7.5, 12.5, 17.5, 20});
  CHECK(line(x, 5, true) == Numbers{0, 5, 10, 15, 20});
  CHECK(line(x, 1) == Numbers{10});
  CHECK(line(x, 1, true) == Numbers{0});
  const auto nearest = [](std::int64_t in, std::int64_t out) {
    return interpolate(reshape(arange(static_cast<double>(in)), {1, 1, -1}), {.size = out}).to_vector();
  };
  CHECK(nearest(3, 7) == Numbers{0, 0, 0, 1, 1, 2, 2});
  CHECK(nearest(5, 3) == Numbers{0, 1, 3});
  CHECK(nearest(2, 4) == Numbers{0, 0, 1, 1});
}

TEST_CASE("bicubic and area: what their names promise") {
  const auto resized = [](const Tensor& x, Size2 size, Interpolation mode, bool corners = false) {
    return interpolate(x, {.size = size, .mode = mode, .align_corners = corners});
  };
  // A constant stays.
  const Tensor ones16 = full({1, 1, 5, 7}, 3.5, {.dtype = DType::float64});
  for (const Interpolation mode : {Interpolation::bicubic, Interpolation::area, Interpolation::nearest_exact})
    for (const double v : resized(ones16, {8, 3}, mode).to_vector()) CHECK(v == doctest::Approx(3.5).epsilon(1e-14));
  // Whole factors: the mean of each block, and the middle of each block.
  const Tensor x = reshape(arange(16.), {1, 1, 4, 4});
  CHECK(resized(x, {2, 2}, Interpolation::area).to_vector() == Numbers{2.5, 4.5, 10.5, 12.5});
  CHECK(resized(x, {2, 2}, Interpolation::nearest_exact).to_vector() == Numbers{5, 7, 13, 15});
  CHECK(resized(x, {4, 4}, Interpolation::bicubic).to_vector() == x.to_vector());
  CHECK(resized(x, {4, 4}, Interpolation::bicubic, true).to_vector() == x.to_vector());
}

TEST_CASE("an infinity does not reach pixels that give it no weight") {
  const Tensor x = tensor({INFINITY, 1, 2});
  CHECK(line(x, 5, true)[4] == 2);
  CHECK(line(x, 5, true)[2] == 1);
  CHECK(line(x, 5, true)[0] == INFINITY);
  CHECK(line(x, 3) == Numbers{INFINITY, 1, 2});
}

TEST_CASE("resizing keeps channels-last memory, and the values do not depend on it") {
  const Array xs = random_values({.shape = {2, 8, 4, 6}}, 1);
  for (const DType dtype : {DType::float64, DType::float32}) {
    const Tensor dense = leaf(xs, dtype), last = laid_out(xs, Layout::channels_last, dtype);
    const auto check = [&](const std::function<Tensor(const Tensor&)>& f) {
      const Tensor a = f(dense), b = f(last);
      CHECK(channels_side_by_side(b));
      CHECK(difference(b, to_array(a), 0) == "");
      const Tensor g = leaf(random_values({.shape = a.shape()}, 2), dtype, false);
      CHECK(difference(gradients(b, {last}, g)[0], to_array(gradients(a, {dense}, g)[0]), 0) == "");
    };
    check([](const Tensor& x) { return interpolate(x, {.size = Size2{9, 4}}); });
    for (const Interpolation mode :
         {Interpolation::nearest_exact, Interpolation::bilinear, Interpolation::bicubic, Interpolation::area})
      check([=](const Tensor& x) { return interpolate(x, {.size = Size2{9, 4}, .mode = mode}); });
    check([](const Tensor& x) { return pixel_shuffle(x, 2); });
    check([](const Tensor& x) { return pixel_unshuffle(x, 2); });
  }
}

TEST_CASE("pixel_unshuffle undoes pixel_shuffle") {
  const Tensor x = leaf(random_values({.shape = {2, 3, 12, 2, 5}}, 3), DType::float64, false);
  const Tensor z = pixel_shuffle(x, 2);
  CHECK(z.shape() == Shape{2, 3, 3, 4, 10});
  CHECK(pixel_unshuffle(z, 2).to_vector() == x.to_vector());
}
