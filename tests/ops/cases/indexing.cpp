// Rows for picking elements by index tensors and masks, and for adding at them.
#include <optional>

#include "engine/factory.h"
#include "tests/ops/cases/support.h"

namespace chainrule::cases {
namespace {

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
  c.runs = {"gather_backward"};
  return c;
}

/// x, then the part of y that `index` covers added at it along an axis.
Case scattered(std::string variant, const Shape& x, const Shape& y, std::int64_t axis, const Shape& shape,
               const std::vector<std::int64_t>& index) {
  const Tensor i = from_vector<std::int64_t>(index, shape);
  const Array places(shape, std::vector<double>(index.begin(), index.end()));
  return {.op = "scatter_add",
          .variant = std::move(variant),
          .inputs = {{.shape = x, .linear = true}, {.shape = y, .linear = true}},
          .f = [=](const std::vector<Tensor>& t) { return scatter_add(t[0], axis, i, t[1]); },
          .reference =
              [=](const std::vector<Array>& a) {
                Array z = a[0];
                each_index(shape, [&](const Shape& at) {
                  Shape target = at;
                  target[axis] = static_cast<std::int64_t>(places.at(at));
                  z.at(target) += a[1].at(at);
                });
                return z;
              },
          .nan = Nan::somewhere,
          .nan_reason = "what is added reaches the elements that an index names"};
}

Case taken(std::string variant, const Shape& from, std::optional<std::int64_t> dim, const Shape& shape,
           const std::vector<std::int64_t>& index, const Shape& to, const std::vector<std::int64_t>& sources) {
  const Tensor i = from_vector<std::int64_t>(index, shape);
  Case c = one(
      "gather", "take_along_dim, " + variant, from, [=](const Tensor& x) { return take_along_dim(x, i, dim); },
      [=](const std::vector<Array>& x) {
        Array z(to);
        for (std::size_t k = 0; k < sources.size(); ++k) z.values[k] = x[0].values[sources[k]];
        return z;
      });
  c.nan = Nan::somewhere;
  c.nan_reason = "elements that no index names take no part";
  return c;
}

Case filled(std::string variant, const Shape& from, const Shape& shape, const std::vector<double>& mask) {
  const Tensor m = gt(from_vector(mask, shape, {}), 0);
  return {.op = "where",
          .variant = "masked_fill, " + std::move(variant),
          .inputs = {{.shape = from, .linear = true}, {.shape = {}, .linear = true}},
          .f = [=](const std::vector<Tensor>& t) { return masked_fill(t[0], m, t[1]); },
          .reference =
              [=](const std::vector<Array>& a) {
                Array z = a[0];
                for (std::size_t k = 0; k < z.values.size(); ++k)
                  if (mask[k % mask.size()] != 0) z.values[k] = a[1].values[0];  // masks of the last axes
                return z;
              },
          .nan = Nan::somewhere,
          .nan_reason = "each element comes from one of the two"};
}

}  // namespace

std::vector<Case> indexing_cases() {
  return {
      selected("rows, one twice", {4, 2}, 0, {3, 1, 1}),
      selected("columns", {2, 4}, 1, {0, 3}),
      selected("inner axis", {2, 3, 2}, 1, {2, 2, 0, 1}),
      selected("nothing", {3, 2}, 0, {}),
      gathered("along rows", {3, 2}, 0, {2, 2}, {2, 0, 2, 1}),
      gathered("along columns", {2, 4}, 1, {2, 3}, {3, 3, 0, 1, 2, 1}),
      gathered("smaller index", {3, 4}, 1, {2, 2}, {0, 0, 3, 1}),
      gathered("three axes", {2, 3, 2}, 1, {2, 1, 2}, {2, 0, 1, 1}),
      gathered("nothing", {3, 2}, 0, {0, 2}, {}),
      scattered("rows, one twice", {3, 2}, {3, 2}, 0, {3, 2}, {0, 2, 0, 1, 2, 1}),
      scattered("part of x, part of y", {3, 4}, {3, 3}, 1, {2, 2}, {3, 3, 0, 3}),
      scattered("three axes", {2, 2, 2}, {2, 3, 2}, 1, {2, 3, 2}, {0, 1, 1, 1, 0, 0, 1, 1, 1, 0, 0, 0}),
      taken("columns", {2, 3}, 1, {2, 2}, {2, 0, 1, 1}, {2, 2}, {2, 0, 4, 4}),
      taken("indices repeated", {2, 3}, 1, {1, 2}, {2, 0}, {2, 2}, {2, 0, 5, 3}),
      taken("x repeated", {1, 3}, 1, {2, 1}, {2, 0}, {2, 1}, {2, 0}),
      taken("of everything", {2, 3}, {}, {2, 2}, {5, 0, 3, 3}, {4}, {5, 0, 3, 3}),
      filled("one mask", {2, 3}, {2, 3}, {1, 0, 0, 1, 1, 0}),
      filled("mask of columns", {2, 3}, {3}, {0, 1, 0}),
  };
}

}  // namespace chainrule::cases
