// Layers of texts: the expression language's reader gives the call, the registry binds its arguments.
#include <fmt/format.h>

#include <algorithm>

#include "nn/layers/registry.h"
#include "ops/language/program.h"
#include "ops/signature.h"

namespace chainrule {
namespace {

using language::Program;
using Kind = language::Step::Kind;

/// How many letters differ: names that differ in few are offered.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t corner = row[0];
    row[0] = i + 1;
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::size_t above = row[j + 1];
      const bool same = (a[i] | 32) == (b[j] | 32);  // letters whatever their case
      row[j + 1] = std::min({corner + (same ? 0u : 1u), above + 1, row[j] + 1});
      corner = above;
    }
  }
  return row.back();
}

[[noreturn]] void throw_unknown(std::string_view name) {
  const auto all = layers();
  const auto near = std::min_element(all.begin(), all.end(), [&](const LayerInfo& a, const LayerInfo& b) {
    return distance(a.name(), name) < distance(b.name(), name);
  });
  const bool offered = distance(near->name(), name) <= 2;
  throw ValueError(
      fmt::format("there is no layer '{}'{}", name, offered ? fmt::format("; did you mean {}?", near->name()) : ""));
}

Value value_of(const Program& program, std::uint32_t at) {
  const auto& step = program.steps[at];
  if (step.kind == Kind::constant) return step.value;
  if (step.kind == Kind::list) {
    Value::List list;
    for (const auto operand : step.operands) list.push_back(value_of(program, operand));
    return list;
  }
  if (step.kind == Kind::op && step.text == "neg" && step.operands.size() == 1) {
    const Value v = value_of(program, step.operands[0]);
    if (v.is<std::int64_t>()) return -v.as<std::int64_t>();
    if (v.is<double>()) return -v.as<double>();
  }
  throw ValueError(
      fmt::format("'{}' is no argument of a layer: those are numbers, True, False, None, words in quotes "
                  "and lists",
                  program.text.substr(step.span.begin, step.span.end - step.span.begin)));
}

}  // namespace

const LayerInfo* find_layer(std::string_view name) {
  for (const LayerInfo& layer : layers())
    if (name == layer.name()) return &layer;
  return nullptr;
}

std::shared_ptr<ModuleBase> make_layer(const LayerInfo& layer, std::vector<Value> positional,
                                       std::vector<std::pair<std::string, Value>> keywords,
                                       const std::optional<Shape>& input) {
  if (input && layer.axis != 0) {
    const std::string& first = parameters_of(layer.function).front().name;
    const bool given = std::any_of(keywords.begin(), keywords.end(), [&](const auto& k) { return k.first == first; });
    const std::int64_t axis = layer.axis < 0 ? layer.axis + input->rank() : layer.axis;
    if (axis < 0 || axis >= input->rank())
      throw ShapeError(fmt::format("{}: an input of shape {} has no axis {} for {}", layer.name(), to_string(*input),
                                   layer.axis, first));
    if (!given) {
      std::vector<Value> all{(*input)[static_cast<std::size_t>(axis)]};
      all.insert(all.end(), positional.begin(), positional.end());
      positional = std::move(all);
    }
  }
  return layer.make(Arguments(layer.function, std::move(positional), std::move(keywords)));
}

std::shared_ptr<ModuleBase> make_layer(std::string_view text, const std::optional<Shape>& input) {
  const Program program = language::parse(text);
  const auto& steps = program.steps;
  const auto& last = steps.empty() ? language::Step{} : steps.back();
  const auto* call = last.kind == Kind::result ? &steps[last.operands[0]] : nullptr;
  if (!call || call->kind != Kind::call ||
      std::count_if(steps.begin(), steps.end(), [](const auto& s) { return s.kind == Kind::result; }) != 1)
    throw ValueError(fmt::format("'{}' is no layer: write one call, as in Linear(784, 10)", text));
  const LayerInfo* layer = find_layer(call->text);
  if (!layer) throw_unknown(call->text);
  std::vector<Value> positional;
  std::vector<std::pair<std::string, Value>> keywords;
  const std::size_t plain = call->operands.size() - call->keywords.size();
  for (std::size_t i = 0; i < call->operands.size(); ++i) {
    Value value = value_of(program, call->operands[i]);
    if (i < plain)
      positional.push_back(std::move(value));
    else
      keywords.emplace_back(call->keywords[i - plain], std::move(value));
  }
  return make_layer(*layer, std::move(positional), std::move(keywords), input);
}

}  // namespace chainrule
