// The zip format by hand, after its specification (APPNOTE.TXT); independent of the library that the reader uses.
#include "tests/engine/files/array_bytes.h"

#include <zlib.h>

namespace chainrule::testing {

std::uint32_t crc_of(std::string_view bytes) {
  return static_cast<std::uint32_t>(crc32_z(0, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size()));
}

std::string deflated(std::string_view bytes) {
  z_stream stream{};
  deflateInit2(&stream, 9, Z_DEFLATED, -15, 9, Z_DEFAULT_STRATEGY);
  std::string out(deflateBound(&stream, static_cast<uLong>(bytes.size())), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

ZipMember stored_member(const std::string& name, const std::string& data) {
  return {.name = name, .data = data, .crc = crc_of(data), .size = data.size()};
}

ZipMember packed_member(const std::string& name, const std::string& data) {
  return {.name = name, .data = deflated(data), .crc = crc_of(data), .size = data.size(), .method = 8};
}

std::string zip_file(const std::vector<ZipMember>& members) {
  constexpr std::uint64_t kElsewhere = 0xFFFFFFFF;
  std::string file, directory;
  for (const ZipMember& m : members) {
    const std::uint64_t offset = m.listed_at != 0 ? m.listed_at : file.size();
    const std::string extra = m.zip64 ? bytes_of_number(1, 2) + bytes_of_number(16, 2) + bytes_of_number(m.size, 8) +
                                            bytes_of_number(m.data.size(), 8)
                                      : std::string();
    const std::string facts = bytes_of_number(m.zip64 ? 45 : 20, 2) + bytes_of_number(m.flags, 2) +
                              bytes_of_number(m.method, 2) + bytes_of_number(0x00210000, 4) +
                              bytes_of_number(m.crc, 4) + bytes_of_number(m.zip64 ? kElsewhere : m.data.size(), 4) +
                              bytes_of_number(m.zip64 ? kElsewhere : m.size, 4);
    if (m.listed_at == 0)
      file += "PK\3\4" + facts + bytes_of_number(m.name.size(), 2) + bytes_of_number(extra.size(), 2) + m.name + extra +
              m.data + m.behind;
    directory += "PK\1\2" + bytes_of_number(20, 2) + facts + bytes_of_number(m.central_name.size(), 2) +
                 bytes_of_number(extra.size(), 2) + std::string(10, '\0') + bytes_of_number(offset, 4) +
                 m.central_name + extra;
  }
  const std::uint64_t begin = file.size(), count = members.size();
  const bool many = count >= 0xFFFF;
  file += directory;
  if (many) {
    const std::uint64_t end = file.size();
    file += "PK\6\6" + bytes_of_number(44, 8) + bytes_of_number(45, 2) + bytes_of_number(45, 2) + std::string(8, '\0') +
            bytes_of_number(count, 8) + bytes_of_number(count, 8) + bytes_of_number(directory.size(), 8) +
            bytes_of_number(begin, 8);
    file += "PK\6\7" + std::string(4, '\0') + bytes_of_number(end, 8) + bytes_of_number(1, 4);
  }
  file += "PK\5\6" + std::string(4, '\0') + bytes_of_number(many ? 0xFFFF : count, 2) +
          bytes_of_number(many ? 0xFFFF : count, 2) + bytes_of_number(many ? kElsewhere : directory.size(), 4) +
          bytes_of_number(many ? kElsewhere : begin, 4) + std::string(2, '\0');
  return file;
}

}  // namespace chainrule::testing
