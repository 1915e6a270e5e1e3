// Determinants and their logarithms. The gradient of a determinant is the matrix of cofactors, which exists for
// singular matrices too, where the inverse does not: it is put together from a part that can be inverted and a small
// rest.
#include "ops/matrix/determinants.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <vector>

#include "engine/factory.h"
#include "engine/types/error.h"
#include "ops/families.h"
#include "ops/kernels/matrix/linalg.h"
#include "ops/matrix/linalg.h"
#include "ops/matrix/matrices.h"
#include "ops/ops.h"
#include "ops/rules.h"

namespace chainrule {
namespace {

double epsilon_of(DType d) {
  return d == DType::float32 ? static_cast<double>(std::numeric_limits<float>::epsilon())
                             : std::numeric_limits<double>::epsilon();
}

/// Singular values below this share of the largest do not belong to the part that is inverted. An inverse loses digits
/// with every order of derivative, so small matrices, which cost little, are taken apart early.
double regular_share(DType d, std::int64_t n) {
  const double root = std::sqrt(epsilon_of(d));
  return n <= 16 ? std::max(root, 1e-3) : root;
}

/// How many of the falling singular values are inverted. The rest goes through polynomials, which are exact for a few
/// values only: when there are many, just what is 0 but for rounding is left to them.
std::int64_t regular_rank(const double* s, std::int64_t n, DType d) {
  auto above = [&](double share) {
    std::int64_t rank = 0;
    while (rank < n && s[rank] > share * s[0]) ++rank;
    return rank;
  };
  const std::int64_t rank = above(regular_share(d, n));
  return n - rank <= 4 ? rank : above(static_cast<double>(n) * epsilon_of(d));
}

/// One number for each matrix, to multiply them by.
Tensor as_factor(const Tensor& t) {
  Shape shape = t.shape();
  shape.insert(shape.end(), {1, 1});
  return reshape(t, shape);
}

/// Determinant and adjugate of a batch (m, n, n) without a division by numbers of the matrix (Faddeev-LeVerrier; see
/// Householder, The Theory of Matrices in Numerical Analysis, 6.7): polynomials, right where everything is 0.
struct Adjugate {
  Tensor det, matrix;
  explicit Adjugate(const Tensor& a) {
    const std::int64_t n = a.size(-1);
    det = ones({a.size(0)}, {.dtype = a.dtype()});
    matrix = expand(eye(n, {.dtype = a.dtype()}), a.shape());
    const Tensor identity = matrix;
    for (std::int64_t k = 1; k <= n; ++k) {
      const Tensor product = matmul(a, matrix), c = sum(diagonal(product, 0, -2, -1), {-1}) / k;
      if (k < n)
        matrix = as_factor(c) * identity - product;
      else
        det = c;
    }
  }
};

/// Cofactors of a batch (m, n, n), each with `rank` singular values that are not small: x = u @ y @ v^T with constant
/// rotations u and v, y = [p q; r t], p the large ones on a diagonal. With the rest e = t - r @ p^-1 @ q,
/// adj(y) = det(p) [det(e) p^-1 + p^-1 q adj(e) r p^-1, -p^-1 q adj(e); -adj(e) r p^-1, adj(e)].
Tensor cofactors_of_rank(const Tensor& x, const Tensor& u, const Tensor& v, const Tensor& sign, std::int64_t rank) {
  const Tensor y = matmul(matmul(transpose(u), x), v);
  const Tensor top = slice(y, 1, 0, rank), bottom = slice(y, 1, rank);
  const Tensor q = slice(top, 2, rank), r = slice(bottom, 2, 0, rank), t = slice(bottom, 2, rank);
  const Tensor p = slice(top, 2, 0, rank), pi = inverse(p), piq = matmul(pi, q), rpi = matmul(r, pi);
  const Adjugate e(t - matmul(r, piq));
  const Tensor right = matmul(piq, e.matrix), below = matmul(e.matrix, rpi);
  const Tensor adjugate = cat({cat({as_factor(e.det) * pi + matmul(right, rpi), -right}, 2),  //
                               cat({-below, e.matrix}, 2)},
                              1);
  return as_factor(sign * det(p)) * matmul(matmul(u, transpose(adjugate)), transpose(v));
}

/// The same for any matrices: those of one rank are computed together.
Tensor singular_cofactors(const Tensor& x) {
  const std::int64_t n = x.size(-1), count = matrix_count(x);
  const DType d = x.dtype();
  Tensor u = empty({count, n, n}, d), v = empty({count, n, n}, d), s = empty({count, n}, d);
  Tensor det_u = empty({count}, d), det_v = empty({count}, d);
  const Tensor from = dense(x);
  kernels::svd(d, from.data(), u.impl().data, s.impl().data, v.impl().data, det_u.impl().data, det_v.impl().data, count,
               n);
  const Tensor sign = det_u * det_v;
  std::map<std::int64_t, std::vector<std::int64_t>> of_rank;
  const std::vector<double> values = s.to_vector();
  for (std::int64_t i = 0; i < count; ++i) {
    of_rank[regular_rank(values.data() + i * n, n, d)].push_back(i);
  }
  const Tensor all = reshape(x, {count, n, n});
  std::vector<Tensor> parts;
  std::vector<std::int64_t> place(static_cast<std::size_t>(count));  // of matrix i behind each other
  std::int64_t next = 0;
  for (const auto& [rank, matrices] : of_rank) {
    const Tensor index = from_vector<std::int64_t>(matrices, {static_cast<std::int64_t>(matrices.size())});
    auto pick = [&index](const Tensor& t) { return index_select(t, 0, index); };
    parts.push_back(cofactors_of_rank(pick(all), pick(u), pick(v), pick(sign), rank));
    for (const std::int64_t i : matrices) place[static_cast<std::size_t>(i)] = next++;
  }
  return reshape(index_select(cat(parts), 0, from_vector<std::int64_t>(place, {count})), x.shape());
}

/// d det(x) / dx, given z = det(x).
Tensor cofactors(const Tensor& x, const Tensor& z) {
  const Tensor from = dense(x);
  if (kernels::pivot_ratio(x.dtype(), from.data(), matrix_count(x), x.size(-1)) < regular_share(x.dtype(), x.size(-1)))
    return singular_cofactors(x);
  return as_factor(z) * transpose(inverse(x));
}

bool holds(const Tensor& t, double wanted) {
  const auto values = t.to_vector();
  return std::find(values.begin(), values.end(), wanted) != values.end();
}

/// d log|det(x)| / dx, given the logarithm: x^-T; cofactors over 0 for singular matrices.
Tensor log_slope(const Tensor& x, const Tensor& z) {
  if (!holds(z, -kInf)) return transpose(inverse(x));
  const Tensor d = det(x);
  return cofactors(x, d) / as_factor(d);
}

/// What a kernel call leaves for each matrix of x.
template <class Kernel>
Tensor for_each_matrix(const Tensor& x, Kernel&& kernel) {
  const Tensor from = dense(x);
  Tensor z = internal::empty_result(Shape(x.shape().begin(), x.shape().end() - 2), x.dtype());
  kernel(from.data(), z.impl().data, matrix_count(x), x.shape().back());
  return z;
}

// z = det(x)      dx = g * cofactors(x)
struct Det {
  static constexpr OpInfo info{.name = "det",
                               .formula = "z = det(x)",
                               .derivatives = {"z * x^-T (the cofactors of x)"},
                               .flops = "2 * numel(x) * size(x, -1) / 3",
                               .stable = "logdet or slogdet: det overflows for large matrices"};
  Tensor forward(const Tensor& x) const {
    return for_each_matrix(x, [&](const void* from, void* z, std::int64_t count, std::int64_t n) {
      kernels::determinant(x.dtype(), from, z, nullptr, nullptr, count, n);
    });
  }
  void backward(GradContext& c, const Tensor& g) const {
    c.send(0, [&] { return as_factor(g) * cofactors(c.input(0), c.output()); });
  }
};

// z = log|det(x)|      dx = g * x^-T
struct LogAbsDet {
  static constexpr OpInfo info{.name = "slogdet",
                               .formula = "z = log(abs(det(x)))",
                               .derivatives = {"x^-T"},
                               .kinks = "infinite where det(x) = 0",
                               .flops = "2 * numel(x) * size(x, -1) / 3"};
  static constexpr Uses uses[] = {kX | kOutput};
  Tensor forward(const Tensor& x) const {
    return for_each_matrix(x, [&](const void* from, void* z, std::int64_t count, std::int64_t n) {
      kernels::determinant(x.dtype(), from, nullptr, nullptr, z, count, n);
    });
  }
  void backward(GradContext& c, const Tensor& g) const {
    c.send(0, [&] { return as_factor(g) * log_slope(c.input(0), c.output()); });
  }
};

// z = log(det(x)), NaN where det(x) < 0      dx = g * x^-T
struct LogDet {
  static constexpr OpInfo info{.name = "logdet",
                               .formula = "z = log(det(x))",
                               .derivatives = {"x^-T"},
                               .kinks = "infinite where det(x) = 0",
                               .flops = "2 * numel(x) * size(x, -1) / 3"};
  static constexpr Uses uses[] = {kX | kOutput};
  Tensor forward(const Tensor& x) const {
    const Tensor sign = empty(Shape(x.shape().begin(), x.shape().end() - 2), x.dtype());
    const Tensor log = for_each_matrix(x, [&](const void* from, void* z, std::int64_t count, std::int64_t n) {
      kernels::determinant(x.dtype(), from, nullptr, sign.impl().data, z, count, n);
    });
    return where(lt(sign, 0), kNan, log);
  }
  void backward(GradContext& c, const Tensor& g) const {
    c.send(0, [&] { return as_factor(g) * log_slope(c.input(0), c.output()); });
  }
};

// z = sign(det(x))      dx = 0
struct DetSign {
  static constexpr OpInfo info{.name = "det_sign",
                               .formula = "z = sign(det(x))",
                               .derivatives = {"0"},
                               .kinks = "jumps where det(x) = 0; 0 is taken",
                               .flops = "2 * numel(x) * size(x, -1) / 3"};
  static constexpr Uses uses[] = {kX};
  Tensor forward(const Tensor& x) const {
    return for_each_matrix(x, [&](const void* from, void* z, std::int64_t count, std::int64_t n) {
      kernels::determinant(x.dtype(), from, nullptr, z, nullptr, count, n);
    });
  }
  void backward(GradContext& c, const Tensor& g) const {
    c.send(0, [&] { return as_factor(g) * flat_slope(c.input(0)); });
  }
};

}  // namespace

Tensor det(const Operand& x) {
  const CalledFrom caller(x.where());
  return record(Det{}, square_matrices(x, "det", "x"));
}

Tensor logdet(const Operand& x) {
  const CalledFrom caller(x.where());
  return record(LogDet{}, square_matrices(x, "logdet", "x"));
}

SignedLogDet slogdet(const Operand& x) {
  const CalledFrom caller(x.where());
  const Tensor t = square_matrices(x, "slogdet", "x");
  return {record(DetSign{}, t), record(LogAbsDet{}, t)};
}

Family determinant_family() {
  static constexpr const OpInfo* ops[] = {&Det::info, &LogDet::info, &LogAbsDet::info, &DetSign::info};
  static const Function functions[] = {
      {"det", "input", [](const Arguments& a) -> Value { return det(a.operand(0)); }, "det(x)", "x=[[2,1],[0.5,3]]"},
      {"logdet", "input", [](const Arguments& a) -> Value { return logdet(a.operand(0)); }, "logdet(x)",
       "x=[[2,1],[0.5,3]]"},
      {"slogdet", "input",
       [](const Arguments& a) -> Value {
         const SignedLogDet z = slogdet(a.operand(0));
         return Value::List{z.sign, z.logabsdet};
       },
       "slogdet(x)", "x=[[2,1],[0.5,-3]]"},
  };
  return {ops, functions};
}

}  // namespace chainrule
