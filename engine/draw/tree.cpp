// The tree is walked with a stack of its own; columns are made when all lines are known.
#include "engine/draw/tree.h"

#include <fmt/format.h>

#include <algorithm>

#include "engine/draw/labels.h"
#include "engine/draw/numbers.h"
#include "engine/draw/title.h"
#include "engine/system/text.h"

namespace chainrule {
namespace {

struct TreeLine {
  std::string drawing;  // branches and name
  std::string value, gradient;
};

std::string short_value(const Tensor& t) {
  if (!t.defined()) return {};
  if (has_one_element(t)) return number_text(t.item());
  if (!shown_whole(t)) {
    const std::string spread = spread_text(t);
    return to_string(t.shape()) + (spread.empty() ? "" : " " + spread);
  }
  return flat_text(t);
}

class Tree {
 public:
  Tree(const GraphView& view, const GraphOptions& options)
      : view_(view), options_(options), text_(view, options), seen_(view.items.size()) {
    first_link_.resize(view.items.size() + 1, view.links.size());
    for (std::size_t k = view.links.size(); k-- > 0;) first_link_[view.links[k].to] = k;
  }

  std::vector<TreeLine> lines() {
    for (std::size_t i = 0; i < view_.items.size(); ++i)
      if (view_.items[i].kind == ItemKind::result) draw_from(i);
    return std::move(lines_);
  }

 private:
  struct Open {
    std::size_t item;
    std::string before;  // the branches that run past this line
    bool last;
    bool root;
    std::size_t link = 0;  // by which the line above reads it
  };

  void draw_from(std::size_t root) {
    std::vector<Open> stack{{root, "", true, true}};
    while (!stack.empty()) {
      const Open at = std::move(stack.back());
      stack.pop_back();
      const bool again = seen_[at.item];
      line(at, again);
      if (again) continue;
      seen_[at.item] = true;
      std::vector<std::size_t> from;
      for (std::size_t k = first_link_[at.item]; k < view_.links.size() && view_.links[k].to == at.item; ++k)
        from.push_back(k);
      const std::string before = at.root ? "" : at.before + (at.last ? "   " : "│  ");
      for (std::size_t i = from.size(); i-- > 0;)
        stack.push_back({view_.links[from[i]].from, before, i + 1 == from.size(), false, from[i]});
    }
  }

  std::string name(const GraphItem& item) const {
    const bool named = options_.names || item.kind == ItemKind::folded;
    const bool has = (named && !item.label.empty()) || (options_.symbols && item.kind != ItemKind::folded);
    const std::string label =
        has ? shorten(printable(item.kind == ItemKind::folded ? item.label : item.letter), options_.max_label) : "";
    switch (item.kind) {
      case ItemKind::operation: {
        if (!options_.operations) return label.empty() || item.is_result ? "·" : label;
        std::string op = word_of(item);
        if (!item.attributes.empty()) op += " (" + shorten(printable(item.attributes), options_.max_label) + ")";
        return label.empty() || item.is_result ? op : fmt::format("{} = {}", label, op);
      }
      case ItemKind::folded:
        return fmt::format("▤ {}{}{} nodes", label, label.empty() ? "" : ", ", count_text(item.hidden));
      case ItemKind::result:
        return label.empty() ? "result" : label;
      case ItemKind::parameter:
        return label.empty() ? "parameter" : label;
      case ItemKind::input:
        return label.empty() ? "input" : label;
      case ItemKind::detached:
        return label.empty() ? "detached" : label + " (detached)";
      case ItemKind::frozen:
        return label.empty() ? "frozen" : label + " (frozen)";
      default:
        if (options_.values && label.empty() && has_one_element(item.value)) return number_text(item.value.item());
        return label.empty() ? "constant" : label;
    }
  }

  void line(const Open& at, bool again) {
    const GraphItem& item = view_.items[at.item];
    if (options_.symbols) return line_in_letters(at);
    TreeLine line;
    line.drawing = at.root ? name(item) : at.before + (at.last ? "└─ " : "├─ ") + name(item);
    if (again) {
      line.drawing += " ↑";
    } else {
      const bool is_name = item.kind == ItemKind::constant && item.label.empty() && has_one_element(item.value);
      if (options_.values && item.value.defined())
        line.value = is_name ? "" : short_value(item.value);
      else if (options_.shapes && item.shape_known)
        line.value = to_string(item.shape);
      if (options_.dtypes && item.shape_known) line.value += fmt::format(" {}", name_of(item.dtype));
      if (options_.gradients && item.takes_grad && item.kind != ItemKind::result && item.kind != ItemKind::folded)
        line.gradient = "∂ " + (item.grad.defined() ? short_value(item.grad) : std::string("not computed"));
      if (const std::string_view trouble = item.grad.defined() ? trouble_of(item.grad) : ""; !trouble.empty())
        line.gradient += fmt::format(" ({})", trouble);
    }
    lines_.push_back(std::move(line));
  }

  // The rule by which the gradient flows back to it from the line above.
  void line_in_letters(const Open& at) {
    const GraphItem& item = view_.items[at.item];
    TreeLine line;
    line.drawing = at.root ? name(item) : at.before + (at.last ? "└─ " : "├─ ") + name(item);
    if (seen_[at.item]) line.drawing += " ↑";
    if (!at.root && view_.links[at.link].takes_grad) line.gradient = text_.rule(view_.links[at.link]);
    lines_.push_back(std::move(line));
  }

  const GraphView& view_;
  const GraphOptions& options_;
  DiagramText text_;
  std::vector<bool> seen_;
  std::vector<std::size_t> first_link_;
  std::vector<TreeLine> lines_;
};

}  // namespace

std::string tree_text(const GraphView& view, const GraphOptions& options) {
  const std::vector<TreeLine> lines = Tree(view, options).lines();
  std::size_t width = 0, values = 0;
  for (const TreeLine& l : lines) {
    width = std::max(width, text_width(l.drawing));
    values = std::max(values, text_width(l.value));
  }
  std::string text = title_of(view, options) + "\n\n";
  for (const TreeLine& l : lines) {
    std::string line = l.drawing + std::string(width - text_width(l.drawing), ' ');
    line += "  " + l.value + std::string(values - text_width(l.value), ' ');
    line += "  " + l.gradient;
    text += line.substr(0, line.find_last_not_of(' ') + 1) + '\n';
  }
  return text;
}

}  // namespace chainrule
