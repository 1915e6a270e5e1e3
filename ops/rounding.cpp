// Rounding and remainders.
#include "ops/function.h"
#include "ops/ops.h"
#include "ops/registry.h"
#include "ops/rules.h"

namespace chainrule {

std::span<const OpInfo* const> rounding_ops() { return {}; }

std::span<const Function> rounding_functions() { return {}; }

}  // namespace chainrule
