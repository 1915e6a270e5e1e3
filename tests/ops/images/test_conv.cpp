// Convolution beyond the table: wrong arguments, adjoints, memory layouts, both floating paths, and what the graph does
// not compute.
#include <doctest/doctest.h>

#include <limits>

#include "engine/factory.h"
#include "engine/traverse.h"
#include "engine/types/error.h"
#include "tests/ops/checks.h"
#include "tests/ops/layouts.h"

using namespace chainrule;
using namespace chainrule::cases;
using namespace chainrule::testing;

TEST_CASE("a known convolution: it slides without flipping") {
  const Tensor x = reshape(arange(1., 10), {1, 1, 3, 3}), w = reshape(tensor({1., 0, 0, -2}), {1, 1, 2, 2});
  CHECK(conv2d(x, w).to_vector() == std::vector<double>{1 - 10, 2 - 12, 4 - 16, 5 - 18});
  CHECK(conv2d(x, w, tensor({100.})).to_vector()[0] == 91);
  CHECK(conv2d(x, w, Tensor()).to_vector()[0] == -9);  // an empty handle is no bias
}

TEST_CASE("wrong arguments of conv1d, padding='same' and conv_transpose2d") {
  const Tensor x = zeros({2, 4, 5, 6}), w = zeros({4, 3, 3, 3}), line = zeros({2, 4, 7});
  CHECK_THROWS_WITH_AS(conv1d(x, zeros({1, 4, 2})), doctest::Contains("x is (N, C, L) or (C, L)"), ShapeError);
  CHECK_THROWS_WITH_AS(conv1d(line, zeros({4, 2})), doctest::Contains("weight has shape (4, 2)"), ShapeError);
  CHECK_THROWS_WITH_AS(conv1d(line, zeros({1, 4, 2}), {}, {.stride = 0}), doctest::Contains("stride is (1, 0)"),
                       ValueError);
  CHECK_THROWS_WITH_AS(conv1d(line, zeros({1, 4, 9})), doctest::Contains("along the width"), ShapeError);

  const Tensor square = zeros({6, 4, 3, 3});
  CHECK_THROWS_WITH_AS(conv2d(x, square, {}, {.stride = 2, .same_padding = true}),
                       doctest::Contains("padding='same' wants stride 1, it is 2"), ValueError);
  const auto same = [&](Size2 dilation) { return conv2d(x, square, {}, {.dilation = dilation, .same_padding = true}); };
  CHECK_THROWS_WITH_AS(same(0), doctest::Contains("dilation is 0"), ValueError);
  CHECK_THROWS_WITH_AS(same(std::numeric_limits<std::int64_t>::max()), doctest::Contains("dilation"), ValueError);
  CHECK_THROWS_AS(conv2d(x, zeros({6, 4, 3}), {}, {.same_padding = true}), ShapeError);

  const auto back = [&](ConvTransposeOptions o) { return conv_transpose2d(x, w, {}, o); };
  CHECK_THROWS_WITH_AS(back({.stride = 0}), doctest::Contains("conv_transpose2d: stride is 0"), ValueError);
  CHECK_THROWS_WITH_AS(back({.padding = -1}), doctest::Contains("padding is -1"), ValueError);
  CHECK_THROWS_WITH_AS(back({.dilation = 0}), doctest::Contains("dilation is 0"), ValueError);
  CHECK_THROWS_WITH_AS(back({.groups = 0}), doctest::Contains("groups is 0"), ValueError);
  CHECK_THROWS_WITH_AS(back({.groups = 3}), doctest::Contains("groups 3 does not divide the 4 input channels"),
                       ShapeError);
  CHECK_THROWS_WITH_AS(back({.stride = 2, .output_padding = 2}),
                       doctest::Contains("output padding along the height is 2, it must be from 0 and below the "
                                         "stride 2 or the dilation 1"),
                       ValueError);
  CHECK_THROWS_WITH_AS(back({.stride = 2, .output_padding = {0, -1}}), doctest::Contains("along the width is -1"),
                       ValueError);
  CHECK_THROWS_WITH_AS(back({.padding = 5}), doctest::Contains("the output's height would be -3"), ShapeError);
  CHECK_THROWS_WITH_AS(conv_transpose2d(x, zeros({5, 3, 3, 3})), doctest::Contains("x has 4 channels, weight takes 5"),
                       ShapeError);
  CHECK_THROWS_WITH_AS(conv_transpose2d(x, w, zeros({4})), doctest::Contains("the 3 output channels want (3,)"),
                       ShapeError);
  CHECK_THROWS_AS(conv_transpose2d(x, zeros({4, 3, 3})), ShapeError);
  CHECK_THROWS_AS(conv_transpose2d(x, zeros({4, 3, 0, 3})), ValueError);
  CHECK_THROWS_AS(conv_transpose2d(zeros({1, 4, 0, 3}), w), ShapeError);
  CHECK_THROWS_AS(conv_transpose2d(zeros({1, 0, 3, 3}), zeros({0, 2, 2, 2})), ShapeError);
  CHECK_THROWS_AS(conv_transpose2d(to(x, DType::int64), to(w, DType::int64)), ValueError);
  const std::int64_t huge = (std::int64_t{1} << 31) - 1;
  CHECK_THROWS_AS(back({.stride = huge, .dilation = huge}), ShapeError);
}

TEST_CASE("conv_transpose2d is the adjoint of conv2d, with torch's weight") {
  const Tensor x = random({2, 4, 7, 6}, 1), w = random({6, 2, 3, 2}, 2);
  const ConvOptions o{.stride = {2, 1}, .padding = {1, 0}, .dilation = {1, 2}, .groups = 2};
  const Tensor z = conv2d(x, w, {}, o), g = random(z.shape(), 3);
  const Tensor back =
      conv_transpose2d(g, w, {}, {.stride = o.stride, .padding = o.padding, .groups = 2, .dilation = o.dilation});
  CHECK(back.shape() == x.shape());
  CHECK(inner(z, g) == doctest::Approx(inner(x, back)));
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
