// Inner header: for our own sources, not installed.
// The one-threaded loops of normalisation, one source compiled for several instruction sets. Not for use outside
// ops/kernels.
#pragma once

#include <cstdint>

namespace chainrule::kernels::detail {

/// Mean and sum of squared deviations of `count` numbers so far; Chan, Golub and LeVeque 1983 put two together.
struct Moments {
  double mean, squares;
};
inline Moments joined(const Moments& a, double count_a, const Moments& b, double count_b) {
  if (count_a == 0) return b;
  const double share = count_b / (count_a + count_b), step = b.mean - a.mean;
  return {a.mean + step * share, a.squares + b.squares + step * step * count_a * share};
}

template <class T>
struct NormLoops {
  /// One dense run.
  Moments (*line_moments)(const T* x, std::int64_t n);
  /// `rows` rows of `width` columns; fills mean and squares of each column.
  void (*column_moments)(const T* x, std::int64_t rows, std::int64_t width, double* mean, double* squares);
  /// product += sum of g (x - mean), sum += sum of g.
  void (*line_sums)(const T* g, const T* x, std::int64_t n, T mean, double* product, double* sum);
  void (*column_sums)(const T* g, const T* x, std::int64_t rows, std::int64_t width, const T* mean, double* product,
                      double* sum);
  /// product += sum of g (x - mean[row]) factor[row], sum += sum of g, of each column.
  void (*weight_sums)(const T* g, const T* x, std::int64_t rows, std::int64_t width, const double* mean,
                      const double* factor, double* product, double* sum);
  /// z = (x - mean) scale + shift with one number for the run, or one for each place.
  void (*line_affine)(const T* x, std::int64_t n, T mean, T scale, T shift, T* z);
  void (*column_affine)(const T* x, std::int64_t n, const T* mean, const T* scale, const T* shift, T* z);
  /// dx = scale g - offset - (x - mean) slope.
  void (*line_grad)(const T* g, const T* x, std::int64_t n, T mean, T scale, T offset, T slope, T* dx);
  void (*column_grad)(const T* g, const T* x, std::int64_t n, const T* mean, const T* scale, const T* offset,
                      const T* slope, T* dx);
  /// z = (x - mean) factor w + b; w, b null for 1 and 0.
  void (*row_affine)(const T* x, std::int64_t n, T mean, T factor, const T* w, const T* b, T* z);
  /// dx of one whole row; see row_grad.
  void (*row_grad)(const T* g, const T* x, std::int64_t n, double mean, double factor, const T* w, bool centred, T* dx);

  static const NormLoops& fastest();
};

}  // namespace chainrule::kernels::detail
