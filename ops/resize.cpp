// Images in another size: interpolation and pixel shuffling.
#include "ops/function.h"
#include "ops/ops.h"
#include "ops/registry.h"
#include "ops/rules.h"

namespace chainrule {

std::span<const OpInfo* const> resize_ops() { return {}; }

std::span<const Function> resize_functions() { return {}; }

}  // namespace chainrule
