// Tensors in the JSON of graphs and of their steps.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "engine/graph_view.h"

namespace chainrule {

/// {"dtype", "shape", "data"}, without data above 4096 elements; null when it is not known.
nlohmann::ordered_json diagram_json(const Tensor& t);

/// {"format", "nodes", "edges"}
nlohmann::ordered_json view_json(const GraphView& view, const GraphOptions& options);

}  // namespace chainrule
