// E9: every reduction over every subset of axes, keepdim on and off, axes named from the front and from the end:
// shapes, values and derivatives.
#include <doctest/doctest.h>

#include <algorithm>

#include "engine/types/error.h"
#include "tests/ops/numeric.h"

using namespace chainrule;
using namespace chainrule::cases;

namespace {

/// Folds by walking over x once and collecting every group.
Array naive(const AxisReduction& r, const Array& x, const std::vector<bool>& reduced, bool keepdim) {
  Shape kept, shape;
  for (std::size_t i = 0; i < x.shape.size(); ++i) {
    kept.push_back(reduced[i] ? 1 : x.shape[i]);
    if (!reduced[i] || keepdim) shape.push_back(kept.back());
  }
  const Array places(kept);
  std::vector<std::vector<double>> groups(places.values.size());
  each_index(x.shape, [&](const Shape& index) {
    Shape at = index;
    for (std::size_t i = 0; i < at.size(); ++i)
      if (reduced[i]) at[i] = 0;
    groups[places.place(at)].push_back(x.at(index));
  });
  Array z(shape);
  for (std::size_t i = 0; i < groups.size(); ++i) z.values[i] = r.reference(groups[i]);
  return z;
}

}  // namespace

TEST_CASE("reductions over every subset of axes") {
  const Shape shapes[] = {{}, {1}, {4}, {2, 3}, {3, 1, 2}, {2, 3, 2, 2}, {0}, {2, 0}, {0, 3}, {2, 0, 3}};
  for (const AxisReduction& r : axis_reductions()) {
    for (const Shape& shape : shapes) {
      const int rank = shape.rank();
      const Array x = random_values({.shape = shape, .distinct = r.distinct}, 11);
      for (int subset = 0; subset < 1 << rank; ++subset) {
        Axes front, back;
        std::vector<bool> reduced(static_cast<std::size_t>(rank), subset == 0);  // no axes named: all
        bool empty_group = false;
        for (int i = 0; i < rank; ++i) {
          if (subset >> i & 1) {
            reduced[i] = true;
            front.push_back(i);
            back.insert(back.begin(), i - rank);
          }
          empty_group |= reduced[i] && shape[i] == 0;
        }
        for (const bool keepdim : {false, true}) {
          CAPTURE(r.op);
          CAPTURE(to_string(shape));
          CAPTURE(subset);
          CAPTURE(keepdim);
          const TensorFunction f = [&](const std::vector<Tensor>& t) { return r.f(t[0], front, keepdim); };
          const std::vector<Tensor> leaf_x = leaves({x}, DType::float64);
          if (empty_group && !r.empty_groups) {
            CHECK_THROWS_AS(f(leaf_x), Error);
            continue;
          }
          const Array wanted = naive(r, x, reduced, keepdim);
          CHECK(difference(f(leaf_x), wanted, 1e-12) == "");
          CHECK(difference(r.f(leaf_x[0], back, keepdim), wanted, 1e-12) == "");
          CHECK(difference(f(leaves({x}, DType::float32)), wanted, 1e-5) == "");
          CHECK(check_gradient(f, {x}, 12) == "");
          // A mean of nothing is NaN, and so is what is derived from it.
          const bool finite = std::all_of(wanted.values.begin(), wanted.values.end(), [](double v) { return v == v; });
          if (finite && keepdim == (subset % 2 == 0)) CHECK(check_second(f, {x}, 13) == "");
        }
      }
    }
  }
}

TEST_CASE("reductions refuse axes that do not exist or are named twice") {
  const Tensor x = leaf(Array({2, 3}, 1), DType::float64);
  for (const AxisReduction& r : axis_reductions()) {
    CAPTURE(r.op);
    for (const Axes& axes : {Axes{2}, Axes{-3}, Axes{0, 0}, Axes{1, -1}}) CHECK_THROWS_AS(r.f(x, axes, false), Error);
  }
}
