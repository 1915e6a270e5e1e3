// Matrix products: one at a time or a batch, by blocks (matmul_packed.h) or, for integers, by a plain loop.
#include "ops/kernels/matrix/matmul.h"

#include <algorithm>
#include <cassert>
#include <type_traits>

#include "ops/kernels/matrix/matmul_packed.h"
#include "ops/kernels/parallel.h"

namespace chainrule::kernels {
namespace {

constexpr double kWorkOfThread = 1 << 20;  // multiplications

template <class T>
void multiply(const detail::Product<T>& p) {
  detail::ProductLoops<T>::fastest().multiply(p);
}

// Wraps around on overflow instead of being undefined.
void multiply(const detail::Product<std::int64_t>& p) {
  using Wrapping = std::uint64_t;
  for (std::int64_t i = 0; i < p.m; ++i) {
    std::int64_t* row = p.c + i * p.c_row;
    if (p.bias != nullptr)
      std::copy_n(p.bias, p.n, row);
    else
      std::fill_n(row, p.n, 0);
    for (std::int64_t q = 0; q < p.k; ++q) {
      const auto x = static_cast<Wrapping>(p.a[i * p.a_strides.row + q * p.a_strides.column]);
      const std::int64_t* y = p.b + q * p.b_strides.row;
      for (std::int64_t j = 0; j < p.n; ++j) {
        const auto product = x * static_cast<Wrapping>(y[j * p.b_strides.column]);
        row[j] = static_cast<std::int64_t>(static_cast<Wrapping>(row[j]) + product);
      }
    }
  }
}

template <class T>
void product(std::int64_t count, BatchStrides batch, detail::Product<T> p) {
  if (count == 0 || p.m == 0 || p.n == 0) return;
  if (p.k == 0) {
    for (std::int64_t t = 0; t < count; ++t) {
      for (std::int64_t i = 0; i < p.m; ++i) {
        T* row = p.c + t * batch.c + i * p.c_row;
        if (p.bias != nullptr)
          std::copy_n(p.bias, p.n, row);
        else
          std::fill_n(row, p.n, T(0));
      }
    }
    return;
  }
  if (count == 1) return multiply(p);  // may go wide inside
  const double work = static_cast<double>(p.m) * static_cast<double>(p.n) * static_cast<double>(p.k);
  const std::int64_t grain = std::max<std::int64_t>(static_cast<std::int64_t>(kWorkOfThread / work), 1);
  parallel_for(count, grain, [&](std::int64_t begin, std::int64_t end) {
    detail::Product<T> one = p;
    for (std::int64_t t = begin; t < end; ++t) {
      one.a = p.a + t * batch.a;
      one.b = p.b + t * batch.b;
      one.c = p.c + t * batch.c;
      multiply(one);
    }
  });
}

}  // namespace

void gemm(DType d, std::int64_t m, std::int64_t n, std::int64_t k, const void* a, MatrixStrides a_strides,
          const void* b, MatrixStrides b_strides, void* c, std::int64_t c_row, const void* bias) {
  assert(d != DType::boolean);
  dispatch(d, [&](auto zero) {
    using T = decltype(zero);
    if constexpr (!std::is_same_v<T, bool>) {
      product<T>(1, {0, 0, 0},
                 {m, n, k, static_cast<const T*>(a), a_strides, static_cast<const T*>(b), b_strides,
                  static_cast<const T*>(bias), static_cast<T*>(c), c_row});
    }
  });
}

void gemm_batched(DType d, std::int64_t count, BatchStrides batch, std::int64_t m, std::int64_t n, std::int64_t k,
                  const void* a, MatrixStrides a_strides, const void* b, MatrixStrides b_strides, void* c,
                  std::int64_t c_row) {
  assert(d != DType::boolean);
  dispatch(d, [&](auto zero) {
    using T = decltype(zero);
    if constexpr (!std::is_same_v<T, bool>) {
      product<T>(count, batch,
                 {m, n, k, static_cast<const T*>(a), a_strides, static_cast<const T*>(b), b_strides, nullptr,
                  static_cast<T*>(c), c_row});
    }
  });
}

}  // namespace chainrule::kernels
