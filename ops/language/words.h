// Inner header: for our own sources, not installed.
// Names with a meaning of their own. Library code only.
#pragma once

#include <string_view>

#include "ops/value.h"

namespace chainrule::language {

/// Words of the language, to which nothing can be bound: true, false, None, and, or, not.
bool is_word(std::string_view name);
/// True for the words that are values: true, false, None.
bool is_fixed(std::string_view name, Value& value);
/// pi, inf, nan and the dtypes: they have a value until another one is bound to the name, by a statement, an argument
/// or a file.
bool is_constant(std::string_view name, Value& value);

}  // namespace chainrule::language
