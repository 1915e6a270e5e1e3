// Windows beyond the table: every wrong argument, adjoints, memory layouts, both floating paths, ties and NaN in
// pooling, and what the graph does not compute.
#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "engine/error.h"
#include "engine/factory.h"
#include "engine/traverse.h"
#include "tests/ops/layouts.h"

using namespace chainrule;
using namespace chainrule::cases;

namespace {

double inner(const Tensor& a, const Tensor& b) {
  const auto x = a.to_vector(), y = b.to_vector();
  double total = 0;
  for (std::size_t i = 0; i < x.size(); ++i) total += x[i] * y[i];
  return total;
}

Tensor random(const Shape& shape, std::uint64_t seed, DType dtype = DType::float64, bool trainable = false) {
  return leaf(random_values({.shape = shape}, seed), dtype, trainable);
}

bool channels_side_by_side(const Tensor& t) { return t.strides()[1] == 1; }

}  // namespace

TEST_CASE("a known convolution: it slides without flipping") {
  const Tensor x = reshape(arange(1, 10), {1, 1, 3, 3}), w = reshape(tensor({1, 0, 0, -2}), {1, 1, 2, 2});
  CHECK(conv2d(x, w).to_vector() == std::vector<double>{1 - 10, 2 - 12, 4 - 16, 5 - 18});
  CHECK(conv2d(x, w, tensor({100})).to_vector()[0] == 91);
  CHECK(conv2d(x, w, Tensor()).to_vector()[0] == -9);  // an empty handle is no bias
}

TEST_CASE("unfold and fold are each other's adjoint") {
  const WindowOptions o{.stride = {2, 1}, .padding = {1, 2}, .dilation = {1, 2}};
  const Tensor x = random({2, 3, 6, 5}, 1), u = unfold(x, {3, 2}, o), y = random(u.shape(), 2);
  CHECK(inner(u, y) == doctest::Approx(inner(x, fold(y, {6, 5}, {3, 2}, o))));
}

TEST_CASE("wrong arguments of windows, each with its sentence") {
  const Tensor x = zeros({2, 4, 5, 6}), w = zeros({6, 4, 3, 3});
  auto conv = [&](ConvOptions o) { return conv2d(x, w, {}, o); };
  CHECK_THROWS_WITH_AS(conv({.stride = 0}), doctest::Contains("conv2d: stride is 0, it must be from 1"), ValueError);
  CHECK_THROWS_WITH_AS(conv({.stride = {1, -2}}), doctest::Contains("stride is (1, -2)"), ValueError);
  CHECK_THROWS_WITH_AS(conv({.padding = -1}), doctest::Contains("padding is -1, it must be from 0"), ValueError);
  CHECK_THROWS_WITH_AS(conv({.dilation = 0}), doctest::Contains("dilation is 0"), ValueError);
  CHECK_THROWS_WITH_AS(conv({.padding = std::numeric_limits<std::int64_t>::max()}), doctest::Contains("padding"),
                       ValueError);
  CHECK_THROWS_WITH_AS(
      conv({.dilation = 3}),
      "conv2d: the kernel spans 7 (3 taps, dilation 3) along the height, the padded input has 5 (5 + 2 * "
      "0); x has shape (2, 4, 5, 6)",
      ShapeError);
  CHECK_THROWS_WITH_AS(conv2d(x, zeros({6, 4, 3, 9}), {}, {.padding = 1}), doctest::Contains("along the width"),
                       ShapeError);
  CHECK_THROWS_WITH_AS(conv2d(x, zeros({6, 4, 0, 3})), doctest::Contains("kernel size is (0, 3)"), ValueError);
  CHECK_THROWS_WITH_AS(conv({.groups = 0}), doctest::Contains("groups is 0"), ValueError);
  CHECK_THROWS_WITH_AS(conv({.groups = -1}), doctest::Contains("groups is -1"), ValueError);
  CHECK_THROWS_WITH_AS(conv({.groups = 3}), doctest::Contains("groups 3 does not divide the 4 input and 6 output"),
                       ShapeError);
  CHECK_THROWS_WITH_AS(conv({.groups = 2}), doctest::Contains("x has 4 channels in 2 groups, 2 each; weight takes 4"),
                       ShapeError);
  CHECK_THROWS_WITH_AS(conv2d(x, zeros({6, 3, 3, 3})), doctest::Contains("weight takes 3"), ShapeError);
  CHECK_THROWS_WITH_AS(conv2d(x, w, zeros({5})), doctest::Contains("bias has shape (5,)"), ShapeError);
  CHECK_THROWS_WITH_AS(conv2d(zeros({4, 5, 6}), w), doctest::Contains("x has shape (4, 5, 6)"), ShapeError);
  CHECK_THROWS_WITH_AS(conv2d(x, zeros({6, 4, 3})), doctest::Contains("weight has shape (6, 4, 3)"), ShapeError);
  CHECK_THROWS_WITH_AS(conv2d(zeros({2, 4, 0, 6}), w), doctest::Contains("the padded input has 0"), ShapeError);
  CHECK_THROWS_AS(conv2d(to(x, DType::int64), to(w, DType::int64)), ValueError);

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

  CHECK_THROWS_WITH_AS(unfold(x, 8), doctest::Contains("unfold: the kernel spans 8"), ShapeError);
  CHECK_THROWS_WITH_AS(fold(zeros({1, 9, 4}), 4, 2),
                       doctest::Contains("the 9 rows of x (1, 9, 4) are not a multiple of the 4 taps"), ShapeError);
  CHECK_THROWS_WITH_AS(fold(zeros({1, 8, 4}), 4, 2),
                       doctest::Contains("has 4 windows, an output of (4, 4) has 9 (3 by 3)"), ShapeError);
  CHECK_THROWS_AS(fold(zeros({1, 8, 4}), 0, 2), ValueError);
  CHECK_THROWS_AS(fold(zeros({8, 4}), 4, 2), ShapeError);
}

