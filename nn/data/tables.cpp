// Columns by name out of what engine/files reads.
#include "nn/data/tables.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "engine/factory.h"
#include "engine/files/array_files.h"
#include "engine/files/elements.h"
#include "engine/system/file.h"
#include "engine/system/text.h"
#include "engine/types/error.h"

namespace chainrule {
namespace {

/// The whole table; where another column holds no numbers, only those that are asked for.
Table wanted_table(std::string_view text, const std::string& file, const CsvColumns& columns) {
  const CsvOptions all{.header = CsvOptions::Header::present};
  if (columns.inputs.empty()) return parse_csv(text, file, all);
  try {
    return parse_csv(text, file, all);
  } catch (const ValueError&) {  // a wanted column that is at fault says so below
    std::vector<std::string> names = columns.inputs;
    names.insert(names.end(), columns.targets.begin(), columns.targets.end());
    std::vector<Table> each;
    each.reserve(names.size());
    for (const std::string& name : names)
      each.push_back(parse_csv(text, file, {.header = CsvOptions::Header::present, .only = name}));
    const std::int64_t rows = each.front().values.size(0), width = static_cast<std::int64_t>(names.size());
    Table table{{}, empty({rows, width}, DType::float64)};
    auto* out = static_cast<double*>(table.values.mutable_data("csv_dataset"));
    for (std::int64_t c = 0; c < width; ++c) {
      const Table& one = each[static_cast<std::size_t>(c)];
      table.columns.push_back(one.columns.front());
      for (std::int64_t r = 0; r < rows; ++r) out[r * width + c] = one.values.data<double>()[r];
    }
    return table;
  }
}

Tensor columns_of(const Table& table, const std::vector<std::size_t>& chosen) {
  const std::int64_t rows = table.values.size(0), width = table.values.size(1);
  Tensor part = empty({rows, static_cast<std::int64_t>(chosen.size())}, DType::float32);
  auto* out = static_cast<float*>(part.mutable_data("csv_dataset"));
  const double* in = table.values.data<double>();
  for (std::int64_t r = 0; r < rows; ++r)
    for (const std::size_t c : chosen) *out++ = static_cast<float>(in[r * width + static_cast<std::int64_t>(c)]);
  return part;
}

Tensor classes_of(const Table& table, std::size_t column, const std::string& who) {
  const std::int64_t rows = table.values.size(0), width = table.values.size(1);
  std::vector<std::int64_t> classes;
  for (std::int64_t r = 0; r < rows; ++r) {
    const double value = table.values.data<double>()[r * width + static_cast<std::int64_t>(column)];
    if (!(value >= 0 && value < 0x1p53) || value != std::floor(value))
      throw ValueError(fmt::format("{}: row {} of column '{}' is {}; classes are whole numbers from 0", who, r + 1,
                                   shorten(printable(table.columns[column]), 40), value));
    classes.push_back(static_cast<std::int64_t>(value));
  }
  return from_vector(classes, {rows});
}

}  // namespace

TensorDataset parse_csv_dataset(std::string_view text, const std::string& file, const CsvColumns& columns) {
  const std::string who = file_of("CSV", file);
  if (columns.classes && columns.targets.size() != 1)
    throw ValueError(fmt::format("{}: classes are one column, not {}", who, columns.targets.size()));
  std::set<std::string> known;
  for (const auto* list : {&columns.inputs, &columns.targets})
    for (const std::string& name : *list)
      if (!known.insert(composed(name)).second)
        throw ValueError(fmt::format("{}: column '{}' is asked for twice", who, shorten(printable(name), 40)));
  const Table table = wanted_table(text, file, columns);
  const auto place_of = [&](const std::string& name) {
    const auto at = std::find(table.columns.begin(), table.columns.end(), composed(name));
    if (at == table.columns.end()) throw_no_array(who, name, table.columns);
    return static_cast<std::size_t>(at - table.columns.begin());
  };
  std::vector<std::size_t> inputs, targets;
  for (const std::string& name : columns.targets) targets.push_back(place_of(name));
  for (const std::string& name : columns.inputs) inputs.push_back(place_of(name));
  if (columns.inputs.empty())
    for (std::size_t c = 0; c < table.columns.size(); ++c)
      if (std::find(targets.begin(), targets.end(), c) == targets.end()) inputs.push_back(c);
  if (inputs.empty()) throw ValueError(fmt::format("{}: all of its columns are targets, so there are no inputs", who));
  Tensor answers;
  if (columns.classes)
    answers = classes_of(table, targets.front(), who);
  else if (!targets.empty())
    answers = columns_of(table, targets);
  return TensorDataset(columns_of(table, inputs), answers);
}

TensorDataset csv_dataset(const std::string& path, const CsvColumns& columns) {
  return parse_csv_dataset(read_file(path, "CSV file"), path, columns);
}

TensorDataset npz_dataset(const std::string& path, std::string_view inputs, std::string_view targets) {
  const std::string bytes = read_file(path, "npz file");
  const auto array = [&](std::string_view name) { return parse_npz(bytes, path, name).at(0).tensor; };
  return TensorDataset(array(inputs), targets.empty() ? Tensor() : array(targets));
}

}  // namespace chainrule
