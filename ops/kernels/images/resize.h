// Inner header: for our own sources, not installed.
// Images in another size: each output row is a weighted sum of one or two input rows, then each column of columns.
// Dense (N, C, H, W), row-major or channels-last, float32 and float64.
#pragma once

#include <cstdint>

#include "engine/types/dtype.h"

namespace chainrule::kernels {

/// One axis: what output i reads.
struct ResizeAxis {
  std::int64_t in = 1;
  std::int64_t out = 1;
  double step = 1;             ///< input elements from one output element to the next
  bool linear = false;         ///< else the nearest below
  bool align_corners = false;  ///< output 0 and out - 1 stand on input 0 and in - 1

  /// weight0 * x[first] + weight1 * x[first + 1]; weight1 is 0 at the end and on an element.
  struct Source {
    std::int64_t first;
    double weight0, weight1;
  };
  Source source(std::int64_t i) const;
};

struct Resize {
  std::int64_t n = 1, c = 1;
  ResizeAxis y{}, x{};
};

void resize2d(DType d, const Resize& s, bool channels_last, const void* x, void* z);
/// The adjoint: every input element gathers its share of g.
void resize2d_grad(DType d, const Resize& s, bool channels_last, const void* g, void* dx);

}  // namespace chainrule::kernels
