// Labelled pictures as tensors, ready for a network. The readers behind them are in the other files of this folder.
#pragma once

#include <string>
#include <vector>

#include "nn/data/dataset.h"

namespace chainrule {

/// Pictures and their classes: images (N, C, H, W) float32 from 0 to 1, labels (N) int64. A DataLoader takes it as it
/// is.
struct ImageSet {
  Tensor images, labels;
  std::int64_t size() const { return labels.numel(); }
  /// Some of the pictures, in the order of `places`. Throws ValueError for a place outside the set.
  ImageSet select(const std::vector<std::int64_t>& places) const;
  operator AnyDataset() const;
};

struct ImageSplit {
  ImageSet train, test;
};

/// The 1,797 real handwritten digits of UCI (8 x 8), embedded in the library: 1,437 to train with, 360 to test.
ImageSplit load_digits();

/// The handwritten digits of MNIST (28 x 28), 60,000 and 10,000, from files that lie in `folder` or in a folder "mnist"
/// inside it; with an empty `folder`, of the one that the environment variable CHAINRULE_DATA names. Nothing is
/// downloaded. Throws ValueError that names the file and the folder when one is missing or not what it should be.
ImageSplit load_mnist(const std::string& folder = {});

/// Fashion-MNIST (Xiao, Rasul and Vollgraf, 2017), pictures of clothes in the form of MNIST: from `folder` or a folder
/// "fashion-mnist" in it; with an empty `folder`, from a folder "fashion-mnist" in the one that CHAINRULE_DATA names,
/// or from where Debian's package dataset-fashion-mnist puts it. Throws as load_mnist().
ImageSplit load_fashion_mnist(const std::string& folder = {});

}  // namespace chainrule
