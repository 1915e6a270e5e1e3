// The four files of MNIST, one array each, read and checked, and those of Fashion-MNIST, which come in the same form.
// Both parts together are load_mnist() and load_fashion_mnist() of image_set.h.
#pragma once

#include <string>

#include "engine/tensor.h"

namespace chainrule {

enum class MnistPart : std::uint8_t { train, test };

/// Pictures (N, 1, 28, 28), float32: the file's values 0..255 divided by 255. `folder` as load_mnist() takes it. The
/// file may be called train-images-idx3-ubyte or train-images.idx3-ubyte (t10k-... for the test part), with or without
/// .gz. Where the labels' file is there too, it must hold as many.
Tensor mnist_images(MnistPart part, const std::string& folder = {});
/// Labels (N), int64 from 0 to 9.
Tensor mnist_labels(MnistPart part, const std::string& folder = {});

/// The same of Fashion-MNIST (Xiao, Rasul and Vollgraf, 2017). `folder` as load_fashion_mnist() takes it.
Tensor fashion_mnist_images(MnistPart part, const std::string& folder = {});
Tensor fashion_mnist_labels(MnistPart part, const std::string& folder = {});

}  // namespace chainrule
