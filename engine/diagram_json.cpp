// A graph as JSON, for other programs: everything that a diagram shows, as data. Tensors have the form of the command's
// results: {"dtype", "shape", "data"}, with "nan", "inf" and "-inf" as strings.
#include <cmath>
#include <nlohmann/json.hpp>

#include "engine/diagram.h"
#include "engine/diagram_json.h"
#include "engine/diagram_rule.h"
#include "engine/error.h"
#include "engine/text.h"

namespace chainrule {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::int64_t kMostElements = 4096;  // of a tensor that is written out

}  // namespace

Json diagram_json(const Tensor& t) {
  if (!t.defined()) return nullptr;
  Json json = {{"dtype", name_of(t.dtype())},
               {"shape", Json(std::vector<std::int64_t>(t.shape().begin(), t.shape().end()))}};
  if (t.numel() > kMostElements) return json;
  Json data = Json::array();
  for (const double v : t.to_vector()) {
    if (t.dtype() == DType::int64)
      data.push_back(static_cast<std::int64_t>(v));
    else if (t.dtype() == DType::boolean)
      data.push_back(v != 0);
    else if (std::isfinite(v))
      data.push_back(v);
    else
      data.push_back(std::isnan(v) ? "nan" : v > 0 ? "inf" : "-inf");
  }
  json["data"] = std::move(data);
  return json;
}

namespace {

const char* name_of(ItemKind kind) {
  constexpr const char* kNames[] = {"input",    "parameter", "constant", "frozen",
                                    "detached", "operation", "result",   "folded"};
  return kNames[static_cast<std::size_t>(kind)];
}

Json text_or_null(std::string_view text) { return text.empty() ? Json(nullptr) : Json(printable(text)); }

}  // namespace

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
    node["value"] = options.values ? diagram_json(item.value) : Json(nullptr);
    node["takes_gradient"] = item.takes_grad;
    node["gradient"] = options.gradients ? diagram_json(item.grad) : Json(nullptr);
    node["module"] = item.module ? Json(printable(item.module->full())) : Json(nullptr);
    node["where"] = text_or_null(to_string(item.where));
    if (item.hidden > 0) node["stands_for"] = item.hidden;
    nodes.push_back(std::move(node));
  }
  for (const GraphLink& link : view.links) {
    Json edge = {{"from", link.from}, {"to", link.to}, {"input", link.input}, {"takes_gradient", link.takes_grad}};
    edge["contribution"] = options.gradients ? diagram_json(link.contribution) : Json(nullptr);
    edge["local_derivative"] = options.local_derivatives ? diagram_json(link.local) : Json(nullptr);
    edges.push_back(std::move(edge));
  }
  return {{"format", "chainrule graph 1"}, {"nodes", std::move(nodes)}, {"edges", std::move(edges)}};
}

std::string graph_to_json(const std::vector<Tensor>& results, const GraphOptions& options) {
  if (results.empty()) throw ValueError("graph_to_json: no result was given");
  GraphView view = view_graph(results, options.gradients || options.local_derivatives);
  fold_chosen(view, options);
  if (options.fold_above > 0 && view.items.size() > options.fold_above) fold_view(view, options.fold_above);
  return view_json(view, options).dump(1) + "\n";
}

std::string graph_to_json(const Tensor& result, const GraphOptions& options) {
  return graph_to_json(std::vector{result}, options);
}

}  // namespace chainrule
