// IDX files, in which MNIST and its relatives come: a type, the sizes of the axes, and numbers with the highest byte
// first; plain or packed by gzip. Which files a data set consists of is in mnist.h.
#pragma once

#include <string>
#include <string_view>

#include "engine/tensor.h"

namespace chainrule {

/// The six types of number that there are; the value is the third byte of a file.
enum class IdxType : std::uint8_t { u8 = 0x08, i8 = 0x09, i16 = 0x0B, i32 = 0x0C, f32 = 0x0D, f64 = 0x0E };

struct IdxArray {
  IdxType type = IdxType::u8;
  Shape shape{};      ///< at least one axis, no size of 0
  std::string bytes;  ///< the numbers, row-major, each with its highest byte first
};

/// Reads a plain or packed file; the first bytes tell which, not the name. Throws ValueError for a file that is not
/// exactly what its header says, ShapeError for sizes that no tensor has, EnvironmentError for the machine's faults.
/// Memory is asked for only when the file is known to hold that much.
IdxArray read_idx(const std::string& path);
/// The same from memory; `file` is what messages call it.
IdxArray parse_idx(std::string_view bytes, const std::string& file);
/// Only what the header says, without a look at the numbers of a packed file: its `bytes` are empty.
IdxArray parse_idx_header(std::string_view bytes, const std::string& file);

/// The numbers as a tensor: integers as int64, the others in their own dtype.
Tensor idx_tensor(const IdxArray& array);

}  // namespace chainrule
