// The decompositions are Eigen's. Each thread keeps its work space, so that a second call of the same size allocates
// nothing; the SVD, which only derivatives at singular matrices need, does not.
#include "ops/kernels/matrix/linalg.h"

// The matrices of a batch are shared out here; Eigen must not start threads inside.
#define EIGEN_DONT_PARALLELIZE
#include <Eigen/Cholesky>
#include <Eigen/LU>
#include <Eigen/SVD>
#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <mutex>
#include <type_traits>
#include <vector>

#include "ops/kernels/parallel.h"

namespace chainrule::kernels {
namespace {

template <class T>
using Square = Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic>;
template <class T>
using RowMajor = Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
template <class T>
using Rows = Eigen::Map<const RowMajor<T>>;
template <class T>
using RowsOut = Eigen::Map<RowMajor<T>>;

/// run(i) for each matrix of the batch.
template <class F>
void each_matrix(std::int64_t count, std::int64_t n, F&& run) {
  const std::int64_t work = std::max<std::int64_t>(n * n * n, 1);
  parallel_for(count, std::max<std::int64_t>((1 << 17) / work, 1), [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) run(i);
  });
}

template <class F>
void floating(DType d, F&& run) {
  dispatch(d, [&](auto zero) {
    if constexpr (std::is_floating_point_v<decltype(zero)>) run(zero);
  });
}

/// The first fault of a batch, whichever thread meets it first.
class Faults {
 public:
  void add(const BadPivot& fault) {
    const std::lock_guard lock(guard_);
    if (first_.matrix < 0 || fault.matrix < first_.matrix) first_ = fault;
  }
  const BadPivot& first() const { return first_; }

 private:
  std::mutex guard_;
  BadPivot first_;
};

template <class T>
Eigen::PartialPivLU<Square<T>>& decompose(const T* x, std::int64_t n) {
  thread_local Eigen::PartialPivLU<Square<T>> lu;
  lu.compute(Rows<T>(x, n, n));
  return lu;
}

/// Position of the first pivot that is 0, or -1.
template <class T>
std::int64_t zero_pivot(const Eigen::PartialPivLU<Square<T>>& lu) {
  const auto& u = lu.matrixLU();
  for (Eigen::Index k = 0; k < u.rows(); ++k)
    if (u(k, k) == 0) return k;
  return -1;
}

/// 1 or -1: whether rows were exchanged an even number of times.
template <class T>
int parity(const Eigen::PartialPivLU<Square<T>>& lu) {
  thread_local std::vector<Eigen::Index> at;
  const auto& p = lu.permutationP().indices();
  at.assign(p.data(), p.data() + p.size());
  int sign = 1;
  for (std::size_t i = 0; i < at.size(); ++i) {
    while (at[i] != static_cast<Eigen::Index>(i)) {
      std::swap(at[i], at[static_cast<std::size_t>(at[i])]);
      sign = -sign;
    }
  }
  return sign;
}

/// Which pivot of x made a Cholesky decomposition fail, by the plain algorithm.
template <class T>
BadPivot bad_pivot(const T* x, std::int64_t n) {
  Square<T> z = Square<T>::Zero(n, n);
  BadPivot worst{.matrix = 0, .pivot = 0, .value = std::numeric_limits<double>::infinity()};
  for (std::int64_t k = 0; k < n; ++k) {
    const T pivot = x[k * n + k] - z.row(k).head(k).squaredNorm();
    if (pivot < worst.value) worst = {0, k, static_cast<double>(pivot)};
    if (!(pivot > 0)) break;
    z(k, k) = std::sqrt(pivot);
    for (std::int64_t i = k + 1; i < n; ++i)
      z(i, k) = (x[i * n + k] - z.row(i).head(k).dot(z.row(k).head(k))) / z(k, k);
  }
  return worst;
}

}  // namespace

BadPivot inverse(DType d, const void* x, void* z, std::int64_t count, std::int64_t n) {
  Faults faults;
  if (n == 0) return {};
  floating(d, [&](auto zero) {
    using T = decltype(zero);
    each_matrix(count, n, [&](std::int64_t i) {
      const auto& lu = decompose(static_cast<const T*>(x) + i * n * n, n);
      if (const std::int64_t k = zero_pivot(lu); k >= 0) return faults.add({i, k, 0});
      RowsOut<T>(static_cast<T*>(z) + i * n * n, n, n) = lu.inverse();
    });
  });
  return faults.first();
}

BadPivot solve(DType d, const void* a, const void* b, void* z, std::int64_t count, std::int64_t n,
               std::int64_t columns) {
  Faults faults;
  if (n == 0 || columns == 0) return {};
  floating(d, [&](auto zero) {
    using T = decltype(zero);
    each_matrix(count, n, [&](std::int64_t i) {
      const auto& lu = decompose(static_cast<const T*>(a) + i * n * n, n);
      if (const std::int64_t k = zero_pivot(lu); k >= 0) return faults.add({i, k, 0});
      const std::int64_t at = i * n * columns;
      RowsOut<T>(static_cast<T*>(z) + at, n, columns) = lu.solve(Rows<T>(static_cast<const T*>(b) + at, n, columns));
    });
  });
  return faults.first();
}

