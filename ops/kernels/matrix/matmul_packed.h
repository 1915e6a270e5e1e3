// Inner header: for our own sources, not installed.
// Floating products by blocks: both operands are copied into the order in which the innermost loop reads them, so any
// strides are fine. Not for use outside ops/kernels; what callers want is in matmul.h.
#pragma once

#include "ops/kernels/matrix/matmul.h"

namespace chainrule::kernels::detail {

template <class T>
struct Product {
  std::int64_t m, n, k;  // all positive
  const T* a;
  MatrixStrides a_strides;
  const T* b;
  MatrixStrides b_strides;
  const T* bias;  // n values added to every row, or null
  T* c;
  std::int64_t c_row;
};

template <class T>
struct ProductLoops {
  /// C = A B + bias. An element's bits depend on its row of A, its column of B and its bias, on nothing else.
  void (*multiply)(const Product<T>& p);

  static const ProductLoops& fastest();
};

}  // namespace chainrule::kernels::detail
