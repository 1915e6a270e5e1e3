// Factories of the expression language: zeros, arange, randn and their kin, by name.
#include "ops/function.h"
#include "ops/ops.h"
#include "ops/registry.h"
#include "ops/rules.h"

namespace chainrule {

std::span<const Function> factory_functions() { return {}; }

}  // namespace chainrule