BadPivot cholesky(DType d, const void* x, void* z, std::int64_t count, std::int64_t n) {
  Faults faults;
  if (n == 0) return {};
  floating(d, [&](auto zero) {
    using T = decltype(zero);
    each_matrix(count, n, [&](std::int64_t i) {
      thread_local Eigen::LLT<Square<T>> llt;
      const T* from = static_cast<const T*>(x) + i * n * n;
      llt.compute(Rows<T>(from, n, n));
      if (llt.info() != Eigen::Success) {
        BadPivot fault = bad_pivot(from, n);
        fault.matrix = i;
        return faults.add(fault);
      }
      RowsOut<T>(static_cast<T*>(z) + i * n * n, n, n) = llt.matrixL();
    });
  });
  return faults.first();
}

void determinant(DType d, const void* x, void* det, void* sign, void* log, std::int64_t count, std::int64_t n) {
  floating(d, [&](auto zero) {
    using T = decltype(zero);
    each_matrix(count, n, [&](std::int64_t i) {
      double product = 1, direction = 1, logarithm = 0;
      if (n > 0) {
        const auto& lu = decompose(static_cast<const T*>(x) + i * n * n, n);
        product = direction = parity(lu);
        for (std::int64_t k = 0; k < n; ++k) {
          const double u = lu.matrixLU()(k, k);
          product *= u;
          direction *= u > 0 ? 1 : u < 0 ? -1 : u;
          logarithm += std::log(std::abs(u));
        }
      }
      if (det) static_cast<T*>(det)[i] = static_cast<T>(product + 0.0);  // 0 without a sign
      if (sign) static_cast<T*>(sign)[i] = static_cast<T>(direction);
      if (log) static_cast<T*>(log)[i] = static_cast<T>(logarithm);
    });
  });
}

double pivot_ratio(DType d, const void* x, std::int64_t count, std::int64_t n) {
  double least = 1;
  if (n == 0) return least;
  std::mutex guard;
  floating(d, [&](auto zero) {
    using T = decltype(zero);
    each_matrix(count, n, [&](std::int64_t i) {
      const auto u = decompose(static_cast<const T*>(x) + i * n * n, n).matrixLU().diagonal().cwiseAbs();
      if (!u.allFinite()) return;
      const double most = u.maxCoeff(), ratio = most > 0 ? u.minCoeff() / most : 0;
      const std::lock_guard lock(guard);
      least = std::min(least, ratio);
    });
  });
  return least;
}

void svd(DType d, const void* x, void* u, void* s, void* v, void* det_u, void* det_v, std::int64_t count,
         std::int64_t n) {
  floating(d, [&](auto zero) {
    using T = decltype(zero);
    each_matrix(count, n, [&](std::int64_t i) {
      // In float64 always: one instantiation, and float32 results are rounded once.
      const Eigen::MatrixXd a = Rows<T>(static_cast<const T*>(x) + i * n * n, n, n).template cast<double>();
      if (!a.allFinite()) {  // no decomposition: x = I (NaN) I, and NaN comes out
        RowsOut<T>(static_cast<T*>(u) + i * n * n, n, n).setIdentity();
        RowsOut<T>(static_cast<T*>(v) + i * n * n, n, n).setIdentity();
        std::fill_n(static_cast<T*>(s) + i * n, n, std::numeric_limits<T>::quiet_NaN());
        static_cast<T*>(det_u)[i] = static_cast<T*>(det_v)[i] = 1;
        return;
      }
      // Jacobi's method: exact to the last digits of small singular values, and half as long to compile as divide and
      // conquer.
      const Eigen::JacobiSVD<Eigen::MatrixXd> parts(a, Eigen::ComputeFullU | Eigen::ComputeFullV);
      RowsOut<T>(static_cast<T*>(u) + i * n * n, n, n) = parts.matrixU().cast<T>();
      RowsOut<T>(static_cast<T*>(v) + i * n * n, n, n) = parts.matrixV().cast<T>();
      Eigen::Map<Eigen::Matrix<T, Eigen::Dynamic, 1>>(static_cast<T*>(s) + i * n, n) = parts.singularValues().cast<T>();
      auto direction = [](const Eigen::MatrixXd& q) { return static_cast<T>(q.determinant() > 0 ? 1 : -1); };
      static_cast<T*>(det_u)[i] = direction(parts.matrixU());
      static_cast<T*>(det_v)[i] = direction(parts.matrixV());
    });
  });
}

void triangle(DType d, bool upper, std::int64_t diagonal, const void* x, void* z, std::int64_t count, std::int64_t rows,
              std::int64_t columns) {
  const auto item = static_cast<std::int64_t>(item_size(d)), line = columns * item;
  if (line == 0) return;
  const std::int64_t grain = std::max<std::int64_t>((1 << 15) / line, 1);
  parallel_for(count * rows, grain, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t r = begin; r < end; ++r) {
      const char* from = static_cast<const char*>(x) + r * line;
      char* to = static_cast<char*>(z) + r * line;
      // The first column that the lower triangle drops, or the upper one keeps.
      const std::int64_t cut = std::clamp<std::int64_t>(r % rows + diagonal + (upper ? 0 : 1), 0, columns) * item;
      std::memcpy(upper ? to + cut : to, upper ? from + cut : from, static_cast<std::size_t>(upper ? line - cut : cut));
      std::memset(upper ? to : to + cut, 0, static_cast<std::size_t>(upper ? cut : line - cut));
    }
  });
}

}  // namespace chainrule::kernels
