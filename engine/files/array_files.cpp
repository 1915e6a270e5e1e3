// Paths: which reader a file goes to, and which of its arrays is asked for. Each format has a source of its own.
#include "engine/files/array_files.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "engine/files/elements.h"
#include "engine/system/file.h"
#include "engine/system/text.h"
#include "engine/types/error.h"

namespace chainrule {
namespace {

enum class Kind { npy, npz, safetensors, csv };
constexpr std::array<std::pair<std::string_view, Kind>, 4> kEndings = {
    {{".npy", Kind::npy}, {".npz", Kind::npz}, {".safetensors", Kind::safetensors}, {".csv", Kind::csv}}};

bool ends_as(std::string_view path, std::string_view ending) {
  const auto same = [](char a, char b) { return (a >= 'A' && a <= 'Z' ? a - 'A' + 'a' : a) == b; };
  return path.size() > ending.size() &&
         std::equal(ending.begin(), ending.end(), path.end() - static_cast<std::ptrdiff_t>(ending.size()),
                    [&](char e, char p) { return same(p, e); });
}

std::optional<Kind> kind_of(std::string_view path) {
  for (const auto& [ending, kind] : kEndings)
    if (ends_as(path, ending)) return kind;
  return {};
}

[[noreturn]] void throw_unknown(std::string_view path) {
  throw ValueError(
      fmt::format("file '{}': its name must end in .npy, .npz, .safetensors or .csv", shorten(printable(path), 200)));
}

/// "data/x.npy" without folder and ending.
std::string stem_of(std::string_view path) {
  path.remove_prefix(path.rfind('/') + 1);  // npos + 1 is 0
  return std::string(path.substr(0, path.rfind('.')));
}

std::vector<NamedTensor> columns_of(const Table& table, const std::string& path) {
  if (table.columns.empty()) return {{stem_of(path), table.values}};
  std::vector<NamedTensor> columns;
  columns.reserve(table.columns.size());
  const std::int64_t rows = table.values.size(0), width = table.values.size(1);
  for (std::size_t i = 0; i < table.columns.size(); ++i)
    columns.push_back({table.columns[i], internal::copied(internal::view(table.values, Shape{rows}, Strides{width},
                                                                         static_cast<std::int64_t>(i)))});
  return columns;
}

}  // namespace

std::vector<NamedTensor> read_arrays(const std::string& path) {
  const auto kind = kind_of(path);
  if (!kind) throw_unknown(path);
  if (*kind == Kind::csv) return columns_of(read_csv(path), path);
  const std::string bytes = read_file(path, "array file");
  if (*kind == Kind::npz) return parse_npz(bytes, path);
  if (*kind == Kind::safetensors) return parse_safetensors(bytes, path);
  return {{stem_of(path), parse_npy(bytes, path)}};
}

Tensor read_array(const std::string& path, std::optional<std::string_view> typed) {
  const std::string wanted = typed ? composed(std::string(*typed)) : "";
  const std::optional<std::string_view> name = typed ? std::optional<std::string_view>(wanted) : std::nullopt;
  const auto kind = kind_of(path);
  if (!kind) throw_unknown(path);
  if (kind == Kind::npy) {
    if (name) throw ValueError(fmt::format("{}: an npy file holds one array without a name", file_of("npy", path)));
    return parse_npy(read_file(path, "array file"), path);
  }
  if (kind == Kind::csv) {
    if (!name) return read_csv(path).values;
    return columns_of(read_csv(path, {.only = wanted}), path)[0].tensor;
  }
  const std::string bytes = read_file(path, "array file");
  const auto parse = *kind == Kind::npz ? parse_npz : parse_safetensors;
  const std::vector<NamedTensor> arrays = parse(bytes, path, name);
  if (arrays.size() == 1) return arrays[0].tensor;
  throw ValueError(fmt::format("file '{}' holds {} arrays; say which one, as in {}:{}", shorten(printable(path), 200),
                               arrays.size(), shorten(printable(path), 200),
                               arrays.empty() ? "NAME" : shorten(printable(arrays[0].name), 80)));
}

bool is_array_file(std::string_view path) { return kind_of(path).has_value(); }

Table read_csv(const std::string& path, const CsvOptions& options) {
  return parse_csv(read_file(path, "array file"), path, options);
}

}  // namespace chainrule
