// Arrays in files: NumPy's .npy and .npz, .safetensors and tables as .csv. The readers are strict: every size is
// checked against the file before memory is asked for, nothing in a file is ever run, and names in it never become
// paths. Deliberately not here: which arrays a model expects (nn), data sets of pictures.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/tensor.h"

namespace chainrule {

// What a file holds becomes float32, float64, int64 or bool: half and bfloat16 widen to float32, integers to int64,
// both exactly. Byte orders and column-major order are converted. Everything else, such as complex numbers, text and
// Python objects, is refused by name. All readers throw ValueError or ShapeError for what is wrong with a file and
// EnvironmentError for what is wrong with the machine; the message names the file and the place.

/// Reads by the path's ending: .npy (one array, called as the file is), .npz, .safetensors, .csv (its columns).
std::vector<NamedTensor> read_arrays(const std::string& path);
/// One array of a file. Without a name: the only one, or the whole of a table as (rows, columns).
Tensor read_array(const std::string& path, std::optional<std::string_view> name = {});
/// True when the path ends as one of these files does.
bool is_array_file(std::string_view path);

/// Replaces the file by the arrays, stored uncompressed as numpy.savez does; see write_file for what is atomic.
/// Throws ValueError for a name given twice, EnvironmentError when it cannot be written.
void write_npz(const std::string& path, const std::vector<NamedTensor>& arrays);
void write_npy(const std::string& path, const Tensor& array);

/// A safetensors file with the texts that its header holds beside the tensors ("__metadata__").
struct SafetensorsFile {
  std::vector<NamedTensor> tensors;  ///< in the order of their bytes
  std::map<std::string, std::string> metadata;
};
SafetensorsFile read_safetensors(const std::string& path);
/// As write_npz: the same tensors and texts give the same bytes. Wide elements come first, so that all are aligned; of
/// one width they keep their order. Names and texts are UTF-8. Throws ValueError for a name that a header cannot hold.
void write_safetensors(const std::string& path, const std::vector<NamedTensor>& arrays,
                       const std::map<std::string, std::string>& metadata = {});

struct CsvOptions {
  enum class Header : std::uint8_t { automatic, present, absent };
  char separator = 0;  ///< 0: the first of tab, semicolon and comma that the first line holds
  /// automatic: the first line names the columns when it holds no number outside quotes.
  Header header = Header::automatic;
  /// This column alone, which the first line names: the others may hold anything.
  std::optional<std::string> only{};
};
struct Table {
  std::vector<std::string> columns;  ///< their names; empty without a header
  Tensor values;                     ///< (rows, columns), float64; with `only` (rows, 1)
};
/// Numbers, with a point whatever the locale; quotes, byte-order mark and all line ends are understood. Throws
/// ValueError that names line and column, for a missing cell and for rows of different length too.
Table read_csv(const std::string& path, const CsvOptions& options = {});

// The same from and to memory; `file` is what messages call it. With `only`, the others are not unpacked.
Tensor parse_npy(std::string_view bytes, const std::string& file);
std::vector<NamedTensor> parse_npz(std::string_view bytes, const std::string& file,
                                   std::optional<std::string_view> only = {});
std::vector<NamedTensor> parse_safetensors(std::string_view bytes, const std::string& file,
                                           std::optional<std::string_view> only = {});
SafetensorsFile parse_safetensors_file(std::string_view bytes, const std::string& file);
Table parse_csv(std::string_view text, const std::string& file, const CsvOptions& options = {});
std::string npy_bytes(const Tensor& array);
std::string npz_bytes(const std::vector<NamedTensor>& arrays);
std::string safetensors_bytes(const std::vector<NamedTensor>& arrays,
                              const std::map<std::string, std::string>& metadata = {});

}  // namespace chainrule
