// Matrix products: matmul with NumPy's rules, and linear, each with its derivative. The loops are in
// kernels/matrix/matmul.h; transposed and broadcast operands go there by their strides, without copies.
#include "ops/matrix/products.h"

#include <fmt/format.h>

#include <array>

#include "engine/record.h"
#include "engine/types/error.h"
#include "ops/arguments.h"
#include "ops/families.h"
#include "ops/kernels/matrix/matmul.h"
#include "ops/launch.h"
#include "ops/ops.h"

namespace chainrule {
namespace {

using kernels::MatrixStrides;

/// Axes of a batch after merging those that lie evenly in both operands.
struct Batch {
  boost::container::static_vector<std::int64_t, kMaxRank> size, x, y;

  Batch(const Shape& shape, const Strides& xs, const Strides& ys) {
    for (std::size_t i = 0; i < shape.size(); ++i) {
      if (shape[i] == 1) continue;
      if (!size.empty() && x.back() == xs[i] * shape[i] && y.back() == ys[i] * shape[i]) {
        size.back() *= shape[i];
        x.back() = xs[i];
        y.back() = ys[i];
      } else {
        size.push_back(shape[i]);
        x.push_back(xs[i]);
        y.push_back(ys[i]);
      }
    }
  }
};

const char* at(const Tensor& t, std::int64_t offset) {
  return static_cast<const char*>(t.data()) + offset * static_cast<std::int64_t>(item_size(t.dtype()));
}

/// Every product of a batch: operands with at least two axes, z row-major.
void multiply(const Tensor& x, const Tensor& y, Tensor& z) {
  const Shape& shape = z.shape();
  if (z.numel() == 0) return;
  const int rank = shape.rank(), matrix = rank - 2;
  const std::int64_t m = shape[matrix], n = shape[matrix + 1], k = x.shape().back();
  // Seen in z's batch axes: 0 along what an operand repeats.
  auto strides_of = [&](const Tensor& t) {
    Strides s = Strides::filled(static_cast<std::size_t>(rank), 0);
    const int lead = rank - t.dim();
    for (int i = 0; i < t.dim(); ++i)
      if (i >= t.dim() - 2 || t.shape()[i] != 1) s[lead + i] = t.strides()[i];
    return s;
  };
  const Strides xs = strides_of(x), ys = strides_of(y);
  const MatrixStrides a{xs[matrix], xs[matrix + 1]}, b{ys[matrix], ys[matrix + 1]};
  const DType d = z.dtype();
  // Rows of a batch times one matrix are one tall product: a layer's activations.
  Batch batch(Shape(shape.begin(), shape.begin() + matrix), xs, ys);
  if (batch.size.size() == 1 && batch.y[0] == 0 && (m == 1 || batch.x[0] == m * a.row)) {
    const std::int64_t row = m == 1 ? batch.x[0] : a.row;
    kernels::gemm(d, batch.size[0] * m, n, k, x.data(), {row, a.column}, y.data(), b, z.impl().data, n);
    return;
  }
  if (batch.size.empty()) {
    kernels::gemm(d, m, n, k, x.data(), a, y.data(), b, z.impl().data, n);
    return;
  }
  const std::size_t last = batch.size.size() - 1;
  const std::int64_t count = batch.size[last], step = m * n;
  std::array<std::int64_t, kMaxRank> index{};
  std::int64_t x_at = 0, y_at = 0;
  for (std::int64_t done = 0; done < z.numel(); done += count * step) {
    char* out = static_cast<char*>(z.impl().data) + done * static_cast<std::int64_t>(item_size(d));
    kernels::gemm_batched(d, count, {batch.x[last], batch.y[last], step}, m, n, k, at(x, x_at), a, at(y, y_at), b, out,
                          n);
    for (std::size_t i = last; i-- > 0;) {
      x_at += batch.x[i];
      y_at += batch.y[i];
      if (++index[i] < batch.size[i]) break;
      x_at -= batch.x[i] * batch.size[i];
      y_at -= batch.y[i] * batch.size[i];
      index[i] = 0;
    }
  }
}

/// t with one more axis of one element.
Tensor with_axis(const Tensor& t, int axis) {
  Shape shape = t.shape();
  Strides strides = t.strides();
  shape.insert(shape.begin() + axis, 1);
  strides.insert(strides.begin() + axis, 0);
  return internal::view(t, shape, strides);
}

/// All axes but the last as rows.
Tensor as_rows(const Tensor& t) {
  const std::int64_t columns = t.shape().back();
  std::int64_t rows = 1;
  for (int i = 0; i + 1 < t.dim(); ++i) rows *= t.shape()[i];
  return t.dim() == 2 ? t : reshape(t, {rows, columns});
}

// z = x @ y      dx = g @ y^T,  dy = x^T @ g      (a vector x is one row, a vector y one column)
struct MatMul {
  static constexpr OpInfo info{.name = "matmul",
                               .formula = "z = x @ y",
                               .derivatives = {"g @ y^T", "x^T @ g"},
                               .flops = "2 * numel(z) * size(x, -1)"};
  bool x_vector, y_vector;

