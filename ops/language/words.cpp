// One rule for statements, arguments, files and tangents: what can be bound wins, and what cannot be is refused.
#include "ops/language/words.h"

#include <algorithm>
#include <limits>
#include <numbers>

namespace chainrule::language {

bool is_word(std::string_view name) {
  static constexpr std::string_view words[] = {"true", "True", "false", "False", "None", "and", "or", "not"};
  return std::find(std::begin(words), std::end(words), name) != std::end(words);
}

bool is_fixed(std::string_view name, Value& value) {
  if (name == "true" || name == "True") return value = true, true;
  if (name == "false" || name == "False") return value = false, true;
  if (name == "None") return value = None, true;
  return false;
}

bool is_constant(std::string_view name, Value& value) {
  if (name == "pi") return value = std::numbers::pi, true;
  if (name == "inf") return value = std::numeric_limits<double>::infinity(), true;
  if (name == "nan") return value = std::numeric_limits<double>::quiet_NaN(), true;
  if (name == "float32" || name == "float64" || name == "int64" || name == "bool")
    return value = std::string(name), true;
  return false;
}

}  // namespace chainrule::language
