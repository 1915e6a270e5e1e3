// Rows of the table: reading and adding at places that a tensor names.
#include <fmt/format.h>

#include <algorithm>

#include "engine/factory.h"
#include "engine/types/error.h"
#include "nn/files/onnx/reader.h"
#include "nn/files/onnx/table.h"
#include "nn/files/onnx/writer.h"
#include "ops/ops.h"

namespace chainrule::internal {
namespace {

/// Places counted from the end become places from the start, and all are checked.
Tensor places(OnnxReader& r, std::size_t i, std::int64_t size) {
  const Tensor& index = r.in(i);
  if (index.dtype() != DType::int64) r.refuse(fmt::format("its indices are {}, not int64", name_of(index.dtype())));
  bool negative = false;
  for (const std::int64_t at : index.values<std::int64_t>()) {
    if (at < -size || at >= size) r.refuse(fmt::format("index {} is out of range for {} elements", at, size));
    negative = negative || at < 0;
  }
  return negative ? where(index < 0, index + size, index) : index;
}

Tensor read_gather(OnnxReader& r) {
  const Tensor& x = r.in(0);
  const int axis = normal_axis(r.integer("axis", 0), x.dim(), "Gather");
  const Tensor index = places(r, 1, x.shape()[axis]);
  if (axis == 0 && x.dim() == 2 && is_floating(x.dtype())) return embedding(index, x);
  Shape shape(x.shape().begin(), x.shape().begin() + axis);
  check_rank(x.shape().size() - 1 + index.shape().size());
  shape.insert(shape.end(), index.shape().begin(), index.shape().end());
  shape.insert(shape.end(), x.shape().begin() + axis + 1, x.shape().end());
  return reshape(index_select(x, axis, reshape(index, {index.numel()})), shape);
}

Tensor read_gather_elements(OnnxReader& r) {
  const int axis = normal_axis(r.integer("axis", 0), r.in(0).dim(), "GatherElements");
  return gather(r.in(0), axis, places(r, 1, r.in(0).shape()[axis]));
}

/// x with `values` put at, or added to, places along an axis; each place is named once unless they are added.
Tensor scattered_into(OnnxReader& r, const Tensor& x, std::int64_t axis, const Tensor& index, const Tensor& values) {
  const std::string how = r.word("reduction", "none");
  if (how == "add") return scatter_add(x, axis, index, values);
  if (how != "none") r.refuse(fmt::format("its reduction is '{}'", how));
  const Tensor none = zeros(x.shape(), {.dtype = x.dtype()});
  const Tensor hit = scatter_add(none, axis, index, ones(values.shape(), {.dtype = x.dtype()}));
  return where(gt(hit, 0), scatter_add(none, axis, index, values), x);
}

Tensor read_scatter_elements(OnnxReader& r) {
  const int axis = normal_axis(r.integer("axis", 0), r.in(0).dim(), "ScatterElements");
  return scattered_into(r, r.in(0), axis, places(r, 1, r.in(0).shape()[axis]), r.in(2));
}

/// The first axes of x as one, and the places in it that tuples of indices name.
struct Tuples {
  Tensor rows, index;  // (places, elements of each), (tuples,)
  Shape outer;         // of the tuples
};
Tuples tuples(OnnxReader& r) {
  const Tensor &x = r.in(0), &index = r.in(1);
  if (index.dtype() != DType::int64 || index.dim() == 0) r.refuse("its indices must be int64 with at least one axis");
  const std::int64_t k = index.size(-1);
  if (k < 1 || k > x.dim()) r.refuse(fmt::format("its indices have {} parts, x has {} axes", k, x.dim()));
  const std::vector<std::int64_t> values = index.values<std::int64_t>();
  std::vector<std::int64_t> flat;
  for (std::size_t i = 0; i < values.size();) {
    std::int64_t at = 0;
    for (std::int64_t j = 0; j < k; ++j, ++i) {
      const std::int64_t size = x.shape()[static_cast<std::size_t>(j)];
      if (values[i] < -size || values[i] >= size)
        r.refuse(fmt::format("index {} is out of range for {} elements", values[i], size));
      at = at * size + (values[i] < 0 ? values[i] + size : values[i]);
    }
    flat.push_back(at);
  }
  const Shape head(x.shape().begin(), x.shape().begin() + k), tail(x.shape().begin() + k, x.shape().end());
  return {reshape(x, {numel(head), numel(tail)}), from_vector(flat, {static_cast<std::int64_t>(flat.size())}),
          Shape(index.shape().begin(), index.shape().end() - 1)};
}

Tensor read_gather_nd(OnnxReader& r) {
  if (r.integer("batch_dims", 0) != 0) r.refuse("it has batch_dims");
  const Tuples t = tuples(r);
  Shape shape = t.outer;
  const Shape& x = r.in(0).shape();
  const auto tail = x.begin() + r.in(1).size(-1);
  check_rank(shape.size() + static_cast<std::size_t>(x.end() - tail));
  shape.insert(shape.end(), tail, x.end());
  return reshape(index_select(t.rows, 0, t.index), shape);
}

Tensor read_scatter_nd(OnnxReader& r) {
  const Tuples t = tuples(r);
  const Shape shape{t.index.numel(), t.rows.size(1)};
  const Tensor index = expand(reshape(t.index, {t.index.numel(), 1}), shape);
  return reshape(scattered_into(r, t.rows, 0, index, reshape(r.in(2), shape)), r.in(0).shape());
}

Tensor read_one_hot(OnnxReader& r) {
  const Tensor &index = r.in(0), &values = r.in(2);
  if (values.numel() != 2) r.refuse("its values must be two: off and on");
  const auto depth = static_cast<std::int64_t>(r.number(std::size_t{1}));
  const int axis = normal_axis(r.integer("axis", -1), index.dim() + 1, "OneHot");
  check_rank(index.shape().size() + 1);
  Shape shape = index.shape(), count = Shape::filled(index.shape().size() + 1, 1);
  shape.insert(shape.begin() + axis, 1);
  Shape result = shape;
  result[axis] = count[axis] = depth;
  r.expect_size(result);
  const Tensor wrapped = reshape(where(index < 0, index + depth, index), shape);
  const Tensor off = reshape(slice(reshape(values, {2}), 0, 0, 1), {}),
               on = reshape(slice(reshape(values, {2}), 0, 1, 2), {});
  return where(eq(wrapped, reshape(arange(depth), count)), on, off);
}

}  // namespace

std::span<const OnnxRow> onnx_index_rows() {
  static const OnnxRow rows[] = {
      {"index_select", "Gather",
       [](OnnxWriter& w) {
         return w.add("Gather", {w.in(0), w.in(1)}, {{"axis", w.integer("dim")}});
       },
       read_gather, "axis"},
      {"embedding", "",
       [](OnnxWriter& w) {
         return w.add("Gather", {w.in(0), w.in(1)}, {{"axis", std::int64_t{0}}});
       }},
      {"gather", "GatherElements",
       [](OnnxWriter& w) {
         return w.add("GatherElements", {w.in(0), w.in(1)}, {{"axis", w.integer("dim")}});
       },
       read_gather_elements, "axis"},
      {"scatter_add", "ScatterElements",
       [](OnnxWriter& w) {
         return w.add("ScatterElements", {w.in(0), w.in(1), w.in(2)},
                      {{"axis", w.integer("dim")}, {"reduction", std::string("add")}});
       },
       read_scatter_elements, "axis reduction"},
      {"", "Scatter", nullptr, read_scatter_elements, "axis"},
      {"", "GatherND", nullptr, read_gather_nd, "batch_dims"},
      {"", "ScatterND", nullptr, read_scatter_nd, "reduction"},
      {"", "OneHot", nullptr, read_one_hot, "axis", 6},
  };
  return rows;
}

}  // namespace chainrule::internal
