// The table of data sets and of their arrays.
#include "tools/program/data_sets.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <array>

#include "engine/files/elements.h"
#include "engine/system/text.h"
#include "engine/types/error.h"
#include "nn/data/image_set.h"
#include "nn/data/mnist.h"
#include "ops/ops.h"

namespace chainrule {
namespace {

Tensor digits_array(bool train, bool images, const std::string& /*folder*/) {
  const ImageSplit digits = load_digits();
  const ImageSet& part = train ? digits.train : digits.test;
  return images ? part.images : part.labels;
}

Tensor mnist_array(bool train, bool images, const std::string& folder) {
  const MnistPart part = train ? MnistPart::train : MnistPart::test;
  try {
    return images ? mnist_images(part, folder) : mnist_labels(part, folder);
  } catch (const ValueError& e) {  // the caller here is somebody at a terminal
    std::string text = e.what();
    const std::string_view call = "in the call";
    if (const auto at = text.find(call); at != std::string::npos) text.replace(at, call.size(), "by --data-dir FOLDER");
    throw ValueError(text);
  }
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
