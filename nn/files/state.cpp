// Comparing names, shapes and dtypes; then copying.
#include "nn/files/state.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <cstring>
#include <map>
#include <set>

#include "engine/files/array_files.h"
#include "engine/scopes.h"
#include "engine/system/file.h"
#include "engine/system/text.h"
#include "engine/types/error.h"
#include "nn/files/checkpoint.h"
#include "nn/pattern.h"

namespace chainrule {
namespace {

/// "'a', 'b' and 'c'", all of them.
std::string listed(const std::vector<std::string>& names) {
  std::string text;
  for (std::size_t i = 0; i < names.size(); ++i)
    text += fmt::format("{}'{}'", i == 0 ? "" : i + 1 < names.size() ? ", " : " and ", printable(names[i]));
  return text;
}

/// The first path of a name of the list, through as many shared modules as it takes.
std::string first_path(std::string name, const std::vector<Alias>& aliases) {
  for (std::size_t step = 0; step <= aliases.size(); ++step) {
    const std::string before = name;
    for (const Alias& a : aliases) {
      if (name == a.name)
        name = a.first;
      else if (name.starts_with(a.name + "."))
        name = a.first + name.substr(a.name.size());
    }
    if (name == before) break;
  }
  return name;
}

bool same_values(const Tensor& a, const Tensor& b) {
  if (a.shape() != b.shape() || a.dtype() != b.dtype()) return false;
  const Tensor x = dense(a), y = dense(b);
  return a.numel() == 0 ||
         std::memcmp(x.data(), y.data(), static_cast<std::size_t>(a.numel()) * item_size(a.dtype())) == 0;
}

bool fits(DType from, DType into) { return from == into || (from == DType::float32 && into == DType::float64); }

/// A pair of tensors that fit; `from` has the dtype of `into` and row-major values.
struct Copy {
  Tensor into, from;
};

std::vector<NamedTensor> arrays_of(const std::string& path) {
  if (path.ends_with(".npz")) return read_arrays(path);
  if (!path.ends_with(".safetensors"))
    throw ValueError(fmt::format("load_state: '{}' must end in .npz or .safetensors", shorten(printable(path), 200)));
  const std::string bytes = read_file(path, "load_state");
  return is_checkpoint(bytes) ? parse_checkpoint(bytes, path).weights : parse_safetensors(bytes, path);
}

}  // namespace

namespace internal {

LoadReport fill_by_name(const Filling& filling, const std::vector<NamedTensor>& list, const LoadOptions& options) {
  std::map<std::string, Tensor> given;  // by first path
  std::vector<std::string> faults;
  std::set<std::string> seen;
  for (const auto& [raw, tensor] : list) {
    const std::string name = composed(raw);
    if (!tensor.defined()) throw ValueError(fmt::format("{}: '{}' is an empty tensor handle", filling.what, name));
    if (!seen.insert(name).second)
      throw ValueError(fmt::format("{}: '{}' is given twice", filling.what, printable(name)));
    const std::string first = first_path(name, filling.aliases);
    if (!internal::fits_pattern(first, options.only) && !internal::fits_pattern(name, options.only)) continue;
    const auto [at, is_new] = given.try_emplace(first, tensor);
    if (!is_new && !same_values(at->second, tensor))
      faults.push_back(fmt::format("'{}' and '{}' are one tensor and would get different values", first, name));
  }
  LoadReport report;
  std::vector<Copy> copies;
  for (const auto& [raw, into] : filling.into) {
    const std::string name = composed(raw);
    const auto at = given.find(name);
    if (at == given.end()) {
      if (internal::fits_pattern(name, options.only)) report.missing.push_back(raw);
      continue;
    }
    const Tensor& from = at->second;
    if (from.shape() != into.shape())
      faults.push_back(
          fmt::format("'{}' has shape {}, not {}", name, to_string(from.shape()), to_string(into.shape())));
    else if (!fits(from.dtype(), into.dtype()))
      faults.push_back(fmt::format("'{}' is {}, not {}", name, name_of(from.dtype()), name_of(into.dtype())));
    else
      copies.push_back({into, from.detach()});
    report.loaded.push_back(raw);
    given.erase(at);
  }
  for (const auto& [name, tensor] : given) report.unexpected.push_back(name);
  if (options.strict) {
    if (!report.unexpected.empty())
      faults.insert(faults.begin(), fmt::format("unexpected: {}", listed(report.unexpected)));
    if (!report.missing.empty()) faults.insert(faults.begin(), fmt::format("missing: {}", listed(report.missing)));
  } else if (report.loaded.empty()) {
    faults.push_back("no name of it is known there");
  }
  if (options.strict && report.loaded.empty() && faults.empty() && options.only != "*")
    faults.push_back(fmt::format("no name fits the pattern '{}'", printable(options.only)));
  if (!faults.empty()) {
    std::string text;
    for (const std::string& fault : faults) text += (text.empty() ? "" : "; ") + fault;
    throw ValueError(fmt::format("{} does not fit {}, and nothing was changed; {} of {} names fit; {}", filling.what,
                                 filling.whose, copies.size(), filling.into.size(), text));
  }
  // Whatever can fail for want of memory comes before the first change.
  const NoGrad in_place;
  for (Copy& c : copies) {
    c.from = c.from.dtype() == c.into.dtype() ? internal::copied(c.from) : [&] {
      Tensor wide = empty(c.from.shape(), c.into.dtype());
      wide.copy_(c.from);
      return wide;
    }();
  }
  for (Copy& c : copies) {
    if (!c.into.is_contiguous())
      c.into.copy_(c.from);
    else if (const std::size_t size = static_cast<std::size_t>(c.into.numel()) * item_size(c.into.dtype()); size > 0)
      std::memcpy(c.into.mutable_data("load_state"), c.from.data(), size);
  }
  return report;
}

}  // namespace internal

std::vector<NamedTensor> state_dict(const ModuleBase& net) {
  std::vector<NamedTensor> state = net.state();
  for (NamedTensor& one : state) one.tensor = internal::copied(one.tensor);
  return state;
}

LoadReport load_state(ModuleBase& net, const std::vector<NamedTensor>& list, const LoadOptions& options) {
  return internal::fill_by_name({net.state(), net.aliases(), "load_state: the list", net.kind()}, list, options);
}

LoadReport load_state(ModuleBase& net, const std::string& path, const LoadOptions& options) {
  return internal::fill_by_name(
      {net.state(), net.aliases(), fmt::format("load_state: '{}'", shorten(printable(path), 200)), net.kind()},
      arrays_of(path), options);
}

void save_state(const ModuleBase& net, const std::string& path) {
  if (path.ends_with(".npz")) return write_npz(path, net.state());
  if (!path.ends_with(".safetensors"))
    throw ValueError(fmt::format("save_state: '{}' must end in .npz or .safetensors", shorten(printable(path), 200)));
  std::map<std::string, std::string> texts{{"format", "pt"}};  // names and shapes are PyTorch's, and readers ask for it
  nlohmann::ordered_json aliases = nlohmann::ordered_json::object();
  for (const Alias& a : net.aliases()) aliases[a.name] = a.first;
  if (!aliases.empty()) texts["aliases"] = aliases.dump();
  write_safetensors(path, net.state(), texts);
}

}  // namespace chainrule
