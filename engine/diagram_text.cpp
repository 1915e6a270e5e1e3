// Labels: names in bold, values in blue, gradients in red; every number of an edge can be checked by the reader.
#include "engine/diagram_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "engine/text.h"

namespace chainrule {
namespace {

constexpr std::int64_t kGridRows = 4, kGridColumns = 4, kGridCells = 12;
constexpr std::int64_t kMostStatistics = 1 << 22;  // larger values show their shape only
constexpr double kHuge = 1e6;
constexpr const char* kNotComputed = "∂ not computed";

bool is_scalar(const Tensor& t) { return t.defined() && t.numel() == 1; }

// Small enough to be shown in full: the columns of its grid, or 0.
std::size_t grid_columns(const Tensor& t) {
  if (!t.defined() || t.dim() == 0 || t.dim() > 2 || t.numel() == 0 || t.numel() > kGridCells) return 0;
  const std::int64_t rows = t.dim() == 2 ? t.size(0) : 1, columns = t.size(-1);
  return rows <= kGridRows && columns <= kGridColumns ? static_cast<std::size_t>(columns) : 0;
}

std::vector<std::string> cells_of(const Tensor& t) {
  std::vector<std::string> cells;
  for (const double v : t.to_vector()) cells.push_back(format_number(v));
  return cells;
}

struct Statistics {
  double mean = 0, spread = 0, norm = 0, largest = 0;
  bool finite = true;
};

Statistics statistics_of(const Tensor& t) {
  Statistics s;
  double sum = 0, squares = 0;
  for (const double v : t.to_vector()) {
    s.finite &= std::isfinite(v);
    sum += v;
    squares += v * v;
    s.largest = std::max(s.largest, std::abs(v));
  }
  const double n = static_cast<double>(t.numel());
  s.mean = sum / n;
  s.spread = std::sqrt(std::max(0.0, squares / n - s.mean * s.mean));
  s.norm = std::sqrt(squares);
  return s;
}

// What is wrong with a gradient, in a word; empty when nothing is.
const char* trouble_of(const Tensor& g) {
  if (g.numel() == 0 || g.numel() > kMostStatistics) return "";
  const Statistics s = statistics_of(g);
  return !s.finite ? "not finite" : s.largest == 0 ? "zero" : s.largest > kHuge ? "huge" : "";
}

std::string exact(const Tensor& t) {
  if (t.numel() > kGridCells) return fmt::format("{} {}", name_of(t.dtype()), to_string(t.shape()));
  std::string text;
  for (const double v : t.to_vector()) {
    if (!text.empty()) text += ", ";
    text += t.dtype() == DType::float32 ? format_exact(static_cast<float>(v)) : format_exact(v);
  }
  return text;
}

std::string replace_all(std::string text, std::string_view from, std::string_view to) {
  for (std::size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size())
    text.replace(at, from.size(), to);
  return text;
}

}  // namespace

std::string symbol_of(const OpInfo& info) {
  const std::string_view s = info.symbol ? info.symbol : "";
  return s == "*" ? "×" : s == "-" ? "−" : s == "/" ? "÷" : std::string(s);
}

bool DiagramText::shows_sum(const GraphItem& item) const {
  return options_.gradients && item.kind == ItemKind::operation && item.sent_back.size() > 1 && item.grad.defined();
}

bool DiagramText::is_circle(const GraphItem& item) const {
  return item.kind == ItemKind::operation && item.info->symbol && text_width(item.info->symbol) <= 2 &&
         !shows_label(item) && item.attributes.empty() && !shows_sum(item);
}

// The name of a result stands in the result's own box.
bool DiagramText::shows_label(const GraphItem& item) const { return !item.label.empty() && !item.is_result; }

bool DiagramText::all_scalar() const {
  return std::all_of(view_.links.begin(), view_.links.end(), [&](const GraphLink& link) {
    const GraphItem& from = view_.items[link.from];
    return from.shape_known ? numel(from.shape) == 1 : from.kind == ItemKind::constant;
  });
}

// --- items
// -------------------------------------------------------------------------------------------------------------

void DiagramText::value_lines(HtmlLabel& label, const GraphItem& item) const {
  const TextStyle blue{.color = colors_.value}, shape_style{.color = colors_.muted, .size = style::kShapeSize};
  if (is_scalar(item.value) && item.value.dim() == 0) {
    if (options_.values) label.run(format_number(item.value.item()), blue).end_line();
    return;
  }
  if (options_.shapes && item.shape_known) label.run(to_string(item.shape), shape_style).end_line();
  if (!options_.values || !item.value.defined() || item.shape_known == false) return;
  if (const std::size_t columns = grid_columns(item.value)) {
    label.grid(cells_of(item.value), columns, {.color = colors_.value, .size = style::kGridSize}, colors_.line);
  } else if (item.value.numel() > 0 && item.value.numel() <= kMostStatistics) {
    const Statistics s = statistics_of(item.value);
    label
        .run(fmt::format("{} ± {}", format_number(s.mean), format_number(s.spread)),
             {.color = colors_.value, .size = style::kGridSize})
        .end_line();
  }
}

void DiagramText::gradient_lines(HtmlLabel& label, const GraphItem& item) const {
  if (!options_.gradients || !item.takes_grad) return;
  if (!item.grad.defined()) {
    label.run(kNotComputed, {.color = colors_.muted, .size = style::kShapeSize}).end_line();
    return;
  }
  const std::string_view trouble = trouble_of(item.grad);
  const TextStyle red{.color = trouble.empty() ? colors_.gradient : colors_.warning};
  const std::string mark = trouble.empty() ? "" : fmt::format(" ({})", trouble);
  if (is_scalar(item.grad)) {
    std::string sum;
    double total = 0;
    for (const std::size_t k : item.sent_back) {
      const Tensor& part = view_.links[k].contribution;
      if (!is_scalar(part)) {
        sum.clear();
        break;
      }
      total += part.item();
      const std::string number = format_number(part.item());
      if (sum.empty())
        sum = number;
      else
        sum += number[0] == '-' ? " − " + number.substr(1) : " + " + number;
    }
    const double g = item.grad.item();
    // Shown only where it adds up: after two backward calls the leaf holds more than this graph sent.
    const bool adds_up = item.sent_back.size() > 1 && !sum.empty() && std::abs(total - g) <= 1e-6 * std::abs(g);
    label
        .run(fmt::format("∂ {}{}{}", format_number(g), adds_up ? " = " + shorten(sum, options_.max_label) : "", mark),
             red)
        .end_line();
  } else if (const std::size_t columns = grid_columns(item.grad)) {
    label
        .run(fmt::format("∂{}{}", item.sent_back.size() > 1 ? fmt::format(" sum of {}", item.sent_back.size()) : "",
                         mark),
             red)
        .end_line();
    label.grid(cells_of(item.grad), columns, {.color = red.color, .size = style::kGridSize}, colors_.line);
  } else if (item.grad.numel() > 0 && item.grad.numel() <= kMostStatistics) {
    label
        .run(fmt::format("‖∂‖ {}{}", format_number(statistics_of(item.grad).norm), mark),
             {.color = red.color, .size = style::kGridSize})
        .end_line();
  }
}

HtmlLabel DiagramText::item(const GraphItem& item) const {
  HtmlLabel label;
  const TextStyle bold{.color = colors_.text, .bold = true}, small{.color = colors_.muted, .size = style::kShapeSize};
  const std::string name = shorten(printable(item.label), options_.max_label);
  switch (item.kind) {
    case ItemKind::operation: {
      const std::string symbol = symbol_of(*item.info);
      if (shows_label(item)) label.run(name, bold).end_line();
      label.run(symbol.empty() ? item.info->name : symbol, {.color = colors_.text}).end_line();
      if (!item.attributes.empty())
        label.run(shorten(printable(item.attributes), options_.max_label), small).end_line();
      if (shows_sum(item)) gradient_lines(label, item);
      return label;
    }
    case ItemKind::folded:
      label.run(name.empty() ? "…" : name, bold).end_line();
      label.run(fmt::format("{} nodes", item.hidden), small).end_line();
      return label;
    case ItemKind::constant:
      if (!item.shape_known) {
        label.run("constant", small).end_line();
        return label;
      }
      break;
    default:
      break;
  }
  if (!name.empty()) {
    label.run(name, bold).end_line();
  } else if (!is_scalar(item.value)) {
    label
        .run(item.kind == ItemKind::parameter ? "parameter"
             : item.kind == ItemKind::input   ? "input"
                                              : "constant",
             small)
        .end_line();
  }
  if (item.kind == ItemKind::detached) label.run("detached", small).end_line();
  if (item.kind == ItemKind::frozen) label.run("frozen", small).end_line();
  value_lines(label, item);
  gradient_lines(label, item);
  return label;
}

std::string DiagramText::item_tooltip(const GraphItem& item) const {
  std::string text;
  auto line = [&](const std::string& part) { text += (text.empty() ? "" : "\n") + part; };
  if (!item.label.empty()) line(printable(item.label));
  if (item.info) line(fmt::format("{}: {}", item.info->name, printable(item.info->formula)));
  if (!item.attributes.empty()) line(printable(item.attributes));
  if (item.shape_known) line(fmt::format("shape {}, {}", to_string(item.shape), name_of(item.dtype)));
  if (options_.values && item.value.defined()) line("value " + exact(item.value));
  if (options_.gradients && item.takes_grad)
    line("gradient " + (item.grad.defined() ? exact(item.grad) : "not computed"));
  if (item.module) line("module " + printable(item.module->full()));
  if (item.where.line()) line(printable(to_string(item.where)));
  return text;
}

// --- links
// -------------------------------------------------------------------------------------------------------------

// `2.2 = 1.1 · 2`: what arrives, times the local derivative.
std::string DiagramText::scalar_product(const GraphLink& link) const {
  const GraphItem& to = view_.items[link.to];
  if (!is_scalar(link.contribution)) return {};
  const std::string part = format_number(link.contribution.item());
  if (to.kind == ItemKind::result || !options_.local_derivatives) return part;
  if (!is_scalar(link.local) || !is_scalar(to.grad)) return part;
  return fmt::format("{} = {} · {}", part, format_number(to.grad.item()), format_number(link.local.item()));
}

// `∂x = g · y`, in the letters of the operation's rule.
std::string DiagramText::rule_text(const GraphLink& link) const {
  const GraphItem& to = view_.items[link.to];
  if (!to.info || link.input >= static_cast<int>(to.info->derivatives.size()) || !to.info->derivatives[link.input])
    return {};
  const std::string d =
      replace_all(replace_all(replace_all(to.info->derivatives[link.input], "^T", "ᵀ"), "^2", "²"), " * ", " · ");
  const std::string letter = input_letter(*to.info, link.input);
  if (d.size() > 48) return {};
  // A rule that names g is the whole gradient; others are the factor beside it, with a remark in parentheses at most.
  const std::string padded = " " + d + " ";
  if (padded.find(" g ") != std::string::npos || d.find("(g") != std::string::npos)
    return fmt::format("∂{} = {}", letter, d);
  const bool simple =
      d.find(' ') == std::string::npos || d.find(" (") == d.find(' ') || d.find("where") != std::string::npos;
  return fmt::format("∂{} = g · {}", letter, simple ? d : "(" + d + ")");
}

// A local derivative that says more than the rule: not 1 everywhere, and not summed over what was broadcast.
bool DiagramText::shows_local(const GraphLink& link) const {
  if (!link.local.defined() || link.local.shape() != view_.items[link.to].shape) return false;
  if (link.local.numel() > kMostStatistics) return false;
  const auto values = link.local.to_vector();
  return std::any_of(values.begin(), values.end(), [](double v) { return v != 1; });
}

HtmlLabel DiagramText::link(const GraphLink& link, int min_width) const {
  // Beside a line, a margin keeps the text off it.
  const std::string margin = min_width > 0 ? "" : "\u00a0\u00a0";
  const GraphItem& from = view_.items[link.from];
  HtmlLabel label({.padding = min_width > 0 ? 2 : 0, .min_width = min_width, .rule_color = colors_.line});
  const TextStyle blue{.color = colors_.value, .size = style::kEdgeSize},
      red{.color = colors_.gradient, .size = style::kEdgeSize};
  const TextStyle small{.color = colors_.muted, .size = style::kShapeSize};
  const bool leaf = from.kind != ItemKind::operation && from.kind != ItemKind::folded;
  const bool to_result = view_.items[link.to].kind == ItemKind::result;
  if (options_.values && is_scalar(from.value)) {
    label.run(margin + format_number(from.value.item()), blue).end_line();
  } else if (options_.values && !leaf && !to_result && grid_columns(from.value)) {
    label.grid(cells_of(from.value), grid_columns(from.value), {.color = colors_.value, .size = style::kGridSize},
               colors_.line);
  } else if (options_.shapes && from.shape_known) {
    label.run(margin + to_string(from.shape), small).end_line();
  } else if (min_width > 0) {
    label.run(" ", small).end_line();
  }
  if (min_width > 0) label.rule();
  if (!options_.gradients || !link.takes_grad) {
    if (min_width > 0) label.run(" ", small).end_line();
  } else if (!link.contribution.defined()) {
    label.run(margin + "not computed", small).end_line();
  } else if (is_scalar(link.contribution)) {
    label.run(margin + scalar_product(link), red).end_line();
  } else {
    const std::size_t columns = grid_columns(link.contribution);
    if (columns && !to_result)
      label.grid(cells_of(link.contribution), columns, {.color = colors_.gradient, .size = style::kGridSize},
                 colors_.line);
    else if (link.contribution.numel() > 0 && link.contribution.numel() <= kMostStatistics)
      label.run(margin + fmt::format("‖∂‖ {}", format_number(statistics_of(link.contribution).norm)), red).end_line();
    if (options_.local_derivatives && !to_result) {
      const std::string rule = rule_text(link);
      if (!rule.empty()) label.run(margin + rule, small).end_line();
      if (!shows_local(link)) return label;
      if (const std::size_t local = grid_columns(link.local)) {
        label.grid(cells_of(link.local), local, {.color = colors_.muted, .size = style::kShapeSize}, colors_.line);
      } else if (link.local.numel() > 1 && link.local.numel() <= kMostStatistics) {
        label
            .run(margin + fmt::format("local {} ‖{}‖", to_string(link.local.shape()),
                                      format_number(statistics_of(link.local).norm)),
                 small)
            .end_line();
      }
    }
  }
  return label;
}

int DiagramText::link_width(const GraphLink& link) const {
  const GraphItem& from = view_.items[link.from];
  int width = 0;
  auto fit = [&](const std::string& text, int size) { width = std::max(width, style::rule_width(text, size)); };
  if (is_scalar(from.value))
    fit(format_number(from.value.item()), style::kEdgeSize);
  else if (options_.shapes)
    fit(to_string(from.shape), style::kShapeSize);
  if (link.takes_grad && options_.gradients)
    fit(is_scalar(link.contribution) ? scalar_product(link) : "not computed", style::kEdgeSize);
  return width + width % 2;
}

std::string DiagramText::link_tooltip(const GraphLink& link) const {
  const GraphItem& from = view_.items[link.from];
  std::string text;
  if (options_.values && from.value.defined()) text = "value " + exact(from.value);
  if (options_.gradients && link.contribution.defined())
    text += (text.empty() ? "" : "\n") + ("sent back " + exact(link.contribution));
  if (options_.local_derivatives && link.local.defined()) text += "\nlocal derivative " + exact(link.local);
  return text.empty() ? to_string(from.shape) : text;
}

// --- title
// -------------------------------------------------------------------------------------------------------------

std::string expression_of(const GraphView& view) {
  constexpr std::size_t kLongest = 90;
  struct Part {
    std::string text;
    int binds = 9;  // 9: never needs parentheses
  };
  if (view.items.size() > 40) return {};
  std::vector<Part> parts(view.items.size());
  std::vector<std::vector<std::size_t>> inputs(view.items.size());
  for (const GraphLink& link : view.links) inputs[link.to].push_back(link.from);
  auto wrapped = [&](std::size_t at, int needed) {
    return parts[at].binds < needed ? "(" + parts[at].text + ")" : parts[at].text;
  };
  for (std::size_t i = 0; i < view.items.size(); ++i) {
    const GraphItem& item = view.items[i];
    if (item.kind == ItemKind::folded) return {};
    if (item.kind == ItemKind::result) {
      const std::string& text = parts[inputs[i][0]].text;
      return i + 1 < view.items.size() || text.empty() || item.label == "result" ? text
                                                                                 : printable(item.label) + " = " + text;
    }
    if (item.kind != ItemKind::operation) {
      if (!item.label.empty())
        parts[i].text = printable(item.label);
      else if (is_scalar(item.value))
        parts[i].text = format_number(item.value.item());
      else
        return {};
      continue;
    }
    const std::string symbol = symbol_of(*item.info);
    if (!symbol.empty() && inputs[i].size() == 2) {
      const int binds = symbol == "+" || symbol == "−" ? 1 : 2;
      parts[i] = {fmt::format("{} {} {}", wrapped(inputs[i][0], binds), symbol,
                              wrapped(inputs[i][1], binds + (symbol != "+" && symbol != "×"))),
                  binds};
    } else if (!symbol.empty() && inputs[i].size() == 1) {
      parts[i] = {symbol + wrapped(inputs[i][0], 3), 3};
    } else {
      std::string list;
      for (const std::size_t from : inputs[i]) list += (list.empty() ? "" : ", ") + parts[from].text;
      parts[i] = {fmt::format("{}({})", item.info->name, list), 9};
    }
    if (parts[i].text.size() > kLongest) return {};
  }
  return {};
}

std::string DiagramText::title() const {
  if (!options_.title.empty()) return shorten(printable(options_.title), 120);
  const std::string expression = expression_of(view_);
  if (!expression.empty()) return expression;
  std::size_t operations = 0;
  for (const GraphItem& item : view_.items) operations += item.kind == ItemKind::operation;
  return fmt::format("{}: {} operations", shorten(printable(view_.items.back().label), options_.max_label), operations);
}

std::string DiagramText::legend() const {
  std::string text;
  if (options_.values) text = "blue: value, flows forward";
  if (!options_.gradients) return text;
  bool any = false;
  for (const GraphItem& item : view_.items) any |= item.grad.defined();
  if (!text.empty()) text += "  ·  ";
  if (!any) return text + "gradients: not computed, backward() was not called";
  text +=
      fmt::format("red: gradient of {}, flows back", shorten(printable(view_.items.back().label), options_.max_label));
  bool products = false;
  for (const GraphLink& link : view_.links) products |= is_scalar(link.local);
  return products && options_.local_derivatives ? text + " = incoming · local derivative" : text;
}

}  // namespace chainrule
