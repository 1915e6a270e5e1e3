// Inner header: for our own sources, not installed.
// The checks that layers share: sizes in constructors, the element type in forward.
#pragma once

#include <cstdint>

#include "engine/tensor.h"

namespace chainrule {

/// The value. Throws ValueError unless it is at least 1.
std::int64_t positive(std::int64_t value, const char* layer, const char* argument);

/// Throws ValueError for a floating x of another type than the weight. One float64 input would make every later value
/// of a float32 network float64, at half the speed and without a word.
void expect_type_of(const Tensor& x, const Tensor& weight, const char* layer);

}  // namespace chainrule
