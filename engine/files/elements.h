// Inner header: for our own sources, not installed.
// The elements of arrays in files: their types, and how their bytes become a tensor. Library code only; what a file
// looks like around them is in npy.cpp, npz.cpp and safetensors.cpp.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/tensor.h"

namespace chainrule {

enum class Element : std::uint8_t { f16, bf16, f32, f64, i8, i16, i32, i64, u8, u16, u32, u64, boolean };

std::size_t bytes_of(Element element);
/// The dtype that holds every value of it (of u64: up to 2^63 - 1).
DType dtype_for(Element element);

/// The sizes of an array that a file declares, not yet believed.
Shape checked_shape(const std::vector<std::int64_t>& sizes, Element element, const std::string& who);
/// Bytes of that many elements; the shape has been checked, so this cannot overflow.
std::uint64_t byte_size(const Shape& shape, Element element);

struct ElementLayout {
  Element element;
  bool big_endian = false;
  bool column_major = false;
};
/// The tensor; `bytes` has the shape's size. Throws ValueError for a number that has no place in the dtype.
Tensor decode_elements(std::string_view bytes, const Shape& shape, const ElementLayout& layout, const std::string& who);

/// An unsigned number of `bytes.size()` bytes, at most eight, the lowest first.
std::uint64_t little_endian(std::string_view bytes);

/// What stands in front of an npy array's bytes.
struct NpyHeader {
  ElementLayout layout;
  Shape shape;
  std::size_t size = 0;  // of the header; the elements follow
};
inline constexpr std::size_t kLargestNpyHeader = std::size_t{1} << 16;
/// `start` is the file or at least its first kLargestNpyHeader bytes, `total` the file's size. Throws unless they fit.
NpyHeader parse_npy_header(std::string_view start, std::uint64_t total, const std::string& who);
/// The array in bytes that begin with a header; `who` opens messages.
Tensor npy_array(std::string_view bytes, const std::string& who);

/// "npz file 'w.npz'", and with a name "npz file 'w.npz', array 'a'".
std::string file_of(const char* kind, std::string_view file, std::optional<std::string_view> array = {});
/// Throws the error that there is no such array, with the names that there are.
[[noreturn]] void throw_no_array(const std::string& who, std::string_view name, const std::vector<std::string>& names);

}  // namespace chainrule
