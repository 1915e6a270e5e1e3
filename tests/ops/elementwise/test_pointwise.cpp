// Arithmetic and functions of single numbers: mixed operands, dtypes, kinks and ties, the unchosen side of where, and
// derivatives up to the third against formulas. Values, broadcasting and layouts come from the generated tests.
#include <doctest/doctest.h>

#include <cmath>
#include <string>

#include "engine/factory.h"
#include "engine/traverse.h"
#include "engine/types/error.h"
#include "ops/language/evaluate.h"
#include "ops/ops.h"
#include "ops/rules.h"
#include "tests/ops/checks.h"

using namespace chainrule;
using namespace chainrule::testing;

TEST_CASE("numbers stand beside tensors on either side") {
  const Tensor x = number(4);
  CHECK((2 * x).item() == 8);
  CHECK((x * 2).item() == 8);
  CHECK((1 / x).item() == 0.25);
  CHECK((x / 2).item() == 2);
  CHECK((x - 1).item() == 3);
  CHECK((1 - x).item() == -3);
  CHECK((x + 1.5f).item() == 5.5);
  CHECK((-x).item() == -4);
  CHECK(pow(2, x).item() == 16);
  CHECK(grad(2 * x, x).item() == 2);
  CHECK(grad(1 / x, x).item() == -1.0 / 16);
  CHECK(grad(x / 2, x).item() == 0.5);
  CHECK(grad(1 - x, x).item() == -1);
  CHECK(grad(-x, x).item() == -1);
  CHECK(grad(pow(2, x), x).item() == doctest::Approx(16 * std::log(2.0)));
  CHECK(chainrule::exp(0).item() == 1);

  Tensor y = 1 * x;
  y += 1;
  y *= x;
  y -= 2;
  y /= 3;
  CHECK(y.item() == 6);  // ((x + 1) x - 2) / 3
  CHECK(grad(y, x).item() == doctest::Approx(3));
  CHECK(x.item() == 4);
}

TEST_CASE("a value used twice in one operation gets both shares") {
  const Tensor x = number(3);
  CHECK(grad(x * x, x).item() == 6);
  CHECK(grad(x + x, x).item() == 2);
  CHECK(grad(x - x, x).item() == 0);
  CHECK(grad(x / x, x).item() == 0);
  CHECK(grad(pow(x, x), x).item() == doctest::Approx(27 * (1 + std::log(3.0))));
  CHECK(grad(maximum(x, x), x).item() == 1);
}

TEST_CASE("operands meet in one dtype") {
  const Tensor f = ones({2}), d = ones({2}, {.dtype = DType::float64}), i = ones({2}, {.dtype = DType::int64});
  const Tensor scalar = ones({}, {.dtype = DType::float64});
  CHECK((f + d).dtype() == DType::float64);
  CHECK((f + i).dtype() == DType::float32);
  CHECK((d * i).dtype() == DType::float64);
  CHECK((i + 1).dtype() == DType::int64);
  CHECK((i * 1.0 / 2).dtype() == DType::float32);
  CHECK((f * 2.5).dtype() == DType::float32);
  CHECK((f * scalar).dtype() == DType::float32);  // a scalar gives way to a tensor with axes
  CHECK((i + i).dtype() == DType::int64);
  CHECK((i * i).dtype() == DType::int64);
  CHECK(maximum(i, i).dtype() == DType::int64);
  CHECK(square(i).dtype() == DType::int64);
  CHECK(abs(-i).dtype() == DType::int64);
  CHECK((i / i).dtype() == DType::float32);
  CHECK((7 / (i + 1)).to_vector() == Numbers{3.5, 3.5});
  for (const Tensor& z : {pow(i + 1, 3), relu(i), step(i), clamp(i, 0, 1), hardtanh(i)})
    CHECK(z.dtype() == DType::int64);
  for (const Tensor& z : {exp(i), log(i), sqrt(i), tanh(i), sigmoid(i), clamp(i, 0, 1.), pow(i, 0.5)})
    CHECK(z.dtype() == DType::float32);
  CHECK(exp(gt(f, 0)).dtype() == DType::float32);
  CHECK(where(gt(f, 0), f, i).dtype() == DType::float32);
  CHECK_THROWS_AS(-gt(f, 0), ValueError);
}