  Tensor forward(const Tensor& x, const Tensor& y) const {
    const Tensor a = x_vector ? with_axis(x, 0) : x, b = y_vector ? with_axis(y, 1) : y;
    Shape shape = broadcast_shapes(Shape(a.shape().begin(), a.shape().end() - 2),
                                   Shape(b.shape().begin(), b.shape().end() - 2), "matmul");
    shape.push_back(a.shape()[a.dim() - 2]);
    shape.push_back(b.shape().back());
    Tensor z = empty(shape, x.dtype());
    multiply(a, b, z);
    if (z.dtype() == DType::int64) {
      Tensor real = empty(shape, DType::float64);
      multiply(in_float64(a), in_float64(b), real);
      expect_not_wrapped(z, real, "matmul");
    }
    if (y_vector) shape.pop_back();
    if (x_vector) shape.erase(shape.end() - (y_vector ? 1 : 2));
    return x_vector || y_vector ? internal::view(z, shape, contiguous_strides(shape)) : z;
  }

  void backward(GradContext& c, const Tensor& g) const {
    // The axes that forward took off come back.
    Shape full = g.shape();
    if (x_vector) full.insert(full.end() - (y_vector ? 0 : 1), 1);
    if (y_vector) full.push_back(1);
    const Tensor gm = full == g.shape() ? g : reshape(g, full);
    c.send(0, [&] {
      const Tensor y = y_vector ? reshape(c.input(1), {c.input(1).size(0), 1}) : c.input(1);
      return matches(matmul(gm, transpose(y)), c.shape(0));
    });
    c.send(1, [&] {
      const Tensor x = x_vector ? reshape(c.input(0), {1, c.input(0).size(0)}) : c.input(0);
      Shape wanted = c.shape(1);
      if (y_vector) wanted.push_back(1);
      const bool one_matrix = wanted.size() == 2 && x.shape().size() == full.size();
      const Tensor dy = one_matrix ? matmul(transpose(as_rows(x)), as_rows(gm)) : matmul(transpose(x), gm);
      const Tensor sum = matches(dy, wanted);
      return y_vector ? reshape(sum, c.shape(1)) : sum;
    });
  }

  static Tensor matches(const Tensor& t, const Shape& shape) { return t.shape() == shape ? t : sum_to(t, shape); }
};

// z = x @ w^T + b      dx = g @ w,  dw = g^T @ x,  db = sum of g over all axes but the last
struct Linear {
  static constexpr OpInfo info{.name = "linear",
                               .formula = "z = x @ w^T + b",
                               .derivatives = {"g @ w", "g^T @ x", "sum(g) over the rows"},
                               .inputs = "x w b",
                               .flops = "2 * numel(z) * size(x, -1) + numel(z)"};

