// Tables and arrays in files as data sets: which columns or arrays are inputs, and which are targets. The readers are
// in engine/files.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "nn/data/dataset.h"

namespace chainrule {

struct CsvColumns {
  std::vector<std::string> inputs{};   ///< names, in this order; empty: all columns that are no targets
  std::vector<std::string> targets{};  ///< names; empty: a data set without targets
  bool classes = false;                ///< the one target column holds classes: targets (N) int64
};

/// A table whose first line names its columns: inputs (N, columns) float32, targets (N, columns) float32, or classes.
/// Columns that are not asked for may hold anything when inputs are named. Throws ValueError as read_csv() does, and
/// for a column that is not there, given twice, or with classes that are not whole numbers from 0.
TensorDataset csv_dataset(const std::string& path, const CsvColumns& columns);
/// Two arrays of an .npz file, whose first axes count the samples; without a name for the targets, there are none.
TensorDataset npz_dataset(const std::string& path, std::string_view inputs, std::string_view targets = {});

/// The same from memory; `file` is what messages call it.
TensorDataset parse_csv_dataset(std::string_view text, const std::string& file, const CsvColumns& columns);

}  // namespace chainrule
