// Formulas come from the operations' own table (engine/draw/rule.h), numbers from the view.
#include "engine/steps/words.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "engine/draw/names.h"
#include "engine/draw/numbers.h"
#include "engine/draw/rule.h"
#include "engine/draw/title.h"
#include "engine/system/text.h"

namespace chainrule {
namespace {

constexpr std::int64_t kMostPutIn = 4;  // of one that stands in a formula
constexpr std::size_t kMostParts = 6;   // of a sum that is written out
constexpr std::size_t kWidestNumbers = 72;

bool short_enough(const Tensor& t) { return t.defined() && t.numel() > 0 && t.numel() <= kMostPutIn; }

class Describer {
 public:
  Describer(const GraphView& view, const GraphOptions& options)
      : view_(view),
        names_(item_names(view, options)),
        taken_(all_names(view)),
        parts_(view.items.size()),
        sums_(view.items.size()) {}

  StepText text(const GraphStep& step) {
    switch (step.kind) {
      case StepKind::given:
        return given();
      case StepKind::forward:
        return forward(step);
      case StepKind::seed:
        return seed(step);
      case StepKind::backward:
        return backward(step);
      default:
        return finished();
    }
  }

 private:
  StepText given() const {
    StepText text{.title = "given"};
    for (std::size_t i = 0; i < view_.items.size(); ++i) {
      const GraphItem& item = view_.items[i];
      if (!is_given(item) || names_[i] == value_text(item.value)) continue;  // a constant that stands for itself
      text.rows.push_back({.left = names_[i],
                           .value = item.value.defined() ? value_text(item.value) : "not kept",
                           .note = item.takes_grad ? "" : "takes no gradient"});
    }
    // A result that nothing is computed for.
    for (const GraphLink& link : view_.links) {
      const GraphItem& to = view_.items[link.to];
      if (to.kind != ItemKind::result || !is_given(view_.items[link.from]) || names_[link.to] == names_[link.from])
        continue;
      StepRow row{.left = names_[link.to], .formula = names_[link.from], .value = value_text(to.value)};
      if (row.formula == row.value) row.formula.clear();
      text.rows.push_back(std::move(row));
    }
    return text;
  }

  StepText forward(const GraphStep& step) const {
    const GraphItem& item = view_.items[step.item];
    StepRow row{.left = names_[step.item], .value = value_or_shape(item)};
    if (item.kind == ItemKind::folded) {
      row.formula = item.attributes.empty() ? "…" : printable(item.attributes);
      row.note = count_text(item.hidden) + (item.hidden == 1 ? " node, folded" : " nodes, folded");
      return {.title = "folded", .rows = {std::move(row)}};
    }
    std::vector<std::string> names, numbers;
    // Beside a symbol small tensors can be put in; in the parentheses of a call they would only stand there again.
    bool fits = true;
    for (const GraphStep::Part& part : step.parts) {
      const std::size_t from = view_.links[part.link].from;
      const Tensor& value = view_.items[from].value;
      names.push_back(names_[from]);
      fits = fits && (has_one_element(value) || (short_enough(value) && !symbol_of(*item.info).empty()));
      if (fits) numbers.push_back(value_text(value));
    }
    row.formula = operation_text(item, names);
    if (fits && !numbers.empty()) row.numbers = operation_text(item, numbers);
    if (text_width(row.numbers) > kWidestNumbers) row.numbers.clear();
    // "p = sigmoid(x)" leaves the formula to be said; "a = x × y" does not.
    std::string about =
        symbol_of(*item.info).empty() ? formula_text(*item.info, by_place(inputs_of(step)), row.left) : "";
    if (about == row.left + " = " + row.formula || !item.subscript.empty()) about.clear();
    return {.title = item.info->name, .about = std::move(about), .rows = {std::move(row)}};
  }

  StepText seed(const GraphStep& step) {
    const std::string& name = names_[step.item];
    const bool one = has_one_element(step.incoming) && step.incoming.item() == 1;
    StepText text{.title = "gradient of " + name};
    text.rows.push_back({.left = "∂" + name,
                         .formula = one ? fmt::format("d {0}/d {0}", name) : "",
                         .value = value_text(step.incoming),
                         .note = one ? "" : "given: the gradient that flows back from here"});
    for (const GraphStep::Part& part : step.parts) arrive(part);
    return text;
  }

  StepText backward(const GraphStep& step) {
    const GraphItem& item = view_.items[step.item];
    StepText text{.title = item.info ? item.info->name : "folded", .about = arriving(step)};
    for (const GraphStep::Part& part : step.parts) {
      const GraphLink& link = view_.links[part.link];
      StepRow row{.left = "∂" + names_[link.from], .formula = rule(step, part), .numbers = product(step, part)};
      row.value = part.contribution.defined() ? value_text(part.contribution) : "not computed";
      row.adds = part.arrived > 1;
      row.note = arrive(part);
      text.rows.push_back(std::move(row));
    }
    return text;
  }

  // "∂a = 1.1 arrives at a = apple × count"
  std::string arriving(const GraphStep& step) const {
    const GraphItem& item = view_.items[step.item];
    const std::string& name = names_[step.item];
    std::vector<std::string> inputs;
    for (const std::size_t k : inputs_of(step)) inputs.push_back(names_[view_.links[k].from]);
    return fmt::format("∂{}{} arrives at {}{}", name, step.incoming.defined() ? " = " + value_text(step.incoming) : "",
                       name, item.info ? " = " + operation_text(item, inputs) : "");
  }

