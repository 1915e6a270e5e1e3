// From numbers to tensors.
#include "nn/data/image_set.h"

#include "engine/factory.h"
#include "nn/data/digits.h"
#include "nn/data/mnist.h"

namespace chainrule {
namespace {

ImageSet as_tensors(const LabelledImages& set) {
  return {from_vector(set.pixels, {set.count, set.channels, set.height, set.width}),
          from_vector(set.labels, {set.count})};
}

}  // namespace

ImageSet ImageSet::select(const std::vector<std::int64_t>& places) const {
  return {take_rows(images, places), take_rows(labels, places)};
}

ImageSet::operator AnyDataset() const { return TensorDataset(images, labels); }

ImageSplit load_digits() {
  const DigitsSplit raw = load_digits_raw();
  return {as_tensors(raw.train), as_tensors(raw.test)};
}

ImageSplit load_mnist(const std::string& folder) {
  const auto part = [&](MnistPart p) { return ImageSet{mnist_images(p, folder), mnist_labels(p, folder)}; };
  return {part(MnistPart::train), part(MnistPart::test)};
}

ImageSplit load_fashion_mnist(const std::string& folder) {
  const auto part = [&](MnistPart p) {
    return ImageSet{fashion_mnist_images(p, folder), fashion_mnist_labels(p, folder)};
  };
  return {part(MnistPart::train), part(MnistPart::test)};
}

}  // namespace chainrule
