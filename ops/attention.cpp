// Embedding and attention.
#include "ops/function.h"
#include "ops/ops.h"
#include "ops/registry.h"
#include "ops/rules.h"

namespace chainrule {

std::span<const OpInfo* const> attention_ops() { return {}; }

std::span<const Function> attention_functions() { return {}; }

}  // namespace chainrule