TEST_CASE("a gradient comes back in the dtype of its input") {
  Tensor f = ones({2}, {.requires_grad = true});
  const Tensor d = full({2}, 3, {.dtype = DType::float64});
  sum(f * d).backward();
  CHECK(f.grad().dtype() == DType::float32);
  CHECK(f.grad().to_vector() == Numbers{3, 3});
  const Tensor x = numbers({1.5, -2.5});
  const Tensor z = to(x, DType::float32);
  CHECK(z.dtype() == DType::float32);
  const Tensor dx = grad(sum(square(z)), x);
  CHECK(dx.dtype() == DType::float64);
  CHECK(dx.to_vector() == Numbers{3, -5});
  CHECK(to(x, DType::int64).to_vector() == Numbers{1, -2});
  CHECK_FALSE(to(x, DType::int64).requires_grad());
  CHECK(to(x, DType::boolean).dtype() == DType::boolean);
}

TEST_CASE("comparisons give masks and are never recorded") {
  const Tensor x = numbers({1, 2, kNan}), y = numbers({2, 2, 2});
  CHECK((x < y).to_vector() == Numbers{1, 0, 0});
  CHECK((x <= y).to_vector() == Numbers{1, 1, 0});
  CHECK((x > y).to_vector() == Numbers{0, 0, 0});
  CHECK((x >= y).to_vector() == Numbers{0, 1, 0});
  CHECK(eq(x, y).to_vector() == Numbers{0, 1, 0});
  CHECK(ne(x, y).to_vector() == Numbers{1, 0, 1});
  CHECK((x < 1.5).to_vector() == Numbers{1, 0, 0});
  CHECK((x < y).dtype() == DType::boolean);
  CHECK_FALSE((x < y).requires_grad());
}

TEST_CASE("kinks and ties") {
  const Tensor x = numbers({-1, 0, 2}), y = numbers({-1, 1, 1});
  CHECK(slopes(relu(x), x) == Numbers{0, 0, 1});
  CHECK(slopes(abs(x), x) == Numbers{-1, 0, 1});
  CHECK(slopes(sign(x), x) == Numbers{0, 0, 0});
  CHECK(slopes(step(x), x) == Numbers{0, 0, 0});
  CHECK(slopes(maximum(x, y), x) == Numbers{0.5, 0, 1});
  CHECK(slopes(maximum(x, y), y) == Numbers{0.5, 1, 0});
  CHECK(slopes(minimum(x, y), x) == Numbers{0.5, 1, 0});
  CHECK(slopes(minimum(x, y), y) == Numbers{0.5, 0, 1});
  CHECK(slopes(clamp(x, -1, 1), x) == Numbers{1, 1, 0});
  CHECK(slopes(clamp(x, 0, 2), x) == Numbers{0, 1, 1});
  const Tensor infinite = numbers({kInf, -kInf});
  CHECK(slopes(maximum(infinite, infinite.detach()), infinite) == Numbers{0.5, 0.5});
}

TEST_CASE("equal and crossed bounds give max, and the derivative 0") {
  const Tensor x = numbers({0, 1, 5, kNan});
  for (const double low : {1.0, 2.0}) {
    for (const Tensor& z : {clamp(x, low, 1), clamp(x, number(low), number(1))}) {
      const Numbers values = z.to_vector(), slope = slopes(z, x);
      for (std::size_t i = 0; i < 3; ++i) {
        CHECK(values[i] == 1);
        CHECK(slope[i] == 0);
      }
      CHECK(std::isnan(values[3]));
    }
  }
  const Tensor low = number(2), high = number(1), at = number(5);
  const auto d = grad({clamp(at, low, high)}, {at, low, high}, {.allow_unused = true});
  CHECK(d[0].item() == 0);
  CHECK(d[1].item() == 0);
  CHECK(d[2].item() == 1);
}

TEST_CASE("functions of steps have the derivative 0 also where they divide by 0") {
  for (const Rounding mode : {Rounding::floor, Rounding::trunc}) {
    const Tensor x = number(5), y = number(0), z = div(x, y, mode);
    CHECK(z.item() == kInf);
    CHECK(slopes(z, x) == Numbers{0});
    CHECK(slopes(z, y) == Numbers{0});
  }
}

