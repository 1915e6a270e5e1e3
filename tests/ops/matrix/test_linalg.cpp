// Linear algebra beyond the table: known numbers, derivatives at singular matrices, layouts, what is not invertible,
// and sentences.
#include <cmath>
#include <limits>

#include "engine/scopes.h"
#include "ops/kernels/parallel.h"
#include "tests/ops/checks.h"
#include "tests/ops/layouts.h"

using namespace chainrule;
using namespace chainrule::cases;
using namespace chainrule::testing;

namespace {

Tensor wide(const Nested& values) { return tensor(values, {.dtype = DType::float64, .requires_grad = true}); }

/// The matrix of cofactors, by its definition.
Array naive_cofactors(const Array& x) {
  const std::int64_t n = x.shape[0];
  Array z(x.shape);
  each_index(x.shape, [&](const Shape& at) {
    std::vector<double> minor;
    for (std::int64_t i = 0; i < n; ++i)
      for (std::int64_t j = 0; j < n; ++j)
        if (i != at[0] && j != at[1]) minor.push_back(x.at({i, j}));
    const Tensor m = from_vector(minor, {n - 1, n - 1}, {.dtype = DType::float64});
    // Two by two at most: written out, so that nothing of the library is asked for a determinant.
    const auto v = m.to_vector();
    const double d = n == 1 ? 1 : n == 2 ? v[0] : v[0] * v[3] - v[1] * v[2];
    z.at(at) = (at[0] + at[1]) % 2 == 0 ? d : -d;
  });
  return z;
}

}  // namespace

TEST_CASE("known inverses, determinants and solutions") {
  const Tensor x = wide({{4, 3}, {6, 3}});
  check_close(inverse(x).to_vector(), {-0.5, 0.5, 1, -2.0 / 3});
  CHECK(det(x).item() == doctest::Approx(-6));
  CHECK(std::isnan(logdet(x).item()));
  const SignedLogDet s = slogdet(x);
  CHECK(s.sign.item() == -1);
  CHECK(s.logabsdet.item() == doctest::Approx(std::log(6)));
  check_close(solve(x, wide({10, 12})).to_vector(), {1, 2});
  check_close(cholesky(wide({{4, 2}, {2, 5}})).to_vector(), {2, 0, 1, 2});
  check_close(cholesky(wide({{4, 2}, {2, 5}}), true).to_vector(), {2, 1, 0, 2});
  CHECK(det(zeros({0, 0})).item() == 1);
  CHECK(logdet(zeros({0, 0})).item() == 0);
  CHECK(det(zeros({3, 0, 0})).to_vector() == Numbers{1, 1, 1});
  CHECK(inverse(zeros({0, 3, 3})).shape() == Shape{0, 3, 3});
  CHECK(solve(zeros({0, 0}), zeros({0, 4})).shape() == Shape{0, 4});
  // A permutation of odd order: only the exchange of rows counts.
  CHECK(det(wide({{0, 1, 0}, {1, 0, 0}, {0, 0, 1}})).item() == -1);
  CHECK(det(wide({{0, 1, 0}, {0, 0, 1}, {1, 0, 0}})).item() == 1);
  // Whole numbers are solved as real ones.
  const Tensor whole = from_vector<std::int64_t>({2, 0, 0, 4}, {2, 2});
  CHECK(inverse(whole).dtype() == default_dtype());
  CHECK(inverse(whole).to_vector() == Numbers{0.5, 0, 0, 0.25});
}

TEST_CASE("slogdet neither overflows nor underflows") {
  for (const double scale : {1e-3, 1e3}) {
    const Tensor x = eye(200, {.dtype = DType::float64}) * scale;
    CHECK(slogdet(x).logabsdet.item() == doctest::Approx(200 * std::log(scale)));
    CHECK(slogdet(x).sign.item() == 1);
    CHECK(logdet(x).item() == doctest::Approx(200 * std::log(scale)));
  }
}

