// Steps as text and as JSON. What they say is in step_text.cpp.
#include "engine/steps/steps.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "engine/draw/json.h"
#include "engine/draw/labels.h"
#include "engine/steps/forms.h"
#include "engine/steps/words.h"
#include "engine/system/text.h"
#include "engine/types/error.h"

namespace chainrule {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kWidestColumn = 34;  // longer formulas push the rest of their own line only

std::string padded(const std::string& text, std::size_t width) {
  const std::size_t has = text_width(text);
  return text + std::string(width > has ? width - has : 0, ' ');
}

// Rows below each other, with the equals signs in line.
class Columns {
 public:
  void fit(const StepRow& row) {
    const auto widen = [](std::size_t& width, const std::string& text) {
      if (const std::size_t has = text_width(text); has <= kWidestColumn) width = std::max(width, has);
    };
    widen(left_, row.left);
    widen(formula_, row.formula);
    widen(numbers_, row.numbers);
    adds_ |= row.adds;
  }

  std::string line(const StepRow& row) const {
    std::string text = padded(row.left, left_);
    const char* equals = !adds_ ? " = " : row.adds ? " += " : "  = ";
    for (const auto& [part, width] : {std::pair{&row.formula, formula_}, {&row.numbers, numbers_}}) {
      if (part->empty()) continue;
      text += equals + padded(*part, width);
      equals = " = ";
    }
    if (!row.value.empty()) text += equals + row.value;
    if (!row.note.empty()) text += "   (" + row.note + ")";
    return text.substr(0, text.find_last_not_of(' ') + 1);
  }

 private:
  std::size_t left_ = 0, formula_ = 0, numbers_ = 0;
  bool adds_ = false;
};

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

std::string steps_to_text(const Tensor& result, const GraphOptions& options) {
  return text_of(walk_graph(result, options));
}

std::string text_of(const GraphWalk& walk) {
  Columns forward, backward;
  const auto way = [](StepKind kind) { return kind == StepKind::given || kind == StepKind::forward; };
  for (std::size_t s = 0; s < walk.steps.size(); ++s)
    for (const StepRow& row : walk.texts[s].rows) (way(walk.steps[s].kind) ? forward : backward).fit(row);
  const std::size_t digits = std::to_string(walk.steps.size()).size() + 1;
  std::string text = walk.title + "\n\nForward: values\n";
  for (std::size_t s = 0; s < walk.steps.size(); ++s) {
    const GraphStep& step = walk.steps[s];
    if (step.kind == StepKind::seed) text += fmt::format("\nBackward: ∂x stands for d {}/d x\n", walk.names[step.item]);
    if (step.kind == StepKind::finished) text += "\nGradients\n";
    std::string number = fmt::format("{:>{}}  ", s + 1, digits);
    if (walk.texts[s].rows.empty()) text += number + "(folded)\n";
    for (const StepRow& row : walk.texts[s].rows) {
      text += number + (way(step.kind) ? forward : backward).line(row) + "\n";
      number.assign(number.size(), ' ');
    }
  }
  return text;
}

std::string steps_to_json(const Tensor& result, const GraphOptions& options) {
  return json_of(walk_graph(result, options));
}

std::string json_of(const GraphWalk& walk) {
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
