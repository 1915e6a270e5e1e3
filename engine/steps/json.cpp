// The graph as in graph_to_json, and beside its nodes and edges the steps, which refer to them by id.
#include "engine/steps/json.h"

#include <nlohmann/json.hpp>

#include "engine/draw/json.h"

namespace chainrule {
namespace {

using Json = nlohmann::ordered_json;

const char* name_of(StepKind kind) {
  constexpr const char* kNames[] = {"given", "forward", "seed", "backward", "finished"};
  return kNames[static_cast<std::size_t>(kind)];
}

Json row_json(const StepRow& row) {
  return {{"left", row.left},
          {"adds", row.adds},
          {"formula", text_or_null(row.formula)},
          {"numbers", text_or_null(row.numbers)},
          {"value", text_or_null(row.value)},
          {"note", text_or_null(row.note)}};
}

}  // namespace

std::string json_of(const Walkthrough& walk) {
  Json json = view_json(walk.view, walk.options);
  json["format"] = "chainrule steps 1";
  json["title"] = walk.title;
  for (std::size_t i = 0; i < walk.view.items.size(); ++i) json["nodes"][i]["name"] = walk.names[i];
  Json steps = Json::array();
  for (std::size_t s = 0; s < walk.steps.size(); ++s) {
    const GraphStep& step = walk.steps[s];
    Json one = {{"step", s + 1}, {"kind", name_of(step.kind)}};
    one["node"] = step.item == GraphStep::kNone ? Json(nullptr) : Json(step.item);
    one["title"] = walk.texts[s].title;
    one["about"] = text_or_null(walk.texts[s].about);
    const bool back = step.kind == StepKind::seed || step.kind == StepKind::backward;
    if (step.kind == StepKind::forward) one["value"] = to_json(step.value, kMostDiagramElements);
    if (back) one["incoming"] = to_json(step.incoming, kMostDiagramElements);
    Json edges = Json::array();
    for (const GraphStep::Part& part : step.parts) {
      Json edge = {{"edge", part.link}};
      if (back) {
        edge["local_derivative"] = to_json(part.local, kMostDiagramElements);
        edge["contribution"] = to_json(part.contribution, kMostDiagramElements);
        edge["running_sum"] = to_json(part.sum, kMostDiagramElements);
        edge["arrived"] = part.arrived;
        edge["expected"] = walk.view.items[walk.view.links[part.link].from].sent_back.size();
      }
      edges.push_back(std::move(edge));
    }
    one["edges"] = std::move(edges);
    Json rows = Json::array();
    for (const StepRow& row : walk.texts[s].rows) rows.push_back(row_json(row));
    one["rows"] = std::move(rows);
    steps.push_back(std::move(one));
  }
  json["steps"] = std::move(steps);
  return json.dump(1) + "\n";
}

}  // namespace chainrule