TEST_CASE("functions of plain numbers are those of the C library") {
  CHECK(chainrule::exp(Operand(1)).item() == static_cast<double>(static_cast<float>(std::exp(1.0))));
  set_default_dtype(DType::float64);
  const double e = chainrule::exp(1).item(), s = chainrule::sin(2.5).item(), l = chainrule::log(10).item();
  set_default_dtype(DType::float32);
  CHECK(e == std::exp(1.0));
  CHECK(s == std::sin(2.5));
  CHECK(l == std::log(10.0));
}

TEST_CASE("NaN in gives NaN in value and derivative, in every operand") {
  for (Tensor (*f)(const Operand&) :
       {exp,      expm1,       exp2,      log,   log1p,   log2,       log10,  erf,   erfc,  lgamma,    digamma,
        sin,      cos,         tan,       asin,  acos,    atan,       sinh,   cosh,  tanh,  asinh,     acosh,
        atanh,    floor,       ceil,      trunc, sigmoid, logsigmoid, relu,   relu6, selu,  silu,      mish,
        softsign, hardsigmoid, hardswish, abs,   sign,    step,       square, sqrt,  rsqrt, reciprocal}) {
    const Tensor x = numbers({kNan, 1, kNan});
    const Tensor z = f(x);
    const Numbers values = z.to_vector(), d = slopes(z, x);
    for (const std::size_t i : {0u, 2u}) CHECK((std::isnan(values[i]) && std::isnan(d[i])));
    CHECK_FALSE((std::isnan(values[1]) || std::isnan(d[1])));
  }
  for (Tensor (*f)(const Operand&, const Operand&) : {maximum, minimum, pow}) {
    const Tensor x = numbers({kNan, 1, 0, 2}), y = numbers({0, kNan, kNan, 2});
    const Tensor z = f(x, y);
    const Numbers values = z.to_vector(), dx = slopes(z, x), dy = slopes(f(x, y), y);
    for (const std::size_t i : {0u, 1u, 2u}) CHECK((std::isnan(values[i]) && std::isnan(dx[i]) && std::isnan(dy[i])));
    CHECK((std::isfinite(values[3]) && std::isfinite(dx[3]) && std::isfinite(dy[3])));
  }
  const Tensor x = number(kNan);
  CHECK(std::isnan(grad(clamp(x, 0, 1), x).item()));
  CHECK(std::isnan(grad(pow(x, 0), x).item()));
  using T = const Tensor&;
  for (Tensor (*f)(T) :
       {+[](T v) { return leaky_relu(v); }, +[](T v) { return elu(v); }, +[](T v) { return celu(v); },
        +[](T v) { return gelu(v); }, +[](T v) { return gelu(v, Approximation::tanh); },
        +[](T v) { return softplus(v); }, +[](T v) { return hardtanh(v); }, +[](T v) { return threshold(v, 0, 1); },
        +[](T v) { return round(v, 2); }, +[](T v) { return clamp(v, number(0), Tensor()); }}) {
    CHECK(std::isnan(f(x).item()));
    CHECK(std::isnan(grad(f(x), x).item()));
  }
}

TEST_CASE("where gives the side that is not chosen exactly 0") {
  const Tensor x = numbers({kInf, 1, kNan, 4}), y = numbers({2, kNan, 3, kInf});
  const Tensor use_x = gt(numbers({0, 1, 0, 1}), 0);
  const Tensor z = where(use_x, x, y);
  CHECK(z.to_vector() == Numbers{2, 1, 3, 4});
  CHECK(slopes(z, x, {kInf, 5, kNan, 7}) == Numbers{0, 5, 0, 7});
  const Numbers dy = slopes(where(use_x, x, y), y, {kInf, kNan, 6, kNan});
  CHECK(dy == Numbers{kInf, 0, 6, 0});
  // The used side stays finite although the other one is infinite: sqrt is not evaluated at its kink.
  const Tensor v = numbers({0, 4});
  const Tensor safe = where(gt(v, 0), sqrt(where(gt(v, 0), v, 1)), 0);
  CHECK(slopes(safe, v) == Numbers{0, 0.25});
  CHECK(message([&] { where(x, x, y); }).starts_with("where: the condition is float64"));
  // Of three operands any one may broadcast.
  const Tensor row = numbers({1, 2, 3}), column = from_vector(Numbers{-1, -2}, {2, 1}, {.dtype = DType::float64});
  CHECK(where(gt(row, 1), row, column).to_vector() == Numbers{-1, 2, 3, -2, 2, 3});
  CHECK(slopes(where(gt(row, 1), row, column), row) == Numbers{0, 2, 2});
}

