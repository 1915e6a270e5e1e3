// Rows for the operations that move elements: shapes, slices, joining. Indices are in indexing.cpp.

#include "engine/factory.h"
#include "tests/ops/cases/support.h"

namespace chainrule::cases {
namespace {

Case reshaped(std::string variant, const Shape& from, const Shape& wanted, const Shape& to) {
  return one(
      "reshape", std::move(variant), from, [=](const Tensor& x) { return reshape(x, wanted); },
      [=](const std::vector<Array>& x) { return Array(to, x[0].values); });
}

Case flattened(std::string variant, const Shape& from, std::int64_t start, std::int64_t end, const Shape& to) {
  return one(
      "reshape", "flatten " + variant, from, [=](const Tensor& x) { return flatten(x, start, end); },
      [=](const std::vector<Array>& x) { return Array(to, x[0].values); });
}

Case squeezed(std::string variant, const Shape& from, const Axes& dims, const Shape& to) {
  return one(
      "reshape", "squeeze " + variant, from, [=](const Tensor& x) { return squeeze(x, dims); },
      [=](const std::vector<Array>& x) { return Array(to, x[0].values); });
}

Case unsqueezed(std::string variant, const Shape& from, std::int64_t dim, const Shape& to) {
  return one(
      "reshape", "unsqueeze " + variant, from, [=](const Tensor& x) { return unsqueeze(x, dim); },
      [=](const std::vector<Array>& x) { return Array(to, x[0].values); });
}

Case permuted(std::string variant, const Shape& from, const Axes& dims) {
  Shape to;
  for (const auto d : dims) to.push_back(from[d]);
  return one(
      "permute", std::move(variant), from, [=](const Tensor& x) { return permute(x, dims); },
      moved(to, [=](const Shape& index) {
        Shape at = Shape::filled(index.size(), 0);
        for (std::size_t i = 0; i < dims.size(); ++i) at[dims[i]] = index[i];
        return at;
      }));
}

Case transposed(std::string variant, const Shape& from, std::int64_t a, std::int64_t b, const Shape& to) {
  const std::size_t i = a < 0 ? from.size() + a : a, j = b < 0 ? from.size() + b : b;
  return one(
      "transpose", std::move(variant), from, [=](const Tensor& x) { return transpose(x, a, b); },
      moved(to, [=](Shape index) {
        std::swap(index[i], index[j]);
        return index;
      }));
}

Case expanded(std::string variant, const Shape& from, const Shape& wanted, const Shape& to) {
  return one(
      "expand", std::move(variant), from, [=](const Tensor& x) { return expand(x, wanted); },
      moved(to, [=](const Shape& index) {
        Shape at(index.end() - from.rank(), index.end());
        for (std::size_t i = 0; i < at.size(); ++i)
          if (from[i] == 1) at[i] = 0;
        return at;
      }));
}

/// `picked`: the positions along the axis that NumPy's x[start:end:step] gives, written out by hand.
Case sliced(std::string variant, const Shape& from, std::int64_t axis, std::optional<std::int64_t> start,
            std::optional<std::int64_t> end, std::int64_t step, const std::vector<std::int64_t>& picked) {
  Shape to = from;
  to[axis] = static_cast<std::int64_t>(picked.size());
  Case c = one(
      "slice", std::move(variant), from, [=](const Tensor& x) { return slice(x, axis, start, end, step); },
      moved(to, [=](Shape index) {
        index[axis] = picked[index[axis]];
        return index;
      }));
  c.nan = Nan::somewhere;
  c.nan_reason = "elements outside the slice take no part";
  c.runs = {"slice_backward"};
  return c;
}

}  // namespace

std::vector<Case> shape_cases() {
  return {
      reshaped("new axes", {2, 6}, {3, 2, 2}, {3, 2, 2}),
      reshaped("-1", {2, 3, 4}, {4, -1}, {4, 6}),
      reshaped("to a vector", {2, 1, 3}, {-1}, {6}),
      reshaped("scalar to (1, 1)", {}, {1, 1}, {1, 1}),
      reshaped("to a scalar", {1, 1}, {}, {}),
      reshaped("empty", {2, 0, 3}, {0, 5}, {0, 5}),
      reshaped("empty, -1", {0, 3}, {3, -1}, {3, 0}),
      flattened("all", {2, 3, 2}, 0, -1, {12}),
      flattened("from 1", {2, 3, 2}, 1, -1, {2, 6}),
      flattened("the middle", {2, 3, 2, 2}, 1, 2, {2, 6, 2}),
      flattened("scalar", {}, 0, -1, {1}),
      squeezed("all", {1, 2, 1, 3}, {}, {2, 3}),
      squeezed("one axis", {1, 2, 1}, {-1}, {1, 2}),
      squeezed("two axes", {1, 2, 1}, {0, 2}, {2}),
      squeezed("an axis of another size", {2, 1}, {0}, {2, 1}),
      squeezed("scalar", {}, {0}, {}),
      unsqueezed("in front", {2, 3}, 0, {1, 2, 3}),
      unsqueezed("behind", {2, 3}, -1, {2, 3, 1}),
      unsqueezed("scalar", {}, 0, {1}),
      transposed("matrix", {2, 3}, -2, -1, {3, 2}),
      transposed("outer axes", {2, 3, 4}, 0, 2, {4, 3, 2}),
      transposed("the same axis", {2, 3}, 1, 1, {2, 3}),
      transposed("empty", {0, 3}, 0, 1, {3, 0}),
      permuted("channels last", {2, 3, 2, 2}, {0, 2, 3, 1}),
      permuted("rotation", {2, 3, 4}, {2, 0, 1}),
      permuted("nothing", {2, 3}, {0, 1}),
      permuted("scalar", {}, {}),
      expanded("one axis", {3, 1}, {3, 4}, {3, 4}),
      expanded("new axes", {3}, {2, 2, 3}, {2, 2, 3}),
      expanded("kept by -1", {1, 3}, {2, -1}, {2, 3}),
      expanded("scalar", {}, {2, 2}, {2, 2}),
      expanded("to size 0", {1, 2}, {0, 2}, {0, 2}),
      sliced("middle", {5, 2}, 0, 1, 4, 1, {1, 2, 3}),
      sliced("open", {2, 5}, 1, {}, {}, 1, {0, 1, 2, 3, 4}),
      sliced("step 2", {2, 5}, 1, {}, {}, 2, {0, 2, 4}),
      sliced("step 3 from 1", {7}, 0, 1, {}, 3, {1, 4}),
      sliced("backwards", {5}, 0, {}, {}, -1, {4, 3, 2, 1, 0}),
      sliced("backwards by 2", {2, 6}, 1, 4, 0, -2, {4, 2}),
      sliced("negative bounds", {6}, 0, -4, -1, 1, {2, 3, 4}),
      sliced("clipped", {4}, 0, -100, 100, 1, {0, 1, 2, 3}),
      sliced("clipped backwards", {4}, 0, 100, -100, -3, {3, 0}),
      sliced("nothing", {4, 2}, 0, 3, 1, 1, {}),
      sliced("of nothing", {0, 2}, 0, {}, {}, -1, {}),
  };
}

}  // namespace chainrule::cases
