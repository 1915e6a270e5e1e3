// Values that the check is tried at.
#pragma once

#include "engine/factory.h"

namespace chainrule::testing {

/// A constant in float64.
inline Tensor wide(const Nested& values) { return tensor(values, {.dtype = DType::float64}); }

}  // namespace chainrule::testing
