// Looking for a part in a text, as most tests do.
#pragma once

#include <string>

namespace chainrule::testing {

inline bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace chainrule::testing
