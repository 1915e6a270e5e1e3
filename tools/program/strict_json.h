// JSON that somebody else wrote, read with limits and refused with a place. What stands in it is up to the caller.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include <string>

namespace chainrule {

/// Throws ValueError with file, line and column for text that is no JSON, that nests deeper than `deepest`, or where an
/// object names something twice.
nlohmann::ordered_json parse_strict_json(const std::string& text, const std::string& file, int deepest);

}  // namespace chainrule
