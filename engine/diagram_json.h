// A view as JSON: what the JSON of graphs and of their steps has in common.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "engine/graph_view.h"
#include "engine/tensor_json.h"

namespace chainrule {

/// Larger tensors are written without their numbers.
inline constexpr std::int64_t kMostDiagramElements = 4096;

/// {"format", "nodes", "edges"}
nlohmann::ordered_json view_json(const GraphView& view, const GraphOptions& options);

}  // namespace chainrule
