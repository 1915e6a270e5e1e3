// Inner header: for our own sources, not installed.
// From a verdict to its cause.
#pragma once

#include <span>
#include <vector>

#include "engine/check/difference.h"
#include "engine/check/gradcheck.h"
#include "engine/random.h"

namespace chainrule::internal {

/// Gives each result its cause. Only what is not plainly right is looked into.
void explain(std::span<GradcheckInput> results, const CheckedFunction& evaluate, const std::vector<Tensor>& x,
             const GradientTolerance& tolerance, bool single_precision, Generator& generator);

}  // namespace chainrule::internal
