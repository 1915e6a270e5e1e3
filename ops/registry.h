// The list of all operations: what drawing, explaining, the tests and the `chainrule ops` command walk over.
// It is joined from the families (families.h); nothing registers itself at start-up.
#pragma once

#include <span>
#include <string_view>

#include "engine/node.h"

namespace chainrule {

/// Every operation of the library, the ones that only gradients use included, in the order of the families.
std::span<const OpInfo* const> op_registry();
/// The operation of that name; null when there is none.
const OpInfo* find_op(std::string_view name);

}  // namespace chainrule
