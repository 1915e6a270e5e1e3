// The header, and the sizes that follow from it, against the bytes that there are.
#include "nn/data/idx.h"

#include <fmt/format.h>

#include <array>
#include <vector>

#include "engine/files/elements.h"
#include "engine/files/inflate.h"
#include "engine/system/file.h"
#include "engine/types/error.h"

namespace chainrule {
namespace {

struct Type {
  IdxType type;
  Element element;
};
constexpr std::array<Type, 6> kTypes = {{{IdxType::u8, Element::u8},
                                         {IdxType::i8, Element::i8},
                                         {IdxType::i16, Element::i16},
                                         {IdxType::i32, Element::i32},
                                         {IdxType::f32, Element::f32},
                                         {IdxType::f64, Element::f64}}};

unsigned byte_at(std::string_view bytes, std::size_t place) { return static_cast<unsigned char>(bytes[place]); }

struct Header {
  IdxType type;
  Shape shape;
  std::uint64_t size;   // of the header
  std::uint64_t total;  // of a file that is what its header says
};

/// `start` is the file, or enough of it for a header.
Header header_of(std::string_view start, const std::string& who) {
  if (start.size() < 4) throw ValueError(fmt::format("{}: it has {} bytes, a header begins with 4", who, start.size()));
  const Type* type = nullptr;
  for (const Type& one : kTypes)
    if (byte_at(start, 2) == static_cast<unsigned>(one.type)) type = &one;
  if (byte_at(start, 0) != 0 || byte_at(start, 1) != 0 || !type || byte_at(start, 3) == 0)
    throw ValueError(fmt::format(
        "{}: it begins with {:02x} {:02x} {:02x} {:02x}; an IDX file begins with 00 00, a type of number (08, 09, 0b, "
        "0c, 0d, 0e) and how many axes there are",
        who, byte_at(start, 0), byte_at(start, 1), byte_at(start, 2), byte_at(start, 3)));
  const std::size_t rank = byte_at(start, 3), size = 4 + 4 * rank;
  if (start.size() < size)
    throw ValueError(fmt::format("{}: it has {} bytes, a header of {} axes has {}", who, start.size(), rank, size));
  std::vector<std::int64_t> sizes(rank);
  for (std::size_t axis = 0; axis < rank; ++axis) {
    for (std::size_t i = 0; i < 4; ++i) sizes[axis] = sizes[axis] << 8 | byte_at(start, 4 + 4 * axis + i);
    if (sizes[axis] == 0)
      throw ValueError(fmt::format("{}: the size of axis {} is 0, there is nothing in it", who, axis));
  }
  const Shape shape = checked_shape(sizes, type->element, who);
  return {type->type, shape, size, size + byte_size(shape, type->element)};
}

std::string name_of_file(const std::string& file) { return file_of("IDX", file); }

}  // namespace

IdxArray parse_idx_header(std::string_view bytes, const std::string& file) {
  const std::string who = name_of_file(file);
  if (bytes.empty()) throw ValueError(who + ": it is empty");
  std::array<char, 4 + 4 * 255> start{};
  if (is_gzip(bytes)) {
    Inflater inflater(bytes, Packing::gzip, who);
    bytes = {start.data(), inflater.read(start.data(), start.size())};
  }
  const Header header = header_of(bytes, who);
  return {header.type, header.shape, {}};
}

IdxArray parse_idx(std::string_view bytes, const std::string& file) {
  const std::string who = name_of_file(file);
  if (bytes.empty()) throw ValueError(who + ": it is empty");
  if (is_gzip(bytes)) {
    Header header{};
    std::string whole = unpack(bytes, Packing::gzip, who, [&](std::string_view start) {
      header = header_of(start, who);
      return header.total;
    });
    whole.erase(0, header.size);
    return {header.type, header.shape, std::move(whole)};
  }
  const Header header = header_of(bytes, who);
  if (bytes.size() != header.total)
    throw ValueError(fmt::format("{}: it has {} bytes; a header and numbers of shape {} have {}", who, bytes.size(),
                                 to_string(header.shape), header.total));
  return {header.type, header.shape, std::string(bytes.substr(header.size))};
}

IdxArray read_idx(const std::string& path) { return parse_idx(read_file(path, "IDX file"), path); }

Tensor idx_tensor(const IdxArray& array) {
  for (const Type& one : kTypes) {
    if (one.type != array.type) continue;
    if (array.bytes.size() != byte_size(array.shape, one.element))
      throw ValueError(fmt::format("idx_tensor: {} bytes for shape {}", array.bytes.size(), to_string(array.shape)));
    return decode_elements(array.bytes, array.shape, {.element = one.element, .big_endian = true}, "idx_tensor");
  }
  throw ValueError("idx_tensor: there is no such type of number");
}

}  // namespace chainrule
