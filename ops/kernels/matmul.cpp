// Matrix products: packs operands whose strides no library takes, cuts C into blocks by shape, and gives each block to
// oneDNN, Eigen or a plain loop on one thread.
#include "ops/kernels/matmul.h"

#define EIGEN_DONT_PARALLELIZE
#include <Eigen/Core>
#include <algorithm>
#include <cassert>
#include <cstddef>
#include <stdexcept>
#include <type_traits>
#include <vector>

#include "ops/kernels/onednn.h"
#include "ops/kernels/parallel.h"

#if CHAINRULE_KERNELS_USE_ONEDNN
#include <dnnl.h>
#endif

namespace chainrule::kernels {
namespace {

constexpr std::int64_t kMinBlock = std::int64_t{1} << 21;  // multiplications below which a block is not cut again
constexpr std::int64_t kMinSide = 64;
constexpr std::int64_t kMaxBlocks = 16;

/// A rows x cols matrix that libraries take: one stride is 1, the other, `ld`, is not below the dense length.
template <class T>
struct Operand {
  const T* data;
  std::int64_t ld;
  bool transposed;  // columns are dense instead of rows

  const T* row(std::int64_t i) const { return data + (transposed ? i : i * ld); }
  const T* column(std::int64_t j) const { return data + (transposed ? j * ld : j); }
};

template <class T>
bool accept(const T* data, MatrixStrides s, std::int64_t rows, std::int64_t cols, Operand<T>& out) {
  if ((s.column == 1 || cols == 1) && (s.row >= cols || rows == 1)) {
    out = {data, rows == 1 ? cols : s.row, false};
    return true;
  }
  if ((s.row == 1 || rows == 1) && (s.column >= rows || cols == 1)) {
    out = {data, cols == 1 ? rows : s.column, true};
    return true;
  }
  return false;
}

template <class T>
void pack(const T* data, MatrixStrides s, std::int64_t rows, std::int64_t cols, T* to) {
  for (std::int64_t i = 0; i < rows; ++i) {
    for (std::int64_t j = 0; j < cols; ++j) to[i * cols + j] = data[i * s.row + j * s.column];
  }
}

/// How C is cut: `rows` x `columns` blocks, chosen from the sizes alone.
struct Grid {
  std::int64_t rows = 1, columns = 1;
  std::int64_t height, width;

