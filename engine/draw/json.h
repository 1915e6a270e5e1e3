// Inner header: for our own sources, not installed.
// A view as JSON: what the JSON of graphs and of their steps has in common.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "engine/draw/view.h"
#include "engine/files/tensor_json.h"

namespace chainrule {

/// Larger tensors are written without their numbers.
inline constexpr std::int64_t kMostDiagramElements = 4096;

nlohmann::ordered_json text_or_null(std::string_view text);
/// {"format", "nodes", "edges"}
nlohmann::ordered_json view_json(const GraphView& view, const GraphOptions& options);

}  // namespace chainrule