TEST_CASE("windows too many to address are refused before anything is allocated") {
  const std::int64_t huge = (std::int64_t{1} << 31) - 1;
  const Tensor x = expand(zeros({1, 1, 1, 1}), {1, 1, 1, 1 << 20}), w = expand(zeros({1, 1, 1, 1}), {1, 1, 1, huge});
  CHECK_THROWS_WITH_AS(conv2d(x, w, {}, {.padding = {huge, huge}}), doctest::Contains("too many to address"),
                       ShapeError);
  CHECK_THROWS_WITH_AS(unfold(x, {1, huge}, {.padding = {huge, huge}}), doctest::Contains("too many to address"),
                       ShapeError);
}

TEST_CASE("results keep channels-last memory, and the values do not depend on it") {
  const ConvOptions o{.stride = {1, 2}, .padding = 1};
  for (const DType dtype : {DType::float64, DType::float32}) {
    const Array xs = random_values({.shape = {2, 4, 6, 5}}, 1), ws = random_values({.shape = {3, 4, 3, 3}}, 2);
    const Tensor dense = leaf(xs, dtype), last = laid_out(xs, Layout::channels_last, dtype), w = leaf(ws, dtype);
    const Tensor a = conv2d(dense, w, {}, o), b = conv2d(last, w, {}, o);
    CHECK(channels_side_by_side(b));
    const double tolerance = dtype == DType::float64 ? 1e-13 : 1e-5;
    CHECK(difference(b, to_array(a), tolerance) == "");
    const Tensor p = max_pool2d(b, 2), q = max_pool2d(a, 2);
    CHECK(channels_side_by_side(p));
    CHECK(difference(p, to_array(q), tolerance) == "");
    const Tensor g = random(q.shape(), 3, dtype);
    const auto from_dense = gradients(q, {dense, w}, g), from_last = gradients(p, {last, w}, g);
    CHECK(channels_side_by_side(from_last[0]));
    for (int i = 0; i < 2; ++i) CHECK(difference(from_last[i], to_array(from_dense[i]), tolerance) == "");
    CHECK(channels_side_by_side(cat({b, b}, 1)));
  }
}

TEST_CASE("float32 and float64 convolutions agree on sizes of real networks") {
  struct Row {
    Shape x, w;
    ConvOptions o;
  };
  const Row rows[] = {{{2, 1, 28, 28}, {8, 1, 5, 5}, {}},
                      {{2, 16, 14, 14}, {32, 16, 3, 3}, {.padding = 1}},
                      {{1, 16, 15, 15}, {24, 16, 1, 1}, {.stride = 2}},
                      {{2, 12, 9, 9}, {12, 1, 3, 3}, {.padding = 1, .groups = 12}},
                      {{1, 8, 11, 13}, {16, 4, 3, 3}, {.stride = 2, .padding = 2, .dilation = 2, .groups = 2}}};
  for (const Row& r : rows) {
    CAPTURE(to_string(r.x));
    const std::vector<Array> x = {random_values({.shape = r.x}, 1), random_values({.shape = r.w}, 2),
                                  random_values({.shape = {r.w[0]}}, 3)};
    const auto wide = leaves(x, DType::float64), narrow = leaves(x, DType::float32);
    const Tensor z = conv2d(wide[0], wide[1], wide[2], r.o), y = conv2d(narrow[0], narrow[1], narrow[2], r.o);
    CHECK(difference(y, to_array(z), 2e-6) == "");
    const Array g = random_values({.shape = z.shape()}, 4);
    const auto wanted = gradients(z, wide, leaf(g, DType::float64)),
               got = gradients(y, narrow, leaf(g, DType::float32));
    for (int i = 0; i < 3; ++i) CHECK(difference(got[i], to_array(wanted[i]), 2e-6) == "");
  }
}

TEST_CASE("the gradient of images that nobody wants is not computed") {
  const Tensor x = random({1, 2, 5, 5}, 1), w = random({3, 2, 3, 3}, 2, DType::float64, true);
  const Tensor z = conv2d(x, w);
  CHECK(z.node()->saved_input(0).defined());
  CHECK_FALSE(z.node()->saved_input(1).defined());
  const Tensor dw = grad(sum(square(z)), w, {.create_graph = true});
  const Traversal graph(std::span(&dw, 1));
  bool weight_grad = false;
  for (std::size_t i = 0; i < graph.size(); ++i) {
    CHECK(std::string(graph.node(i).info->name) != "conv2d_input_grad");
    weight_grad |= std::string(graph.node(i).info->name) == "conv2d_weight_grad";
  }
  CHECK(weight_grad);
}

TEST_CASE("max pooling: ties, NaN, infinities, integers") {
  const Tensor ties = ones({1, 1, 2, 4}, {.requires_grad = true});
  sum(max_pool2d(ties, 2)).backward();
  CHECK(ties.grad().to_vector() == std::vector<double>{1, 0, 1, 0, 0, 0, 0, 0});
  const Tensor x = reshape(tensor({1, NAN, 5, 2, 7, 3, 0, 6}), {1, 1, 2, 4});
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
  const Tensor peak = reshape(tensor({0, 0, 0, 0, 9, 0, 0, 0, 0}, {.requires_grad = true}), {1, 1, 3, 3});
  const Tensor g = grad(sum(max_pool2d(peak, 2, {.stride = 1})), peak);
  CHECK(g.to_vector()[4] == 4);
}
