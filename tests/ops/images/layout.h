// How the pictures of a result lie in memory.
#pragma once

#include "engine/tensor.h"

namespace chainrule::testing {

inline bool channels_side_by_side(const Tensor& t) { return t.strides()[1] == 1; }

}  // namespace chainrule::testing