  Grid(std::int64_t m, std::int64_t n, std::int64_t k) : height(m), width(n) {
    while (rows * columns < kMaxBlocks && height * width * k >= 2 * kMinBlock &&
           std::max(height, width) >= 2 * kMinSide) {
      (height >= width ? rows : columns) *= 2;
      height = side(m, rows);
      width = side(n, columns);
    }
  }
  static std::int64_t side(std::int64_t length, std::int64_t pieces) {
    return ((length + pieces - 1) / pieces + 15) / 16 * 16;
  }
};

#if CHAINRULE_KERNELS_USE_ONEDNN
void multiply(std::int64_t m, std::int64_t n, std::int64_t k, Operand<float> a, Operand<float> b, float* c,
              std::int64_t ld) {
  const detail::OneThread one_thread;
  const auto status = dnnl_sgemm(a.transposed ? 'T' : 'N', b.transposed ? 'T' : 'N', m, n, k, 1.0F, a.data, a.ld,
                                 b.data, b.ld, 0.0F, c, ld);
  if (status != dnnl_success) throw std::runtime_error("matmul: oneDNN could not run a float32 product");
}
#endif

template <class T>
void multiply(std::int64_t m, std::int64_t n, std::int64_t k, Operand<T> a, Operand<T> b, T* c, std::int64_t ld) {
  using RowMajor = Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
  using ColMajor = Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic, Eigen::ColMajor>;
  using Stride = Eigen::OuterStride<>;
  using Rows = Eigen::Map<const RowMajor, 0, Stride>;
  using Columns = Eigen::Map<const ColMajor, 0, Stride>;
  Eigen::Map<RowMajor, 0, Stride> z(c, m, n, Stride(ld));
  const auto times = [&](const auto& x) {
    if (b.transposed)
      z.noalias() = x * Columns(b.data, k, n, Stride(b.ld));
    else
      z.noalias() = x * Rows(b.data, k, n, Stride(b.ld));
  };
  if (a.transposed)
    times(Columns(a.data, m, k, Stride(a.ld)));
  else
    times(Rows(a.data, m, k, Stride(a.ld)));
}

// Wraps around on overflow instead of being undefined.
void multiply(std::int64_t m, std::int64_t n, std::int64_t k, Operand<std::int64_t> a, Operand<std::int64_t> b,
              std::int64_t* c, std::int64_t ld) {
  using Wrapping = std::uint64_t;
  for (std::int64_t i = 0; i < m; ++i) {
    std::int64_t* row = c + i * ld;
    std::fill_n(row, n, 0);
    for (std::int64_t p = 0; p < k; ++p) {
      const auto x = static_cast<Wrapping>(*(a.transposed ? a.row(i) + p * a.ld : a.row(i) + p));
      for (std::int64_t j = 0; j < n; ++j) {
        const auto y = static_cast<Wrapping>(*(b.transposed ? b.column(j) + p : b.column(j) + p * b.ld));
        row[j] = static_cast<std::int64_t>(static_cast<Wrapping>(row[j]) + x * y);
      }
    }
  }
}

template <class T>
void product(std::int64_t count, BatchStrides batch, std::int64_t m, std::int64_t n, std::int64_t k, const T* a,
             MatrixStrides a_strides, const T* b, MatrixStrides b_strides, T* c, std::int64_t c_row) {
  if (count == 0 || m == 0 || n == 0) return;
  if (m == 1) c_row = n;  // never used to step, but oneDNN checks it
  if (k == 0) {
    for (std::int64_t t = 0; t < count; ++t) {
      for (std::int64_t i = 0; i < m; ++i) std::fill_n(c + t * batch.c + i * c_row, n, T(0));
    }
    return;
  }
  // One buffer a thread, kept: the second call of the same size allocates nothing.
  thread_local std::vector<T> scratch_a, scratch_b;
  const auto packed = [count](const T* from, MatrixStrides s, std::int64_t rows, std::int64_t cols, std::int64_t& step,
                              std::vector<T>& scratch) {
    Operand<T> operand;
    if (accept(from, s, rows, cols, operand)) return operand;
    const std::int64_t copies = step == 0 ? 1 : count, size = rows * cols;
    scratch.resize(std::max(scratch.size(), static_cast<std::size_t>(copies * size)));
    T* to = scratch.data();
    parallel_for(copies, std::max<std::int64_t>((1 << 15) / size, 1), [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t t = begin; t < end; ++t) pack(from + t * step, s, rows, cols, to + t * size);
    });
    if (step != 0) step = size;
    return Operand<T>{to, cols, false};
  };
  const Operand<T> x = packed(a, a_strides, m, k, batch.a, scratch_a);
  const Operand<T> y = packed(b, b_strides, k, n, batch.b, scratch_b);

  const Grid grid(m, n, k);
  const std::int64_t blocks = grid.rows * grid.columns;
  const std::int64_t grain = std::max<std::int64_t>((std::int64_t{1} << 19) / (grid.height * grid.width * k), 1);
  parallel_for(count * blocks, grain, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t t = begin; t < end; ++t) {
      const std::int64_t which = t / blocks, row = t % blocks / grid.columns, column = t % grid.columns;
      const std::int64_t i = row * grid.height, j = column * grid.width;
      if (i >= m || j >= n) continue;  // rounding block sides up may leave the last ones empty
      const Operand<T> left{x.row(i) + which * batch.a, x.ld, x.transposed};
      const Operand<T> right{y.column(j) + which * batch.b, y.ld, y.transposed};
      multiply(std::min(grid.height, m - i), std::min(grid.width, n - j), k, left, right,
               c + which * batch.c + i * c_row + j, c_row);
    }
  });
}

}  // namespace

void gemm(DType d, std::int64_t m, std::int64_t n, std::int64_t k, const void* a, MatrixStrides a_strides,
          const void* b, MatrixStrides b_strides, void* c, std::int64_t c_row) {
  gemm_batched(d, 1, {0, 0, 0}, m, n, k, a, a_strides, b, b_strides, c, c_row);
}

void gemm_batched(DType d, std::int64_t count, BatchStrides batch, std::int64_t m, std::int64_t n, std::int64_t k,
                  const void* a, MatrixStrides a_strides, const void* b, MatrixStrides b_strides, void* c,
                  std::int64_t c_row) {
  assert(d != DType::boolean);
  dispatch(d, [&](auto zero) {
    using T = decltype(zero);
    if constexpr (!std::is_same_v<T, bool>) {
      product(count, batch, m, n, k, static_cast<const T*>(a), a_strides, static_cast<const T*>(b), b_strides,
              static_cast<T*>(c), c_row);
    }
  });
}

}  // namespace chainrule::kernels
