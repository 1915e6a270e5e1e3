// Inverses, solutions and Cholesky factors of matrices. Determinants are in determinants.cpp, diagonals and triangles
// in triangles.cpp, sums of products by letters in einsum.cpp.

#include "ops/matrix/linalg.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "engine/record.h"
#include "engine/types/error.h"
#include "ops/arguments.h"
#include "ops/families.h"
#include "ops/kernels/matrix/linalg.h"
#include "ops/launch.h"
#include "ops/matrix/matrices.h"
#include "ops/ops.h"

namespace chainrule {

Tensor square_matrices(const Operand& x, const char* who, const char* letter) {
  Tensor t = as_floating(tensor_argument(x, who, letter));
  if (t.dim() < 2 || t.shape()[t.dim() - 2] != t.shape().back())
    throw ShapeError(fmt::format("{}: {} has shape {}; it must be a square matrix, or a batch of them", who, letter,
                                 to_string(t.shape())));
  return t;
}

std::int64_t matrix_count(const Tensor& x) {
  std::int64_t count = 1;
  for (int i = 0; i + 2 < x.dim(); ++i) count *= x.shape()[i];
  return count;
}

namespace {

/// "x" or "x[1, 0]": the matrix of that number in a batch.
std::string place(const char* letter, const Tensor& x, std::int64_t matrix) {
  if (x.dim() == 2) return letter;
  Axes index = Axes::filled(static_cast<std::size_t>(x.dim() - 2), 0);
  for (std::size_t i = index.size(); i-- > 0; matrix /= x.shape()[i]) index[i] = matrix % x.shape()[i];
  return fmt::format("{}[{}]", letter, fmt::join(index, ", "));
}

void expect_regular(const kernels::BadPivot& bad, const char* who, const char* letter, const Tensor& x) {
  if (bad.matrix < 0) return;
  throw NumericError(fmt::format("{}: {} is singular: pivot {} (counted from 0) is 0; {} has shape {}", who,
                                 place(letter, x, bad.matrix), bad.pivot, letter, to_string(x.shape())));
}

// z = x^-1      dx = -z^T @ g @ z^T
struct Inverse {
  static constexpr OpInfo info{.name = "inverse",
                               .formula = "z = x^-1",
                               .derivatives = {"-z^T @ g @ z^T"},
                               .flops = "2 * numel(x) * size(x, -1)",
                               .stable = "solve(x, y) instead of inverse(x) @ y"};
  Tensor forward(const Tensor& x) const {
    const Tensor from = dense(x);
    Tensor z = empty(x.shape(), x.dtype());
    expect_regular(kernels::inverse(x.dtype(), from.data(), z.impl().data, matrix_count(x), x.shape().back()),
                   "inverse", "x", x);
    return z;
  }
  void backward(GradContext& c, const Tensor& g) const {
    c.send(0, [&] {
      const Tensor zt = transpose(c.output());
      return -matmul(matmul(zt, g), zt);
    });
  }
};

Tensor solve_matrices(const Operand& a, const Operand& b);

// z = a^-1 @ b      db = a^-T @ g,  da = -db @ z^T
struct Solve {
  static constexpr OpInfo info{.name = "solve",
                               .formula = "z = a^-1 @ b",
                               .derivatives = {"-a^-T @ g @ z^T", "a^-T @ g"},
                               .inputs = "a b",
                               .flops = "2 * numel(a) * size(a, -1) / 3 + 2 * numel(b) * size(a, -1)"};
  Tensor forward(const Tensor& a, const Tensor& b) const {
    const Tensor matrices = dense(a), right = dense(b);
    Tensor z = empty(b.shape(), b.dtype());
    expect_regular(kernels::solve(a.dtype(), matrices.data(), right.data(), z.impl().data, matrix_count(a),
                                  a.shape().back(), b.shape().back()),
                   "solve", "A", a);
    return z;
  }
  void backward(GradContext& c, const Tensor& g) const {
    Tensor db = solve_matrices(transpose(c.input(0)), g);
    c.send(0, [&] { return -matmul(db, transpose(c.output())); });
    c.send(1, [&] { return db; });
  }
};

Tensor solve_matrices(const Operand& a, const Operand& b) { return record(Solve{}, a, b); }

// z @ z^T = x      dx = (s + s^T) / 2,  s = z^-T @ p @ z^-1,  p = tril(z^T @ g) with half the diagonal
struct Cholesky {
  static constexpr OpInfo info{
      .name = "cholesky",
      .formula = "z = the lower triangle with z @ z^T = x",
      .derivatives = {"symmetric part of z^-T @ p @ z^-1, p = tril(z^T @ g) with half the diagonal"},
      .kinks = "x stands for its symmetric part",
      .latex = "z z^{\\top} = x",
      .latex_derivatives = {"\\operatorname{sym}(z^{-\\top} \\Phi(z^{\\top} g)\\, z^{-1})"},
      .flops = "numel(x) * size(x, -1) / 3"};
  Tensor forward(const Tensor& x) const {
    const Tensor from = dense(x);
    Tensor z = empty(x.shape(), x.dtype());
    const auto bad = kernels::cholesky(x.dtype(), from.data(), z.impl().data, matrix_count(x), x.shape().back());
    if (bad.matrix >= 0)
      throw NumericError(
          fmt::format("cholesky: {} is not positive definite: pivot {} (counted from 0) is {:g}; x has shape {}",
                      place("x", x, bad.matrix), bad.pivot, bad.value, to_string(x.shape())));
    return z;
  }
  void backward(GradContext& c, const Tensor& g) const {
    c.send(0, [&] {
      const Tensor zt = transpose(c.output()), m = matmul(zt, g);
      const Tensor p = (tril(m) + tril(m, -1)) / 2;
      const Tensor s = solve_matrices(zt, transpose(solve_matrices(zt, p)));
      return (s + transpose(s)) / 2;
    });
  }
};

Shape batch_of(const Tensor& t, int matrix_axes) { return {t.shape().begin(), t.shape().end() - matrix_axes}; }

}  // namespace

Tensor inverse(const Operand& x) {
  const CalledFrom caller(x.where());
  return record(Inverse{}, square_matrices(x, "inverse", "x"));
}

Tensor solve(const Operand& a, const Operand& b, bool left) {
  const CalledFrom caller(a.where());
  const Pair pair = promote_floating(tensor_argument(a, "solve", "A"), tensor_argument(b, "solve", "B"));
  const Tensor ma = square_matrices(pair.x, "solve", "A"), tb = pair.y;
  const std::int64_t n = ma.shape().back();
  auto fail = [&](const std::string& why) {
    throw ShapeError(fmt::format("solve: A {} and B {}: {}", to_string(ma.shape()), to_string(tb.shape()), why));
  };
  const bool vectors = tb.dim() == 1 || tb.shape() == Shape(ma.shape().begin(), ma.shape().end() - 1);
  if (vectors && !left) fail("left=False takes matrices, not vectors");
  if (tb.dim() == 0) fail("B must be a vector or a matrix");
  Tensor mb = vectors ? unsqueeze(tb, -1) : tb;
  if (mb.shape()[mb.dim() - (left ? 2 : 1)] != n)
    fail(fmt::format("B has {} {}, A has {}", mb.shape()[mb.dim() - (left ? 2 : 1)], left ? "rows" : "columns", n));
  Tensor m = ma;
  if (!left) {  // z a = b is a^T z^T = b^T
    m = transpose(m);
    mb = transpose(mb);
  }
  const Shape batch = broadcast_shapes(batch_of(m, 2), batch_of(mb, 2), "solve");
  auto broadcast = [&](const Tensor& t) {
    Shape shape = batch;
    shape.insert(shape.end(), t.shape().end() - 2, t.shape().end());
    return shape == t.shape() ? t : expand(t, shape);
  };
  const Tensor z = solve_matrices(broadcast(m), broadcast(mb));
  if (vectors) return squeeze(z, {-1});
  return left ? z : transpose(z);
}

Tensor cholesky(const Operand& x, bool upper) {
  const CalledFrom caller(x.where());
  const Tensor t = square_matrices(x, "cholesky", "x");
  if (!upper) return record(Cholesky{}, t);
  const Tensor lower = record(Cholesky{}, transpose(t));
  return transpose(lower);
}

Family linalg_family() {
  static constexpr const OpInfo* ops[] = {&Inverse::info, &Solve::info, &Cholesky::info};
  static const Function functions[] = {
      {"inverse", "input", [](const Arguments& a) -> Value { return inverse(a.operand(0)); }, "inverse(x)",
       "x=[[2,1],[0.5,3]]"},
      {"solve", "A, B, left=True",
       [](const Arguments& a) -> Value { return solve(a.operand(0), a.operand(1), a.flag(2)); }, "solve(x, y)",
       "x=[[2,1],[0.5,3]] y=[1,2]"},
      {"cholesky", "input, upper=False", [](const Arguments& a) -> Value { return cholesky(a.operand(0), a.flag(1)); },
       "cholesky(x @ x.T + eye(2))", "x=[[1,0.5],[-0.3,2]]"},
  };
  return {ops, functions};
}

}  // namespace chainrule
