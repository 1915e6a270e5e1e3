// Values whose places can be read off, and whose memory can be compared.
#pragma once

#include <vector>

#include "engine/factory.h"
#include "ops/ops.h"

namespace chainrule::testing {

/// 0, 1, 2 ... in this shape.
inline Tensor counting(const Shape& shape) { return reshape(arange(0, static_cast<double>(numel(shape))), shape); }
inline Tensor integers(const std::vector<std::int64_t>& values) {
  return from_vector<std::int64_t>(values, {static_cast<std::int64_t>(values.size())});
}
inline bool shares(const Tensor& a, const Tensor& b) { return a.impl().storage.get() == b.impl().storage.get(); }

}  // namespace chainrule::testing
