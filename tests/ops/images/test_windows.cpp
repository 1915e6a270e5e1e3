// Unfolding beyond the table: every wrong argument, also of conv2d, and adjoints. Pooling is in test_pooling.cpp.
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
  CHECK_THROWS_WITH_AS(conv2d(zeros({5, 6}), w), doctest::Contains("(N, C, H, W) or (C, H, W), x has shape (5, 6)"),
                       ShapeError);
  CHECK_THROWS_WITH_AS(conv2d(x, zeros({6, 4, 3})), doctest::Contains("weight has shape (6, 4, 3)"), ShapeError);
  CHECK_THROWS_WITH_AS(conv2d(zeros({2, 4, 0, 6}), w), doctest::Contains("the padded input has 0"), ShapeError);
  CHECK_THROWS_AS(conv2d(to(x, DType::int64), to(w, DType::int64)), ValueError);

  CHECK_THROWS_WITH_AS(unfold(x, 8), doctest::Contains("unfold: the kernel spans 8"), ShapeError);
  CHECK_THROWS_WITH_AS(fold(zeros({1, 9, 4}), 4, 2),
                       doctest::Contains("the 9 rows of x (1, 9, 4) are not a multiple of the 4 taps"), ShapeError);
  CHECK_THROWS_WITH_AS(fold(zeros({1, 8, 4}), 4, 2),
                       doctest::Contains("has 4 windows, an output of (4, 4) has 9 (3 by 3)"), ShapeError);
  CHECK_THROWS_AS(fold(zeros({1, 8, 4}), 0, 2), ValueError);
  CHECK_THROWS_AS(fold(zeros({8}), 4, 2), ShapeError);
  CHECK_THROWS_WITH_AS(fold(zeros({1, 0, 9}), 4, 2), doctest::Contains("only the batch axis may be empty"), ShapeError);
  CHECK_THROWS_WITH_AS(unfold(zeros({1, 0, 4, 4}), 2), doctest::Contains("only the batch axis may be empty"),
                       ShapeError);
  CHECK_THROWS_AS(unfold(zeros({1, 2, 0, 4}), 2, {.padding = 1}), ShapeError);
}

TEST_CASE("windows too many to address are refused before anything is allocated") {
  const std::int64_t huge = (std::int64_t{1} << 31) - 1;
  const Tensor x = expand(zeros({1, 1, 1, 1}), {1, 1, 1, 1 << 20}), w = expand(zeros({1, 1, 1, 1}), {1, 1, 1, huge});
  CHECK_THROWS_WITH_AS(conv2d(x, w, {}, {.padding = {huge, huge}}), doctest::Contains("too many to address"),
                       ShapeError);
  CHECK_THROWS_WITH_AS(unfold(x, {1, huge}, {.padding = {huge, huge}}), doctest::Contains("too many to address"),
                       ShapeError);
}
