// Rows for linear algebra: inverses, determinants, solutions, triangles, einsum. The references are Gauss-Jordan
// elimination with full pivoting, sums over permutations and sums over all indices, in long double.
#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>

#include "engine/factory.h"
#include "tests/ops/cases/cases.h"

namespace chainrule::cases {
namespace {

using Square = std::vector<std::vector<long double>>;

std::int64_t order_of(const Array& x) { return x.shape.empty() ? 0 : x.shape.back(); }
std::int64_t count_of(const Array& x) {
  std::int64_t count = 1;
  for (int i = 0; i + 2 < x.shape.rank(); ++i) count *= x.shape[i];
  return count;
}

/// Matrix number `which` of a batch (.., n, n), with y on its diagonal added.
Square matrix(const Array& x, std::int64_t which, double y = 0) {
  const auto n = static_cast<std::size_t>(order_of(x));
  Square a(n, std::vector<long double>(n));
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t j = 0; j < n; ++j)
      a[i][j] = x.values[(static_cast<std::size_t>(which) * n + i) * n + j] + (i == j ? y : 0);
  return a;
}

/// a^-1 by Gauss-Jordan elimination, the largest of what is left as pivot.
Square inverted(Square a) {
  const std::size_t n = a.size();
  Square z(n, std::vector<long double>(n, 0));
  for (std::size_t i = 0; i < n; ++i) z[i][i] = 1;
  for (std::size_t k = 0; k < n; ++k) {
    std::size_t pivot = k;
    for (std::size_t i = k; i < n; ++i)
      if (std::abs(a[i][k]) > std::abs(a[pivot][k])) pivot = i;
    std::swap(a[k], a[pivot]);
    std::swap(z[k], z[pivot]);
    const long double d = a[k][k];
    for (std::size_t j = 0; j < n; ++j) a[k][j] /= d, z[k][j] /= d;
    for (std::size_t i = 0; i < n; ++i) {
      if (i == k) continue;
      const long double f = a[i][k];
      for (std::size_t j = 0; j < n; ++j) a[i][j] -= f * a[k][j], z[i][j] -= f * z[k][j];
    }
  }
  return z;
}

/// Leibniz' formula.
long double leibniz(const Square& a) {
  std::vector<std::size_t> p(a.size());
  std::iota(p.begin(), p.end(), std::size_t{0});
  long double total = 0;
  do {
    long double term = 1;
    for (std::size_t i = 0; i < p.size(); ++i) {
      term *= a[i][p[i]];
      for (std::size_t j = 0; j < i; ++j)
        if (p[j] > p[i]) term = -term;
    }
    total += term;
  } while (std::next_permutation(p.begin(), p.end()));
  return total;
}

/// x + y I: with y large enough a matrix that is far from singular. A second input, so that empty axes and large sizes
/// are not tried on it.
Tensor shifted(const std::vector<Tensor>& t) { return t[0] + t[1] * eye(t[0].size(-1), {.dtype = t[0].dtype()}); }

std::vector<Input> shifted_inputs(const Shape& x) { return {{.shape = x}, {.shape = {}, .low = 7, .high = 8}}; }

Case inverse_of(std::string variant, const Shape& shape) {
  return {.op = "inverse",
          .variant = std::move(variant),
          .inputs = shifted_inputs(shape),
          .f = [](const std::vector<Tensor>& t) { return inverse(shifted(t)); },
          .reference =
              [](const std::vector<Array>& x) {
                Array z(x[0].shape);
                std::size_t next = 0;
                for (std::int64_t i = 0; i < count_of(x[0]); ++i)
                  for (const auto& row : inverted(matrix(x[0], i, x[1].values[0])))
                    for (const long double v : row) z.values[next++] = static_cast<double>(v);
                return z;
              }};
}

/// One number for each matrix.
Case number_of(std::string op, std::string variant, const Shape& shape, std::function<Tensor(const Tensor&)> f,
               std::function<long double(long double)> of_determinant) {
  return {.op = std::move(op),
          .variant = std::move(variant),
          .inputs = shifted_inputs(shape),
          .f = [f = std::move(f)](const std::vector<Tensor>& t) { return f(shifted(t)); },
          .reference =
              [of_determinant = std::move(of_determinant)](const std::vector<Array>& x) {
                Array z(Shape(x[0].shape.begin(), x[0].shape.end() - 2));
                for (std::size_t i = 0; i < z.values.size(); ++i)
                  z.values[i] = static_cast<double>(
                      of_determinant(leibniz(matrix(x[0], static_cast<std::int64_t>(i), x[1].values[0]))));
                return z;
              }};
}

Case det_of(std::string variant, const Shape& shape) {
  Case c = number_of(
      "det", std::move(variant), shape, [](const Tensor& x) { return det(x); }, [](long double d) { return d; });
  if (shape.back() == 0) {
    c.nan = Nan::nowhere;
    c.nan_reason = "1, whatever would stand on the diagonal";
  }
  return c;
}

/// b has the batch of a, or none.
Case solved(std::string variant, const Shape& a, const Shape& b, bool left = true) {
  Case c{.op = "solve",
         .variant = std::move(variant),
         .inputs = shifted_inputs(a),
         .f = [=](const std::vector<Tensor>& t) { return solve(shifted(t), t[2], left); },
         .reference =
             [=](const std::vector<Array>& x) {
               const bool vectors = b.rank() == 1 || b == Shape(a.begin(), a.end() - 1);
               Shape shape(a.begin(), a.end() - 2);
               shape.insert(shape.end(), b.end() - (vectors ? 1 : 2), b.end());
               Array z(shape);
               const std::int64_t n = a.back(), size = vectors ? n : b[b.size() - 2] * b.back();
               const bool shared = b.rank() <= (vectors ? 1 : 2);
               for (std::int64_t i = 0; i < count_of(x[0]); ++i) {
                 const Square inverse = inverted(matrix(x[0], i, x[1].values[0]));
                 const std::int64_t columns = vectors ? 1 : b.back(), from = shared ? 0 : i * size;
                 for (std::int64_t e = 0; e < size; ++e) {
                   const std::int64_t row = e / columns, column = e % columns;
                   long double total = 0;
                   for (std::int64_t k = 0; k < n; ++k)
                     total += left ? inverse[row][k] * x[2].values[from + k * columns + column]
                                   : x[2].values[from + row * columns + k] * inverse[k][column];
                   z.values[i * size + e] = static_cast<double>(total);
                 }
               }
               return z;
             }};
  c.inputs.push_back({.shape = b, .linear = true});
  return c;
}

Case cholesky_of(std::string variant, const Shape& shape, bool upper) {
  return {.op = "cholesky",
          .variant = std::move(variant),
          .inputs = {{.shape = shape}, {.shape = {}, .low = 1, .high = 2}},
          .f =
              [=](const std::vector<Tensor>& t) {
                return cholesky(shifted({matmul(t[0], transpose(t[0])), t[1]}), upper);
              },
          .reference =
              [=](const std::vector<Array>& x) {
                Array z(shape);
                const std::int64_t n = shape.back();
                for (std::int64_t which = 0; which < count_of(x[0]); ++which) {
                  const Square m = matrix(x[0], which);
                  Square l(m.size(), std::vector<long double>(m.size(), 0));
                  for (std::int64_t i = 0; i < n; ++i) {
                    for (std::int64_t j = 0; j <= i; ++j) {
                      long double s = i == j ? static_cast<long double>(x[1].values[0]) : 0;
                      for (std::int64_t k = 0; k < n; ++k) s += m[i][k] * m[j][k];
                      for (std::int64_t k = 0; k < j; ++k) s -= l[i][k] * l[j][k];
                      l[i][j] = i == j ? std::sqrt(s) : s / l[j][j];
                      z.values[which * n * n + (upper ? j * n + i : i * n + j)] = static_cast<double>(l[i][j]);
                    }
                  }
                }
                return z;
              },
          .nan = Nan::somewhere,
          .nan_reason = "the other triangle is 0"};
}

Case triangle_of(const std::string& op, std::string variant, const Shape& shape, std::int64_t k) {
  const bool upper = op == "triu";
  return {.op = op,
          .variant = std::move(variant),
          .inputs = {{.shape = shape, .linear = true}},
          .f = [=](const std::vector<Tensor>& t) { return upper ? triu(t[0], k) : tril(t[0], k); },
          .reference =
              [=](const std::vector<Array>& x) {
                Array z(shape);
                each_index(shape, [&](const Shape& at) {
                  const std::int64_t d = at.back() - at[at.size() - 2];
                  if (upper ? d >= k : d <= k) z.at(at) = x[0].at(at);
                });
                return z;
              },
          .nan = Nan::somewhere,
          .nan_reason = "the other triangle is 0"};
}

Case diagonal_of(std::string variant, const Shape& shape, std::int64_t offset, int row, int column, const Shape& to) {
  return {.op = "diagonal",
          .variant = std::move(variant),
          .inputs = {{.shape = shape, .linear = true}},
          .f = [=](const std::vector<Tensor>& t) { return diagonal(t[0], offset, row, column); },
          .reference =
              [=](const std::vector<Array>& x) {
                Array z(to);
                each_index(to, [&](const Shape& at) {
                  Shape from = Shape::filled(shape.size(), 0);
                  for (std::size_t i = 0, k = 0; i < shape.size(); ++i)
                    if (static_cast<int>(i) != row && static_cast<int>(i) != column) from[i] = at[k++];
                  from[row] = at.back() + std::max<std::int64_t>(-offset, 0);
                  from[column] = at.back() + std::max<std::int64_t>(offset, 0);
                  z.at(at) = x[0].at(from);
                });
                return z;
              },
          .nan = Nan::somewhere,
          .nan_reason = "elements beside the diagonal take no part",
          .runs = {"diagonal_backward"}};
}

Case diagonal_matrix(std::string variant, std::int64_t n, std::int64_t k) {
  const std::int64_t size = n + std::abs(k);
  return {.op = "diagonal_backward",
          .variant = std::move(variant),
          .inputs = {{.shape = {n}, .linear = true}},
          .f = [=](const std::vector<Tensor>& t) { return diag(t[0], k); },
          .reference =
              [=](const std::vector<Array>& x) {
                Array z({size, size});
                for (std::int64_t i = 0; i < n; ++i)
                  z.at({i + std::max<std::int64_t>(-k, 0), i + std::max<std::int64_t>(k, 0)}) = x[0].at({i});
                return z;
              },
          .nan = Nan::somewhere,
          .nan_reason = "elements beside the diagonal are 0",
          .runs = {"diagonal"}};
}

/// Letters only, with "->": a sum over every letter's every value.
Case contracted(std::string op, const std::string& equation, const std::vector<Shape>& shapes) {
  Case c{.op = std::move(op),
         .variant = "einsum " + equation,
         .inputs = {},
         .f = [=](const std::vector<Tensor>& t) { return einsum(equation, t); },
         .reference =
             [=](const std::vector<Array>& x) {
               std::vector<std::string> terms(1);
               const std::size_t arrow = equation.find("->");
               for (const char letter : equation.substr(0, arrow))
                 if (letter == ',')
                   terms.emplace_back();
                 else
                   terms.back() += letter;
               const std::string output = equation.substr(arrow + 2);
               std::map<char, std::int64_t> sizes;
               for (std::size_t i = 0; i < terms.size(); ++i)
                 for (std::size_t k = 0; k < terms[i].size(); ++k) sizes[terms[i][k]] = x[i].shape[k];
               Shape all, to;
               std::map<char, std::size_t> at;
               for (const auto& [letter, size] : sizes) {
                 at[letter] = all.size();
                 all.push_back(size);
               }
               for (const char letter : output) to.push_back(sizes[letter]);
               Array z(to);
               each_index(all, [&](const Shape& index) {
                 auto picked = [&](const std::string& letters) {
                   Shape place;
                   for (const char letter : letters) place.push_back(index[at[letter]]);
                   return place;
                 };
                 double product = 1;
                 for (std::size_t i = 0; i < terms.size(); ++i) product *= x[i].at(picked(terms[i]));
                 z.at(picked(output)) += product;
               });
               return z;
             }};
  for (const Shape& shape : shapes) c.inputs.push_back({.shape = shape, .linear = true});
  return c;
}

Case picks(Case c, std::string why) {
  c.nan = Nan::somewhere;
  c.nan_reason = std::move(why);
  return c;
}

}  // namespace

