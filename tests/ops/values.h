// Numbers that the tests of operations are tried at.
#pragma once

#include <limits>

#include "engine/factory.h"
#include "tests/ops/checks.h"

namespace chainrule::testing {

inline constexpr double kInf = std::numeric_limits<double>::infinity();
inline constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

/// A trainable leaf of these values.
inline Tensor numbers(const Numbers& v, const Shape& shape, DType dtype = DType::float64, bool trainable = true) {
  return from_vector(v, shape, {.dtype = dtype, .requires_grad = trainable});
}
inline Tensor numbers(const Numbers& v) { return numbers(v, {static_cast<std::int64_t>(v.size())}); }
inline Tensor number(double v) { return tensor(v, {.dtype = DType::float64, .requires_grad = true}); }

}  // namespace chainrule::testing
