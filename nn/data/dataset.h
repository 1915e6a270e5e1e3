// Data sets as tensors, ready for a network. The readers behind them are in the other files of this folder.
#pragma once

#include "engine/tensor.h"

namespace chainrule {

/// Pictures and their classes: images (N, C, H, W) float32 from 0 to 1, labels (N) int64.
struct ImageSet {
  Tensor images, labels;
  std::int64_t size() const { return labels.numel(); }
  /// Some of the pictures, in the order of `places`. Throws ShapeError for a place outside the set.
  ImageSet select(const std::vector<std::int64_t>& places) const;
};

struct Digits {
  ImageSet train, test;
};

/// The 1,797 real handwritten digits of UCI (8 x 8), embedded in the library: 1,437 to train with, 360 to test.
Digits load_digits();

}  // namespace chainrule
