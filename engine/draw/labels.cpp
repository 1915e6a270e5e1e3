// The boxes of a diagram: names in bold, values in blue, gradients in red. What stands on edges is in
// label_links.cpp.
#include "engine/draw/labels.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "engine/draw/names.h"
#include "engine/draw/numbers.h"
#include "engine/draw/rule.h"
#include "engine/system/text.h"

namespace chainrule {
namespace {

constexpr std::size_t kAttributeColumns = 26;

double bytes_of(const GraphItem& item) {
  return item.shape_known ? static_cast<double>(numel(item.shape)) * static_cast<double>(item_size(item.dtype)) : 0;
}

}  // namespace

DiagramText::DiagramText(const GraphView& view, const GraphOptions& options)
    : view_(view),
      options_(options),
      colors_(options.dark ? style::kDark : style::kLight),
      names_(all_names(view)),
      spoken_of_(view.items.size()) {
  for (const GraphLink& link : view.links) any_contribution_ |= link.contribution.defined();
  for (const GraphItem& item : view.items) most_bytes_ = std::max(most_bytes_, bytes_of(item));
  note_names();
}

std::string DiagramText::box_name(const GraphItem& item) const {
  if (item.kind == ItemKind::result) return result_name(item, options_);
  if (item.kind == ItemKind::folded) return short_name(item.label);
  if (!options_.names) return {};
  if (!item.label.empty()) return short_name(name_in(item, item.module));
  const bool spoken_of = spoken_of_[place_of(item)];
  const bool itself = item.kind == ItemKind::constant && has_one_element(item.value) && !options_.symbols;
  return item.kind != ItemKind::operation && !itself && (in_letters() || spoken_of) ? short_name(item.letter) : "";
}

std::string DiagramText::short_name(std::string_view name) const {
  return shorten(printable(name), options_.max_label);
}

bool DiagramText::shows_sum(const GraphItem& item) const {
  return options_.gradients && item.kind == ItemKind::operation && item.sent_back.size() > 1 && item.grad.defined();
}

bool DiagramText::is_circle(const GraphItem& item) const {
  if (item.kind != ItemKind::operation || shows_label(item) || shows_sum(item) || !fill_text(item).empty())
    return false;
  if (!options_.operations) return true;
  return !symbol_of(*item.info).empty() && text_width(symbol_of(*item.info)) <= 2 && item.attributes.empty();
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
  if (has_one_element(item.value) && item.value.dim() == 0) {
    if (options_.values) label.run(number_text(item.value.item()), blue).end_line();
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
  if (has_one_element(item.grad)) {
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
  const std::string name = box_name(item);
  switch (item.kind) {
    case ItemKind::operation: {
      if (shows_label(item)) name_lines(label, name);
      if (options_.operations)
        label.run(item.attributes.empty() ? word_of(item) : item.info->name, {.color = colors_.text}).end_line();
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
  if (says_kind && (item.kind != ItemKind::constant || !has_one_element(item.value))) label.run(kind, small).end_line();
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
  if (!item.label.empty()) line(printable(item.kind == ItemKind::folded ? item.label : item.letter));
  if (item.info) {
    const auto links = links_to(view_, place_of(item));
    line(fmt::format("{}: {}", item.info->name,
                     printable(formula_text(*item.info, input_names(view_, links), name_in(item, item.module)))));
  }
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

}  // namespace chainrule
