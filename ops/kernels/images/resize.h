// Inner header: for our own sources, not installed.
// Images in another size: each output row is a weighted sum of a few input rows, then each column of columns.
// Dense (N, C, H, W), row-major or channels-last, float32 and float64.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "engine/types/dtype.h"

namespace chainrule::kernels {

enum class ResizeKernel : std::uint8_t {
  nearest,        ///< the one below
  nearest_exact,  ///< the one that the middle of the output lies in
  linear,         ///< the two around
  cubic,          ///< the four around, by Keys's curve with a = -0.75
  area            ///< all that the output covers in part, with equal weights
};

/// One axis: what output i reads.
struct ResizeAxis {
  std::int64_t in = 1;
  std::int64_t out = 1;
  double step = 1;  ///< input elements from one output element to the next
  ResizeKernel kernel = ResizeKernel::nearest;
  bool align_corners = false;  ///< output 0 and out - 1 stand on input 0 and in - 1

  /// Calls visit(j, weight) for each input element of output i, from the left; an element with weight 0 is left out,
  /// so that an infinity there does no harm.
  template <class F>
  void sources(std::int64_t i, F&& visit) const;
  /// Where output i stands among the inputs.
  double place(std::int64_t i) const;
};

struct Resize {
  std::int64_t n = 1, c = 1;
  ResizeAxis y{}, x{};
};

void resize2d(DType d, const Resize& s, bool channels_last, const void* x, void* z);
/// The adjoint: every input element gathers its share of g.
void resize2d_grad(DType d, const Resize& s, bool channels_last, const void* g, void* dx);

template <class F>
void ResizeAxis::sources(std::int64_t i, F&& visit) const {
  if (in == out && kernel != ResizeKernel::cubic) return visit(i, 1.0);
  const auto last = in - 1;
  switch (kernel) {
    case ResizeKernel::nearest:  // in float32, as torch does, except for the whole factors that it treats apart
      if (out == 2 * in) return visit(i / 2, 1.0);
      return visit(
          std::min(static_cast<std::int64_t>(std::floor(static_cast<float>(i) * static_cast<float>(step))), last), 1.0);
    case ResizeKernel::nearest_exact:
      return visit(std::min(static_cast<std::int64_t>(std::floor((static_cast<double>(i) + 0.5) * step)), last), 1.0);
    case ResizeKernel::linear: {
      const double at = std::max(place(i), 0.0);
      const std::int64_t first = std::min(static_cast<std::int64_t>(at), last);
      const double t = first < last ? std::clamp(at - static_cast<double>(first), 0.0, 1.0) : 0;
      visit(first, 1 - t);
      if (t != 0) visit(first + 1, t);
      return;
    }
    case ResizeKernel::cubic: {
      const double at = place(i), below = std::floor(at), t = at - below;
      constexpr double a = -0.75;
      const auto near = [](double x) { return ((a + 2) * x - (a + 3)) * x * x + 1; };       // |x| <= 1
      const auto far = [](double x) { return ((a * x - 5 * a) * x + 8 * a) * x - 4 * a; };  // 1 < |x| < 2
      const double weights[] = {far(t + 1), near(t), near(1 - t), far(2 - t)};
      for (std::int64_t k = 0; k < 4; ++k)
        if (weights[k] != 0 && (t != 0 || k == 1))
          visit(std::clamp<std::int64_t>(static_cast<std::int64_t>(below) - 1 + k, 0, last), weights[k]);
      return;
    }
    case ResizeKernel::area: {
      const std::int64_t begin = i * in / out, end = (i * in + in + out - 1) / out;
      for (std::int64_t j = begin; j < end; ++j) visit(j, 1 / static_cast<double>(end - begin));
      return;
    }
  }
}

}  // namespace chainrule::kernels
