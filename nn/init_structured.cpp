// Initialisers that give matrices with structure: orthogonal, sparse, identity.
#include <fmt/format.h>

#include <cmath>

#include "engine/scopes.h"
#include "engine/types/error.h"
#include "nn/init.h"
#include "ops/ops.h"

namespace chainrule {
namespace {

void expect_matrix(const Shape& shape, const char* who) {
  if (shape.size() != 2) throw ShapeError(fmt::format("{}: wants a matrix, not shape {}", who, to_string(shape)));
}

/// x R^-1 with R^T R = x^T x: the Q of the QR decomposition whose R has a positive diagonal.
Tensor orthonormal(const Tensor& x) {
  const Tensor lower = cholesky(matmul(transpose(x), x));
  return transpose(solve(lower, transpose(x)));
}

}  // namespace

Init orthogonal(double gain) {
  if (!std::isfinite(gain)) throw ValueError(fmt::format("orthogonal: gain must be finite, not {}", gain));
  return [gain](const Shape& shape, Generator& generator) {
    if (shape.size() < 2)
      throw ShapeError(fmt::format("orthogonal: a weight has at least two axes, not shape {}", to_string(shape)));
    if (numel(shape) == 0) return zeros(shape);
    const NoGrad leaf_only;
    const std::int64_t rows = shape[0], columns = numel(shape) / rows;
    Tensor q = randn({std::max(rows, columns), std::min(rows, columns)}, {.dtype = DType::float64}, generator);
    // The first pass loses digits by the square of the draw's condition, the second finds almost nothing left to do.
    q = orthonormal(orthonormal(q));
    if (rows < columns) q = transpose(q);
    return dense(to(reshape(q * gain, shape), default_dtype()));
  };
}

Init sparse(double sparsity, double std) {
  if (!(sparsity >= 0 && sparsity <= 1))
    throw ValueError(fmt::format("sparse: sparsity must be from 0 to 1, not {}", sparsity));
  if (!(std >= 0 && std::isfinite(std))) throw ValueError(fmt::format("sparse: std must be at least 0, not {}", std));
  return [sparsity, std](const Shape& shape, Generator& generator) {
    expect_matrix(shape, "sparse");
    const NoGrad leaf_only;
    const Tensor draw = randn(shape, {}, generator) * std;
    const double zero_rows = std::ceil(sparsity * static_cast<double>(shape[0]));
    // Ranks of random numbers: in each column another order of the rows.
    const Tensor order = rand(shape, {.dtype = DType::float64}, generator);
    return where(lt(argsort(argsort(order, 0), 0), zero_rows), zeros(shape), draw);
  };
}

Tensor identity(const Shape& shape, Generator&) {
  expect_matrix(shape, "identity");
  const std::int64_t n = std::max(shape[0], shape[1]);
  return dense(slice(slice(eye(n), 0, 0, shape[0]), 1, 0, shape[1]));
}

Init dirac(std::int64_t groups) {
  if (groups < 1) throw ValueError(fmt::format("dirac: groups must be at least 1, not {}", groups));
  return [groups](const Shape& shape, Generator& generator) {
    if (shape.size() < 3)
      throw ShapeError(fmt::format("dirac: wants a weight (out, in / groups, ...), not shape {}", to_string(shape)));
    if (shape[0] % groups != 0)
      throw ValueError(fmt::format("dirac: {} outputs do not divide into {} groups", shape[0], groups));
    const NoGrad leaf_only;
    const Tensor one_group = identity({shape[0] / groups, shape[1]}, generator);
    Tensor weight = cat(std::vector<Tensor>(static_cast<std::size_t>(groups), one_group), 0);
    for (std::size_t d = 2; d < shape.size(); ++d) {  // the middle of each further axis
      const Tensor middle = slice(eye(shape[d]), 0, shape[d] / 2, shape[d] / 2 + 1);
      weight = unsqueeze(weight, -1) * reshape(middle, {shape[d]});
    }
    return dense(weight);
  };
}

}  // namespace chainrule