TEST_CASE("the derivative of det at singular matrices is the matrix of cofactors") {
  const std::vector<std::vector<double>> matrices = {
      {1, 2, 3, 4, 5, 6, 7, 8, 9},                                     // rank 2, and no pivot is exactly 0
      {1, 2, 3, 2, 4, 6, 1, 0, 1},                                     // rank 2
      {1, 2, 3, 2, 4, 6, -1, -2, -3},                                  // rank 1: every cofactor is 0
      {0, 0, 0, 0, 0, 0, 0, 0, 0},    {1, 0, 0, 0, 1e-9, 0, 0, 0, 1},  // almost singular
      {2, 1, 0, 0.5, 3, 1, 1, 0, 2},                                   // regular
  };
  for (const auto& values : matrices) {
    CAPTURE(values[4]);
    const Array x({3, 3}, values);
    const Tensor t = leaf(x, DType::float64);
    CHECK(difference(from_vector(slopes(det(t), t), {3, 3}, {.dtype = DType::float64}), naive_cofactors(x), 1e-13) ==
          "");
    const Tensor narrow = leaf(x, DType::float32);
    CHECK(difference(from_vector(slopes(det(narrow), narrow), {3, 3}, {}), naive_cofactors(x), 1e-5) == "");
    const TensorFunction f = [](const std::vector<Tensor>& v) { return det(v[0]); };
    CHECK(check_gradient(f, {x}, 1) == "");
    CHECK(check_second(f, {x}, 2) == "");
    // Third order: the gradient's own second derivatives.
    const TensorFunction gradient = [&](const std::vector<Tensor>& v) {
      const EnableGrad recording;
      return gradients(det(v[0]), {v[0]}, v[1], true)[0];
    };
    CHECK(check_second(gradient, {x, Array({}, 1.5)}, 3, 1e-7, 4) == "");
  }
  const Tensor one = wide({{0}}), two = wide({{0, 0}, {0, 0}});
  CHECK(slopes(det(one), one) == Numbers{1});
  CHECK(slopes(det(two), two) == Numbers{0, 0, 0, 0});
}

TEST_CASE("a batch of matrices of every rank has the derivatives of each on its own") {
  const Array x({2, 2, 3, 3}, {2, 1, 0, 0.5, 3, 1, 1, 0, 2, 1, 2, 3, 4, 5, 6, 7, 8, 9,  //
                               0, 0, 0, 0,   0, 0, 0, 0, 0, 1, 2, 3, 2, 4, 6, 1, 0, 1});
  const Tensor t = leaf(x, DType::float64);
  const Numbers together = slopes(det(t), t, {1, 2, 3, 4});
  for (std::size_t i = 0; i < 4; ++i) {
    const Array one({3, 3}, Numbers(x.values.begin() + 9 * static_cast<std::ptrdiff_t>(i),
                                    x.values.begin() + 9 * static_cast<std::ptrdiff_t>(i + 1)));
    const Array wanted = naive_cofactors(one);
    for (std::size_t k = 0; k < 9; ++k)
      CHECK(together[9 * i + k] ==
            doctest::Approx(static_cast<double>(i + 1) * wanted.values[k]).epsilon(1e-12).scale(10));
  }
  CHECK(check_second([](const auto& v) { return det(v[0]); }, {x}, 4) == "");
}

TEST_CASE("logarithms of determinants at and beyond the edge") {
  const Tensor singular = wide({{1, 2}, {2, 4}}), negative = wide({{1, 2}, {3, 4}});
  CHECK(logdet(singular).item() == -INFINITY);
  CHECK(slogdet(singular).logabsdet.item() == -INFINITY);
  CHECK(slogdet(singular).sign.item() == 0);
  // Infinite slopes are infinite, with the signs of the cofactors 4, -2, -2, 1.
  CHECK(slopes(logdet(singular), singular) == Numbers{INFINITY, -INFINITY, -INFINITY, INFINITY});
  // Outside its domain the formula is still the formula: x^-T.
  check_close(slopes(logdet(negative), negative), {-2, 1.5, 1, -0.5});
  check_close(slopes(slogdet(negative).logabsdet, negative), {-2, 1.5, 1, -0.5});
  CHECK(slopes(slogdet(negative).sign, negative) == Numbers(4, 0));
}

TEST_CASE("what cannot be inverted is named") {
  CHECK_THROWS_WITH_AS(inverse(wide({{1, 2}, {2, 4}})),
                       "inverse: x is singular: pivot 1 (counted from 0) is 0; x has shape (2, 2)", NumericError);
  const Tensor batch = stack({eye(2), eye(2), zeros({2, 2}), zeros({2, 2})});
  CHECK_THROWS_WITH_AS(inverse(reshape(batch, {2, 2, 2, 2})),
                       doctest::Contains("inverse: x[1, 0] is singular: pivot 0 (counted from 0) is 0"), NumericError);
  CHECK_THROWS_WITH_AS(solve(batch, ones({2})), doctest::Contains("solve: A[2] is singular"), NumericError);
  CHECK_THROWS_WITH_AS(cholesky(wide({{1, 2}, {2, 1}})),
                       "cholesky: x is not positive definite: pivot 1 (counted from 0) is -3; x has shape (2, 2)",
                       NumericError);
  CHECK_THROWS_WITH_AS(cholesky(stack({eye(3), -eye(3)})), doctest::Contains("cholesky: x[1] is not positive definite"),
                       NumericError);
  CHECK_THROWS_AS(cholesky(zeros({2, 2})), NumericError);
  CHECK(NumericError("").exit_code() == 3);
}

