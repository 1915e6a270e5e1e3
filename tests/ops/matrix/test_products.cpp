// matmul and linear beyond the table: known numbers, integers, sentences, no copies of transposed operands, and what
// the graph keeps.
#include <doctest/doctest.h>

#include "engine/factory.h"
#include "engine/node.h"
#include "engine/types/error.h"
#include "tests/ops/layouts.h"

using namespace chainrule;
using namespace chainrule::cases;

TEST_CASE("matmul of known matrices") {
  const Tensor x = tensor({{1., 2}, {3, 4}}), y = tensor({{5., 6}, {7, 8}});
  CHECK(matmul(x, y).to_vector() == std::vector<double>{19, 22, 43, 50});
  CHECK(matmul(x, transpose(y)).to_vector() == std::vector<double>{17, 23, 39, 53});
  CHECK(matmul(tensor({1., 2}), tensor({3., 4})).item() == 11);
  CHECK(matmul(zeros({2, 0}), zeros({0, 3})).to_vector() == std::vector<double>(6, 0));
}

TEST_CASE("matmul of integers is exact and has no derivative") {
  const std::int64_t big = (std::int64_t{1} << 53) + 1;  // no double holds it
  const Tensor x = from_vector<std::int64_t>({big, 2}, {1, 2}), y = from_vector<std::int64_t>({1, 3}, {2, 1});
  CHECK(matmul(x, y).values<std::int64_t>() == std::vector<std::int64_t>{big + 6});
  const Tensor w = ones({2, 1}, {.dtype = DType::float64, .requires_grad = true});
  const Tensor z = matmul(x, w);  // meets in floating numbers
  CHECK(z.dtype() == DType::float64);
  CHECK(z.requires_grad());
  CHECK_THROWS_WITH_AS(matmul(gt(x, 0), gt(y, 0)), doctest::Contains("matmul: not defined for bool"), ValueError);
}

TEST_CASE("products say which sizes do not fit") {
  CHECK_THROWS_WITH_AS(matmul(zeros({32, 784}), zeros({512, 10})),
                       "matmul: inner sizes differ, (32, 784) @ (512, 10): 784 and 512", ShapeError);
  CHECK_THROWS_WITH_AS(matmul(zeros({3}), zeros({4})), doctest::Contains("(3,) @ (4,): 3 and 4"), ShapeError);
  CHECK_THROWS_WITH_AS(matmul(zeros({}), zeros({4})), doctest::Contains("x is a scalar"), ShapeError);
  CHECK_THROWS_WITH_AS(matmul(zeros({4}), 2), doctest::Contains("y is a scalar"), ShapeError);
  CHECK_THROWS_WITH_AS(matmul(zeros({2, 3, 4}), zeros({3, 4, 5})),
                       doctest::Contains("matmul: shapes (2,) and (3,) do not broadcast"), ShapeError);
  CHECK_THROWS_WITH_AS(matmul(Tensor(), zeros({4})), doctest::Contains("matmul"), ValueError);
  CHECK_THROWS_WITH_AS(linear(zeros({3, 5}), zeros({10, 4})),
                       "linear: x (3, 5) does not end in the 4 inputs that weight (10, 4) takes", ShapeError);
  CHECK_THROWS_WITH_AS(linear(zeros({3, 4}), zeros({10, 4}), zeros({9})), doctest::Contains("bias has shape (9,)"),
                       ShapeError);
  CHECK_THROWS_WITH_AS(affine(zeros({3, 5}), zeros({4, 10})),
                       "affine: x (3, 5) does not end in the 4 inputs that W (4, 10) takes", ShapeError);
  CHECK_THROWS_WITH_AS(affine(zeros({3, 4}), zeros({4, 10}), zeros({4})),
                       "affine: b has shape (4,), W (4, 10) wants (10,)", ShapeError);
  CHECK_THROWS_AS(affine(zeros({4}), zeros({4})), ShapeError);
  CHECK_THROWS_WITH_AS(dot(zeros({3}), zeros({4})), "dot: the vectors have 3 and 4 elements", ShapeError);
  CHECK_THROWS_WITH_AS(dot(zeros({1, 3}), zeros({3})), doctest::Contains("both must be vectors"), ShapeError);
  CHECK_THROWS_AS(outer(zeros({}), zeros({3})), ShapeError);
  CHECK_THROWS_AS(linear(zeros({}), zeros({10, 4})), ShapeError);
  CHECK_THROWS_AS(linear(zeros({4}), zeros({4})), ShapeError);
}

TEST_CASE("linear equals matmul and add, also in its gradients") {
  const std::vector<Tensor> x = leaves(
      {random_values({.shape = {2, 3, 5}}, 1), random_values({.shape = {4, 5}}, 2), random_values({.shape = {4}}, 3)},
      DType::float64);
  const Tensor one = linear(x[0], x[1], x[2]), two = matmul(x[0], transpose(x[1])) + x[2];
  CHECK(difference(one, to_array(two), 1e-14) == "");
  const Tensor g = leaf(random_values({.shape = {2, 3, 4}}, 4), DType::float64, false);
  const auto a = gradients(one, x, g), b = gradients(two, x, g);
  for (int i = 0; i < 3; ++i) CHECK(difference(a[i], to_array(b[i]), 1e-13) == "");
}

TEST_CASE("a product with a constant keeps only what its derivative reads") {
  const Tensor x = ones({2, 3}), w = ones({3, 4}, {.requires_grad = true});
  const Tensor z = matmul(x, w);
  CHECK(z.node()->saved_input(0).defined());        // dw reads x
  CHECK_FALSE(z.node()->saved_input(1).defined());  // nobody wants dx, so w is not saved
  const Tensor y = linear(x, ones({4, 3}, {.requires_grad = true}), ones({4}, {.requires_grad = true}));
  CHECK(y.node()->saved_input(0).defined());
  CHECK_FALSE(y.node()->saved_input(1).defined());
  CHECK_FALSE(y.node()->saved_input(2).defined());
}

TEST_CASE("large float32 products agree with float64, transposed or not") {
  const Array x = random_values({.shape = {65, 130}}, 5), y = random_values({.shape = {130, 70}}, 6);
  const Tensor wanted = matmul(leaf(x, DType::float64), leaf(y, DType::float64));
  for (const Layout layout : {Layout::reversed_axes, Layout::stepped, Layout::backwards, Layout::channels_last}) {
    const Tensor a = laid_out(x, layout, DType::float32), b = laid_out(y, layout, DType::float32);
    CHECK(difference(matmul(a, b), to_array(wanted), 1e-5) == "");
    CHECK(difference(linear(a, transpose(b)), to_array(wanted), 1e-5) == "");
  }
}

TEST_CASE("third derivative of a cubic form") {
  // f(x) = (x . x)^2 / 4 has f''' along one axis = 6 x for x in one dimension.
  const Tensor x = from_vector({1.5}, {1}, {.dtype = DType::float64, .requires_grad = true});
  const Tensor s = matmul(x, x), f = s * s / 4;
  Tensor d = grad(f, x, {.create_graph = true});
  d = grad(sum(d), x, {.create_graph = true});
  d = grad(sum(d), x, {.create_graph = true});
  CHECK(d.item() == doctest::Approx(6 * 1.5));
}
