// From numbers to tensors.
#include "nn/data/dataset.h"

#include "engine/factory.h"
#include "nn/data/digits.h"
#include "nn/data/mnist.h"
#include "ops/ops.h"

namespace chainrule {
namespace {

ImageSet as_tensors(const LabelledImages& set) {
  return {from_vector(set.pixels, {set.count, set.channels, set.height, set.width}),
          from_vector(set.labels, {set.count})};
}

}  // namespace

ImageSet ImageSet::select(const std::vector<std::int64_t>& places) const {
  const Tensor index = from_vector(places, {static_cast<std::int64_t>(places.size())});
  return {index_select(images, 0, index), index_select(labels, 0, index)};
}

ImageSplit load_digits() {
  const DigitsSplit raw = load_digits_raw();
  return {as_tensors(raw.train), as_tensors(raw.test)};
}

ImageSplit load_mnist(const std::string& folder) {
  const auto part = [&](MnistPart p) { return ImageSet{mnist_images(p, folder), mnist_labels(p, folder)}; };
  return {part(MnistPart::train), part(MnistPart::test)};
}

}  // namespace chainrule
