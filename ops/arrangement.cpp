// The same numbers rearranged: flipped, rolled, repeated, padded, split.
#include "ops/function.h"
#include "ops/ops.h"
#include "ops/registry.h"
#include "ops/rules.h"

namespace chainrule {

std::span<const OpInfo* const> arrangement_ops() { return {}; }

std::span<const Function> arrangement_functions() { return {}; }

}  // namespace chainrule
