// Small array files byte by byte, right and wrong, for the tests of the readers; and what a reader says about them.
#pragma once

#include <cstdint>
#include <exception>
#include <string>
#include <string_view>
#include <vector>

#include "engine/types/error.h"
#include "tests/text.h"

namespace chainrule::testing {

/// The message of the ShapeError or ValueError that `run` throws; anything else is told apart.
template <class Run>
std::string fault(Run run) {
  try {
    run();
  } catch (const EnvironmentError& e) {
    return std::string("EnvironmentError: ") + e.what();
  } catch (const Error& e) {
    return e.what();
  } catch (const std::exception& e) {
    return std::string("not ours: ") + e.what();
  }
  return "no error";
}

/// The number's lowest `count` bytes, the lowest first.
inline std::string bytes_of_number(std::uint64_t number, int count) {
  std::string bytes;
  for (int i = 0; i < count; ++i) bytes += static_cast<char>(number >> (8 * i) & 0xFF);
  return bytes;
}

/// An npy file with any header and any data.
inline std::string npy_file(const std::string& header, const std::string& data, int version = 1) {
  return "\x93NUMPY" + std::string(1, static_cast<char>(version)) + std::string(1, '\0') +
         bytes_of_number(header.size(), version == 1 ? 2 : 4) + header + data;
}
inline std::string npy_header(const std::string& descr, const std::string& shape, const std::string& order = "False") {
  return "{'descr': '" + descr + "', 'fortran_order': " + order + ", 'shape': " + shape + ", }\n";
}

inline std::string safetensors_file(const std::string& header, const std::string& data) {
  return bytes_of_number(header.size(), 8) + header + data;
}

std::uint32_t crc_of(std::string_view bytes);
/// A raw deflate stream.
std::string deflated(std::string_view bytes);

/// One member of a zip archive, with everything that the archive says about it.
struct ZipMember {
  std::string name, data;  // as they stand in the file
  std::uint32_t crc = 0;
  std::uint64_t size = 0;  // unpacked
  int method = 0;
  int flags = 0;
  std::string central_name = name;  // in the directory
  bool zip64 = false;
  std::uint64_t listed_at = 0;  // not 0: only the directory knows it, and says that it begins there
  std::string behind{};         // between the data and the next member
};
ZipMember stored_member(const std::string& name, const std::string& data);
ZipMember packed_member(const std::string& name, const std::string& data);
std::string zip_file(const std::vector<ZipMember>& members);

}  // namespace chainrule::testing
