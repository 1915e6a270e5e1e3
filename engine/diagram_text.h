// The words and numbers of a diagram: labels and tooltips of items and links. Where they stand is decided in
// diagram.cpp.
#pragma once

#include <string>

#include "engine/diagram.h"
#include "engine/diagram_style.h"
#include "engine/graph_view.h"

namespace chainrule {

class DiagramText {
 public:
  DiagramText(const GraphView& view, const GraphOptions& options)
      : view_(view), options_(options), colors_(options.dark ? style::kDark : style::kLight) {}

  /// The box of a value, operation or module.
  HtmlLabel item(const GraphItem& item) const;
  std::string item_tooltip(const GraphItem& item) const;
  /// What an edge carries both ways: the value, then the gradient. With a width, it stands on the line, the value above
  /// and the gradient below.
  HtmlLabel link(const GraphLink& link, int min_width) const;
  /// Width that the label of this link needs, in points.
  int link_width(const GraphLink& link) const;
  std::string link_tooltip(const GraphLink& link) const;
  /// True when the operation fits a small circle: a symbol, and nothing else to say.
  bool is_circle(const GraphItem& item) const;

  /// True when every value is one number: then edges have room for their equations.
  bool all_scalar() const;

  std::string title() const;
  std::string legend() const;

 private:
  bool shows_sum(const GraphItem& item) const;
  bool shows_label(const GraphItem& item) const;
  bool shows_local(const GraphLink& link) const;
  void value_lines(HtmlLabel& label, const GraphItem& item) const;
  void gradient_lines(HtmlLabel& label, const GraphItem& item) const;
  std::string scalar_product(const GraphLink& link) const;
  std::string rule_text(const GraphLink& link) const;

  const GraphView& view_;
  const GraphOptions& options_;
  const style::Palette& colors_;
};

/// × for *, − for -, ÷ for /: as in print.
std::string symbol_of(const OpInfo& info);

/// "price = (apple × apples + orange × oranges) × tax", or empty when it has no short infix form.
std::string expression_of(const GraphView& view);

}  // namespace chainrule
