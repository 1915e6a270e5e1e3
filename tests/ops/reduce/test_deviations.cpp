// Variance, deviation and norms: hand-computed values, groups of one number, vectors of zeros.
#include <doctest/doctest.h>

#include <cmath>

#include "engine/factory.h"
#include "engine/types/error.h"
#include "ops/ops.h"
#include "tests/ops/checks.h"

using namespace chainrule;
using namespace chainrule::testing;

TEST_CASE("variance and deviation") {
  const Tensor x = numbers({1, 2, 3, 6}, {4});
  CHECK(var(x).item() == doctest::Approx(14.0 / 3));
  CHECK(var(x, {}, 0).item() == 3.5);
  CHECK(chainrule::std(x, {0}, 0, true).shape() == Shape{1});
  CHECK(chainrule::std(x).item() == doctest::Approx(std::sqrt(14.0 / 3)));
  check_close(slopes(var(x, {}, 0), x), {-1, -0.5, 0, 1.5});
  // Far from 0 nothing cancels.
  CHECK(var(numbers({1e9 + 1, 1e9 + 2, 1e9 + 3}, {3})).item() == 1);
  const Tensor equal = numbers({2, 2, 2}, {3}), one = numbers({5}, {1});
  CHECK(chainrule::std(equal).item() == 0);
  CHECK(slopes(chainrule::std(equal), equal) == Numbers{0, 0, 0});
  const Tensor d = grad(chainrule::std(equal), equal, {.create_graph = true});
  CHECK(slopes(sum(d * numbers({1, 2, 4}, {3})), equal) == Numbers{0, 0, 0});
  for (const Tensor& z : {var(one), chainrule::std(one)}) {
    CHECK(std::isnan(z.item()));
    CHECK(std::isnan(slopes(z, one)[0]));
  }
  CHECK(var(one, {}, 0).item() == 0);
  CHECK(std::isnan(var(zeros({0})).item()));
  CHECK(std::isnan(chainrule::std(zeros({2, 0}), {1}).to_vector()[1]));
  CHECK(var(x, {}, 4).item() == kInf);
}

TEST_CASE("norms") {
  const Tensor x = numbers({3, -4, 0}, {3}), zero = numbers({0, 0}, {2});
  CHECK(norm(x).item() == 5);
  CHECK(norm(x, 1).item() == 7);
  CHECK(norm(x, 0).item() == 2);
  CHECK(norm(x, kInf).item() == 4);
  CHECK(norm(x, -kInf).item() == 0);
  CHECK(norm(x, 3).item() == doctest::Approx(std::cbrt(91.0)));
  check_close(slopes(norm(x), x), {0.6, -0.8, 0});
  check_close(slopes(norm(x, 3), x), {9 / std::pow(91.0, 2.0 / 3), -16 / std::pow(91.0, 2.0 / 3), 0});
  CHECK(slopes(norm(x, 0.5), x)[2] == 0);
  CHECK(slopes(norm(x, 1), x) == Numbers{1, -1, 0});
  CHECK(slopes(norm(x, kInf), x) == Numbers{0, -1, 0});
  CHECK(slopes(norm(x, 0), x) == Numbers{0, 0, 0});
  for (const double p : {0.0, 0.5, 1.0, 1.5, 2.0, 3.0, kInf, -kInf}) {
    CAPTURE(p);
    CHECK(norm(zero, p).item() == 0);
    CHECK(slopes(norm(zero, p), zero) == Numbers{0, 0});
  }
  const Tensor d = grad(norm(zero), zero, {.create_graph = true});
  CHECK(slopes(sum(d * numbers({1, 2}, {2})), zero) == Numbers{0, 0});
  // Squares that overflow or vanish.
  const Tensor large = numbers({3e300, 4e300, 0, 0}, {2, 2}), small = numbers({3e-300, 4e-300}, {2});
  CHECK(norm(large).item() == doctest::Approx(5e300));
  CHECK(norm(small).item() == doctest::Approx(5e-300));
  check_close(slopes(norm(large, 2, {1}), large), {0.6, 0.8, 0, 0});
  CHECK(norm(numbers({1, kInf}, {2})).item() == kInf);
  CHECK(std::isnan(norm(numbers({1, kNan}, {2})).item()));
  for (const double p : {0.0, 1.0, 2.0, 3.0, kInf}) CHECK(norm(zeros({2, 0}), p, {1}).to_vector() == Numbers{0, 0});
  CHECK(message([&] { norm(x, kNan); }).starts_with("norm: p is NaN"));
  CHECK(norm(numbers({3, 4, 6, 8}, {2, 2}), 2, {1}, true).shape() == Shape{2, 1});
}

TEST_CASE("a negative power beside a 0 gives norm and slopes 0") {
  const Tensor x = numbers({0, 3, -4}, {3});
  for (const double p : {-1.0, -2.0, -0.5}) {
    CHECK(norm(x, p).item() == 0);
    CHECK(slopes(norm(x, p), x) == Numbers{0, 0, 0});
  }
  const Tensor y = numbers({2, -2}, {2});
  CHECK(norm(y, -1).item() == 1);
  check_close(slopes(norm(y, -1), y), {0.25, -0.25});
}
