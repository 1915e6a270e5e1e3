// Inner header: for our own sources, not installed.
// What a recorded operation is called in a report.
#pragma once

#include <string>

#include "engine/check/gradcheck.h"
#include "engine/check/replay.h"

namespace chainrule::internal {

/// Operation k by name and place, "mul at program:1:5"; the other parts of the blame are empty.
GradcheckBlame blame_of(const Recording& base, std::size_t k);
/// "; more stable: log1p(x) for log(1 + x)", of what operation k reads or of itself; empty when there is none.
std::string stable_form(const Recording& base, std::size_t k);

}  // namespace chainrule::internal
