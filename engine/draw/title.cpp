// Expressions are put together from their inputs' texts, with no more parentheses than they need.
#include "engine/draw/title.h"

#include <fmt/format.h>

#include <algorithm>

#include "engine/draw/numbers.h"
#include "engine/system/text.h"

namespace chainrule {
namespace {

constexpr std::size_t kLongestTitle = 120, kLongestExpression = 90, kMostItems = 40;

// How tightly an expression holds together: what binds less than its surroundings needs parentheses.
enum Binding { kSum = 1, kProduct, kSign, kPower, kWord };

struct Expression {
  std::string text;
  int binds = kWord;
  std::string symbol{};
};

Expression binary(const std::string& symbol, const Expression& x, const Expression& y) {
  const int binds = symbol == "+" || symbol == "−" ? kSum : symbol == "^" ? kPower : kProduct;
  const bool regroups = symbol == "+" || symbol == "×";  // a × (b × c) is a × b × c
  auto wrapped = [](const Expression& e, bool wrap) { return wrap ? "(" + e.text + ")" : e.text; };
  const std::string left = wrapped(x, x.binds < binds || (x.binds == binds && binds == kPower));
  const std::string right = wrapped(y, y.binds < binds || (y.binds == binds && !(regroups && y.symbol == symbol)));
  const bool tight = binds == kPower;
  return {left + (tight ? symbol : " " + symbol + " ") + right, binds, symbol};
}

Expression operation(const GraphItem& item, const std::vector<Expression>& inputs) {
  const std::string symbol = symbol_of(*item.info);
  if (!item.subscript.empty() && inputs.size() == 1)
    return {(inputs[0].binds < kWord ? "(" + inputs[0].text + ")" : inputs[0].text) + item.subscript};
  if (!symbol.empty() && inputs.size() == 2) return binary(symbol, inputs[0], inputs[1]);
  if (!symbol.empty() && inputs.size() == 1) {
    const Expression& x = inputs[0];
    if (symbol == "ᵀ") return {(x.binds < kWord ? "(" + x.text + ")" : x.text) + symbol};
    return {symbol + (x.binds < kSign ? "(" + x.text + ")" : x.text), kSign};
  }
  std::string list;
  for (const Expression& x : inputs) list += (list.empty() ? "" : ", ") + x.text;
  return {fmt::format("{}({})", item.info->name, list)};
}

// A value by its name; without one a number or short list of numbers is written out.
Expression leaf(const GraphItem& item) {
  if (!item.label.empty()) return {printable(item.letter)};
  if (has_one_element(item.value)) {
    const std::string number = number_text(item.value.item());
    return {number, number[0] == '-' ? kSign : kWord};
  }
  if (item.value.defined() && item.value.dim() == 1 && grid_columns(item.value)) {
    std::string list;
    for (const std::string& cell : grid_cells(item.value)) list += (list.empty() ? "" : ", ") + cell;
    return {"[" + list + "]"};
  }
  return {item.kind == ItemKind::parameter ? "parameter" : item.kind == ItemKind::input ? "input" : "constant"};
}

// "price = (apple × apples + orange × oranges) × tax"; empty when it is too long, folded, or there are several results.
std::string expression_of(const GraphView& view) {
  if (view.items.size() > kMostItems) return {};
  std::vector<Expression> parts(view.items.size());
  std::vector<std::vector<Expression>> inputs(view.items.size());
  auto next = view.links.begin();
  for (std::size_t i = 0; i < view.items.size(); ++i) {
    const GraphItem& item = view.items[i];
    std::vector<Expression> from;
    for (; next != view.links.end() && next->to == i; ++next) from.push_back(parts[next->from]);
    if (item.kind == ItemKind::folded) return {};
    if (item.kind == ItemKind::result) {
      if (i + 1 < view.items.size()) return {};
      const bool plain = view.items[view.links.back().from].kind != ItemKind::operation;
      if (item.label.empty() || plain) return from[0].text;
      return printable(item.letter) + " = " + from[0].text;
    }
    parts[i] = item.kind == ItemKind::operation ? operation(item, from) : leaf(item);
    if (text_width(parts[i].text) > kLongestExpression) return {};
  }
  return {};
}

}  // namespace

std::string symbol_of(const OpInfo& info) {
  std::string_view s = info.formula;
  const std::string x = input_letter(info, 0), y = input_letter(info, 1);
  const auto cut = [&](std::string_view begin, std::string_view end) {
    if (s.size() <= begin.size() + end.size() || !s.starts_with(begin) || !s.ends_with(end)) return false;
    s = s.substr(begin.size(), s.size() - begin.size() - end.size());
    return true;
  };
  // What stands between the letters and holds no other word.
  const bool found = cut("z = " + x + " ", " " + y) || cut("z = " + x, y) || cut("z = ", x) || cut("z = " + x, "");
  const bool sign =
      std::none_of(s.begin(), s.end(), [](char c) { return is_word_character(c) || c == '(' || c == ' '; });
  if (!found || !(sign || s == "^T")) return {};
  return s == "*" ? "×" : s == "-" ? "−" : s == "/" ? "÷" : s == "^T" ? "ᵀ" : std::string(s);
}

std::string word_of(const GraphItem& operation) {
  if (!operation.subscript.empty()) return operation.subscript;
  const std::string symbol = symbol_of(*operation.info);
  return symbol.empty() ? operation.info->name : symbol;
}

std::string result_name(const GraphItem& item, const GraphOptions& options) {
  const bool named = !item.label.empty() && options.names;
  return shorten(printable(named || !item.letter.empty() ? item.letter : "result"), options.max_label);
}

std::string operation_text(const GraphItem& item, const std::vector<std::string>& inputs) {
  std::vector<Expression> parts;
  parts.reserve(inputs.size());
  const std::string attributes = printable(item.attributes);
  const bool infix =
      !item.subscript.empty() || (attributes.empty() && !symbol_of(*item.info).empty() && inputs.size() <= 2);
  // A negative number behind a symbol, or below a power.
  const bool power = infix && symbol_of(*item.info) == "^";
  for (const std::string& text : inputs) {
    const bool wrap = infix && text[0] == '-' && (power || inputs.size() == 1 || !parts.empty());
    parts.push_back({wrap ? "(" + text + ")" : text});
  }
  if (infix) return operation(item, parts).text;
  std::string list;
  for (const Expression& x : parts) list += (list.empty() ? "" : ", ") + x.text;
  return fmt::format("{}({}{}{})", item.info->name, list, list.empty() || attributes.empty() ? "" : ", ", attributes);
}

std::string title_of(const GraphView& view, const GraphOptions& options) {
  if (!options.title.empty()) return shorten(printable(options.title), kLongestTitle);
  std::string expression = expression_of(view);
  if (!expression.empty()) return expression;
  std::size_t operations = 0;
  std::string names;
  for (const GraphItem& item : view.items) {
    operations += item.kind == ItemKind::operation;
    if (item.kind == ItemKind::result) names += (names.empty() ? "" : ", ") + result_name(item, options);
  }
  if (view.total != view.items.size())
    return fmt::format("{}: {} nodes, drawn as {}", names, count_text(view.total), count_text(view.items.size()));
  return fmt::format("{}: {} operation{}", names, count_text(operations), operations == 1 ? "" : "s");
}

std::string legend_of(const GraphView& view, const GraphOptions& options, const LegendMarks& marks) {
  std::vector<std::string> parts;
  if (options.symbols) parts.emplace_back("blue: values, in letters  ·  red: the rule by which gradients flow back");
  if (options.values) parts.emplace_back("blue: value, flows forward");
  auto any_item = [&](auto&& f) { return std::any_of(view.items.begin(), view.items.end(), f); };
  auto any_link = [&](auto&& f) { return std::any_of(view.links.begin(), view.links.end(), f); };
  const bool local = options.local_derivatives && !options.symbols &&
                     any_link([](const GraphLink& link) { return has_one_element(link.local); });
  const bool arrived = any_link([](const GraphLink& link) { return link.contribution.defined(); });
  if (options.gradients && any_item([](const GraphItem& item) { return item.grad.defined(); })) {
    std::size_t results = 0;
    for (const GraphItem& item : view.items) results += item.kind == ItemKind::result;
    parts.push_back(fmt::format("red: gradient of {}, flows back{}",
                                results == 1 ? result_name(view.items.back(), options) : "the results",
                                local && arrived ? " = incoming · local derivative" : ""));
  } else if (options.gradients) {
    parts.emplace_back("gradients are not computed yet");
  }
  if (marks.g) parts.emplace_back("g: the gradient that arrives");
  if ((local && !arrived) || marks.local)
    parts.emplace_back(marks.local ? "grey: local derivatives, element by element" : "grey: local derivative");
  const bool fixed = any_item([](const GraphItem& item) {
    return item.kind == ItemKind::constant || item.kind == ItemKind::detached || item.kind == ItemKind::frozen;
  });
  if (options.color == GraphColor::memory) parts.emplace_back("the darker, the more memory");
  if (options.color == GraphColor::health) parts.emplace_back("orange: a gradient that is zero, huge or not finite");
  if (fixed) parts.emplace_back("broken outline: takes no gradient");
  std::string text;
  for (const std::string& part : parts) text += (text.empty() ? "" : "  ·  ") + part;
  return text;
}

}  // namespace chainrule
