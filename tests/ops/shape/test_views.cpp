// Views beyond the table: what is a view and what a copy, dtypes, NumPy's corner cases, sentences.
#include <doctest/doctest.h>

#include <limits>

#include "engine/factory.h"
#include "engine/scopes.h"
#include "engine/types/error.h"
#include "tests/ops/checks.h"
#include "tests/ops/layouts.h"

using namespace chainrule;
using namespace chainrule::cases;
using namespace chainrule::testing;

TEST_CASE("views share their memory, and reshape copies only when strides cannot show the new shape") {
  const Tensor x = counting({4, 6});
  CHECK(shares_memory(reshape(x, {2, 2, 6}), x));
  CHECK(shares_memory(reshape(x, {-1}), x));
  CHECK(shares_memory(transpose(x), x));
  CHECK(shares_memory(slice(x, 0, 1, {}, 2), x));
  CHECK(shares_memory(expand(reshape(x, {1, 24}), {3, 24}), x));
  CHECK(shares_memory(reshape(transpose(x), {2, 3, 4}), x));          // 6 = 2 * 3 lies evenly
  CHECK(shares_memory(reshape(slice(x, 1, 0, 4), {2, 2, 2, 2}), x));  // rows with gaps, cut within and between rows
  const Tensor odd = permute(slice(reshape(x, {1, 2, 12}), 2, 0, 12, 2), {1, 0, 2});
  CHECK(shares_memory(reshape(odd, {12}), x));                      // the stride of an axis of one element is nobody's
  CHECK_FALSE(shares_memory(reshape(transpose(x), {24}), x));       // order changes
  CHECK_FALSE(shares_memory(reshape(slice(x, 1, 0, 4), {16}), x));  // rows do not touch
  CHECK(reshape(transpose(x), {24}).values<float>()[1] == 6);
  CHECK(reshape(slice(x, 0, {}, {}, -1), {2, 12}).values<float>()[0] == 18);
}

TEST_CASE("every reshape of every layout keeps the row-major order") {
  const Shape targets[] = {{24}, {2, 12}, {12, 2}, {4, 6}, {2, 1, 3, 4}, {3, 8}, {1, 24, 1}, {2, 2, 2, 3}};
  const Shape sources[] = {{24}, {4, 6}, {2, 3, 4}, {1, 2, 12}, {2, 2, 3, 2}, {24, 1}};
  for (const Shape& from : sources) {
    const Array x = random_values({.shape = from}, 1);
    for (const Layout layout : kLayouts) {
      const Array values = layout == Layout::expanded ? repeated(x) : x;
      const Tensor t = laid_out(values, layout, DType::float64);
      for (const Shape& to : targets) {
        CAPTURE(to_string(from));
        CAPTURE(to_string(to));
        CAPTURE(name_of(layout));
        CHECK(difference(reshape(t, to), Array(to, values.values), 0) == "");
      }
    }
  }
}

TEST_CASE("slices are NumPy's for every start, end and step") {
  for (std::int64_t n = 0; n <= 4; ++n) {
    const Tensor x = counting({n});
    for (std::int64_t start = -6; start <= 6; ++start) {
      for (std::int64_t end = -6; end <= 6; ++end) {
        for (const std::int64_t step : {-3, -2, -1, 1, 2, 3}) {
          // Python's definition (PySlice_AdjustIndices), then a plain walk.
          auto clip = [&](std::int64_t i) {
            if (i < 0) i = i + n < 0 ? (step < 0 ? -1 : 0) : i + n;
            return i >= n ? (step < 0 ? n - 1 : n) : i;
          };
          std::vector<double> wanted;
          for (std::int64_t i = clip(start); step > 0 ? i < clip(end) : i > clip(end); i += step)
            wanted.push_back(static_cast<double>(i));
          CHECK(slice(x, 0, start, end, step).to_vector() == wanted);
        }
      }
    }
  }
  constexpr auto kEnd = std::numeric_limits<std::int64_t>::max(), kBegin = std::numeric_limits<std::int64_t>::min();
  CHECK(slice(counting({5}), 0, kBegin, kEnd, kEnd).to_vector() == std::vector<double>{0});
  CHECK(slice(counting({5}), 0, kEnd, kBegin, -kEnd).to_vector() == std::vector<double>{4});
  CHECK_THROWS_AS(slice(counting({5}), 0, 0, 5, 0), ValueError);
  CHECK_THROWS_AS(slice(counting({5}), 1, 0, 5), ShapeError);
  CHECK_THROWS_AS(slice(zeros({}), 0), ShapeError);
}

