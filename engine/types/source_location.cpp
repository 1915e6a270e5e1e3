// Places as text.
#include "engine/types/source_location.h"

#include <fmt/format.h>

#include <string_view>

namespace chainrule {

std::string to_string(const SourceLocation& where) {
  const std::string_view file = where.file_name();
  if (where.line() == 0) return {};
  const std::string place = fmt::format("{}:{}", file.substr(file.find_last_of('/') + 1), where.line());
  return where.column() == 0 ? place : fmt::format("{}:{}", place, where.column());
}

}  // namespace chainrule
