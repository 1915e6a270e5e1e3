// Inner header: for our own sources, not installed.
// Patterns over the names of parameters.
#pragma once

#include <string_view>

namespace chainrule::internal {

/// Does the text fit the pattern, in which * is any text and ? any character?
bool fits_pattern(std::string_view text, std::string_view pattern);

}  // namespace chainrule::internal
