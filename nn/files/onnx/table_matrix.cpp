// Rows of the table: products of matrices, triangles, determinants.
#include "engine/factory.h"
#include "engine/types/error.h"
#include "nn/files/onnx/reader.h"
#include "nn/files/onnx/table.h"
#include "nn/files/onnx/writer.h"
#include "ops/ops.h"

namespace chainrule::internal {
namespace {

/// x W^T + b with weights as they lie: Gemm for rows, two nodes for more axes.
std::string write_linear(OnnxWriter& w) {
  if (w.shape(0).size() == 2) {
    std::vector<std::string> inputs{w.in(0), w.in(1)};
    if (w.inputs() > 2) inputs.push_back(w.in(2));
    return w.add("Gemm", std::move(inputs), {{"transB", std::int64_t{1}}});
  }
  const std::string turned = w.add("Transpose", {w.in(1)}, {{"perm", std::vector<std::int64_t>{1, 0}}});
  const std::string product = w.add("MatMul", {w.in(0), turned});
  return w.inputs() > 2 ? w.add("Add", {product, w.in(2)}) : product;
}

std::string write_affine(OnnxWriter& w) {
  const std::string product = w.add("MatMul", {w.in(0), w.in(1)});
  return w.inputs() > 2 ? w.add("Add", {product, w.in(2)}) : product;
}

Tensor read_gemm(OnnxReader& r) {
  const double alpha = r.number("alpha", 1), beta = r.number("beta", 1);
  const bool turn_a = r.integer("transA", 0) != 0, turn_b = r.integer("transB", 0) != 0;
  if (r.in(0).dim() != 2 || r.in(1).dim() != 2) r.refuse("its first two inputs must be matrices");
  const Tensor a = turn_a ? transpose(r.in(0)) : r.in(0);
  const std::int64_t columns = r.in(1).size(turn_b ? 0 : 1);
  const bool plain = alpha == 1 && (beta == 1 || !r.has(2)) && is_floating(a.dtype());
  if (plain && (!r.has(2) || r.in(2).shape() == Shape{columns}))
    return turn_b ? linear(a, r.in(1), r.optional(2)) : affine(a, r.in(1), r.optional(2));
  Tensor z = matmul(a, turn_b ? transpose(r.in(1)) : r.in(1));
  if (alpha != 1) z = z * alpha;
  if (!r.has(2)) return z;
  return z + (beta != 1 ? r.in(2) * beta : r.in(2));
}

std::string write_triangle(OnnxWriter& w, std::int64_t upper) {
  return w.add("Trilu", {w.in(0), w.constant(tensor(w.integer("diagonal")))}, {{"upper", upper}});
}

Tensor read_trilu(OnnxReader& r) {
  const std::int64_t k = r.has(1) ? static_cast<std::int64_t>(r.number(1)) : 0;
  return r.integer("upper", 1) != 0 ? triu(r.in(0), k) : tril(r.in(0), k);
}

}  // namespace

std::span<const OnnxRow> onnx_matrix_rows() {
  static const OnnxRow rows[] = {
      {"matmul", "MatMul", nullptr, [](OnnxReader& r) { return matmul(r.in(0), r.in(1)); }},
      {"linear", "", write_linear},
      {"affine", "", write_affine},
      {"", "Gemm", nullptr, read_gemm, "alpha beta transA transB"},
      {"", "Einsum", nullptr, [](OnnxReader& r) { return einsum(r.word("equation", ""), r.all()); }, "equation"},
      {"det", "Det", nullptr, [](OnnxReader& r) { return det(r.in(0)); }},
      {"tril", "", [](OnnxWriter& w) { return write_triangle(w, 0); }},
      {"triu", "", [](OnnxWriter& w) { return write_triangle(w, 1); }},
      {"", "Trilu", nullptr, read_trilu, "upper", 2},
  };
  return rows;
}

}  // namespace chainrule::internal