TEST_CASE("shape operations say what does not fit") {
  const Tensor x = zeros({2, 3});
  CHECK_THROWS_WITH_AS(reshape(x, {4, 2}), "reshape: (2, 3) does not fit (4, 2): 6 elements into 8", ShapeError);
  CHECK_THROWS_WITH_AS(reshape(x, {4, -1}), "reshape: (2, 3) does not fit (4, -1): 6 elements into a multiple of 4",
                       ShapeError);
  CHECK_THROWS_WITH_AS(reshape(x, {-1, -1}), doctest::Contains("only one size may be -1"), ShapeError);
  CHECK_THROWS_WITH_AS(reshape(zeros({0}), {0, -1}), doctest::Contains("another size is 0"), ShapeError);
  CHECK_THROWS_AS(reshape(x, {-2, 3}), ShapeError);
  CHECK_THROWS_AS(reshape(x, {std::int64_t{1} << 40, std::int64_t{1} << 40}), ShapeError);
  CHECK_THROWS_AS(flatten(x, 1, 0), ShapeError);
  CHECK_THROWS_AS(flatten(x, 2), ShapeError);
  CHECK_THROWS_AS(squeeze(x, {2}), ShapeError);
  CHECK_THROWS_WITH_AS(squeeze(x, {0, -2}), "squeeze: axis 0 is named twice in (0, -2)", ShapeError);
  CHECK_THROWS_AS(unsqueeze(x, 3), ShapeError);
  CHECK_THROWS_AS(unsqueeze(zeros({1, 1, 1, 1, 1, 1, 1, 1}), 0), ShapeError);
  CHECK_THROWS_AS(transpose(x, 0, 2), ShapeError);
  CHECK_THROWS_AS(transpose(zeros({3})), ShapeError);
  CHECK_THROWS_AS(transpose(zeros({}), 0, 0), ShapeError);
  CHECK_THROWS_WITH_AS(permute(x, {0, -2}), "permute: axis 0 is named twice in (0, -2)", ShapeError);
  CHECK_THROWS_AS(permute(x, {0}), ShapeError);
  CHECK_THROWS_WITH_AS(expand(x, {2, 4}), doctest::Contains("axis 1 has size 3, and only size 1 repeats"), ShapeError);
  CHECK_THROWS_AS(expand(x, {3}), ShapeError);
  CHECK_THROWS_AS(expand(x, {-1, 2, 3}), ShapeError);
  CHECK_THROWS_AS(expand(zeros({1}), {-2}), ShapeError);
  CHECK_THROWS_AS(expand(zeros({1, 1}), {std::int64_t{1} << 40, std::int64_t{1} << 40}), ShapeError);
}

TEST_CASE("numbers are scalars for shape operations") {
  CHECK(reshape(3, {1, 1}).item() == 3);
  CHECK(expand(2, {2, 2}).to_vector() == std::vector<double>(4, 2));
  CHECK(flatten(5).shape() == Shape{1});
}

TEST_CASE("a view of a saved value counts as the value") {
  Tensor x = ones({2, 2}, {.requires_grad = true});
  const Tensor z = sum(square(transpose(x)));
  {
    const NoGrad no_grad;
    x.fill_(5);
  }
  CHECK_THROWS_WITH_AS(z.backward(), doctest::Contains("overwritten"), GraphError);
}
