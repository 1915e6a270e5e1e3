// Inner header: for our own sources, not installed.
// Matrix products of floating types and int64. The work is never cut along k: any number of threads gives the same
// bits.
#pragma once

#include <cstdint>

#include "engine/types/dtype.h"

namespace chainrule::kernels {

/// Where element (i, j) of a matrix lies: data + i * row + j * column, in elements. Row-major, transposed, broadcast
/// (0) and any other strides are fine for operands.
struct MatrixStrides {
  std::int64_t row;
  std::int64_t column;
};

/// C(m, n) = A(m, k) B(k, n), overwriting C, whose rows are dense and c_row apart. k == 0 gives zeros. No overlap with
/// A, B. `bias` holds n values that are added to every row, or is null.
void gemm(DType d, std::int64_t m, std::int64_t n, std::int64_t k, const void* a, MatrixStrides a_strides,
          const void* b, MatrixStrides b_strides, void* c, std::int64_t c_row, const void* bias = nullptr);

/// Distance in elements from one matrix of a batch to the next; 0 for an operand uses the same one every time.
struct BatchStrides {
  std::int64_t a;
  std::int64_t b;
  std::int64_t c;
};

/// `count` products of one size. Each gives the same bits as gemm() on its own.
void gemm_batched(DType d, std::int64_t count, BatchStrides batch, std::int64_t m, std::int64_t n, std::int64_t k,
                  const void* a, MatrixStrides a_strides, const void* b, MatrixStrides b_strides, void* c,
                  std::int64_t c_row);

}  // namespace chainrule::kernels
