// What stands on the edges of a diagram: the value that flows forward, the gradient that flows back, and the rule by
// which it does; every number can be checked by the reader.
#include <fmt/format.h>

#include <algorithm>

#include "engine/draw/labels.h"
#include "engine/draw/names.h"
#include "engine/draw/numbers.h"
#include "engine/draw/rule.h"
#include "engine/system/text.h"

namespace chainrule {
namespace {

constexpr std::size_t kRuleColumns = 44, kLongestRule = 64;  // longer rules break into lines, or say too much

}  // namespace

// `2.2 = 1.1 · 2`: what arrives, times the local derivative.
std::string DiagramText::product(const GraphLink& link) const {
  const GraphItem& to = view_.items[link.to];
  std::string part = number_text(link.contribution.item());
  if (to.kind == ItemKind::result || !options_.local_derivatives) return part;
  if (!has_one_element(link.local) || !has_one_element(to.grad)) return part;
  return fmt::format("{} = {} · {}", part, number_text(to.grad.item()), in_parentheses(number_text(link.local.item())));
}

// `∂w = xᵀ @ g`, in the names of the operation's inputs.
std::string DiagramText::rule(const GraphLink& link) const {
  const GraphItem& to = view_.items[link.to];
  if (to.kind != ItemKind::operation || (!options_.names && !in_letters())) return {};
  RuleNames names{.inputs = input_names(view_, links_to(view_, link.to))};
  for (std::string& name : names.inputs) name = short_name(name);
  names.result = short_name(name_in(to, to.module));
  names.says_one = in_letters();
  if (in_letters() || names_.contains("g")) names.incoming = "∂" + names.result;
  const GraphItem& from = view_.items[link.from];
  const bool broadcast = to.info->elementwise && from.shape_known && from.shape != to.shape;
  std::string text = rule_text(*to.info, link.input, names, broadcast, names_);
  return text_width(text) > kLongestRule ? std::string() : text;
}

bool DiagramText::shows_rule(const GraphLink& link) const {
  if (!link.takes_grad || view_.items[link.to].kind != ItemKind::operation) return false;
  if (options_.symbols) return true;
  const bool one_number = has_one_element(link.local) && numel(view_.items[link.to].shape) == 1;
  return options_.local_derivatives && !one_number;
}

// Numbers of the local derivative where the graph has them, element by element and before repeated axes are summed.
bool DiagramText::shows_local(const GraphLink& link) const {
  return shows_rule(link) && !options_.symbols && link.local.defined() &&
         link.local.shape() == view_.items[link.to].shape && differs_from_one(link.local);
}

void DiagramText::note_names() {
  if (view_.links.size() > kMostLabelledLinks || in_letters()) return;
  for (const GraphLink& link : view_.links) {
    if (!shows_rule(link)) continue;
    marks_.local |= shows_local(link);
    if (rule(link).empty()) continue;
    const Uses uses = uses_in_words(*view_.items[link.to].info, static_cast<std::size_t>(link.input));
    const bool by_name = names_.contains("g");
    marks_.g |= !by_name;
    spoken_of_[link.from] = true;
    if (by_name || (uses & kOutput)) spoken_of_[link.to] = true;
    for (const GraphLink& other : links_to(view_, link.to))
      if (other.input < 31 && (uses >> other.input & 1u)) spoken_of_[other.from] = true;
  }
}

DiagramText::Line DiagramText::grid_line(const Tensor& t, std::string_view color) const {
  return {.cells = grid_cells(t), .columns = grid_columns(t), .style = {.color = color, .size = style::kGridSize}};
}

std::vector<DiagramText::Line> DiagramText::lines_above(const GraphLink& link) const {
  const GraphItem& from = view_.items[link.from];
  const TextStyle blue{.color = colors_.value, .size = style::kEdgeSize};
  const TextStyle small{.color = colors_.muted, .size = style::kShapeSize};
  const std::string name = short_name(name_in(from, view_.items[link.to].module));
  if (options_.symbols) return {{.text = name, .style = blue}};
  const bool known = options_.values && from.value.defined();
  // What stands in the box at an end is not said again.
  const bool computed = from.kind == ItemKind::operation || from.kind == ItemKind::folded;
  const bool inner = computed && view_.items[link.to].kind != ItemKind::result;
  // The steps of a walk, and rules on edges, speak of it by its letter.
  const bool spoken_of = view_.walk != Walk::none || (options_.names && spoken_of_[link.from]);
  const std::string letter = spoken_of && inner && from.label.empty() ? name : "";
  if (known && has_one_element(from.value))
    return {{.text = (letter.empty() ? "" : letter + " = ") + number_text(from.value.item()), .style = blue}};
  std::vector<Line> lines;
  if (!letter.empty()) lines.push_back({.text = letter, .style = blue});
  if (known && inner && grid_columns(from.value)) {
    lines.push_back(grid_line(from.value, colors_.value));
    return lines;
  }
  if (const std::string type = type_text(from, true); !type.empty()) lines.push_back({.text = type, .style = small});
  if (known && inner) {
    if (const std::string spread = spread_text(from.value); !spread.empty())
      lines.push_back({.text = spread, .style = {.color = colors_.value, .size = style::kShapeSize}});
  }
  return lines;
}

std::vector<DiagramText::Line> DiagramText::lines_below(const GraphLink& link) const {
  if (!link.takes_grad) return {};
  const TextStyle red{.color = colors_.gradient, .size = style::kEdgeSize};
  const TextStyle red_small{.color = colors_.gradient, .size = style::kShapeSize};
  const TextStyle grey{.color = colors_.muted, .size = style::kShapeSize};
  const bool to_result = view_.items[link.to].kind == ItemKind::result;
  if (options_.symbols) {
    std::vector<Line> rules;
    if (to_result) return {{.text = "∂" + short_name(view_.items[link.from].letter) + " = 1", .style = red}};
    for (const std::string& line : wrap(rule(link), kRuleColumns))
      if (!line.empty()) rules.push_back({.text = line, .style = red});
    return rules;
  }
  const bool local = options_.local_derivatives && !to_result && link.local.defined();
  const bool one_number = has_one_element(link.local) && numel(view_.items[link.to].shape) == 1;
  std::vector<Line> lines;
  const Tensor& sent = link.contribution;
  if (options_.gradients && sent.defined()) {
    if (has_one_element(sent)) {
      lines.push_back({.text = product(link), .style = red});
      if (one_number) return lines;
    } else if (grid_columns(sent) && !to_result) {
      lines.push_back(grid_line(sent, colors_.gradient));
    } else if (const std::string norm = norm_text(sent); !norm.empty()) {
      lines.push_back({.text = "‖∂‖ " + norm, .style = red});
    }
  } else if (options_.gradients && any_contribution_) {
    lines.push_back({.text = "not computed", .style = grey});
  }
  if (!options_.local_derivatives || to_result) return lines;
  if (local && one_number) {
    if (lines.empty()) lines.push_back({.text = "local " + number_text(link.local.item()), .style = grey});
    return lines;
  }
  for (const std::string& line : wrap(rule(link), kRuleColumns))
    if (!line.empty()) lines.push_back({.text = line, .style = red_small});
  if (!shows_local(link)) return lines;
  if (grid_columns(link.local))
    lines.push_back(grid_line(link.local, colors_.muted));
  else if (const std::string norm = norm_text(link.local); !norm.empty())
    lines.push_back({.text = fmt::format("local {}, norm {}", to_string(link.local.shape()), norm), .style = grey});
  return lines;
}

HtmlLabel DiagramText::link(const GraphLink& link, int rule_width, std::string_view ground) const {
  const std::string_view marked = view_.walk == Walk::backward ? colors_.gradient : colors_.value;
  HtmlLabel label({.padding = 2, .min_width = rule_width, .rule_color = link.shown.current ? marked : colors_.line});
  auto write = [&](const std::vector<Line>& lines, bool known, const style::Layer& layer) {
    for (const Line& line : lines) {
      TextStyle style = line.style;
      // Shapes are known before values are.
      const bool shape = &layer == &style::kValueLayer && style.color == colors_.muted;
      if (!shape) style.color = ink(style.color, known, layer, ground);
      if (line.columns)
        label.grid(line.cells, line.columns, style, ink(colors_.line, known, layer, ground));
      else
        label.run(line.text, style).end_line();
    }
    // A rule needs a line on each side.
    if (lines.empty() && rule_width > 0) label.run(" ", {.size = style::kShapeSize}).end_line();
  };
  write(lines_above(link), link.shown.value, style::kValueLayer);
  if (rule_width > 0) label.rule();
  write(lines_below(link), link.shown.gradient, style::kGradientLayer);
  return label;
}

int DiagramText::link_width(const GraphLink& link) const {
  constexpr int kBrackets = 6, kCellPadding = 4;
  int width = 0;
  auto fit = [&](const std::vector<Line>& lines) {
    for (const Line& line : lines) {
      int points = line.columns ? kBrackets : style::text_points(line.text, line.style.size);
      for (std::size_t column = 0; column < line.columns; ++column) {
        int widest = 0;
        for (std::size_t at = column; at < line.cells.size(); at += line.columns)
          widest = std::max(widest, style::text_points(line.cells[at], line.style.size));
        points += widest + kCellPadding;
      }
      width = std::max(width, points);
    }
  };
  fit(lines_above(link));
  fit(lines_below(link));
  return style::rule_width(width);
}

std::string DiagramText::link_tooltip(const GraphLink& link) const {
  const GraphItem& from = view_.items[link.from];
  std::string text;
  auto line = [&](const std::string& part) { text += (text.empty() ? "" : "\n") + part; };
  if (from.shape_known) line(fmt::format("shape {}, {}", to_string(from.shape), name_of(from.dtype)));
  if (options_.values && link.shown.value && from.value.defined()) line("value " + exact_text(from.value));
  if (!link.takes_grad || !link.shown.gradient) return text;
  if (options_.gradients)
    line("gradient sent back " + (link.contribution.defined() ? exact_text(link.contribution) : "not computed"));
  if (options_.local_derivatives && link.local.defined()) line("local derivative " + exact_text(link.local));
  if (options_.local_derivatives) {
    const std::string letters = rule(link);
    if (!letters.empty()) line(fmt::format("{}, g of shape {}", letters, to_string(view_.items[link.to].shape)));
  }
  return text;
}

}  // namespace chainrule
