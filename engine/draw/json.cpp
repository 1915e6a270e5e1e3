// A graph as JSON, for other programs: everything that a diagram shows, as data. Tensors have the form of the command's
// results: {"dtype", "shape", "data"}, with "nan", "inf" and "-inf" as strings.
#include "engine/draw/json.h"

#include <nlohmann/json.hpp>

#include "engine/system/text.h"

namespace chainrule {
namespace {

using Json = nlohmann::ordered_json;

const char* name_of(ItemKind kind) {
  constexpr const char* kNames[] = {"input",    "parameter", "constant", "frozen",
                                    "detached", "operation", "result",   "folded"};
  return kNames[static_cast<std::size_t>(kind)];
}

Json tensor_or_null(const Tensor& t, bool wanted) { return wanted ? to_json(t, kMostDiagramElements) : Json(nullptr); }

}  // namespace

Json text_or_null(std::string_view text) { return text.empty() ? Json(nullptr) : Json(printable(text)); }

Json view_json(const GraphView& view, const GraphOptions& options) {
  Json nodes = Json::array(), edges = Json::array();
  for (std::size_t i = 0; i < view.items.size(); ++i) {
    const GraphItem& item = view.items[i];
    Json node = {{"id", i}, {"kind", name_of(item.kind)}, {"label", text_or_null(item.label)}};
    node["op"] = item.info ? Json(item.info->name) : Json(nullptr);
    node["attributes"] = text_or_null(item.kind == ItemKind::folded ? module_facts(item) : item.attributes);
    node["shape"] =
        item.shape_known ? Json(std::vector<std::int64_t>(item.shape.begin(), item.shape.end())) : Json(nullptr);
    node["dtype"] = item.shape_known ? Json(name_of(item.dtype)) : Json(nullptr);
    node["value"] = tensor_or_null(item.value, options.values);
    node["takes_gradient"] = item.takes_grad;
    node["gradient"] = tensor_or_null(item.grad, options.gradients);
    node["module"] = item.module ? Json(printable(item.module->full())) : Json(nullptr);
    node["where"] = text_or_null(to_string(item.where));
    if (item.hidden > 0) node["stands_for"] = item.hidden;
    nodes.push_back(std::move(node));
  }
  for (const GraphLink& link : view.links) {
    Json edge = {{"from", link.from}, {"to", link.to}, {"input", link.input}, {"takes_gradient", link.takes_grad}};
    edge["contribution"] = tensor_or_null(link.contribution, options.gradients);
    edge["local_derivative"] = tensor_or_null(link.local, options.local_derivatives);
    edges.push_back(std::move(edge));
  }
  return {{"format", "chainrule graph 1"}, {"nodes", std::move(nodes)}, {"edges", std::move(edges)}};
}

}  // namespace chainrule
