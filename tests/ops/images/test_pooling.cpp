// Pooling beyond the table: every wrong argument, ties and NaN, places of maxima and their inverse, memory layouts.
#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "engine/node.h"
#include "tests/ops/checks.h"
#include "tests/ops/layouts.h"

using namespace chainrule;
using namespace chainrule::cases;
using namespace chainrule::testing;

TEST_CASE("wrong arguments of pooling, each with its sentence") {
  const Tensor x = zeros({2, 4, 5, 6});
  CHECK_THROWS_WITH_AS(max_pool2d(x, 0), doctest::Contains("max_pool2d: kernel size is 0"), ValueError);
  CHECK_THROWS_WITH_AS(max_pool2d(x, 2, {.stride = 0}), doctest::Contains("stride is 0"), ValueError);
  CHECK_THROWS_WITH_AS(max_pool2d(x, 3, {.padding = 2}),
                       doctest::Contains("padding 2 is more than half of kernel size 3"), ValueError);
  CHECK_THROWS_WITH_AS(max_pool2d(x, 7), doctest::Contains("spans 7 along the height"), ShapeError);
  CHECK_THROWS_AS(max_pool2d(x, 2, {.dilation = 0}), ValueError);
  CHECK_THROWS_AS(max_pool2d(x, 2, {.padding = -1}), ValueError);
  CHECK_THROWS_AS(max_pool2d(zeros({5, 6}), 2), ShapeError);
  CHECK_THROWS_AS(max_pool2d(zeros({1, 1, 0, 0}), 2, {.padding = 1}), ShapeError);
  CHECK_THROWS_AS(max_pool2d(gt(x, 0), 2), ValueError);

  CHECK(message([&] {
          max_pool2d(zeros({5, 6}), 2);
        }) == "max_pool2d: images are (N, C, H, W) or (C, H, W), x has shape (5, 6); reshape it");
  CHECK(message([&] {
          max_pool2d(zeros({1, 0, 4, 4}), 2);
        }) == "max_pool2d: x has shape (1, 0, 4, 4); only the batch axis may be empty");
  CHECK_THROWS_AS(max_pool2d(zeros({1, 1, 3, 3}), 4, {.stride = 1, .ceil_mode = true}), ShapeError);
  CHECK_THROWS_AS(max_pool2d(x, std::numeric_limits<std::int64_t>::max()), ValueError);
  CHECK_THROWS_AS(max_pool2d_indices(x, 2, {.padding = 2}), ValueError);
  CHECK_THROWS_AS(max_pool2d(Tensor(), 2), ValueError);

  CHECK_THROWS_WITH_AS(avg_pool2d(x, 0), doctest::Contains("avg_pool2d: kernel size is 0"), ValueError);
  CHECK_THROWS_WITH_AS(avg_pool2d(x, 2, {.stride = -1}), doctest::Contains("stride is -1"), ValueError);
  CHECK_THROWS_WITH_AS(avg_pool2d(x, 3, {.padding = 2}), doctest::Contains("more than half of kernel size 3"),
                       ValueError);
  CHECK_THROWS_WITH_AS(avg_pool2d(x, 2, {.divisor_override = 0}), doctest::Contains("divisor_override is 0"),
                       ValueError);
  CHECK_THROWS_AS(avg_pool2d(x, 9), ShapeError);
  CHECK_THROWS_AS(avg_pool2d(zeros({1, 0, 4, 4}), 2), ShapeError);

  CHECK_THROWS_WITH_AS(adaptive_avg_pool2d(x, -1), doctest::Contains("output size is (-1, -1)"), ValueError);
  CHECK_THROWS_AS(adaptive_max_pool2d(x, {2, -3}), ValueError);
  CHECK_THROWS_AS(adaptive_avg_pool2d(zeros({1, 1, 0, 2}), 1), ShapeError);
  CHECK_THROWS_AS(adaptive_max_pool2d(zeros({4, 4}), 1), ShapeError);
  CHECK_THROWS_AS(adaptive_avg_pool2d(x, std::numeric_limits<std::int64_t>::max()), ShapeError);

  const Tensor y = zeros({1, 1, 2, 2}), i = zeros({1, 1, 2, 2}, {.dtype = DType::int64});
  CHECK_THROWS_WITH_AS(max_unpool2d(y, y, 2), doctest::Contains("they must be int64"), ValueError);
  CHECK_THROWS_WITH_AS(max_unpool2d(y, i + 16, 2), doctest::Contains("index 16 is outside of the 16 elements"),
                       ValueError);
  CHECK_THROWS_AS(max_unpool2d(y, i - 1, 2), ValueError);
  CHECK_THROWS_WITH_AS(max_unpool2d(y, reshape(i, {1, 1, 4, 1}), 2), doctest::Contains("indices have shape"),
                       ShapeError);
  CHECK_THROWS_WITH_AS(max_unpool2d(y, i, 2, {.output_size = Size2{6, 4}}),
                       doctest::Contains("height would be 6, it must be positive and between 3 and 5"), ShapeError);
  CHECK_THROWS_AS(max_unpool2d(y, i, 0), ValueError);

  CHECK_THROWS_WITH_AS(local_response_norm(x, 0), doctest::Contains("size is 0"), ValueError);
  CHECK_THROWS_AS(local_response_norm(zeros({3, 4}), 2), ShapeError);
}

