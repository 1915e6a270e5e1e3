// The words and numbers of a diagram: labels and tooltips of items and links. Where they stand is decided in
// diagram.cpp.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "engine/diagram.h"
#include "engine/diagram_style.h"
#include "engine/graph_view.h"

namespace chainrule {

class DiagramText {
 public:
  DiagramText(const GraphView& view, const GraphOptions& options);

  /// The box of a value, operation or module.
  HtmlLabel item(const GraphItem& item) const;
  std::string item_tooltip(const GraphItem& item) const;
  /// What an edge carries both ways, for its middle: the value, then the gradient; with a width, a rule so wide
  /// between.
  HtmlLabel link(const GraphLink& link, int rule_width) const;
  bool has_words(const GraphLink& link) const { return !lines_above(link).empty() || !lines_below(link).empty(); }
  /// Width that the label of this link needs, in points.
  int link_width(const GraphLink& link) const;
  std::string link_tooltip(const GraphLink& link) const;
  /// A module's name, kind and parameter count.
  HtmlLabel module(const ModulePath& path) const;
  /// What GraphOptions::color makes of the item: a fill, or nothing.
  std::string_view fill(const GraphItem& item) const;
  /// True when the operation fits a small circle: a symbol, and nothing else to say.
  bool is_circle(const GraphItem& item) const;
  /// What stands in the circle.
  std::string circle(const GraphItem& item) const;
  /// Shape and dtype, as far as they are wanted and known; of a number without the shape unless `always_shape`.
  std::string type_text(const GraphItem& item, bool always_shape) const;

  std::string title() const;
  std::string legend() const;

 private:
  /// A line of an edge label: text, or a grid of numbers.
  struct Line {
    std::string text{};
    std::vector<std::string> cells{};
    std::size_t columns = 0;
    TextStyle style{};
  };
  std::vector<Line> lines_above(const GraphLink& link) const;
  std::vector<Line> lines_below(const GraphLink& link) const;
  Line grid_line(const Tensor& t, std::string_view color) const;

  /// What the fill says, in words; empty when it says nothing.
  std::string fill_text(const GraphItem& item) const;
  void name_lines(HtmlLabel& label, std::string_view name) const;
  bool shows_sum(const GraphItem& item) const;
  bool shows_label(const GraphItem& item) const;
  void value_lines(HtmlLabel& label, const GraphItem& item) const;
  void gradient_lines(HtmlLabel& label, const GraphItem& item) const;
  std::string sum_of_parts(const GraphItem& item) const;
  std::string product(const GraphLink& link) const;
  std::string rule(const GraphLink& link) const;
  std::string short_name(std::string_view name) const;
  std::string result_name(const GraphItem& item) const;

  const GraphView& view_;
  const GraphOptions& options_;
  const style::Palette& colors_;
  bool any_contribution_ = false;
  double most_bytes_ = 0;
  std::set<std::string, std::less<>> labels_;
  std::vector<std::size_t> first_link_;  // of each item, among the links that end there
};

/// × for *, − for -, ÷ for /: as in print. Empty when the operation has no symbol.
std::string symbol_of(const OpInfo& info);

}  // namespace chainrule
