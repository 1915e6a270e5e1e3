// Every row of the table: values against the naive reference in both floating types, whatever the memory layout, for
// empty inputs, and the same bits for one thread and two.
#include <doctest/doctest.h>

#include <cstring>

#include "engine/types/error.h"
#include "ops/kernels/parallel.h"
#include "tests/ops/layouts.h"
#include "tests/ops/numeric.h"

using namespace chainrule;
using namespace chainrule::cases;

namespace {

bool same_bits(const Tensor& a, const Tensor& b) {
  if (a.shape() != b.shape() || a.dtype() != b.dtype()) return false;
  const std::vector<double> x = a.to_vector(), y = b.to_vector();
  return x.empty() || std::memcmp(x.data(), y.data(), x.size() * sizeof(double)) == 0;
}

}  // namespace

TEST_CASE("values agree with the naive reference in float64 and float32") {
  for (const Case& c : all_cases()) {
    CAPTURE(title(c));
    for (const std::uint64_t seed : {1, 2, 3}) {
      const std::vector<Array> x = random_inputs(c, seed);
      const Array wanted = c.reference(x);
      CHECK(difference(c.f(leaves(x, DType::float64)), wanted, 1e-12) == "");
      const Tensor single = c.f(leaves(x, DType::float32));
      if (is_floating(single.dtype()) && c.order > 0) CHECK(single.dtype() == DType::float32);
      CHECK(difference(single, wanted, c.tolerance32) == "");
    }
  }
}

TEST_CASE("values do not depend on the layout of the inputs") {
  for (const Case& c : all_cases()) {
    CAPTURE(title(c));
    const std::vector<Array> x = random_inputs(c, 4);
    for (const Layout layout : kLayouts) {
      for (std::size_t i = 0; i < x.size(); ++i) {
        std::vector<Array> values = x;
        if (layout == Layout::expanded) values[i] = repeated(x[i]);
        std::vector<Tensor> t = leaves(values, DType::float64);
        t[i] = laid_out(values[i], layout, DType::float64);
        CAPTURE(name_of(layout));
        CHECK(difference(c.f(t), c.reference(values), 1e-12) == "");
      }
    }
  }
}

// Rows with one input whose result has the input's shape keep it when an axis is empty. The other rows bring empty
// inputs of their own, and pairs are enumerated with them.
TEST_CASE("empty axes stay empty") {
  for (const Case& c : all_cases()) {
    if (c.inputs.size() != 1) continue;
    CAPTURE(title(c));
    if (c.f(leaves(random_inputs(c, 1), DType::float64)).shape() != c.inputs[0].shape) continue;
    for (std::size_t axis = 0; axis < c.inputs[0].shape.size(); ++axis) {
      Input input = c.inputs[0];
      input.shape[axis] = 0;
      const std::vector<Tensor> x = leaves({random_values(input, 1)}, DType::float32);
      const Tensor z = c.f(x);
      CHECK(z.shape() == input.shape);
      if (c.order > 0) CHECK(gradients(z, x, z.detach())[0].shape() == input.shape);
    }
  }
}

TEST_CASE("one thread and two give the same bits") {
  const int before = num_threads();
  auto run = [](const TensorFunction& f, const std::vector<Array>& x, int order, int threads) {
    set_num_threads(threads);
    const std::vector<Tensor> t = leaves(x, DType::float32);
    std::vector<Tensor> results{f(t)};
    if (order > 0)
      for (Tensor& g : gradients(results[0], t, results[0].detach())) results.push_back(g);
    return results;
  };
  auto check = [&](const TensorFunction& f, const std::vector<Array>& x, int order) {
    const auto one = run(f, x, order, 1), two = run(f, x, order, 2);
    for (std::size_t i = 0; i < one.size(); ++i) CHECK(same_bits(one[i], two[i]));
  };
  const std::int64_t n = sanitized() ? 200 : 400;  // more than one thread's share
  for (const Case& c : all_cases()) {
    CAPTURE(title(c));
    check(c.f, random_inputs(c, 1), c.order);
    if (!c.broadcasts && c.inputs.size() != 1) continue;
    std::vector<Array> large;
    for (Input input : c.inputs) {
      if (c.broadcasts || input.shape.rank() < 3) input.shape = {n, n + 1};
      input.distinct = false;
      large.push_back(random_values(input, 2));
    }
    try {
      c.f(leaves(large, DType::float32));
    } catch (const Error&) {
      continue;  // the row's arguments do not fit other shapes
    }
    check(c.f, large, c.order);
  }
  auto image = [](const Shape& shape) { return random_values({.shape = shape}, 9); };
  check([](const auto& t) { return matmul(t[0], t[1]); }, {image({300, 200}), image({200, 300})}, 1);
  check([](const auto& t) { return matmul(t[0], t[1]); }, {image({8, 60, 70}), image({8, 70, 90})}, 1);
  check([](const auto& t) { return linear(t[0], t[1], t[2]); }, {image({64, 300}), image({200, 300}), image({200})}, 1);
  check([](const auto& t) { return conv2d(t[0], t[1], t[2], {.padding = 1}); },
        {image({6, 8, 20, 20}), image({16, 8, 3, 3}), image({16})}, 1);
  check([](const auto& t) { return max_pool2d(t[0], 2); }, {image({8, 16, 20, 20})}, 1);
  check([](const auto& t) { return unfold(t[0], 3); }, {image({4, 8, 20, 20})}, 1);
  check([](const auto& t) { return cat({t[0], t[1]}, 1); }, {image({200, 200}), image({200, 100})}, 1);
  for (const Axes& axes : {Axes{}, Axes{0}, Axes{1}})
    for (const AxisReduction& r : axis_reductions())
      check([&](const auto& t) { return r.f(t[0], axes, false); }, {image({n, n + 1})}, 1);
  set_num_threads(before);
}
