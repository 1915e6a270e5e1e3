// Looking for a part in a text, as most tests do, and a text line by line.
#pragma once

#include <sstream>
#include <string>
#include <vector>

namespace chainrule::testing {

inline bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

inline std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

}  // namespace chainrule::testing
