// Walks the fields of protobuf's wire format, level by level. The values themselves are not read.
#include "nn/files/onnx/wire.h"

#include <array>
#include <cstdint>

namespace chainrule::internal {
namespace {

bool take_varint(std::string_view& bytes, std::uint64_t& value) {
  value = 0;
  for (unsigned shift = 0; shift < 64 && !bytes.empty(); shift += 7) {
    const auto byte = static_cast<unsigned char>(bytes.front());
    bytes.remove_prefix(1);
    value |= static_cast<std::uint64_t>(byte & 0x7fu) << shift;
    if (byte < 0x80) return true;
  }
  return false;
}

/// Takes one field off the front; `content` is what a field with a length holds. False where the bytes make no sense.
bool take_field(std::string_view& bytes, std::uint64_t& field, std::string_view& content) {
  std::uint64_t tag = 0, length = 0;
  content = {};
  if (!take_varint(bytes, tag)) return false;
  field = tag >> 3;
  switch (tag & 7u) {
    case 0:
      return take_varint(bytes, length);
    case 1:
      length = 8;
      break;
    case 2:
      if (!take_varint(bytes, length)) return false;
      break;
    case 5:
      length = 4;
      break;
    default:
      return (tag & 7u) < 5;  // ends of groups
  }
  if (length > bytes.size()) return false;
  if ((tag & 7u) == 2) content = bytes.substr(0, length);
  bytes.remove_prefix(length);
  return true;
}

// What a message is, as far as it matters which of its fields are messages. `other` is small, or refused later; all of
// its fields are taken for messages.
enum class Kind : std::uint8_t { model, graph, node, attribute, tensor, other, leaf };

Kind inside(Kind kind, std::uint64_t field) {
  switch (kind) {
    case Kind::model:
      return field == 7 ? Kind::graph : field == 20 || field == 25 ? Kind::other : Kind::leaf;
    case Kind::graph:
      return field == 1 ? Kind::node : field == 5 ? Kind::tensor : field >= 11 ? Kind::other : Kind::leaf;
    case Kind::node:
      return field == 5 ? Kind::attribute : Kind::leaf;
    case Kind::attribute:
      return field == 5 || field == 10                  ? Kind::tensor
             : field == 6 || field == 11 || field >= 22 ? Kind::other
                                                        : Kind::leaf;
    case Kind::other:
      return Kind::other;
    case Kind::tensor:
    case Kind::leaf:
      break;
  }
  return Kind::leaf;
}

constexpr std::size_t kLevels = 101;  // protobuf gives up below

}  // namespace

std::size_t onnx_fields(std::string_view bytes, std::size_t limit) {
  struct Open {
    std::string_view bytes;
    Kind kind;
  };
  std::array<Open, kLevels> open{{{bytes, Kind::model}}};
  std::size_t count = 0;
  for (std::size_t depth = 1; depth > 0;) {
    Open& top = open[depth - 1];
    std::string_view content;
    std::uint64_t field = 0;
    if (count >= limit) return count;
    if (top.bytes.empty() || !take_field(top.bytes, field, content)) {
      --depth;
      continue;
    }
    ++count;
    const Kind kind = inside(top.kind, field);
    if (kind != Kind::leaf && !content.empty() && depth < kLevels) open[depth++] = {content, kind};
  }
  return count;
}

}  // namespace chainrule::internal
