// The FLOPs formulas of the registry (OpInfo::flops), evaluated: expressions in numel(v) and size(v, dim) of the
// inputs' letters and z, the result.
#pragma once

#include <span>
#include <string>

#include "engine/node.h"

namespace chainrule::language {

/// Floating-point operations of one forward call. Throws ValueError for a formula that cannot be read.
double flops_of(const OpInfo& info, std::span<const Shape> inputs, const Shape& output);

}  // namespace chainrule::language
