// Inner header: for our own sources, not installed.
// The innermost loops of folds over floating numbers as they are, for every instruction set. The order of every sum is
// that of the plain loops in reduce_detail.h and reduce_fold.h. Not for use outside ops/kernels.
#pragma once

#include <cstdint>

namespace chainrule::kernels::detail {

enum class Folding : std::uint8_t { add, multiply, largest, smallest };

constexpr std::int64_t kFoldLanes = 32;  // sums of a row side by side, whatever the vector length

template <class T>
struct FoldLoops {
  /// top[i] = fold of x[r * step + i] over the rows r, in order, for i in [0, width).
  void (*rows)(Folding how, const T* x, std::int64_t rows, std::int64_t step, std::int64_t width, T* top);
  /// lane[j] = fold of x[j], x[j + kFoldLanes], ...; n is a multiple of kFoldLanes.
  void (*lanes)(Folding how, const T* x, std::int64_t n, T* lane);

  static const FoldLoops& fastest();
};

}  // namespace chainrule::kernels::detail
