// Rows of the table: reductions, running sums, choosing by size.
#include <algorithm>

#include "engine/factory.h"
#include "engine/types/error.h"
#include "nn/files/onnx/reader.h"
#include "nn/files/onnx/table.h"
#include "nn/files/onnx/writer.h"
#include "ops/ops.h"

namespace chainrule::internal {
namespace {

using Reduce = Tensor (*)(const Tensor& x, const Axes& dim, bool keepdim);

/// `since`: the version from which on the axes are an input.
Tensor read_reduce(OnnxReader& r, Reduce f, std::int64_t since = 18) {
  const auto axes = r.axes(1, since);
  const bool keep = r.integer("keepdims", 1) != 0;
  if (axes && axes->empty() && r.integer("noop_with_empty_axes", 0) != 0) return clone(r.in(0));
  if (!axes && r.integer("noop_with_empty_axes", 0) != 0) return clone(r.in(0));
  const Tensor z = f(r.in(0), axes ? Axes(*axes) : Axes(), keep);
  return z.dtype() == r.in(0).dtype() ? z : to(z, r.in(0).dtype());
}

/// The axes of the recorded reduction: all of them when it names none.
std::vector<std::int64_t> dims(OnnxWriter& w) {
  std::vector<std::int64_t> list = w.integers("dim");
  if (list.empty())
    for (int i = 0; i < w.shape(0).rank(); ++i) list.push_back(i);
  return list;
}

bool keeps(OnnxWriter& w) { return w.flag("keepdim"); }

std::string write_reduce(OnnxWriter& w, const char* type) {
  if (w.shape(0).empty()) return w.add("Identity", {w.in(0)});
  return w.add(type, {w.in(0)}, {{"axes", dims(w)}, {"keepdims", std::int64_t{keeps(w)}}});
}

std::string write_sum(OnnxWriter& w) {
  if (w.shape(0).empty()) return w.add("Identity", {w.in(0)});
  return w.add("ReduceSum", {w.in(0), w.constant(dims(w))}, {{"keepdims", std::int64_t{keeps(w)}}});
}

/// The largest along an axis: the index that was noted is not part of the result.
std::string write_chosen(OnnxWriter& w, const char* type) {
  return w.add(type, {w.in(0)},
               {{"axes", dims(w)}, {"keepdims", std::int64_t{w.result_shape().rank() == w.shape(0).rank()}}});
}

std::string write_norm(OnnxWriter& w) {
  const double p = w.number("p");
  if (p != 1 && p != 2) w.refuse("ONNX has norms of p = 1 and p = 2");
  return write_reduce(w, p == 1 ? "ReduceL1" : "ReduceL2");
}

std::string write_variance(OnnxWriter& w) {
  const std::vector<std::int64_t> axes = dims(w);
  double n = 1;
  for (const auto axis : axes) n *= static_cast<double>(w.shape(0)[static_cast<std::size_t>(axis)]);
  const double rest = n - w.number("correction");
  if (!(rest > 0)) w.refuse("it divides by zero");
  const std::string mean = w.add("ReduceMean", {w.in(0)}, {{"axes", axes}, {"keepdims", std::int64_t{1}}});
  const std::string deviation = w.add("Sub", {w.in(0), mean});
  const std::string square = w.add("ReduceMean", {w.add("Mul", {deviation, deviation})},
                                   {{"axes", axes}, {"keepdims", std::int64_t{keeps(w)}}});
  return n == rest ? square : w.add("Mul", {square, w.scalar(n / rest)});
}

std::string write_cumsum(OnnxWriter& w) {
  return w.add("CumSum", {w.in(0), w.constant(tensor(w.integer("dim")))},
               {{"reverse", std::int64_t{w.flag("reverse")}}});
}

Tensor read_cumsum(OnnxReader& r) {
  const Tensor& x = r.in(0);
  const int axis = normal_axis(static_cast<std::int64_t>(r.number(1)), x.dim(), "CumSum");
  const bool reverse = r.integer("reverse", 0) != 0;
  const Tensor from = reverse ? flip(x, {axis}) : x;
  Tensor z = cumsum(from, axis);
  if (r.integer("exclusive", 0) != 0 && x.shape()[axis] > 0) {
    Shape one = x.shape();
    one[axis] = 1;
    z = cat({zeros(one, {.dtype = z.dtype()}), slice(z, axis, 0, x.shape()[axis] - 1)}, axis);
  }
  return reverse ? flip(z, {axis}) : z;
}

template <class F>
Tensor read_arg(OnnxReader& r, F f) {
  if (r.integer("select_last_index", 0) != 0) r.refuse("it asks for the last of equal elements");
  return f(r.in(0), std::optional<std::int64_t>(r.integer("axis", 0)), r.integer("keepdims", 1) != 0);
}

Tensor read_topk(OnnxReader& r) {
  if (r.opset() >= 10 && r.has("k")) r.refuse("from opset 10 on k is an input");
  const std::int64_t k = r.opset() < 10 ? r.integer("k") : static_cast<std::int64_t>(r.number(1));
  const std::int64_t axis = r.integer("axis", -1);
  const bool largest = r.integer("largest", 1) != 0;
  if (r.wants(1)) r.set(1, argtopk(r.in(0), k, axis, largest));
  return topk(r.in(0), k, axis, largest);
}

}  // namespace

std::span<const OnnxRow> onnx_reduce_rows() {
  constexpr const char* kAttributes = "axes keepdims noop_with_empty_axes";
  static const OnnxRow rows[] = {
      {"sum", "ReduceSum", write_sum,
       [](OnnxReader& r) {
         return read_reduce(
             r, [](const Tensor& x, const Axes& d, bool k) { return sum(x, d, k); }, 13);
       },
       kAttributes, 2},
      {"mean", "ReduceMean", [](OnnxWriter& w) { return write_reduce(w, "ReduceMean"); },
       [](OnnxReader& r) {
         return read_reduce(r, [](const Tensor& x, const Axes& d, bool k) { return mean(x, d, k); });
       },
       kAttributes},
      {"prod", "ReduceProd", [](OnnxWriter& w) { return write_reduce(w, "ReduceProd"); },
       [](OnnxReader& r) {
         return read_reduce(r, [](const Tensor& x, const Axes& d, bool k) { return prod(x, d, k); });
       },
       kAttributes},
      {"amax", "ReduceMax", [](OnnxWriter& w) { return write_reduce(w, "ReduceMax"); },
       [](OnnxReader& r) {
         return read_reduce(r, [](const Tensor& x, const Axes& d, bool k) { return amax(x, d, k); });
       },
       kAttributes},
      {"amin", "ReduceMin", [](OnnxWriter& w) { return write_reduce(w, "ReduceMin"); },
       [](OnnxReader& r) {
         return read_reduce(r, [](const Tensor& x, const Axes& d, bool k) { return amin(x, d, k); });
       },
       kAttributes},
      {"max", "", [](OnnxWriter& w) { return write_chosen(w, "ReduceMax"); }},
      {"min", "", [](OnnxWriter& w) { return write_chosen(w, "ReduceMin"); }},
      {"logsumexp", "ReduceLogSumExp",
       [](OnnxWriter& w) {
         if (w.shape(0).empty()) return w.add("Identity", {w.in(0)});
         return w.add("ReduceLogSumExp", {w.in(0)}, {{"axes", dims(w)}, {"keepdims", std::int64_t{keeps(w)}}});
       },
       [](OnnxReader& r) {
         return read_reduce(r, [](const Tensor& x, const Axes& d, bool k) { return logsumexp(x, d, k); });
       },
       kAttributes},
      {"norm", "", write_norm},
      {"", "ReduceL1", nullptr,
       [](OnnxReader& r) {
         return read_reduce(r, [](const Tensor& x, const Axes& d, bool k) { return norm(x, 1, d, k); });
       },
       kAttributes},
      {"", "ReduceL2", nullptr,
       [](OnnxReader& r) {
         return read_reduce(r, [](const Tensor& x, const Axes& d, bool k) { return norm(x, 2, d, k); });
       },
       kAttributes},
      {"", "ReduceSumSquare", nullptr,
       [](OnnxReader& r) {
         return read_reduce(r, [](const Tensor& x, const Axes& d, bool k) { return sum(square(x), d, k); });
       },
       kAttributes},
      {"", "ReduceLogSum", nullptr,
       [](OnnxReader& r) {
         return read_reduce(r, [](const Tensor& x, const Axes& d, bool k) { return log(sum(x, d, k)); });
       },
       kAttributes},
      {"var", "", write_variance},
      {"std", "", [](OnnxWriter& w) { return w.add("Sqrt", {write_variance(w)}); }},
      {"cumsum", "CumSum", write_cumsum, read_cumsum, "exclusive reverse", 2},
      {"", "ArgMax", nullptr, [](OnnxReader& r) { return read_arg(r, [](auto&&... a) { return argmax(a...); }); },
       "axis keepdims select_last_index"},
      {"", "ArgMin", nullptr, [](OnnxReader& r) { return read_arg(r, [](auto&&... a) { return argmin(a...); }); },
       "axis keepdims select_last_index"},
      {"", "TopK", nullptr, read_topk, "axis k largest sorted", 2},
  };
  return rows;
}

}  // namespace chainrule::internal
