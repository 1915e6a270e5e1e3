// The table of operations as pages: the verb ops, and the generated part of ops/OPERATIONS.md.
#pragma once

#include <string>

#include "ops/function.h"

namespace chainrule {

/// "| `exp` | `exp(input)` | z = exp(x) | z | |": one row for each function, in the order of the families.
std::string operations_as_markdown();

/// The names of all functions and topics, separated by spaces: what can stand after `chainrule ops`.
std::string operation_words();

/// The function's example as a line for bash and zsh: "chainrule grad 'sum(exp(x))' 'x=[1,2]'". One number is
/// differentiated, and gradients are not all 0 or 1 where another power of the result can see to that.
std::string example_command(const Function& f);

}  // namespace chainrule
