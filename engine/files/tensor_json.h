// Inner header: for our own sources, not installed.
// A tensor as JSON: {"dtype": "float64", "shape": [2, 3], "data": [row-major, flat]}.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include <cstdint>
#include <limits>

#include "engine/tensor.h"

namespace chainrule {

/// Numbers round-trip exactly; those that are not finite are the strings "nan", "inf" and "-inf". Null for an empty
/// handle; without "data" above `most_elements`.
nlohmann::ordered_json to_json(const Tensor& tensor,
                               std::int64_t most_elements = std::numeric_limits<std::int64_t>::max());

}  // namespace chainrule
