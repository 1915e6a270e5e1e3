// Diagonals and triangles of matrices.
#include "ops/matrix/triangles.h"

#include <fmt/format.h>

#include <algorithm>

#include "engine/factory.h"
#include "engine/record.h"
#include "engine/types/error.h"
#include "ops/arguments.h"
#include "ops/families.h"
#include "ops/kernels/matrix/linalg.h"
#include "ops/launch.h"
#include "ops/ops.h"

namespace chainrule {
namespace {

/// Where a diagonal lies: x[.., i, i + offset, ..] in axes `row` and `column`.
struct Place {
  std::int64_t offset;
  int row, column;

  std::int64_t length(const Shape& x) const {
    const std::int64_t n = offset >= 0 ? std::min(x[row], x[column] - offset) : std::min(x[row] + offset, x[column]);
    return std::max<std::int64_t>(n, 0);
  }
  /// The diagonal of t as its last axis.
  Tensor of(const Tensor& t) const {
    const std::int64_t n = length(t.shape());
    Shape shape;
    Strides strides;
    for (int i = 0; i < t.dim(); ++i) {
      if (i == row || i == column) continue;
      shape.push_back(t.shape()[i]);
      strides.push_back(t.strides()[i]);
    }
    shape.push_back(n);
    strides.push_back(t.strides()[row] + t.strides()[column]);
    const std::int64_t first = offset >= 0 ? offset * t.strides()[column] : -offset * t.strides()[row];
    return internal::view(t, shape, strides, numel(shape) == 0 ? 0 : first);
  }
  std::string text() const { return fmt::format("offset={}, dim1={}, dim2={}", offset, row, column); }
};

Tensor diagonal(const Operand& x, const Place& place);
Tensor diagonal_backward(const Operand& x, const Place& place, const Shape& shape);

// z[i] = x[i, i + k]      dx = diagonal_backward(g)
struct Diagonal {
  static constexpr OpInfo info{
      .name = "diagonal", .formula = "z[i] = x[i, i + k]", .derivatives = {"1 (picked elements)"}, .flops = "0"};
  Place place;
  std::string attributes() const { return place.text(); }
  Tensor forward(const Tensor& x) const { return place.of(x); }
  void backward(GradContext& c, const Tensor& g) const {
    c.send(0, [&] { return diagonal_backward(g, place, c.shape(0)); });
  }
};

// z = 0, then z[i, i + k] = x[i]      dx = diagonal(g)
struct DiagonalBackward {
  static constexpr OpInfo info{.name = "diagonal_backward",
                               .formula = "z = 0; z[i, i + k] = x[i]",
                               .derivatives = {"1 (same element)"},
                               .flops = "0"};
  Place place;
  Shape shape;
  std::string attributes() const { return fmt::format("{}, shape={}", place.text(), to_string(shape)); }
  Tensor forward(const Tensor& x) const {
    Tensor z = zeros(shape, {.dtype = x.dtype()});
    const Tensor picked = place.of(z);
    if (x.numel() > 0)
      kernels::copy_strided(x.dtype(), x.data(), x.strides(), picked.impl().data, picked.strides(), x.shape());
    return z;
  }
  void backward(GradContext& c, const Tensor& g) const {
    c.send(0, [&] { return diagonal(g, place); });
  }
};

Tensor diagonal(const Operand& x, const Place& place) { return record(Diagonal{place}, x); }
Tensor diagonal_backward(const Operand& x, const Place& place, const Shape& shape) {
  return record(DiagonalBackward{place, shape}, x);
}

Tensor triangle(const Tensor& x, bool upper, std::int64_t diagonal) {
  const Tensor from = dense(x);
  Tensor z = empty(x.shape(), x.dtype());
  if (z.numel() == 0) return z;
  const std::int64_t rows = x.shape()[x.dim() - 2], columns = x.shape().back();
  kernels::triangle(x.dtype(), upper, diagonal, from.data(), z.impl().data, z.numel() / (rows * columns), rows,
                    columns);
  return z;
}

// z[i, j] = x[i, j] where j - i <= k, else 0      dx = tril(g, k)
struct Tril {
  static constexpr OpInfo info{.name = "tril",
                               .formula = "z[i, j] = x[i, j] where j - i <= k, else 0",
                               .derivatives = {"1 where j - i <= k, else 0"},
                               .flops = "0"};
  std::int64_t k;
  std::string attributes() const { return fmt::format("diagonal={}", k); }
  Tensor forward(const Tensor& x) const { return triangle(x, false, k); }
  void backward(GradContext& c, const Tensor& g) const {
    c.send(0, [&] { return tril(g, k); });
  }
};

// z[i, j] = x[i, j] where j - i >= k, else 0      dx = triu(g, k)
struct Triu {
  static constexpr OpInfo info{.name = "triu",
                               .formula = "z[i, j] = x[i, j] where j - i >= k, else 0",
                               .derivatives = {"1 where j - i >= k, else 0"},
                               .flops = "0"};
  std::int64_t k;
  std::string attributes() const { return fmt::format("diagonal={}", k); }
  Tensor forward(const Tensor& x) const { return triangle(x, true, k); }
  void backward(GradContext& c, const Tensor& g) const {
    c.send(0, [&] { return triu(g, k); });
  }
};

/// A diagonal far outside every matrix is as good as one just outside, and cannot overflow.
std::int64_t bounded(std::int64_t diagonal) {
  constexpr std::int64_t kFar = std::int64_t{1} << 61;
  return std::clamp(diagonal, -kFar, kFar);
}

Tensor matrices(const Operand& x, const char* who) {
  Tensor t = tensor_argument(x, who);
  if (t.dim() < 2)
    throw ShapeError(
        fmt::format("{}: x has shape {}; it must be a matrix, or a batch of them", who, to_string(t.shape())));
  return t;
}

}  // namespace

Tensor diagonal(const Operand& x, std::int64_t offset, std::int64_t dim1, std::int64_t dim2) {
  const CalledFrom caller(x.where());
  const Tensor t = matrices(x, "diagonal");
  const int row = normal_axis(dim1, t.dim(), "diagonal"), column = normal_axis(dim2, t.dim(), "diagonal");
  if (row == column)
    throw ShapeError(fmt::format("diagonal: dim1 and dim2 are both axis {} of {}", row, to_string(t.shape())));
  return diagonal(t, Place{bounded(offset), row, column});
}

Tensor diag(const Operand& x, std::int64_t k) {
  const CalledFrom caller(x.where());
  const Tensor t = tensor_argument(x, "diag");
  if (t.dim() == 2) return diagonal(t, Place{bounded(k), 0, 1});
  if (t.dim() != 1)
    throw ShapeError(fmt::format("diag: x has shape {}; it must be a vector or a matrix", to_string(t.shape())));
  const std::int64_t n = t.numel() + std::abs(bounded(k));
  check_shape({n, n}, item_size(t.dtype()), "diag");
  return diagonal_backward(t, Place{k, 0, 1}, {n, n});
}

Tensor trace(const Operand& x) {
  const CalledFrom caller(x.where());
  const Tensor t = tensor_argument(x, "trace");
  if (t.dim() != 2) throw ShapeError(fmt::format("trace: x has shape {}; it must be a matrix", to_string(t.shape())));
  return sum(diagonal(t, Place{0, 0, 1}));
}

Tensor tril(const Operand& x, std::int64_t diagonal) {
  const CalledFrom caller(x.where());
  const Tensor t = matrices(x, "tril");
  return record(Tril{bounded(diagonal)}, t);
}

Tensor triu(const Operand& x, std::int64_t diagonal) {
  const CalledFrom caller(x.where());
  const Tensor t = matrices(x, "triu");
  return record(Triu{bounded(diagonal)}, t);
}

Family triangle_family() {
  static constexpr const OpInfo* ops[] = {&Diagonal::info, &DiagonalBackward::info, &Tril::info, &Triu::info};
  static const Function functions[] = {
      {"diagonal", "input, offset=0, dim1=0, dim2=1",
       [](const Arguments& a) -> Value { return diagonal(a.operand(0), a.integer(1), a.integer(2), a.integer(3)); },
       "diagonal(x, 1)", "x=randn(3,3)"},
      {"diag", "input, diagonal=0", [](const Arguments& a) -> Value { return diag(a.operand(0), a.integer(1)); },
       "diag(x)", "x=[1,2,3]", "the diagonal of a matrix; of a vector the matrix with that diagonal"},
      {"trace", "input", [](const Arguments& a) -> Value { return trace(a.operand(0)); }, "trace(x)", "x=randn(3,3)",
       "sum(diagonal(x))"},
      {"tril", "input, diagonal=0", [](const Arguments& a) -> Value { return tril(a.operand(0), a.integer(1)); },
       "tril(x)", "x=randn(3,3)"},
      {"triu", "input, diagonal=0", [](const Arguments& a) -> Value { return triu(a.operand(0), a.integer(1)); },
       "triu(x)", "x=randn(3,3)"},
  };
  return {ops, functions};
}

}  // namespace chainrule
