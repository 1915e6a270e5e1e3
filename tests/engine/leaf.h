// The trainable leaf that most tests of the graph begin with.
#pragma once

#include "engine/factory.h"

namespace chainrule::testing {

/// float64, of a number or a nested list.
inline Tensor leaf(const Nested& value) { return tensor(value, {.dtype = DType::float64, .requires_grad = true}); }

}  // namespace chainrule::testing