TEST_CASE("max pooling: ties, NaN, infinities, integers") {
  const Tensor ties = ones({1, 1, 2, 4}, {.requires_grad = true});
  sum(max_pool2d(ties, 2)).backward();
  CHECK(ties.grad().to_vector() == std::vector<double>{1, 0, 1, 0, 0, 0, 0, 0});
  const Tensor x = reshape(tensor({1., NAN, 5, 2, 7, 3, 0, 6}), {1, 1, 2, 4});
  const auto z = max_pool2d(x, 2).to_vector();
  CHECK(std::isnan(z[0]));
  CHECK(z[1] == 6);
  const Tensor low = full({1, 1, 2, 2}, -INFINITY, {.requires_grad = true});
  CHECK(max_pool2d(low, 2).item() == -INFINITY);
  sum(max_pool2d(low, 2)).backward();
  CHECK(low.grad().to_vector() == std::vector<double>{1, 0, 0, 0});
  // Padding never wins, also where all numbers are negative.
  CHECK(max_pool2d(full({1, 1, 2, 2}, -3), 2, {.stride = 1, .padding = 1}).to_vector() == std::vector<double>(9, -3));
  CHECK(max_pool2d(from_vector<std::int64_t>({3, 9, -4, 1}, {1, 1, 2, 2}), 2).values<std::int64_t>()[0] == 9);
  // Overlapping windows add up where they share a maximum.
  const Tensor peak = reshape(tensor({0., 0, 0, 0, 9, 0, 0, 0, 0}, {.requires_grad = true}), {1, 1, 3, 3});
  const Tensor g = grad(sum(max_pool2d(peak, 2, {.stride = 1})), peak);
  CHECK(g.to_vector()[4] == 4);
}

TEST_CASE("indices of maxima are torch's, and unpooling puts values back there") {
  const Tensor x = reshape(tensor({1., 9, 2, 0, 3, 4, 8, 8, 5, 5, 7, 6, 5, 5, 6, 1}), {1, 1, 4, 4});
  const Tensor i = max_pool2d_indices(x, 2), z = max_pool2d(x, 2);
  CHECK(i.dtype() == DType::int64);
  CHECK(i.to_vector() == Numbers{1, 6, 8, 10});
  CHECK(max_unpool2d(z, i, 2).to_vector() == Numbers{0, 9, 0, 0, 0, 0, 8, 0, 5, 0, 7, 0, 0, 0, 0, 0});
  CHECK(max_pool2d_indices(reshape(x, {1, 4, 4}), 2).shape() == Shape{1, 2, 2});
  CHECK_FALSE(max_pool2d_indices(full({1, 2, 2}, 1, {.requires_grad = true}), 2).requires_grad());
  // The last of several NaN, as torch counts.
  CHECK(max_pool2d_indices(reshape(tensor({NAN, 1, NAN, 2}), {1, 1, 2, 2}), 2).item() == 2);
  // Named twice: the last stays and alone has a gradient.
  const Tensor y = reshape(tensor({1., 2, 3, 4}, {.requires_grad = true}), {1, 1, 2, 2});
  const Tensor both = reshape(from_vector<std::int64_t>({4, 4, 0, 4}, {4}), {1, 1, 2, 2});
  const Tensor u = max_unpool2d(y, both, 2, {.stride = 1});
  CHECK(u.to_vector() == Numbers{3, 0, 0, 0, 4, 0, 0, 0, 0});
  CHECK(slopes(u, y) == Numbers{0, 0, 1, 1});
}

