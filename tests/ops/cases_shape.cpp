// Rows for the operations that move elements: shapes, slices, joining, indices.
#include <numeric>

#include "engine/factory.h"
#include "tests/ops/cases.h"

namespace chainrule::cases {
namespace {

/// The reference of an operation whose result at `index` is x at where(index).
template <class F>
std::function<Array(const std::vector<Array>&)> moved(const Shape& shape, F where) {
  return [=](const std::vector<Array>& x) {
    Array z(shape);
    each_index(shape, [&](const Shape& index) { z.at(index) = x[0].at(where(index)); });
    return z;
  };
}

Case one(std::string op, std::string variant, const Shape& x, std::function<Tensor(const Tensor&)> f,
         std::function<Array(const std::vector<Array>&)> reference) {
  return {.op = std::move(op),
          .variant = std::move(variant),
          .inputs = {{.shape = x, .linear = true}},
          .f = [f = std::move(f)](const std::vector<Tensor>& t) { return f(t[0]); },
          .reference = std::move(reference)};
}

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

Case permuted(std::string variant, const Shape& from, const Axes& dims) {
  Shape to;
  for (const auto d : dims) to.push_back(from[d]);
  return one(
      "permute", std::move(variant), from, [=](const Tensor& x) { return permute(x, dims); },
      moved(to, [=](const Shape& index) {
        Shape at(index.size());
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

Array naive_cat(const std::vector<Array>& x, int axis) {
  Shape shape = x[0].shape;
  shape[axis] = 0;
  for (const Array& a : x) shape[axis] += a.shape[axis];
  Array z(shape);
  std::int64_t first = 0;
  for (const Array& a : x) {
    each_index(a.shape, [&](const Shape& index) {
      Shape at = index;
      at[axis] += first;
      z.at(at) = a.at(index);
    });
    first += a.shape[axis];
  }
  return z;
}

Case joined(std::string variant, const std::vector<Shape>& shapes, int axis) {
  Case c{.op = "cat",
         .variant = std::move(variant),
         .inputs = {},
         .f = [=](const std::vector<Tensor>& t) { return cat(t, axis); },
         .reference = [=](const std::vector<Array>& x) { return naive_cat(x, axis); },
         .nan = shapes.size() == 1 ? Nan::everywhere : Nan::somewhere,
         .nan_reason = shapes.size() == 1 ? "" : "the parts of other inputs stay as they are"};
  for (const Shape& shape : shapes) c.inputs.push_back({.shape = shape, .linear = true});
  return c;
}

Case selected(std::string variant, const Shape& from, std::int64_t axis, const std::vector<std::int64_t>& index) {
  Shape to = from;
  to[axis] = static_cast<std::int64_t>(index.size());
  const Tensor i = from_vector<std::int64_t>(index, {to[axis]});
  Case c = one(
      "index_select", std::move(variant), from, [=](const Tensor& x) { return index_select(x, axis, i); },
      moved(to, [=](Shape at) {
        at[axis] = index[at[axis]];
        return at;
      }));
  c.nan = Nan::somewhere;
  c.nan_reason = "elements that no index names take no part";
  c.runs = {"index_add"};
  return c;
}

Case gathered(std::string variant, const Shape& from, std::int64_t axis, const Shape& to,
              const std::vector<std::int64_t>& index) {
  const Tensor i = from_vector<std::int64_t>(index, to);
  const Array places(to, std::vector<double>(index.begin(), index.end()));
  Case c = one(
      "gather", std::move(variant), from, [=](const Tensor& x) { return gather(x, axis, i); },
      moved(to, [=](const Shape& at) {
        Shape source = at;
        source[axis] = static_cast<std::int64_t>(places.at(at));
        return source;
      }));
  c.nan = Nan::somewhere;
  c.nan_reason = "elements that no index names take no part";
  c.runs = {"scatter_add"};
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
      joined("rows", {{2, 3}, {1, 3}, {3, 3}}, 0),
      joined("columns", {{2, 3}, {2, 1}}, 1),
      joined("one", {{2, 2}}, 1),
      joined("an empty part", {{0, 2}, {2, 2}}, 0),
      joined("channels", {{2, 1, 2, 2}, {2, 2, 2, 2}}, 1),
      selected("rows, one twice", {4, 2}, 0, {3, 1, 1}),
      selected("columns", {2, 4}, 1, {0, 3}),
      selected("inner axis", {2, 3, 2}, 1, {2, 2, 0, 1}),
      selected("nothing", {3, 2}, 0, {}),
      gathered("along rows", {3, 2}, 0, {2, 2}, {2, 0, 2, 1}),
      gathered("along columns", {2, 4}, 1, {2, 3}, {3, 3, 0, 1, 2, 1}),
      gathered("smaller index", {3, 4}, 1, {2, 2}, {0, 0, 3, 1}),
      gathered("three axes", {2, 3, 2}, 1, {2, 1, 2}, {2, 0, 1, 1}),
      gathered("nothing", {3, 2}, 0, {0, 2}, {}),
  };
}

}  // namespace chainrule::cases
