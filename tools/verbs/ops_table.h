// The table of operations as pages: the verb ops, and the generated part of ops/OPERATIONS.md.
#pragma once

#include <string>

#include "ops/function.h"

namespace chainrule {

/// "| `exp` | `exp(input)` | z = exp(x) | z | |": one row for each function, in the order of the families.
std::string operations_as_markdown();

}  // namespace chainrule