TEST_CASE("pooling keeps channels-last memory, and the values do not depend on it") {
  for (const DType dtype : {DType::float64, DType::float32}) {
    const Array xs = random_values({.shape = {2, 10, 7, 9}, .distinct = true}, 1);
    const Tensor dense = leaf(xs, dtype), last = laid_out(xs, Layout::channels_last, dtype);
    const auto check = [&](const std::function<Tensor(const Tensor&)>& f) {
      const Tensor a = f(dense), b = f(last);
      CHECK(channels_side_by_side(b));
      CHECK(difference(b, to_array(a), 0) == "");
      const Tensor g = leaf(random_values({.shape = a.shape()}, 2), dtype, false);
      const Tensor from_dense = gradients(a, {dense}, g)[0], from_last = gradients(b, {last}, g)[0];
      CHECK(difference(from_last, to_array(from_dense), 0) == "");
    };
    check([](const Tensor& x) { return max_pool2d(x, 2); });
    check([](const Tensor& x) { return max_pool2d(x, 3, {.stride = 2, .padding = 1, .ceil_mode = true}); });
    check([](const Tensor& x) { return max_pool2d(x, 2, {.stride = 1, .dilation = 3}); });
    check([](const Tensor& x) { return avg_pool2d(x, 3, {.stride = 2, .padding = 1}); });
    check([](const Tensor& x) { return adaptive_avg_pool2d(x, {3, 4}); });
    check([](const Tensor& x) { return adaptive_max_pool2d(x, {3, 4}); });
    check([](const Tensor& x) { return local_response_norm(x, 4, 0.5); });
    check([](const Tensor& x) { return max_unpool2d(x, max_pool2d_indices(x, 1), 1); });
  }
}

TEST_CASE("averages of ones are one, integers stay integers, halves of a window divide by what torch counts") {
  for (const std::int64_t k : {2, 3, 5, 7})
    CHECK(avg_pool2d(ones({1, 1, 7, 7}), k, {.stride = 1}).to_vector() ==
          Numbers(static_cast<std::size_t>((8 - k) * (8 - k)), 1));
  CHECK(avg_pool2d(from_vector<std::int64_t>({1, 2, 3, 5}, {1, 2, 2}), 2).item() == 2);
  const Tensor x = reshape(arange(1., 10), {1, 3, 3});
  CHECK(avg_pool2d(x, 2, {.ceil_mode = true}).to_vector() == Numbers{3, 4.5, 7.5, 9});
  CHECK(avg_pool2d(x, 2, {.padding = 1}).to_vector() == Numbers{0.25, 1.25, 2.75, 7});
  CHECK(avg_pool2d(x, 2, {.padding = 1, .count_include_pad = false}).to_vector() == Numbers{1, 2.5, 5.5, 7});
}

TEST_CASE("a maximum costs one byte to remember, and nothing where no gradient is wanted") {
  const Tensor x = leaf(random_values({.shape = {2, 3, 8, 8}}, 1), DType::float32);
  CHECK(max_pool2d(x, 2).node()->saved_input(1).numel() == 2 * 3 * 4 * 4 / 8);
  CHECK_FALSE(max_pool2d(x.detach(), 2).node());
}