TEST_CASE("powers at zero have the derivatives of mathematics, of any order") {
  const auto derivatives = [](double at, double exponent) {
    const Tensor x = number(at);
    Tensor z = pow(x, exponent);
    Numbers d;
    for (int order = 0; order < 3; ++order) {
      // A derivative that is constant has no path to x, and its own derivative is 0.
      z = z.requires_grad() ? grad(z, x, {.create_graph = true}) : zeros({}, {.dtype = DType::float64});
      d.push_back(z.item());
    }
    return d;
  };
  CHECK(derivatives(0, 0) == Numbers{0, 0, 0});
  CHECK(derivatives(0, 1) == Numbers{1, 0, 0});
  CHECK(derivatives(0, 2) == Numbers{0, 2, 0});
  CHECK(derivatives(0, 3) == Numbers{0, 0, 6});
  CHECK(derivatives(2, 4) == Numbers{32, 48, 48});
  CHECK(derivatives(0, 0.5)[0] == kInf);
  CHECK(derivatives(-2, 3) == Numbers{12, -12, 6});
  // By the exponent: 0 where the base is 0 and the power has a limit, also beside others.
  const Tensor x = numbers({0, 0, 2}), y = numbers({0, 2, 3});
  CHECK(slopes(pow(x, y), x) == Numbers{0, 0, 12});
  const Numbers dy = slopes(pow(x, y), y);
  CHECK((dy[0] == 0 && dy[1] == 0 && dy[2] == doctest::Approx(8 * std::log(2.0))));
  // d/dy d/dx x^y at y = 0 is 1 / x, though the first derivative by x is 0 there.
  const Tensor base = numbers({2, 4}), exponent = numbers({0, 0});
  const Tensor dx = grad(sum(pow(base, exponent)), base, {.create_graph = true});
  CHECK(dx.to_vector() == Numbers{0, 0});
  CHECK(slopes(dx, exponent) == Numbers{0.5, 0.25});
}

TEST_CASE("second and third derivatives agree with formulas") {
  struct Row {
    Tensor (*f)(const Tensor&);
    double (*d[3])(double);
  };
  using std::exp, std::tanh;
  static const auto s = [](double x) { return 1 / (1 + std::exp(-x)); };
  const Row rows[] = {
      {[](const Tensor& x) { return chainrule::exp(x); },
       {[](double x) { return exp(x); }, [](double x) { return exp(x); }, [](double x) { return exp(x); }}},
      {[](const Tensor& x) { return log(x); },
       {[](double x) { return 1 / x; }, [](double x) { return -1 / (x * x); },
        [](double x) { return 2 / (x * x * x); }}},
      {[](const Tensor& x) { return sqrt(x); },
       {[](double x) { return 0.5 * std::pow(x, -0.5); }, [](double x) { return -0.25 * std::pow(x, -1.5); },
        [](double x) { return 0.375 * std::pow(x, -2.5); }}},
      {[](const Tensor& x) { return 1 / x; },
       {[](double x) { return -1 / (x * x); }, [](double x) { return 2 / (x * x * x); },
        [](double x) { return -6 / (x * x * x * x); }}},
      {[](const Tensor& x) { return chainrule::tanh(x); },
       {[](double x) { return 1 - tanh(x) * tanh(x); }, [](double x) { return -2 * tanh(x) * (1 - tanh(x) * tanh(x)); },
        [](double x) { return (1 - tanh(x) * tanh(x)) * (6 * tanh(x) * tanh(x) - 2); }}},
      {[](const Tensor& x) { return sigmoid(x); },
       {[](double x) { return s(x) * (1 - s(x)); }, [](double x) { return s(x) * (1 - s(x)) * (1 - 2 * s(x)); },
        [](double x) { return s(x) * (1 - s(x)) * (1 - 6 * s(x) * (1 - s(x))); }}},
      {[](const Tensor& x) { return square(x); },
       {[](double x) { return 2 * x; }, [](double) { return 2.0; }, [](double) { return 0.0; }}},
      {[](const Tensor& x) { return relu(x) * abs(x); },
       {[](double x) { return 2 * x; }, [](double) { return 2.0; }, [](double) { return 0.0; }}},
      {[](const Tensor& x) { return pow(x, 2.5); },
       {[](double x) { return 2.5 * std::pow(x, 1.5); }, [](double x) { return 3.75 * std::pow(x, 0.5); },
        [](double x) { return 1.875 * std::pow(x, -0.5); }}},
  };
  for (const Row& row : rows) {
    for (const double at : {0.3, 1.0, 1.7}) {
      const Tensor x = number(at);
      Tensor z = row.f(x);
      for (int order = 0; order < 3; ++order) {
        CAPTURE(&row - rows);
        CAPTURE(order);
        const double wanted = row.d[order](at);
        if (!z.requires_grad()) {  // the derivative before was a constant
          CHECK(wanted == 0);
          break;
        }
        z = grad(z, x, {.create_graph = true});
        CHECK(z.item() == doctest::Approx(wanted).epsilon(1e-12));
      }
    }
  }
}

