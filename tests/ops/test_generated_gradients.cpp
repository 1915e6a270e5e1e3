// Every row of the table: derivatives of order one and two against central differences, gradients that do not depend on
// memory layouts or element type, and NaN that is never swallowed (N2).
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "engine/scopes.h"
#include "tests/ops/layouts.h"
#include "tests/ops/numeric.h"

using namespace chainrule;
using namespace chainrule::cases;

namespace {

Array cotangent_for(const Tensor& z, std::uint64_t seed) {
  return random_values({.shape = z.shape(), .low = -1.5, .high = 1.5}, seed);
}

std::size_t count_nan(const Tensor& t) {
  const std::vector<double> v = t.to_vector();
  return static_cast<std::size_t>(std::count_if(v.begin(), v.end(), [](double x) { return std::isnan(x); }));
}

bool nan_as_promised(const Tensor& t, Nan promise) {
  if (t.numel() == 0) return true;
  const std::size_t count = count_nan(t);
  return promise == Nan::everywhere ? count == static_cast<std::size_t>(t.numel()) : count > 0;
}

}  // namespace

TEST_CASE("first derivatives agree with central differences") {
  for (const Case& c : all_cases()) {
    if (c.order < 1) continue;
    CAPTURE(title(c));
    for (const std::uint64_t seed : {1, 2}) CHECK(check_gradient(c.f, random_inputs(c, seed), seed) == "");
  }
}

TEST_CASE("second derivatives agree with central differences") {
  for (const Case& c : all_cases()) {
    if (c.order < 2) continue;
    CAPTURE(title(c));
    CHECK(check_second(c.f, random_inputs(c, 3), 3) == "");
  }
}

// Where a derivative is an operation of its own, that operation's derivatives are checked as if it were a row.
TEST_CASE("second and third derivatives through gradient operations") {
  for (const Case& c : all_cases()) {
    if (c.order < 2 || c.runs.empty()) continue;
    CAPTURE(title(c));
    std::vector<Array> at = random_inputs(c, 4);
    at.push_back(cotangent_for(c.f(leaves(at, DType::float64)), 5));
    for (std::size_t i = 0; i < c.inputs.size(); ++i) {
      const TensorFunction gradient = [&](const std::vector<Tensor>& v) {
        const EnableGrad recording;
        const std::vector<Tensor> x(v.begin(), v.end() - 1);
        return gradients(c.f(x), x, v.back(), true)[i];
      };
      CHECK(check_second(gradient, at, 6, 1e-7, 3) == "");
    }
  }
}

TEST_CASE("float32 gradients agree with float64 gradients") {
  for (const Case& c : all_cases()) {
    if (c.order < 1) continue;
    CAPTURE(title(c));
    const std::vector<Array> x = random_inputs(c, 5);
    const std::vector<Tensor> wide = leaves(x, DType::float64), narrow = leaves(x, DType::float32);
    const Tensor z = c.f(wide), y = c.f(narrow);
    const Array g = cotangent_for(z, 6);
    const auto wanted = gradients(z, wide, leaf(g, DType::float64, false));
    const auto got = gradients(y, narrow, leaf(g, DType::float32, false));
    for (std::size_t i = 0; i < x.size(); ++i) {
      CHECK(got[i].dtype() == DType::float32);
      CHECK(difference(got[i], to_array(wanted[i]), c.tolerance32) == "");
    }
  }
}

TEST_CASE("gradients do not depend on the layout of inputs and cotangents") {
  for (const Case& c : all_cases()) {
    if (c.order < 1) continue;
    CAPTURE(title(c));
    const std::vector<Array> x = random_inputs(c, 7);
    for (const Layout layout : kLayouts) {
      CAPTURE(name_of(layout));
      const bool repeat = layout == Layout::expanded;
      std::vector<Array> values = x;
      if (repeat) std::transform(x.begin(), x.end(), values.begin(), repeated);
      const std::vector<Tensor> plain = leaves(values, DType::float64);
      const Tensor z = c.f(plain);
      Array g = cotangent_for(z, 8);
      if (repeat) g = repeated(g);
      const auto wanted = gradients(z, plain, leaf(g, DType::float64, false));
      std::vector<Tensor> t;
      for (const Array& v : values) t.push_back(laid_out(v, layout, DType::float64));
      const auto got = gradients(c.f(t), t, laid_out(g, layout, DType::float64, false));
      for (std::size_t i = 0; i < x.size(); ++i) CHECK(difference(got[i], to_array(wanted[i]), 1e-12) == "");
    }
  }
}

// An operation that is linear in an input hands NaN on through the cotangent: there the loss is z squared.
TEST_CASE("NaN in gives NaN out and a NaN gradient") {
  for (const Case& c : all_cases()) {
    CAPTURE(title(c));
    CHECK((c.nan == Nan::everywhere) == c.nan_reason.empty());
    if (c.nan == Nan::nowhere) continue;
    for (const DType dtype : {DType::float64, DType::float32}) {
      const std::vector<Array> x = random_inputs(c, 9);
      for (std::size_t i = 0; i < x.size(); ++i) {
        CAPTURE(i);
        std::vector<Array> values = x;
        values[i] = Array(x[i].shape, NAN);
        const std::vector<Tensor> t = leaves(values, dtype);
        const Tensor z = c.f(t);
        if (z.numel() == 0 || values[i].values.empty()) continue;
        CHECK(nan_as_promised(z, c.nan));
        if (c.order < 1) continue;
        const Tensor g = c.inputs[i].linear ? z.detach() : leaf(cotangent_for(z, 10), dtype, false);
        CHECK(nan_as_promised(gradients(z, t, g)[i], c.nan));
      }
    }
  }
}
