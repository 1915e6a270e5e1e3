// Inner header: for our own sources, not installed.
// Where a value stops being finite.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "engine/check/diagnosis.h"

namespace chainrule::internal {

/// The first operation whose result is not finite though its inputs are, as "exp at program:1:1 overflows: ...".
std::optional<Finding> find_overflow(const CheckedFunction& evaluate, const std::vector<Tensor>& x);

/// "x[0] is nan: ..." where the checked input i, its element `at` or any one, is not a finite number; else empty.
std::string infinite_input(std::span<const GradcheckInput> results, const std::vector<Tensor>& x, std::size_t i,
                           const std::vector<std::int64_t>& at = {});

}  // namespace chainrule::internal