TEST_CASE("only what a derivative reads is kept") {
  const auto kept = [](const Tensor& z, int i) { return z.node()->edges()[i].saved; };
  const Tensor x = numbers({1, 2}), y = numbers({3, 4}), constant = y.detach();
  CHECK_FALSE(kept(x + y, 0));
  CHECK((kept(x * y, 0) && kept(x * y, 1)));
  CHECK_FALSE(kept(x * constant, 0));  // a constant's partner is not needed
  CHECK(kept(x * constant, 1));
  CHECK_FALSE(kept(x / constant, 0));
  CHECK_FALSE(kept(exp(x), 0));
  CHECK_FALSE(kept(relu(x), 0));
  CHECK_FALSE(kept(sum(x), 0));
  CHECK_FALSE(kept(where(gt(x, 0), x, y), 1));
}

TEST_CASE("the power 2 is a square, and its gradient one pass") {
  const Tensor x = numbers({1.5, -2, 0});
  const Tensor z = pow(x, 2);
  CHECK(z.to_vector() == Numbers{2.25, 4, 0});
  const Tensor g = numbers({1, 10, 100}).detach();
  const Tensor dx = grad(std::vector{z}, std::vector{x}, {.create_graph = true, .cotangents = {g}})[0];
  CHECK(dx.to_vector() == Numbers{3, -40, 0});
  CHECK(std::string(dx.node()->info->name) == "square_grad");
  CHECK(slopes(dx, x) == Numbers{2, 20, 200});
  // An exponent that is trained has a derivative in that gradient too.
  const Tensor y = number(2), base = number(3);
  CHECK(grad(grad(pow(base, y), base, {.create_graph = true}), y).item() ==
        doctest::Approx(3 + 2 * 3 * std::log(3.0)).epsilon(1e-12));
}

TEST_CASE("arguments that make no sense are named") {
  const Tensor x = numbers({1, 2});
  CHECK_THROWS_AS(clamp(x, kNan, 1), ValueError);
  CHECK_THROWS_AS(clamp(x, Tensor(), Tensor()), ValueError);
  CHECK(message([&] { (void)language::evaluate("gelu(1., approximate='fast')"); }) ==
        "gelu: approximate is 'fast', it must be 'none' or 'tanh'");
  CHECK_THROWS_AS(celu(x, 0), ValueError);
  CHECK_THROWS_AS(softplus(x, 0), ValueError);
  CHECK_THROWS_AS(hardtanh(x, 1, 1), ValueError);
  CHECK_THROWS_AS(polygamma(-1, x), ValueError);
  CHECK_THROWS_AS(exp(Tensor()), ValueError);
  CHECK_THROWS_AS(x + Tensor(), ValueError);
  CHECK(message([&] { x + numbers({1, 2, 3}); }).starts_with("add: shapes (2,) and (3,) do not broadcast"));
}