  StepText finished() const {
    StepText text{.title = "finished"};
    for (std::size_t i = 0; i < view_.items.size(); ++i) {
      const GraphItem& item = view_.items[i];
      if (!is_given(item) || !item.takes_grad) continue;
      const std::string sum = sums_[i].defined() ? value_text(sums_[i]) : "not computed";
      const std::string holds = item.grad.defined() ? value_text(item.grad) : sum;
      text.rows.push_back({.left = "∂" + names_[i],
                           .value = sum,
                           .note = holds == sum ? "" : "with what earlier calls left it holds " + holds});
    }
    return text;
  }

  std::string value_or_shape(const GraphItem& item) const {
    if (item.value.defined()) return value_text(item.value);
    return !item.shape_known ? "" : item.shape.empty() ? "not kept" : to_string(item.shape) + ", not kept";
  }

  std::string rule(const GraphStep& step, const GraphStep::Part& part) const {
    const GraphLink& link = view_.links[part.link];
    const GraphItem& to = view_.items[link.to];
    const GraphItem& from = view_.items[link.from];
    const std::string& name = names_[link.to];
    std::string unknown = fmt::format("∂{0} · d {0}/d {1}", name, names_[link.from]);
    if (!to.info) return unknown;
    RuleNames names{.result = name, .incoming = "∂" + name, .says_one = true};
    names.inputs = by_place(inputs_of(step));
    const bool broadcast = to.info->elementwise && from.shape_known && from.shape != to.shape;
    const std::string text = rule_text(*to.info, link.input, names, broadcast, taken_);
    const std::string subject = "∂" + names_[link.from] + " = ";
    return text.starts_with(subject) ? text.substr(subject.size()) : unknown;
  }

  // The names of an operation's inputs, by place; its own notes have none.
  std::vector<std::string> by_place(const std::vector<std::size_t>& links) const {
    std::vector<std::string> names;
    for (const std::size_t k : links) {
      const auto at = static_cast<std::size_t>(view_.links[k].input);
      if (at >= names.size()) names.resize(at + 1);
      names[at] = names_[view_.links[k].from];
    }
    return names;
  }

  // All links of the operation, also those without a gradient.
  std::vector<std::size_t> inputs_of(const GraphStep& step) const {
    std::vector<std::size_t> links;
    const auto first = std::lower_bound(view_.links.begin(), view_.links.end(), step.item,
                                        [](const GraphLink& link, std::size_t to) { return link.to < to; });
    for (auto link = first; link != view_.links.end() && link->to == step.item; ++link)
      links.push_back(static_cast<std::size_t>(link - view_.links.begin()));
    return links;
  }

  // What arrives, times the local derivative, where these are numbers or multiply element by element.
  std::string product(const GraphStep& step, const GraphStep::Part& part) const {
    if (!short_enough(part.local) || !short_enough(step.incoming) || !part.contribution.defined()) return {};
    const bool by_element = part.local.shape() == part.contribution.shape() &&
                            (has_one_element(step.incoming) || step.incoming.shape() == part.local.shape());
    if (!by_element || !(has_one_element(part.local) || differs_from_one(part.local))) return {};
    return fmt::format("{} · {}", value_text(step.incoming), in_parentheses(value_text(part.local)));
  }

  // Notes the contribution down; what to say of the sum at its origin.
  std::string arrive(const GraphStep::Part& part) {
    const std::size_t at = view_.links[part.link].from;
    sums_[at] = part.sum;
    const std::size_t all = view_.items[at].sent_back.size();
    if (all < 2) return {};
    const std::string name = "∂" + names_[at];
    if (!part.sum.defined()) return {};
    parts_[at].push_back(value_text(part.contribution));
    if (part.arrived == 1) return fmt::format("the first of {} parts of {}", all, name);
    std::string sum;
    if (has_one_element(part.sum) && part.arrived <= kMostParts) {
      for (const std::string& p : parts_[at]) sum += sum.empty() ? p : p[0] == '-' ? " − " + p.substr(1) : " + " + p;
      sum += " = ";
    }
    return fmt::format("{}{}{}", name, part.arrived < all ? " so far: " : " = ", sum + value_text(part.sum));
  }

  const GraphView& view_;
  std::vector<std::string> names_;
  std::set<std::string, std::less<>> taken_;
  std::vector<std::vector<std::string>> parts_;
  std::vector<Tensor> sums_;
};

}  // namespace

std::vector<std::string> item_names(const GraphView& view, const GraphOptions& options) {
  std::vector<std::string> names;
  names.reserve(view.items.size());
  for (const GraphItem& item : view.items) names.push_back(shorten(printable(item.letter), options.max_label));
  return names;
}

std::string value_text(const Tensor& t) {
  if (!t.defined()) return "not kept";
  if (has_one_element(t) && t.dtype() == DType::boolean) return t.item() != 0 ? "true" : "false";
  if (has_one_element(t)) return number_text(t.item());
  if (shown_whole(t)) return flat_text(t);
  const std::string norm = norm_text(t);
  return to_string(t.shape()) + (norm.empty() ? "" : ", norm " + norm);
}

std::string row_text(const StepRow& row) {
  std::string text = row.left;
  const char* equals = row.adds ? " += " : " = ";
  for (const std::string* part : {&row.formula, &row.numbers, &row.value}) {
    if (part->empty()) continue;
    text += equals + *part;
    equals = " = ";
  }
  return text;
}

std::vector<StepText> describe(const GraphView& view, const std::vector<GraphStep>& steps,
                               const GraphOptions& options) {
  std::vector<StepText> texts;
  texts.reserve(steps.size());
  Describer describer(view, options);
  for (const GraphStep& step : steps) texts.push_back(describer.text(step));
  return texts;
}

const char* phase_of(StepKind kind) {
  return kind == StepKind::given      ? "given"
         : kind == StepKind::forward  ? "forward"
         : kind == StepKind::finished ? "finished"
                                      : "backward";
}

}  // namespace chainrule
