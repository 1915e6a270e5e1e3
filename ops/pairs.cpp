// Functions of two and three numbers.
#include "ops/function.h"
#include "ops/ops.h"
#include "ops/registry.h"
#include "ops/rules.h"

namespace chainrule {

std::span<const OpInfo* const> pair_ops() { return {}; }

std::span<const Function> pair_functions() { return {}; }

}  // namespace chainrule
