// Jacobians, Hessians and their products, against formulas by hand and against differences of the function itself.
#include "engine/derivatives.h"

#include <doctest/doctest.h>

#include <cmath>
#include <string>
#include <vector>

#include "engine/backward.h"
#include "engine/factory.h"
#include "engine/scopes.h"
#include "engine/types/error.h"
#include "ops/ops.h"

using namespace chainrule;

namespace {

using Values = std::vector<double>;
using Tensors = std::vector<Tensor>;

Tensor doubles(const Shape& shape, std::uint64_t seed) {
  Generator generator(seed);
  return randn(shape, {.dtype = DType::float64}, generator);
}

/// Every derivative by central differences, row by row of the result.
Values differences(const Function1& f, const Tensor& x) {
  constexpr double kStep = 1e-5;
  const Values at = x.to_vector();
  const std::size_t n = at.size(), m = static_cast<std::size_t>(f(x).numel());
  Values found(m * n);
  for (std::size_t j = 0; j < n; ++j) {
    Values up = at, down = at;
    up[j] += kStep;
    down[j] -= kStep;
    const Values high = f(from_vector(up, x.shape(), {.dtype = DType::float64})).to_vector();
    const Values low = f(from_vector(down, x.shape(), {.dtype = DType::float64})).to_vector();
    for (std::size_t i = 0; i < m; ++i) found[i * n + j] = (high[i] - low[i]) / (2 * kStep);
  }
  return found;
}

void check_close(const Values& got, const Values& wanted, double tolerance) {
  REQUIRE(got.size() == wanted.size());
  for (std::size_t i = 0; i < got.size(); ++i) {
    CAPTURE(i);
    CHECK(std::abs(got[i] - wanted[i]) <= tolerance * std::max(1.0, std::abs(wanted[i])));
  }
}

Shape joined(Shape a, const Shape& b) {
  for (const auto size : b) a.push_back(size);
  return a;
}

template <class F>
std::string why(F&& run) {
  try {
    run();
  } catch (const Error& e) {
    return e.what();
  }
  return "";
}

}  // namespace

TEST_CASE("jacobian: every pair, in the shape of the result and then of the input") {
  const Tensor w = doubles({3, 2}, 1);
  struct Case {
    const char* name;
    Function1 f;
    Shape shape;
  };
  const std::vector<Case> cases = {
      {"a number of a number", [](const Tensor& x) { return sin(x) * x; }, {}},
      {"numbers of a number", [&](const Tensor& x) { return w * exp(x); }, {}},
      {"a number of a matrix", [](const Tensor& x) { return sum(x * x * x); }, {2, 3}},
      {"a matrix of a matrix", [&](const Tensor& x) { return tanh(matmul(x, w)); }, {2, 3}},
      {"a vector of a cube",
       [](const Tensor& x) {
         return sum(x * x, Axes{0, 2});
       },
       {2, 3, 2}},
      {"nothing of nothing", [](const Tensor& x) { return x * 2; }, {0, 3}},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    const Tensor x = doubles(c.shape, 2), j = jacobian(c.f, x);
    CHECK(j.shape() == joined(c.f(x).shape(), c.shape));
    CHECK(!j.requires_grad());
    check_close(j.to_vector(), differences(c.f, x), 1e-8);
  }
}

TEST_CASE("hessian: x^3 and a form whose second derivatives are known") {
  const Tensor x = tensor({1, -2, 3}, {.dtype = DType::float64});
  const Tensor h = hessian([](const Tensor& t) { return sum(pow(t, 3)); }, x);
  CHECK(h.shape() == Shape{3, 3});
  check_close(h.to_vector(), {6, 0, 0, 0, -12, 0, 0, 0, 18}, 1e-12);
  // x A y: d2/dxdy = A, d2/dydx = A^T, nothing else.
  const Tensor a = doubles({3, 2}, 3), y = doubles({2}, 4);
  const auto blocks = hessian([&](const Tensors& in) { return sum(unsqueeze(in[0], 1) * a * in[1]); }, Tensors{x, y});
  check_close(blocks[0][0].to_vector(), Values(9, 0), 0);
  check_close(blocks[0][1].to_vector(), a.to_vector(), 1e-12);
  check_close(blocks[1][0].to_vector(), transpose(a, 0, 1).to_vector(), 1e-12);
  check_close(blocks[1][1].to_vector(), Values(4, 0), 0);
  // Of a curved function: the Hessian is the Jacobian of the gradient.
  const Function1 f = [](const Tensor& t) { return sum(exp(t) * sin(t)) * sum(t); };
  const Function1 slope = [&](const Tensor& t) {
    Tensor own = t.detach();
    own.set_requires_grad();
    return grad(f(own), own);
  };
  check_close(hessian(f, x).to_vector(), differences(slope, x), 1e-6);
}