TEST_CASE("linear algebra says which shapes do not fit") {
  const Tensor x = ones({2, 3});
  CHECK_THROWS_WITH_AS(inverse(x), "inverse: x has shape (2, 3); it must be a square matrix, or a batch of them",
                       ShapeError);
  CHECK_THROWS_AS(det(ones({3})), ShapeError);
  CHECK_THROWS_AS(logdet(ones({})), ShapeError);
  CHECK_THROWS_AS(slogdet(x), ShapeError);
  CHECK_THROWS_AS(cholesky(x), ShapeError);
  CHECK_THROWS_AS(inverse(Tensor()), ValueError);
  CHECK_THROWS_WITH_AS(solve(eye(3), ones({2})), "solve: A (3, 3) and B (2,): B has 2 rows, A has 3", ShapeError);
  CHECK_THROWS_WITH_AS(solve(eye(3), ones({3, 2}), false), doctest::Contains("B has 2 columns, A has 3"), ShapeError);
  CHECK_THROWS_AS(solve(eye(3), ones({})), ShapeError);
  CHECK_THROWS_AS(solve(eye(3), ones({3}), false), ShapeError);
  CHECK_THROWS_AS(solve(x, ones({3})), ShapeError);
  CHECK_THROWS_WITH_AS(solve(expand(eye(3), {2, 3, 3}), ones({4, 3, 1})), doctest::Contains("(2,) and (4,)"),
                       ShapeError);
  CHECK_THROWS_AS(trace(ones({3})), ShapeError);
  CHECK_THROWS_AS(diag(ones({1, 2, 3})), ShapeError);
  CHECK_THROWS_AS(tril(ones({3})), ShapeError);
  CHECK_THROWS_AS(diagonal(ones({2, 3}), 0, 1, -1), ShapeError);
}

TEST_CASE("every memory layout gives the same") {
  const Array x({3, 3}, {5, 1, 2, 0.5, 6, 1, 1, 0, 7}), b = random_values({.shape = {3, 2}}, 1);
  const Tensor plain = leaf(x, DType::float64), right = leaf(b, DType::float64);
  const Array symmetric = to_array(matmul(plain, transpose(plain)));
  for (const Layout layout : {Layout::reversed_axes, Layout::stepped, Layout::backwards, Layout::channels_last}) {
    const Tensor t = laid_out(x, layout, DType::float64), r = laid_out(b, layout, DType::float64);
    CHECK(difference(inverse(t), to_array(inverse(plain)), 0) == "");
    CHECK(difference(det(t), to_array(det(plain)), 0) == "");
    CHECK(difference(solve(t, r), to_array(solve(plain, right)), 0) == "");
    CHECK(difference(tril(t, 1), to_array(tril(plain, 1)), 0) == "");
    CHECK(difference(cholesky(laid_out(symmetric, layout, DType::float64)),
                     to_array(cholesky(leaf(symmetric, DType::float64))), 0) == "");
  }
}

TEST_CASE("batches broadcast in solve, and gradients add up") {
  const Array a({2, 1, 2, 2}, {4, 1, 0, 3, 5, 2, 1, 6}), b = random_values({.shape = {3, 2, 1}}, 2);
  const Tensor ta = leaf(a, DType::float64), tb = leaf(b, DType::float64), z = solve(ta, tb);
  CHECK(z.shape() == Shape{2, 3, 2, 1});
  CHECK(difference(matmul(ta, z), to_array(expand(tb, {2, 3, 2, 1})), 1e-14) == "");
  CHECK(check_second([](const auto& v) { return solve(v[0], v[1]); }, {a, b}, 3) == "");
  // Vectors, when B has A's shape without the last axis; otherwise a matrix for every A.
  CHECK(solve(expand(eye(3), {3, 3, 3}), ones({3, 3})).shape() == Shape{3, 3});
  CHECK(solve(expand(eye(3), {2, 3, 3}), ones({3, 4})).shape() == Shape{2, 3, 4});
}

