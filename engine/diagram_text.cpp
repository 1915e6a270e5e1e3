// Labels: names in bold, values in blue, gradients in red; every number of an edge can be checked by the reader.
#include "engine/diagram_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "engine/diagram_numbers.h"
#include "engine/diagram_rule.h"
#include "engine/text.h"

namespace chainrule {
namespace {

constexpr std::size_t kRuleColumns = 44;  // longer rules break into lines
constexpr std::size_t kAttributeColumns = 26;

double bytes_of(const GraphItem& item) {
  return item.shape_known ? static_cast<double>(numel(item.shape)) * static_cast<double>(item_size(item.dtype)) : 0;
}

std::string in_parentheses(const std::string& number) { return number[0] == '-' ? "(" + number + ")" : number; }

}  // namespace

DiagramText::DiagramText(const GraphView& view, const GraphOptions& options)
    : view_(view),
      options_(options),
      colors_(options.dark ? style::kDark : style::kLight),
      first_link_(view.items.size(), view.links.size()) {
  for (std::size_t k = view.links.size(); k-- > 0;) {
    first_link_[view.links[k].to] = k;
    any_contribution_ |= view.links[k].contribution.defined();
  }
  for (const GraphItem& item : view.items) {
    most_bytes_ = std::max(most_bytes_, bytes_of(item));
    if (options.names && !item.label.empty()) labels_.insert(item.label);
  }
}

std::string symbol_of(const OpInfo& info) {
  const std::string_view s = info.symbol ? info.symbol : "";
  return s == "*" ? "×" : s == "-" ? "−" : s == "/" ? "÷" : s == "^T" ? "ᵀ" : std::string(s);
}

std::string DiagramText::short_name(std::string_view name) const {
  return shorten(printable(name), options_.max_label);
}

std::string DiagramText::result_name(const GraphItem& item) const {
  return item.label.empty() || !options_.names ? "result" : short_name(item.label);
}

bool DiagramText::shows_sum(const GraphItem& item) const {
  return options_.gradients && item.kind == ItemKind::operation && item.sent_back.size() > 1 && item.grad.defined();
}

bool DiagramText::is_circle(const GraphItem& item) const {
  if (item.kind != ItemKind::operation || shows_label(item) || shows_sum(item) || !fill_text(item).empty())
    return false;
  if (!options_.operations) return true;
  return item.info->symbol && text_width(symbol_of(*item.info)) <= 2 && item.attributes.empty();
}

void DiagramText::name_lines(HtmlLabel& label, std::string_view name) const {
  const TextStyle bold{.color = colors_.text, .bold = true};
  if (options_.wrap == 0) {
    label.run(name, bold).end_line();
    return;
  }
  for (const std::string& line : wrap(name, options_.wrap)) label.run(line, bold).end_line();
}

std::string_view DiagramText::color_fill(const GraphItem& item) const {
  switch (options_.color) {
    case GraphColor::memory: {
      const double share = most_bytes_ > 0 ? bytes_of(item) / most_bytes_ : 0;
      return share > 0.5 ? colors_.heat[2] : share > 0.1 ? colors_.heat[1] : share > 0.01 ? colors_.heat[0] : "";
    }
    case GraphColor::health:
      if (!item.takes_grad || item.kind == ItemKind::folded) return {};
      if (!item.grad.defined()) return colors_.constant_fill;
      return trouble_of(item.grad).empty() ? colors_.heat[0] : colors_.alarm;
    default:
      return {};
  }
}

std::string DiagramText::fill_text(const GraphItem& item) const {
  if (options_.color == GraphColor::memory) return item.shape_known ? bytes_text(bytes_of(item)) : "";
  // Values say it in their line of the gradient.
  if (options_.color != GraphColor::health || item.kind != ItemKind::operation || !item.takes_grad) return {};
  if (!item.grad.defined()) return "∂ not computed";
  const std::string_view trouble = trouble_of(item.grad);
  return trouble.empty() ? "" : fmt::format("∂ {}", trouble);
}

// The name of a result stands in the result's own box.
bool DiagramText::shows_label(const GraphItem& item) const {
  return options_.names && !item.label.empty() && !item.is_result;
}

std::string DiagramText::circle(const GraphItem& item) const {
  return options_.operations ? symbol_of(*item.info) : "";
}

std::string DiagramText::type_text(const GraphItem& item, bool always_shape) const {
  if (!item.shape_known) return {};
  const bool dtype = options_.dtypes || (options_.shapes && always_shape && !is_floating(item.dtype));
  std::string text = options_.shapes && (always_shape || !item.shape.empty()) ? to_string(item.shape) : "";
  if (dtype) text += (text.empty() ? "" : " ") + std::string(name_of(item.dtype));
  return text;
}

// --- items ---

void DiagramText::value_lines(HtmlLabel& label, const GraphItem& item) const {
  const auto known = [&](std::string_view color) {
    return ink(color, item.shown.value, style::kValueLayer, fill(item));
  };
  const TextStyle blue{.color = known(colors_.value)}, small{.color = blue.color, .size = style::kGridSize};
  const TextStyle grey{.color = colors_.muted, .size = style::kShapeSize};
  if (is_number(item.value) && item.value.dim() == 0) {
    if (options_.values) label.run(format_number(item.value.item()), blue).end_line();
    if (options_.dtypes) label.run(name_of(item.dtype), grey).end_line();
    return;
  }
  if (const std::string type = type_text(item, true); !type.empty()) label.run(type, grey).end_line();
  if (!options_.values || !item.value.defined()) return;
  if (const std::size_t columns = grid_columns(item.value)) {
    label.grid(grid_cells(item.value), columns, small, known(colors_.line));
  } else if (const std::string spread = spread_text(item.value); !spread.empty()) {
    label.run(spread, small).end_line();
    label.run("norm " + norm_text(item.value), small).end_line();
  }
}

void DiagramText::gradient_lines(HtmlLabel& label, const GraphItem& item) const {
  if (!options_.gradients || !item.takes_grad) return;
  const auto known = [&](std::string_view color) {
    return ink(color, item.shown.gradient && item.shown.parts > 0, style::kGradientLayer, fill(item));
  };
  const GradientWords words = gradient_words(item);
  if (!item.grad.defined()) {
    label.run(words.text, {.color = known(colors_.muted), .size = style::kShapeSize}).end_line();
    return;
  }
  const TextStyle red{.color = known(trouble_of(item.grad).empty() ? colors_.gradient : colors_.warning)};
  const TextStyle small{.color = red.color, .size = style::kGridSize};
  if (is_number(item.grad)) {
    label.run(words.text, red).end_line();
  } else if (words.columns) {
    label.run(words.text, red).end_line();
    label.grid(words.cells, words.columns, small, known(colors_.line), reserved_columns(item));
  } else if (!words.text.empty()) {
    label.run(words.text, small).end_line();
  }
}

HtmlLabel DiagramText::item(const GraphItem& item) const {
  HtmlLabel label({.min_width = reserved_width(item)});
  const TextStyle small{.color = colors_.muted, .size = style::kShapeSize};
  const bool walked = view_.walk != Walk::none;
  const bool lettered = options_.symbols || (walked && item.kind != ItemKind::folded);
  const bool letter = lettered && item.label.empty() && item.kind != ItemKind::operation &&
                      !(walked && item.kind == ItemKind::constant && is_number(item.value));
  const std::string name = item.kind == ItemKind::result ? result_name(item)
                           : options_.names || item.kind == ItemKind::folded
                               ? short_name(letter ? item.letter : item.label)
                               : "";
  switch (item.kind) {
    case ItemKind::operation: {
      const std::string symbol = item.attributes.empty() ? symbol_of(*item.info) : "";
      if (shows_label(item)) name_lines(label, name);
      if (options_.operations) label.run(symbol.empty() ? item.info->name : symbol, {.color = colors_.text}).end_line();
      if (options_.operations && !item.attributes.empty()) {
        const std::string all = shorten(printable(item.attributes), 2 * options_.max_label);
        for (const std::string& line : wrap(all, kAttributeColumns)) label.run(line, small).end_line();
      }
      if (shows_sum(item)) gradient_lines(label, item);
      if (const std::string words = fill_text(item); !words.empty()) label.run(words, small).end_line();
      return label;
    }
    case ItemKind::folded:
      name_lines(label, name.empty() ? "…" : name);
      if (const std::string facts = module_facts(item, options_.parameter_counts); !facts.empty())
        label.run(short_name(facts), small).end_line();
      label.run(count_text(item.hidden) + (item.hidden == 1 ? " node" : " nodes"), small).end_line();
      return label;
    default:
      break;
  }
  const char* kind = item.kind == ItemKind::parameter  ? "parameter"
                     : item.kind == ItemKind::input    ? "input"
                     : item.kind == ItemKind::detached ? "detached"
                     : item.kind == ItemKind::frozen   ? "frozen"
                                                       : "constant";
  if (!name.empty()) name_lines(label, name);
  const bool says_kind = name.empty() || item.kind == ItemKind::detached || item.kind == ItemKind::frozen;
  if (says_kind && (item.kind != ItemKind::constant || !is_number(item.value))) label.run(kind, small).end_line();
  value_lines(label, item);
  gradient_lines(label, item);
  if (const std::string words = fill_text(item); !words.empty()) label.run(words, small).end_line();
  return label;
}

HtmlLabel DiagramText::module(const ModulePath& path) const {
  HtmlLabel label({.padding = 2});
  label.run(short_name(path.name), {.color = colors_.text, .size = style::kEdgeSize, .bold = true});
  const std::string facts = module_facts(path.kind, options_.parameter_counts ? path.parameters : 0);
  if (!facts.empty()) label.run("  ·  " + short_name(facts), {.color = colors_.muted, .size = style::kShapeSize});
  return label.end_line();
}

std::string DiagramText::item_tooltip(const GraphItem& item) const {
  std::string text;
  auto line = [&](const std::string& part) { text += (text.empty() ? "" : "\n") + part; };
  if (!item.label.empty()) line(printable(item.label));
  if (item.info) line(fmt::format("{}: {}", item.info->name, printable(item.info->formula)));
  if (item.kind == ItemKind::folded)
    line(printable(module_facts(item)));
  else if (!item.attributes.empty())
    line(printable(item.attributes));
  if (item.hidden > 0) line(count_text(item.hidden) + " nodes, not drawn");
  if (item.shape_known) line(fmt::format("shape {}, {}", to_string(item.shape), name_of(item.dtype)));
  if (options_.values && item.shown.value && item.value.defined()) line("value " + exact_text(item.value));
  const bool arrived = item.shown.gradient && item.shown.parts >= item.sent_back.size();
  if (options_.gradients && item.takes_grad && arrived)
    line("gradient " + (item.grad.defined() ? exact_text(item.grad) : "not computed"));
  if (item.module) line("module " + printable(item.module->full()));
  if (item.where.line()) line(printable(to_string(item.where)));
  return text;
}

// --- links ---

// `2.2 = 1.1 · 2`: what arrives, times the local derivative.
std::string DiagramText::product(const GraphLink& link) const {
  const GraphItem& to = view_.items[link.to];
  std::string part = format_number(link.contribution.item());
  if (to.kind == ItemKind::result || !options_.local_derivatives) return part;
  if (!is_number(link.local) || !is_number(to.grad)) return part;
  return fmt::format("{} = {} · {}", part, format_number(to.grad.item()),
                     in_parentheses(format_number(link.local.item())));
}

// `∂w = xᵀ @ g`, in the names of the operation's inputs.
std::string DiagramText::rule(const GraphLink& link) const {
  const GraphItem& to = view_.items[link.to];
  if (to.kind != ItemKind::operation) return {};
  const bool letters = options_.symbols || view_.walk != Walk::none;
  const bool result = view_.walk != Walk::none && to.is_result && to.label.empty();
  std::vector<std::string> names;
  for (std::size_t k = first_link_[link.to]; k < view_.links.size() && view_.links[k].to == link.to; ++k)
    names.push_back(letters          ? view_.items[view_.links[k].from].letter
                    : options_.names ? view_.items[view_.links[k].from].label
                                     : "");
  // A value without a name gets the operation's letter, or another one where that is the name of something else here.
  const auto taken = [&](const std::string& letter) {
    return labels_.contains(letter) || std::ranges::find(names, letter) != names.end();
  };
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (!names[i].empty() || !taken(input_letter(*to.info, static_cast<int>(i)))) continue;
    for (const char* letter : {"u", "v", "w", "p", "q", "r", "s", "t"})
      if (!taken(letter)) {
        names[i] = letter;
        break;
      }
  }
  const GraphItem& from = view_.items[link.from];
  const bool broadcast = to.info->elementwise && from.shape_known && from.shape != to.shape;
  return rule_text(*to.info, link.input, names, broadcast, letters ? "∂" + (result ? "result" : to.letter) : "");
}

