// Windows for the references of the test table: which taps there are, counted one by one.
#pragma once

#include "tests/ops/cases/cases.h"

namespace chainrule::cases {

inline std::int64_t positions(std::int64_t length, std::int64_t kernel, std::int64_t stride, std::int64_t padding,
                              std::int64_t dilation) {
  std::int64_t count = 0;
  for (std::int64_t first = -padding; first + dilation * (kernel - 1) < length + padding; first += stride) ++count;
  return count;
}

struct Window {
  Size2 kernel, stride = 1, padding = 0, dilation = 1;
  std::int64_t out_h(std::int64_t h) const { return positions(h, kernel.h, stride.h, padding.h, dilation.h); }
  std::int64_t out_w(std::int64_t w) const { return positions(w, kernel.w, stride.w, padding.w, dilation.w); }
};

/// Calls visit(row of z, column of z, tap row, tap column, y, x) for every tap that lies inside an h x w plane.
template <class F>
void each_tap(const Window& k, std::int64_t h, std::int64_t w, F visit) {
  for (std::int64_t i = 0; i < k.out_h(h); ++i) {
    for (std::int64_t j = 0; j < k.out_w(w); ++j) {
      for (std::int64_t a = 0; a < k.kernel.h; ++a) {
        for (std::int64_t b = 0; b < k.kernel.w; ++b) {
          const std::int64_t y = i * k.stride.h - k.padding.h + a * k.dilation.h;
          const std::int64_t x = j * k.stride.w - k.padding.w + b * k.dilation.w;
          if (y >= 0 && y < h && x >= 0 && x < w) visit(i, j, a, b, y, x);
        }
      }
    }
  }
}

}  // namespace chainrule::cases