TEST_CASE("cholesky reads one triangle, and its gradient is symmetric") {
  const Tensor x = wide({{4, 99}, {2, 5}}), y = wide({{4, 2}, {99, 5}});
  check_close(cholesky(x).to_vector(), {2, 0, 1, 2});
  check_close(cholesky(y, true).to_vector(), {2, 1, 0, 2});
  const Numbers g = slopes(cholesky(x), x, {0.3, 0, -0.7, 1.1});
  CHECK(g[1] == doctest::Approx(g[2]));
  // d(z00)/d(x00) = 1 / (2 z00); the others by hand from z10 = x10 / z00, z11 = sqrt(x11 - z10^2).
  check_close(slopes(cholesky(x), x, {1, 0, 0, 0}), {0.25, 0, 0, 0});
  check_close(slopes(cholesky(x), x, {0, 0, 0, 1}), {1.0 / 16, -1.0 / 8, -1.0 / 8, 0.25});
}

TEST_CASE("large matrices: a x = b is solved, in both types and with any number of threads") {
  const int before = num_threads();
  for (const DType d : {DType::float64, DType::float32}) {
    const Array x = random_values({.shape = {4, 90, 90}, .low = -1, .high = 1}, 5);
    const Tensor a = leaf(x, d) + 20 * eye(90, {.dtype = d}), b = leaf(random_values({.shape = {4, 90, 3}}, 6), d);
    set_num_threads(1);
    const Tensor one = solve(a, b), inverse_one = inverse(a);
    set_num_threads(2);
    CHECK(difference(solve(a, b), to_array(one), 0) == "");
    CHECK(difference(inverse(a), to_array(inverse_one), 0) == "");
    CHECK(difference(matmul(a, one), to_array(b), d == DType::float64 ? 1e-12 : 1e-4) == "");
    CHECK(difference(matmul(inverse_one, b), to_array(one), d == DType::float64 ? 1e-12 : 1e-4) == "");
  }
  set_num_threads(before);
}

TEST_CASE("NaN goes through a decomposition") {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  for (int at = 0; at < 9; ++at) {
    Numbers values{4, 1, 0, 1, 5, 2, 0, 2, 6};
    values[static_cast<std::size_t>(at)] = nan;
    const Tensor x = leaf(Array({3, 3}, values), DType::float64);
    CHECK(std::isnan(det(x).item()));
    CHECK(std::isnan(logdet(x).item()));
    CHECK(std::isnan(slogdet(x).sign.item()));
    CHECK(std::isnan(sum(inverse(x)).item()));
    CHECK(std::isnan(sum(from_vector(slopes(det(x), x), {9}, {.dtype = DType::float64})).item()));
  }
  // One NaN beside a singular matrix of the same batch.
  const Tensor batch = leaf(Array({2, 2, 2}, {nan, 1, 1, 1, 1, 2, 2, 4}), DType::float64);
  const Numbers g = slopes(det(batch), batch);
  CHECK(std::isnan(g[0]));
  check_close({g[4], g[5], g[6], g[7]}, {4, -2, -2, 1});
}

TEST_CASE("trace, diagonals and triangles of integers and bools") {
  const Tensor x = from_vector<std::int64_t>({1, 2, 3, 4, 5, 6, 7, 8, 9}, {3, 3});
  CHECK(trace(x).values<std::int64_t>() == std::vector<std::int64_t>{15});
  CHECK(tril(x).to_vector() == Numbers{1, 0, 0, 4, 5, 0, 7, 8, 9});
  CHECK(triu(gt(x, 4), 1).to_vector() == Numbers{0, 0, 0, 0, 0, 1, 0, 0, 0});
  CHECK(diag(x, -1).to_vector() == Numbers{4, 8});
  CHECK(diag(diag(x)).to_vector() == Numbers{1, 0, 0, 0, 5, 0, 0, 0, 9});
  constexpr auto kMax = std::numeric_limits<std::int64_t>::max(), kMin = std::numeric_limits<std::int64_t>::min();
  CHECK(tril(x, kMax).to_vector() == x.to_vector());
  CHECK(tril(x, kMin).to_vector() == Numbers(9, 0));
  CHECK(triu(x, kMax).to_vector() == Numbers(9, 0));
  CHECK(diag(x, kMin).numel() == 0);
  CHECK_THROWS_AS(diag(ones({2}), kMax), ShapeError);
}
