// Which file, which array, which dtype.
#include "tools/file_values.h"

#include <fmt/format.h>

#include <algorithm>

#include "engine/array_files.h"
#include "engine/factory.h"
#include "engine/text.h"
#include "nn/data/dataset.h"
#include "ops/ops.h"

namespace chainrule {
namespace {

/// A floating array keeps its own dtype, unless --dtype asks for one.
Tensor in_wanted_dtype(const Tensor& array, const ProgramOptions& options) {
  return options.dtype_given && is_floating(array.dtype()) ? to(array, default_dtype()) : array;
}

/// "images" and "labels" are all pictures, the training ones first.
Tensor digits_array(std::string_view name) {
  const Digits digits = load_digits();
  if (name == "images") return cat({digits.train.images, digits.test.images}, 0);
  if (name == "labels") return cat({digits.train.labels, digits.test.labels}, 0);
  if (name == "train_images") return digits.train.images;
  if (name == "train_labels") return digits.train.labels;
  if (name == "test_images") return digits.test.images;
  if (name == "test_labels") return digits.test.labels;
  throw ValueError(
      fmt::format("@digits: there is no array '{}' in it; it holds images, labels, train_images, train_labels, "
                  "test_images, test_labels",
                  shorten(printable(name), 80)));
}

Tensor array_at(std::string_view place) {
  constexpr std::string_view kDigits = "digits:";
  if (place.starts_with(kDigits)) return digits_array(place.substr(kDigits.size()));
  if (place.find_first_of("./") == std::string_view::npos && place.find(':') != std::string_view::npos)
    throw ValueError(fmt::format("@{}: there is no data set '{}'; there is digits", shorten(printable(place), 80),
                                 shorten(printable(place.substr(0, place.find(':'))), 80)));
  const ArrayPlace file = array_place(place);
  return read_array(file.path, file.name);
}

}  // namespace

Value value_of(std::string_view text, const ProgramOptions& options) {
  if (text.starts_with('@')) return in_wanted_dtype(array_at(text.substr(1)), options);
  return closed_value(text);
}

void bind_inputs(Bindings& bindings, const ProgramOptions& options) {
  if (options.inputs.empty()) return;
  const std::vector<NamedTensor> arrays = read_arrays(options.inputs);
  std::vector<std::string> unusable;
  for (const NamedTensor& array : arrays) {
    if (is_name(array.name))
      bindings.bind(array.name, in_wanted_dtype(array.tensor, options));
    else
      unusable.push_back(array.name);
  }
  if (unusable.empty()) return;
  const std::string facts = fmt::format("--inputs: '{}' cannot be a name in a program; bind it as NAME=@{}:{}",
                                        shorten(printable(unusable[0]), 80), shorten(printable(options.inputs), 200),
                                        shorten(printable(unusable[0]), 80));
  if (unusable.size() == arrays.size()) throw ValueError(facts);
  if (!options.quiet)
    fmt::print(stderr, "chainrule: {}{}\n", facts,
               unusable.size() > 1 ? fmt::format(" (and {} more)", unusable.size() - 1) : "");
}

void check_save(const std::string& path) {
  const std::string_view file = std::string_view(path).substr(path.rfind('/') + 1);
  const auto dot = file.rfind('.');
  if (dot != std::string_view::npos && file.substr(dot) != ".npz")
    throw ValueError(fmt::format("--save: '{}' must end in .npz", shorten(printable(path), 200)));
}

void save_results(const std::string& path, std::vector<NamedTensor> results) {
  if (path.empty()) return;
  std::erase_if(results, [](const NamedTensor& result) { return !result.tensor.defined(); });
  write_npz(path, results);
}

}  // namespace chainrule