TEST_CASE("jvp, vjp and hvp: the products of the matrices with vectors") {
  const Tensor w = doubles({3, 2}, 5), x = doubles({4, 3}, 6), v = doubles({4, 3}, 7), u = doubles({4, 2}, 8);
  const Function1 f = [&](const Tensor& t) { return tanh(matmul(t, w)); };
  const Tensor j = reshape(jacobian(f, x), {8, 12});
  const ValueAndProduct forward = jvp(f, x, v), backward = vjp(f, x, u);
  check_close(forward.value.to_vector(), f(x).to_vector(), 0);
  CHECK(forward.product.shape() == Shape{4, 2});
  check_close(forward.product.to_vector(), matmul(j, reshape(v, {12})).to_vector(), 1e-12);
  CHECK(backward.product.shape() == Shape{4, 3});
  check_close(backward.product.to_vector(), matmul(reshape(u, {8}), j).to_vector(), 1e-12);

  const FunctionN g = [&](const Tensors& in) { return sum(tanh(matmul(in[0], in[1])) * u); };
  const Tensor dw = doubles({3, 2}, 9);
  const auto blocks = hessian(g, Tensors{x, w});
  const ValueAndProducts h = hvp(g, {x, w}, {v, dw});
  CHECK(h.value.item() == doctest::Approx(g({x, w}).item()));
  const auto times = [](const Tensor& block, std::int64_t rows, const Tensor& vector) {
    return matmul(reshape(block, {rows, vector.numel()}), reshape(vector, {vector.numel()}));
  };
  check_close(h.products[0].to_vector(), (times(blocks[0][0], 12, v) + times(blocks[0][1], 12, dw)).to_vector(), 1e-10);
  check_close(h.products[1].to_vector(), (times(blocks[1][0], 6, v) + times(blocks[1][1], 6, dw)).to_vector(), 1e-10);
}

TEST_CASE("derivatives: what no path reaches is zeros") {
  const Tensor x = doubles({2}, 1), y = doubles({3}, 2);
  const FunctionN f = [](const Tensors& in) { return sum(in[0] * in[0]); };
  const auto blocks = jacobian(f, Tensors{x, y});
  check_close(blocks[1].to_vector(), Values(3, 0), 0);
  check_close(hessian(f, Tensors{x, y})[1][0].to_vector(), Values(6, 0), 0);
  check_close(vjp(f, {x, y}, ones({}, {.dtype = DType::float64})).products[1].to_vector(), Values(3, 0), 0);
  check_close(hvp(f, {x, y}, {x, y}).products[1].to_vector(), Values(3, 0), 0);
  CHECK(jvp(f, {x, y}, {zeros({2}, {.dtype = DType::float64}), y}).product.item() == 0);
  const Function1 constant = [](const Tensor&) { return ones({2}, {.dtype = DType::float64}); };
  check_close(jacobian(constant, x).to_vector(), Values(4, 0), 0);
  check_close(jvp(constant, x, x).product.to_vector(), Values(2, 0), 0);
  // Linear: the gradient does not move.
  check_close(hessian([](const Tensor& t) { return sum(t * 3); }, x).to_vector(), Values(4, 0), 0);
  check_close(hvp([](const Tensor& t) { return sum(t * 3); }, x, x).product.to_vector(), Values(2, 0), 0);
}

TEST_CASE("derivatives of a recorded result keep its graph and touch no gradient") {
  const Tensor x = variable({1, 2}, "x"), z = x * x;
  const Tensor first = jacobian(z, x), second = jacobian(z, x);
  check_close(first.to_vector(), {2, 0, 0, 4}, 0);
  check_close(second.to_vector(), first.to_vector(), 0);
  check_close(jvp(z, {x}, {tensor({1, 1}, {.dtype = DType::float64})}).to_vector(), {2, 4}, 0);
  CHECK(!x.has_grad());
  sum(z).backward();
  check_close(x.grad().to_vector(), {2, 4}, 0);
  // The caller's own leaf is not touched by a function's derivatives, and NoGrad around them changes nothing.
  const NoGrad outside;
  check_close(jacobian([](const Tensor& t) { return t * t; }, x).to_vector(), {2, 0, 0, 4}, 0);
  check_close(x.grad().to_vector(), {2, 4}, 0);
}

TEST_CASE("derivatives in float32 stay float32") {
  const Tensor x = tensor({1, 2}, {.dtype = DType::float32});
  const Function1 f = [](const Tensor& t) { return t * t; };
  CHECK(jacobian(f, x).dtype() == DType::float32);
  CHECK(jvp(f, x, x).product.dtype() == DType::float32);
  CHECK(hessian([](const Tensor& t) { return sum(t * t); }, x).to_vector() == Values{2, 0, 0, 2});
}

TEST_CASE("derivatives: what cannot be is said in a sentence") {
  const Function1 f = [](const Tensor& t) { return t * 2; };
  const Tensor x = doubles({2}, 1), whole = from_vector(std::vector<std::int64_t>{1, 2}, {2});
  CHECK(why([&] { jacobian(f, whole); }) == "jacobian: an input is int64, only floating numbers have derivatives");
  CHECK(why([&] { jacobian(f, Tensor()); }) == "jacobian: an input is an empty handle");
  CHECK(why([&] { jacobian([](const Tensor&) { return Tensor(); }, x); }) == "jacobian: the result is an empty handle");
  CHECK(why([&] { hessian(f, x); }) == "hessian: the result has shape (2,), it must be one number, as sum(...) gives");
  CHECK(why([&] { hvp(f, x, x); }) == "hvp: the result has shape (2,), it must be one number, as sum(...) gives");
  CHECK(why([&] { jvp(f, x, doubles({3}, 1)); }) == "jvp: a tangent has shape (3,), what it belongs to (2,)");
  CHECK(why([&] { vjp(f, x, doubles({3}, 1)); }) == "vjp: the cotangent has shape (3,), what it belongs to (2,)");
  CHECK(why([&] { vjp(f, x, ones({2}, {.dtype = DType::float32})); }) ==
        "vjp: the cotangent is float32, what it belongs to float64");
  CHECK(why([&] { jvp([](const Tensors& in) { return in[0]; }, Tensors{x}, Tensors{}); }) ==
        "jvp: there are 1 inputs and 0 vectors");
  CHECK(why([&] { jacobian(f, doubles({1, 1, 1, 1, 2}, 1)); }).find("more than 8 axes") != std::string::npos);
}
