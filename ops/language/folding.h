// Inner header: for our own sources, not installed.
// Arithmetic on plain numbers, computed at once. Library code only.
#pragma once

#include <optional>
#include <string_view>

#include "ops/value.h"

namespace chainrule::language {

/// As Python does: whole numbers stay whole and exact. Throws ValueError for what leaves int64. None when the operator
/// is left to tensors.
std::optional<Value> fold_numbers(std::string_view op, const Value& x, const Value& y);
Value negated(const Value& x);

}  // namespace chainrule::language
