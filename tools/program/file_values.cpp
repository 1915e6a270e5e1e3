// Which file, which array, which dtype.
#include "tools/program/file_values.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>

#include "engine/factory.h"
#include "engine/files/array_files.h"
#include "engine/system/text.h"
#include "ops/ops.h"
#include "tools/program/data_sets.h"

namespace chainrule {
namespace {

/// A floating array keeps its own dtype, unless --dtype asks for one.
Tensor in_wanted_dtype(const Tensor& array, const ProgramOptions& options) {
  return options.dtype_given && is_floating(array.dtype()) ? to(array, default_dtype()) : array;
}

Tensor array_at(std::string_view place, const ProgramOptions& options) {
  const std::size_t colon = place.find(':');
  const std::string_view set = place.substr(0, colon);
  const std::vector<std::string> sets = data_set_names();
  const bool known = std::find(sets.begin(), sets.end(), set) != sets.end();
  if (colon != std::string_view::npos && (known || place.find_first_of("./") == std::string_view::npos))
    return data_array(set, place.substr(colon + 1), options.data_dir);
  if (known)
    throw ValueError(fmt::format("@{0}: which of its arrays? As in @{0}:images; there are {1}", place,
                                 fmt::join(data_array_names(), ", ")));
  const ArrayPlace file = array_place(place);
  return read_array(file.path, file.name);
}

}  // namespace

ArrayPlace array_place(std::string_view text) {
  for (std::size_t colon = text.find(':'); colon != std::string_view::npos; colon = text.find(':', colon + 1))
    if (is_array_file(text.substr(0, colon)))
      return {std::string(text.substr(0, colon)), std::string(text.substr(colon + 1))};
  return {std::string(text), {}};
}

Value value_of(std::string_view text, const ProgramOptions& options) {
  if (text.starts_with('@')) return in_wanted_dtype(array_at(text.substr(1), options), options);
  return closed_value(text);
}

std::vector<std::string> bind_inputs(Bindings& bindings, const ProgramOptions& options) {
  if (options.inputs.empty()) return {};
  const std::vector<NamedTensor> arrays = read_arrays(options.inputs);
  std::vector<std::string> bound, unusable;
  for (const NamedTensor& array : arrays) {
    (is_name(array.name) ? bound : unusable).push_back(array.name);
    if (is_name(array.name)) bindings.bind(array.name, in_wanted_dtype(array.tensor, options));
  }
  if (unusable.empty()) return bound;
  const std::string facts = fmt::format("--inputs: '{}' cannot be a name in a program; bind it as NAME=@{}:{}",
                                        shorten(printable(unusable[0]), 80), shorten(printable(options.inputs), 200),
                                        shorten(printable(unusable[0]), 80));
  if (unusable.size() == arrays.size()) throw ValueError(facts);
  if (!options.quiet)
    fmt::print(stderr, "chainrule: {}{}\n", facts,
               unusable.size() > 1 ? fmt::format(" (and {} more)", unusable.size() - 1) : "");
  return bound;
}

void check_save(const std::string& path) {
  const std::string_view file = std::string_view(path).substr(path.rfind('/') + 1);
  const auto dot = file.rfind('.');
  if (dot != std::string_view::npos && file.substr(dot) != ".npz")
    throw ValueError(fmt::format("--save: '{}' must end in .npz", shorten(printable(path), 200)));
  const std::filesystem::path folder = std::filesystem::path(path).parent_path();
  std::error_code unknown;
  if (!folder.empty() && !std::filesystem::exists(folder, unknown) && !unknown)
    throw EnvironmentError(fmt::format("--save: cannot write '{}': create the folder '{}' first",
                                       shorten(printable(path), 200), shorten(printable(folder.string()), 200)));
  if (std::filesystem::is_directory(path, unknown))
    throw EnvironmentError(fmt::format("--save: cannot write '{}': it is a folder", shorten(printable(path), 200)));
}

void save_results(const std::string& path, std::vector<NamedTensor> results) {
  if (path.empty()) return;
  std::erase_if(results, [](const NamedTensor& result) { return !result.tensor.defined(); });
  write_npz(path, results);
}

}  // namespace chainrule