  Tensor forward(const Tensor& x, const Tensor& w) const {
    return exact(compute(x, w, nullptr), [&] { return forward(in_float64(x), in_float64(w)); });
  }
  Tensor forward(const Tensor& x, const Tensor& w, const Tensor& b) const {
    const Tensor bias = dense(b);
    return exact(compute(x, w, bias.data()), [&] { return forward(in_float64(x), in_float64(w), in_float64(b)); });
  }
  template <class Real>
  static Tensor exact(Tensor z, Real real) {
    if (z.dtype() == DType::int64) expect_not_wrapped(z, real(), "linear");
    return z;
  }
  Tensor compute(const Tensor& x, const Tensor& w, const void* bias) const {
    Shape shape = x.shape();
    shape.back() = w.shape()[0];
    const Tensor rows = as_rows(x);
    Tensor z = empty(shape, x.dtype());
    if (z.numel() == 0) return z;
    kernels::gemm(x.dtype(), rows.shape()[0], shape.back(), rows.shape()[1], rows.data(),
                  {rows.strides()[0], rows.strides()[1]}, w.data(), {w.strides()[1], w.strides()[0]}, z.impl().data,
                  shape.back(), bias);
    return z;
  }
  void backward(GradContext& c, const Tensor& g) const {
    const Tensor x = c.input(0), w = c.input(1);
    c.send(0, [&] { return matmul(g, w); });
    c.send(1, [&] { return matmul(transpose(as_rows(g)), as_rows(x)); });
    if (c.input_count() == 3) c.send(2, [&] { return MatMul::matches(g, c.shape(2)); });
  }
};

// z = x @ w + b      dx = g @ w^T,  dw = x^T @ g,  db = sum of g over all axes but the last
struct Affine {
  static constexpr OpInfo info{.name = "affine",
                               .formula = "z = x @ w + b",
                               .derivatives = {"g @ w^T", "x^T @ g", "sum(g) over the rows"},
                               .inputs = "x w b",
                               .flops = "2 * numel(z) * size(x, -1) + numel(z)"};
  Tensor forward(const Tensor& x, const Tensor& w) const { return linear(x, transpose(w)); }
  Tensor forward(const Tensor& x, const Tensor& w, const Tensor& b) const { return linear(x, transpose(w), b); }
  void backward(GradContext& c, const Tensor& g) const {
    c.send(0, [&] { return matmul(g, transpose(c.input(1))); });
    c.send(1, [&] { return matmul(transpose(as_rows(c.input(0))), as_rows(g)); });
    if (c.input_count() == 3) c.send(2, [&] { return MatMul::matches(g, c.shape(2)); });
  }
};

}  // namespace

Tensor matmul(const Operand& x, const Operand& y) {
  const CalledFrom caller(x.where());
  const Tensor tx = tensor_argument(x, "matmul"), ty = tensor_argument(y, "matmul", "y");
  auto product = [&] { return fmt::format("{} @ {}", to_string(tx.shape()), to_string(ty.shape())); };
  if (tx.dim() == 0 || ty.dim() == 0)
    throw ShapeError(
        fmt::format("matmul: {} is a scalar, {}; multiply by it with *", tx.dim() == 0 ? "x" : "y", product()));
  const std::int64_t columns = tx.shape().back(), rows = ty.shape()[ty.dim() == 1 ? 0 : ty.dim() - 2];
  if (columns != rows)
    throw ShapeError(fmt::format("matmul: inner sizes differ, {}: {} and {}", product(), columns, rows));
  const auto [a, b] = promote(tx, ty);
  expect_numbers(a, "matmul");
  return record(MatMul{a.dim() == 1, b.dim() == 1}, a, b);
}

Tensor linear(const Operand& x, const Operand& weight, const Tensor& bias) {
  const CalledFrom caller(x.where());
  const Tensor tx = tensor_argument(x, "linear"), tw = tensor_argument(weight, "linear", "weight");
  if (tw.dim() != 2)
    throw ShapeError(fmt::format("linear: weight has shape {}, it must be (out, in)", to_string(tw.shape())));
  if (tx.dim() == 0 || tx.shape().back() != tw.shape()[1])
    throw ShapeError(fmt::format("linear: x {} does not end in the {} inputs that weight {} takes",
                                 to_string(tx.shape()), tw.shape()[1], to_string(tw.shape())));
  const bool has_bias = bias.defined();
  if (has_bias && bias.shape() != Shape{tw.shape()[0]})
    throw ShapeError(fmt::format("linear: bias has shape {}, weight {} wants ({},)", to_string(bias.shape()),
                                 to_string(tw.shape()), tw.shape()[0]));
  auto [a, w] = promote(tx, tw);
  expect_numbers(a, "linear");
  if (!has_bias) return record(Linear{}, a, w);
  const DType d = common_dtype(a, bias);
  const Tensor b = as_tensor(bias, d);
  return record(Linear{}, as_tensor(a, d), as_tensor(w, d), b);
}

Tensor affine(const Operand& x, const Operand& w, const Tensor& b) {
  const CalledFrom caller(x.where());
  const Tensor tx = tensor_argument(x, "affine"), tw = tensor_argument(w, "affine", "W");
  if (tw.dim() != 2)
    throw ShapeError(fmt::format("affine: W has shape {}, it must be (in, out)", to_string(tw.shape())));
  if (tx.dim() == 0 || tx.shape().back() != tw.shape()[0])
    throw ShapeError(fmt::format("affine: x {} does not end in the {} inputs that W {} takes", to_string(tx.shape()),
                                 tw.shape()[0], to_string(tw.shape())));
  const bool has_bias = b.defined();
  if (has_bias && b.shape() != Shape{tw.shape()[1]})
    throw ShapeError(fmt::format("affine: b has shape {}, W {} wants ({},)", to_string(b.shape()),
                                 to_string(tw.shape()), tw.shape()[1]));
  const auto [px, pw] = promote(tx, tw);
  expect_numbers(px, "affine");
  if (!has_bias) return record(Affine{}, px, pw);
  const DType d = common_dtype(px, b);
  const Tensor vx = as_tensor(px, d), vw = as_tensor(pw, d), vb = as_tensor(b, d);
  return record(Affine{}, vx, vw, vb);
}

namespace {

void expect_vectors(const Tensor& x, const Tensor& y, const char* who) {
  if (x.dim() != 1 || y.dim() != 1)
    throw ShapeError(fmt::format("{}: both must be vectors, the shapes are {} and {}", who, to_string(x.shape()),
                                 to_string(y.shape())));
}

}  // namespace

Tensor dot(const Operand& x, const Operand& y) {
  const CalledFrom caller(x.where());
  const Tensor tx = tensor_argument(x, "dot"), ty = tensor_argument(y, "dot", "y");
  expect_vectors(tx, ty, "dot");
  if (tx.numel() != ty.numel())
    throw ShapeError(fmt::format("dot: the vectors have {} and {} elements", tx.numel(), ty.numel()));
  return matmul(tx, ty);
}

Tensor outer(const Operand& x, const Operand& y) {
  const CalledFrom caller(x.where());
  const Tensor tx = tensor_argument(x, "outer"), ty = tensor_argument(y, "outer", "y");
  expect_vectors(tx, ty, "outer");
  const Tensor column = unsqueeze(tx, 1);
  return mul(column, ty);
}

Family product_family() {
  static constexpr const OpInfo* ops[] = {&MatMul::info, &Linear::info, &Affine::info};
  static const Function functions[] = {
      {"matmul", "input, other", [](const Arguments& a) -> Value { return matmul(a.operand(0), a.operand(1)); },
       "matmul(x, y)", "x=randn(2,3) y=randn(3,2)"},
      {"linear", "input, weight, bias=None",
       [](const Arguments& a) -> Value { return linear(a.operand(0), a.operand(1), a.optional_tensor(2)); },
       "linear(x, w, b)", "x=randn(2,3) w=randn(4,3) b=randn(4)"},
      {"affine", "x, W, b=None",
       [](const Arguments& a) -> Value { return affine(a.operand(0), a.operand(1), a.optional_tensor(2)); },
       "affine(x, W, b)", "x=randn(2,3) W=randn(3,4) b=randn(4)"},
      {"dot", "input, tensor", [](const Arguments& a) -> Value { return dot(a.operand(0), a.operand(1)); }, "dot(x, y)",
       "x=[1,2,3] y=[4,5,6]", "matmul of two vectors"},
      {"outer", "input, vec2", [](const Arguments& a) -> Value { return outer(a.operand(0), a.operand(1)); },
       "outer(x, y)", "x=[1,2,3] y=[4,5]", "mul of a column and a row"},
  };
  return {ops, functions};
}

}  // namespace chainrule
