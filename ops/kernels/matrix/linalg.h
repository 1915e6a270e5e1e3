// Inner header: for our own sources, not installed.
// Decompositions of dense row-major matrices, one after the other in a batch: LU with partial pivoting, Cholesky, SVD
// (Eigen), and triangles. float32 and float64. The matrices of a batch are shared out to the threads whole, so any
// number of threads gives the same bits.
#pragma once

#include <cstdint>

#include "engine/types/dtype.h"

namespace chainrule::kernels {

/// What stopped a decomposition: the first matrix of the batch with a bad pivot, and which pivot; -1 when all went
/// well.
struct BadPivot {
  std::int64_t matrix = -1, pivot = -1;
  double value = 0;
};

// Matrices are (count, n, n). A pivot that is NaN is no fault: the results are NaN then.

/// z = x^-1; stops at a pivot of 0.
BadPivot inverse(DType d, const void* x, void* z, std::int64_t count, std::int64_t n);
/// a z = b with b, z (count, n, columns); stops at a pivot of 0.
BadPivot solve(DType d, const void* a, const void* b, void* z, std::int64_t count, std::int64_t n,
               std::int64_t columns);
/// Lower z with z z^T = x, zeros above; reads x's lower triangle. Stops at a pivot that is not positive.
BadPivot cholesky(DType d, const void* x, void* z, std::int64_t count, std::int64_t n);
/// Determinant as sign (-1, 0, 1 or NaN) and log of the absolute value (-inf where it is 0), and the determinant
/// itself. Null pointers are not written.
void determinant(DType d, const void* x, void* det, void* sign, void* log, std::int64_t count, std::int64_t n);
/// The smallest over the largest pivot by absolute value, the least of the batch; 1 for n = 0. NaN counts as 1.
double pivot_ratio(DType d, const void* x, std::int64_t count, std::int64_t n);
/// x = u diag(s) v^T, s falling; det_u and det_v are 1 or -1.
void svd(DType d, const void* x, void* u, void* s, void* v, void* det_u, void* det_v, std::int64_t count,
         std::int64_t n);

/// z[i, j] = x[i, j] where j - i <= diagonal (upper: >=), else 0. Any dtype, (count, rows, columns).
void triangle(DType d, bool upper, std::int64_t diagonal, const void* x, void* z, std::int64_t count, std::int64_t rows,
              std::int64_t columns);

}  // namespace chainrule::kernels