std::vector<Case> linalg_cases() {
  return {
      inverse_of("1 by 1", {1, 1}),
      inverse_of("matrix", {3, 3}),
      inverse_of("batch", {2, 1, 2, 2}),
      inverse_of("empty", {0, 0}),
      inverse_of("empty batch", {0, 2, 2}),
      det_of("1 by 1", {1, 1}),
      det_of("matrix", {3, 3}),
      det_of("batch", {2, 2, 2, 2}),
      det_of("empty", {0, 0}),
      det_of("empty batch", {0, 3, 3}),
      number_of(
          "logdet", "matrix", {3, 3}, [](const Tensor& x) { return logdet(x); },
          [](long double d) { return std::log(d); }),
      number_of(
          "logdet", "batch", {3, 2, 2}, [](const Tensor& x) { return logdet(x); },
          [](long double d) { return std::log(d); }),
      number_of(
          "slogdet", "of the negative", {3, 3}, [](const Tensor& x) { return slogdet(-x).logabsdet; },
          [](long double d) { return std::log(d); }),
      number_of(
          "det_sign", "of the negative", {2, 3, 3}, [](const Tensor& x) { return slogdet(-x).sign; },
          [](long double) { return -1.0L; }),
      solved("vector", {3, 3}, {3}),
      solved("matrix", {3, 3}, {3, 2}),
      solved("batch", {2, 2, 2}, {2, 2, 3}),
      solved("batch of vectors", {2, 3, 3}, {2, 3}),
      solved("one right side for a batch", {3, 2, 2}, {2, 1}),
      solved("from the right", {3, 3}, {2, 3}, false),
      solved("no right sides", {2, 2}, {2, 0}),
      solved("empty", {0, 0}, {0, 2}),
      cholesky_of("lower", {3, 3}, false),
      cholesky_of("upper", {3, 3}, true),
      cholesky_of("batch", {2, 2, 2}, false),
      cholesky_of("empty", {0, 0}, false),
      triangle_of("tril", "", {3, 4}, 0),
      triangle_of("tril", "below", {4, 3}, -1),
      triangle_of("tril", "above, batch", {2, 3, 3}, 1),
      triangle_of("triu", "", {3, 4}, 0),
      triangle_of("triu", "above", {4, 4}, 2),
      triangle_of("triu", "below, batch", {2, 3, 2}, -1),
      diagonal_of("square", {3, 3}, 0, 0, 1, {3}),
      diagonal_of("above", {3, 4}, 2, 0, 1, {2}),
      diagonal_of("below", {4, 3}, -1, 0, 1, {3}),
      diagonal_of("of other axes", {2, 3, 2}, 0, 2, 0, {3, 2}),
      diagonal_of("far outside", {2, 2}, 5, 0, 1, {0}),
      diagonal_matrix("diag of a vector", 3, 0),
      diagonal_matrix("diag of a vector, above", 2, 1),
      diagonal_matrix("diag of a vector, below", 2, -2),
      contracted("matmul", "ij,jk->ik", {{2, 3}, {3, 4}}),
      contracted("matmul", "ij,kj->ki", {{2, 3}, {4, 3}}),
      contracted("matmul", "bij,bjk->bik", {{2, 2, 3}, {2, 3, 2}}),
      contracted("matmul", "bhqd,bkhd->bhqk", {{2, 2, 3, 2}, {2, 4, 2, 2}}),
      contracted("matmul", "ijk,lkj->il", {{2, 3, 2}, {2, 2, 3}}),
      contracted("matmul", "i,i->", {{4}, {4}}),
      contracted("matmul", "i,ij,j->", {{3}, {3, 2}, {2}}),
      contracted("matmul", "ij,jk,kl->il", {{2, 3}, {3, 2}, {2, 3}}),
      contracted("mul", "i,j->ij", {{3}, {2}}),
      contracted("mul", "ij,ij->ij", {{2, 3}, {2, 3}}),
      contracted("mul", "ij,i->ji", {{2, 3}, {2}}),
      contracted("mul", "ij,k->jk", {{2, 3}, {2}}),
      contracted("sum", "ij->j", {{2, 3}}),
      contracted("permute", "ijk->kij", {{2, 3, 2}}),
      picks(contracted("diagonal", "ii->i", {{3, 3}}), "elements beside the diagonal take no part"),
      picks(contracted("diagonal", "ii->", {{3, 3}}), "elements beside the diagonal take no part"),
      picks(contracted("diagonal", "iji,j->i", {{2, 3, 2}, {3}}), "elements beside the diagonal take no part"),
      contracted("matmul", "ij,jk->ik", {{2, 0}, {0, 3}}),
  };
}

}  // namespace chainrule::cases
