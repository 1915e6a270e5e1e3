// Rows of the table: shapes, order of axes, joining, cutting and padding, and constants.
#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "engine/factory.h"
#include "engine/types/error.h"
#include "nn/files/onnx/reader.h"
#include "nn/files/onnx/table.h"
#include "nn/files/onnx/writer.h"
#include "ops/ops.h"

namespace chainrule::internal {
namespace {

constexpr std::int64_t kEnd = std::numeric_limits<std::int64_t>::max();

std::vector<std::int64_t> sizes_of(const Shape& shape) { return {shape.begin(), shape.end()}; }

std::string write_transpose(OnnxWriter& w) {
  std::vector<std::int64_t> perm;
  for (int i = 0; i < w.shape(0).rank(); ++i) perm.push_back(i);
  std::swap(perm.at(static_cast<std::size_t>(w.integer("dim0"))), perm.at(static_cast<std::size_t>(w.integer("dim1"))));
  return w.add("Transpose", {w.in(0)}, {{"perm", perm}});
}

/// Sizes that stay are written as 1: broadcasting leaves them as they are, whatever they are.
std::string write_expand(OnnxWriter& w) {
  const Shape from = w.shape(0), to = w.result_shape();
  std::vector<std::int64_t> sizes = sizes_of(to);
  const int added = to.rank() - from.rank();
  for (int i = 0; i < from.rank(); ++i)
    if (from[i] == to[added + i]) sizes.at(static_cast<std::size_t>(added) + static_cast<std::size_t>(i)) = 1;
  return w.add("Expand", {w.in(0), w.constant(sizes)});
}

std::string write_slice(OnnxWriter& w) {
  const std::int64_t axis = w.integer("dim"), end = w.integer("end");
  const bool to_end = end >= w.shape(0)[static_cast<std::size_t>(axis)];
  return w.add("Slice",
               {w.in(0), w.constant(std::vector<std::int64_t>{w.integer("start")}),
                w.constant(std::vector<std::int64_t>{to_end ? kEnd : end}), w.constant(std::vector<std::int64_t>{axis}),
                w.constant(std::vector<std::int64_t>{w.integer("step")})});
}

std::string write_flip(OnnxWriter& w) {
  const std::vector<std::int64_t> axes = w.integers("dims");
  if (axes.empty()) return w.add("Identity", {w.in(0)});
  const std::vector<std::int64_t> starts(axes.size(), -1), ends(axes.size(), std::numeric_limits<std::int64_t>::min()),
      steps(axes.size(), -1);
  return w.add("Slice", {w.in(0), w.constant(starts), w.constant(ends), w.constant(axes), w.constant(steps)});
}

std::string write_roll(OnnxWriter& w) {
  const std::vector<std::int64_t> shifts = w.integers("shifts");
  std::string z = w.in(0);
  for (std::size_t i = 0; i < shifts.size(); ++i) {
    const std::int64_t size = w.shape(0)[i];
    if (size == 0 || shifts[i] % size == 0) continue;
    const std::int64_t cut = (size - shifts[i] % size) % size;
    const auto axis = static_cast<std::int64_t>(i);
    const auto part = [&](std::int64_t from, std::int64_t to) {
      return w.add("Slice", {z, w.constant(std::vector<std::int64_t>{from}), w.constant(std::vector<std::int64_t>{to}),
                             w.constant(std::vector<std::int64_t>{axis})});
    };
    const std::string tail = part(cut, kEnd), head = part(0, cut);
    z = w.add("Concat", {tail, head}, {{"axis", axis}});
  }
  return z == w.in(0) ? w.add("Identity", {z}) : z;
}

/// Ours lists pairs from the last axis on, ONNX all firsts and then all lasts.
std::string write_pad(OnnxWriter& w) {
  const std::vector<std::int64_t> pairs = w.integers("pad");
  const std::size_t rank = w.shape(0).size();
  std::vector<std::int64_t> pads(2 * rank, 0);
  for (std::size_t i = 0; 2 * i + 1 < pairs.size(); ++i) {
    pads[rank - 1 - i] = pairs[2 * i];
    pads[2 * rank - 1 - i] = pairs[2 * i + 1];
  }
  return w.add("Pad", {w.in(0), w.constant(pads), w.scalar(w.number("value"))}, {{"mode", std::string("constant")}});
}

std::string write_cat(OnnxWriter& w) {
  std::vector<std::string> inputs;
  for (std::size_t i = 0; i < w.inputs(); ++i) inputs.push_back(w.in(i));
  return w.add("Concat", std::move(inputs), {{"axis", w.integer("dim")}});
}

Tensor read_reshape(OnnxReader& r) {
  if (r.opset() >= 5 && r.has("shape")) r.refuse("from opset 5 on its shape is an input");
  std::vector<std::int64_t> sizes = r.opset() < 5 ? r.integers("shape", {}) : r.integers(std::size_t{1});
  if (r.integer("allowzero", 0) == 0)
    for (std::size_t i = 0; i < sizes.size(); ++i)
      if (sizes[i] == 0) sizes[i] = i < r.in(0).shape().size() ? r.in(0).shape()[i] : 0;
  return reshape(r.in(0), r.shape_of(sizes));
}

Tensor read_flatten(OnnxReader& r) {
  const Tensor& x = r.in(0);
  const std::int64_t said = r.integer("axis", 1);
  const int axis = said == x.dim() ? x.dim() : normal_axis(said, x.dim(), "Flatten");
  const Shape& s = x.shape();
  return reshape(x, {numel(Shape(s.begin(), s.begin() + axis)), numel(Shape(s.begin() + axis, s.end()))});
}

Tensor read_transpose(OnnxReader& r) {
  std::vector<std::int64_t> perm;
  for (int i = r.in(0).dim() - 1; i >= 0; --i) perm.push_back(i);
  return permute(r.in(0), Axes(r.integers("perm", perm)));
}

Tensor read_squeeze(OnnxReader& r) {
  const auto axes = r.axes(1, 13);
  if (!axes) return squeeze(r.in(0));
  for (const auto axis : *axes)
    if (r.in(0).size(axis) != 1) r.refuse(fmt::format("axis {} has {} elements, not one", axis, r.in(0).size(axis)));
  return squeeze(r.in(0), Axes(*axes));
}

Tensor read_unsqueeze(OnnxReader& r) {
  const auto axes = r.axes(1, 13);
  if (!axes) r.refuse("its axes are missing");
  const int rank = r.in(0).dim() + static_cast<int>(axes->size());
  check_rank(static_cast<std::size_t>(rank));
  Shape shape = Shape::filled(static_cast<std::size_t>(rank), -1);
  for (const auto each : *axes) {
    const int axis = normal_axis(each, rank, "Unsqueeze");
    if (shape[axis] == 1) r.refuse(fmt::format("axis {} is given twice", each));
    shape[axis] = 1;
  }
  int from = 0;
  for (auto& size : shape)
    if (size < 0) size = r.in(0).shape()[from++];
  return reshape(r.in(0), shape);
}

Tensor read_split(OnnxReader& r) {
  const Tensor& x = r.in(0);
  const int axis = normal_axis(r.integer("axis", 0), x.dim(), "Split");
  std::vector<std::int64_t> sizes =
      r.opset() >= 13 ? (r.has(1) ? r.integers(std::size_t{1}) : std::vector<std::int64_t>{}) : r.integers("split", {});
  const auto parts = static_cast<std::int64_t>(r.outputs());
  if (sizes.empty()) {
    if (x.shape()[axis] % parts != 0)
      r.refuse(fmt::format("{} elements cannot be split into {} equal parts", x.shape()[axis], parts));
    sizes.assign(r.outputs(), x.shape()[axis] / parts);
  }
  if (sizes.size() != r.outputs()) r.refuse(fmt::format("it has {} sizes and {} outputs", sizes.size(), parts));
  const std::vector<Tensor> pieces = split(x, sizes, axis);
  for (std::size_t i = 1; i < pieces.size(); ++i) r.set(i, pieces[i]);
  return pieces[0];
}

Tensor read_expand(OnnxReader& r) {
  const Shape shape = broadcast_shapes(r.in(0).shape(), r.shape_of(r.integers(std::size_t{1})), "Expand");
  r.expect_size(shape);
  return expand(r.in(0), shape);
}

Tensor read_tile(OnnxReader& r) {
  const std::vector<std::int64_t> repeats = r.integers(std::size_t{1});
  if (repeats.size() != r.in(0).shape().size()) r.refuse("it needs one count for each axis");
  Shape shape = r.in(0).shape();
  for (std::size_t i = 0; i < repeats.size(); ++i) {
    if (repeats[i] < 0 || repeats[i] > (std::int64_t{1} << 28)) r.refuse(fmt::format("a count is {}", repeats[i]));
    shape[i] = std::min(shape[i], std::int64_t{1} << 30) * repeats[i];
  }
  r.expect_size(shape);
  return repeat(r.in(0), Integers(repeats));
}

Tensor read_pad(OnnxReader& r) {
  const Tensor& x = r.in(0);
  const bool attributes = r.opset() < 11;
  const std::vector<std::int64_t> pads =
      attributes ? r.integers("pads", r.integers("paddings", {})) : r.integers(std::size_t{1});
  const double value = attributes ? r.number("value", 0) : r.has(2) ? r.number(2) : 0;
  const std::size_t rank = x.shape().size();
  if (pads.size() != 2 * rank) r.refuse(fmt::format("it has {} amounts for {} axes", pads.size(), rank));
  const std::string mode = r.word("mode", "constant");
  if (mode != "constant" && mode != "reflect" && mode != "edge") r.refuse(fmt::format("its mode is '{}'", mode));
  Shape shape = x.shape();
  std::size_t first = rank;  // the first axis that is padded
  for (std::size_t i = 0; i < rank; ++i) {
    for (const auto amount : {pads[i], pads[rank + i]})
      if (amount > (std::int64_t{1} << 28) || amount < -(std::int64_t{1} << 28))
        r.refuse(fmt::format("an amount is {}", amount));
    shape[i] += pads[i] + pads[rank + i];
    if (first == rank && (pads[i] != 0 || pads[rank + i] != 0)) first = i;
  }
  r.expect_size(shape);
  if (first == rank) return clone(x);
  std::vector<std::int64_t> pairs;
  for (std::size_t i = rank; i-- > first;) {
    pairs.push_back(pads[i]);
    pairs.push_back(pads[rank + i]);
  }
  return pad(x, pairs,
             mode == "constant"  ? PadMode::constant
             : mode == "reflect" ? PadMode::reflect
                                 : PadMode::replicate,
             value);
}

/// One axis as NumPy cuts it, backward too.
Tensor cut(OnnxReader& r, const Tensor& x, int axis, std::int64_t start, std::int64_t end, std::int64_t step) {
  const std::int64_t n = x.shape()[axis];
  if (step == 0 || step == std::numeric_limits<std::int64_t>::min()) r.refuse(fmt::format("its step is {}", step));
  const std::int64_t least = step > 0 ? 0 : -1, most = step > 0 ? n : n - 1;
  start = std::clamp(start < 0 ? start + n : start, least, most);
  // What lies before the first element is the end of a walk backward, not a place counted from the end.
  end = end < 0 ? std::max(end, -n - 1) + n : end;
  end = std::clamp(end, least, most);
  if (step > 0) return slice(x, axis, start, std::max(start, end), step);
  const Tensor turned = flip(x, {axis});
  return slice(turned, axis, n - 1 - start, std::max(n - 1 - start, n - 1 - end), -step);
}

Tensor read_slice(OnnxReader& r) {
  const bool attributes = r.opset() < 10;
  const std::vector<std::int64_t> starts = attributes ? r.integers("starts", {}) : r.integers(std::size_t{1});
  const std::vector<std::int64_t> ends = attributes ? r.integers("ends", {}) : r.integers(std::size_t{2});
  std::vector<std::int64_t> axes, steps(starts.size(), 1);
  for (std::size_t i = 0; i < starts.size(); ++i) axes.push_back(static_cast<std::int64_t>(i));
  if (attributes)
    axes = r.integers("axes", axes);
  else if (r.has(3))
    axes = r.integers(std::size_t{3});
  if (!attributes && r.has(4)) steps = r.integers(std::size_t{4});
  if (ends.size() != starts.size() || axes.size() != starts.size() || steps.size() != starts.size())
    r.refuse("its starts, ends, axes and steps differ in number");
  Tensor z = r.in(0);
  for (std::size_t i = 0; i < starts.size(); ++i)
    z = cut(r, z, normal_axis(axes[i], z.dim(), "Slice"), starts[i], ends[i], steps[i]);
  return starts.empty() ? clone(z) : z;
}

Tensor read_constant(OnnxReader& r) {
  if (r.has("value")) return r.tensor("value");
  if (r.has("value_float")) return full({}, r.number("value_float", 0), {.dtype = DType::float32});
  if (r.has("value_int")) return tensor(r.integer("value_int"));
  if (r.has("value_ints")) {
    const std::vector<std::int64_t> v = r.integers("value_ints", {});
    return from_vector(v, {static_cast<std::int64_t>(v.size())});
  }
  if (!r.has("value_floats")) r.refuse("it has no value");
  const std::vector<double> v = r.numbers("value_floats", {});
  return from_vector(v, {static_cast<std::int64_t>(v.size())}, DType::float32);
}

Tensor read_constant_of_shape(OnnxReader& r) {
  const Shape shape = r.shape_of(r.integers(std::size_t{0}));
  r.expect_size(shape);
  const Tensor value = r.has("value") ? r.tensor("value") : zeros({1}, DType::float32);
  if (value.numel() != 1) r.refuse("its value must have one element");
  return clone(expand(reshape(value, {}), shape));
}

Tensor read_shape(OnnxReader& r) {
  const std::vector<std::int64_t> all = sizes_of(r.in(0).shape());
  const auto rank = static_cast<std::int64_t>(all.size());
  const auto place = [&](std::int64_t i) { return std::clamp<std::int64_t>(i < 0 ? i + rank : i, 0, rank); };
  const std::int64_t begin = place(r.integer("start", 0)), end = std::max(begin, place(r.integer("end", rank)));
  return from_vector(std::vector<std::int64_t>(all.begin() + begin, all.begin() + end), {end - begin});
}

Tensor read_range(OnnxReader& r) {
  const double start = r.number(std::size_t{0}), limit = r.number(std::size_t{1}), step = r.number(std::size_t{2});
  if (step == 0) r.refuse("its step is 0");
  const double count = (limit - start) / step;
  if (!(count < 1 << 28)) r.refuse(fmt::format("it would have {} elements", count));
  return arange(start, limit, step, TensorOptions{.dtype = r.in(0).dtype()});
}

}  // namespace

std::span<const OnnxRow> onnx_shape_rows() {
  static const OnnxRow rows[] = {
      {"", "Identity", nullptr, [](OnnxReader& r) { return clone(r.in(0)); }},
      {"clone", "", [](OnnxWriter& w) { return w.add("Identity", {w.in(0)}); }},
      {"reshape", "Reshape",
       [](OnnxWriter& w) {
         return w.add("Reshape", {w.in(0), w.constant(sizes_of(w.result_shape()))});
       },
       read_reshape, "allowzero shape", 2},
      {"", "Flatten", nullptr, read_flatten, "axis"},
      {"transpose", "", write_transpose},
      {"permute", "",
       [](OnnxWriter& w) {
         return w.add("Transpose", {w.in(0)}, {{"perm", w.integers("dims")}});
       }},
      {"", "Transpose", nullptr, read_transpose, "perm"},
      {"", "Squeeze", nullptr, read_squeeze, "axes", 2},
      {"", "Unsqueeze", nullptr, read_unsqueeze, "axes", 2},
      {"expand", "Expand", write_expand, read_expand, "", 2},
      {"", "Tile", nullptr, read_tile, "", 2},
      {"slice", "Slice", write_slice, read_slice, "starts ends axes", 30},
      {"flip", "", write_flip},
      {"roll", "", write_roll},
      {"pad", "Pad", write_pad, read_pad, "mode pads paddings value", 6},
      {"cat", "Concat", write_cat, [](OnnxReader& r) { return cat(r.all(), r.integer("axis", 1)); }, "axis"},
      {"", "Split", nullptr, read_split, "axis split", 2},
      {"", "Constant", nullptr, read_constant, "value value_float value_floats value_int value_ints"},
      {"", "ConstantOfShape", nullptr, read_constant_of_shape, "value", 1},
      {"", "Shape", nullptr, read_shape, "start end"},
      {"", "Size", nullptr, [](OnnxReader& r) { return tensor(r.in(0).numel()); }},
      {"", "Range", nullptr, read_range, "", 7},
  };
  return rows;
}

}  // namespace chainrule::internal