DiagramText::Line DiagramText::grid_line(const Tensor& t, std::string_view color) const {
  return {.cells = grid_cells(t), .columns = grid_columns(t), .style = {.color = color, .size = style::kGridSize}};
}

std::vector<DiagramText::Line> DiagramText::lines_above(const GraphLink& link) const {
  const GraphItem& from = view_.items[link.from];
  const TextStyle blue{.color = colors_.value, .size = style::kEdgeSize};
  const TextStyle small{.color = colors_.muted, .size = style::kShapeSize};
  if (options_.symbols) return {{.text = short_name(from.letter), .style = blue}};
  const bool known = options_.values && from.value.defined();
  // What stands in the box at an end is not said again.
  const bool computed = from.kind == ItemKind::operation || from.kind == ItemKind::folded;
  const bool inner = computed && view_.items[link.to].kind != ItemKind::result;
  // The steps of a walk speak of it by its letter.
  const std::string letter = view_.walk != Walk::none && inner && from.label.empty() ? from.letter : "";
  if (known && is_number(from.value))
    return {{.text = (letter.empty() ? "" : letter + " = ") + format_number(from.value.item()), .style = blue}};
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
  const bool one_number = is_number(link.local) && numel(view_.items[link.to].shape) == 1;
  std::vector<Line> lines;
  const Tensor& sent = link.contribution;
  if (options_.gradients && sent.defined()) {
    if (is_number(sent)) {
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
    if (lines.empty()) lines.push_back({.text = "local " + format_number(link.local.item()), .style = grey});
    return lines;
  }
  for (const std::string& line : wrap(rule(link), kRuleColumns))
    if (!line.empty()) lines.push_back({.text = line, .style = red_small});
  // Numbers of the local derivative where the graph has them, element by element and before repeated axes are summed.
  if (!local || link.local.shape() != view_.items[link.to].shape || !differs_from_one(link.local)) return lines;
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
