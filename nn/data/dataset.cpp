// From numbers to tensors, and the table of the data sets that can be asked for by name.
#include "nn/data/dataset.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <array>

#include "engine/factory.h"
#include "engine/files/elements.h"
#include "engine/system/text.h"
#include "engine/types/error.h"
#include "nn/data/digits.h"
#include "nn/data/mnist.h"
#include "ops/ops.h"

namespace chainrule {
namespace {

ImageSet as_tensors(const LabelledImages& set) {
  return {from_vector(set.pixels, {set.count, set.channels, set.height, set.width}),
          from_vector(set.labels, {set.count})};
}

Tensor digits_array(bool train, bool images, const std::string& /*folder*/) {
  const DigitsSplit raw = load_digits_raw();
  const ImageSet part = as_tensors(train ? raw.train : raw.test);
  return images ? part.images : part.labels;
}

Tensor mnist_array(bool train, bool images, const std::string& folder) {
  const MnistPart part = train ? MnistPart::train : MnistPart::test;
  return images ? mnist_images(part, folder) : mnist_labels(part, folder);
}

/// A data set: a name, and a part of its images or labels.
struct DataSet {
  std::string_view name;
  Tensor (*load)(bool train, bool images, const std::string& folder);
};
constexpr std::array<DataSet, 2> kSets = {{{"digits", digits_array}, {"mnist", mnist_array}}};

/// An array of a data set: images or labels, of which parts.
struct DataArray {
  std::string_view name;
  bool images, train, test;
};
constexpr std::array<DataArray, 6> kArrays = {{{"images", true, true, true},
                                               {"labels", false, true, true},
                                               {"train_images", true, true, false},
                                               {"train_labels", false, true, false},
                                               {"test_images", true, false, true},
                                               {"test_labels", false, false, true}}};

template <class Table>
std::vector<std::string> names_of(const Table& table) {
  std::vector<std::string> names;
  names.reserve(table.size());
  for (const auto& row : table) names.emplace_back(row.name);
  return names;
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

std::vector<std::string> data_set_names() { return names_of(kSets); }
std::vector<std::string> data_array_names() { return names_of(kArrays); }

Tensor data_array(std::string_view set, std::string_view array, const std::string& folder) {
  for (const DataSet& s : kSets) {
    if (s.name != set) continue;
    for (const DataArray& a : kArrays) {
      if (a.name != array) continue;
      if (!a.train || !a.test) return s.load(a.train, a.images, folder);
      return cat({s.load(true, a.images, folder), s.load(false, a.images, folder)}, 0);
    }
    throw_no_array(fmt::format("data set {}", set), array, data_array_names());
  }
  throw ValueError(fmt::format("there is no data set '{}'; there are {}", shorten(printable(set), 80),
                               fmt::join(data_set_names(), ", ")));
}

}  // namespace chainrule
