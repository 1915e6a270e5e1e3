// Inner header: for our own sources, not installed.
// The course of a check of one order.
#pragma once

#include <vector>

#include "engine/check/gradcheck.h"

namespace chainrule::internal {

/// Checks the gradients of `evaluate` by every x; the entries of report.inputs from `first` on are theirs.
void check_order(const GradcheckOptions& options, GradcheckReport& report, const CheckedFunction& evaluate,
                 const std::vector<Tensor>& x, int order, std::size_t first);

}  // namespace chainrule::internal
