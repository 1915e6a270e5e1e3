// Inner header: for our own sources, not installed.
// The words and numbers of a diagram: labels and tooltips of items and links. Where they stand is decided in
// draw_view.cpp.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "engine/draw/diagram.h"
#include "engine/draw/style.h"
#include "engine/draw/title.h"
#include "engine/draw/view.h"

namespace chainrule {

/// One class in three files: the boxes are in labels.cpp, what they say of gradients in label_gradient.cpp, edges in
/// label_links.cpp.
class DiagramText {
 public:
  DiagramText(const GraphView& view, const GraphOptions& options);

  /// The box of a value, operation or module.
  HtmlLabel item(const GraphItem& item) const;
  std::string item_tooltip(const GraphItem& item) const;
  /// What an edge carries both ways, for its middle: the value, then the gradient, and between them a line of
  /// `rule_width` points unless that is 0. `ground` is the colour behind it.
  HtmlLabel link(const GraphLink& link, int rule_width, std::string_view ground) const;
  bool has_words(const GraphLink& link) const { return !lines_above(link).empty() || !lines_below(link).empty(); }
  /// Width that the label of this link needs, in points.
  int link_width(const GraphLink& link) const;
  std::string link_tooltip(const GraphLink& link) const;
  /// `∂w = xᵀ @ g`: the link's gradient in names; empty where the operation does not say.
  std::string rule(const GraphLink& link) const;
  /// A module's name, kind and parameter count.
  HtmlLabel module(const ModulePath& path) const;
  /// The fill of the item: by its kind, or what GraphOptions::color makes of it.
  std::string_view fill(const GraphItem& item) const;
  /// What the box of an item says of its gradient: a text, under it the numbers of a small tensor.
  struct GradientWords {
    std::string text;
    std::vector<std::string> cells{};
    std::size_t columns = 0;
  };
  GradientWords gradient_words(const GraphItem& item) const;
  /// True when the operation fits a small circle: a symbol, and nothing else to say.
  bool is_circle(const GraphItem& item) const;
  /// What stands in the circle.
  std::string circle(const GraphItem& item) const;
  /// What the legend has to explain of the edges.
  LegendMarks legend_marks() const { return marks_; }
  /// Shape and dtype, as far as they are wanted and known; of a number without the shape unless `always_shape`.
  std::string type_text(const GraphItem& item, bool always_shape) const;

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
  /// The colour itself; on a page one that tells the layer; for what is not known yet the ground's.
  std::string_view ink(std::string_view color, bool known, const style::Layer& layer, std::string_view ground) const;
  /// Room for every text that a walk puts into the item's line of the gradient, and into its columns.
  int reserved_width(const GraphItem& item) const;
  std::vector<int> reserved_columns(const GraphItem& item) const;
  std::string_view color_fill(const GraphItem& item) const;

  /// What the fill says, in words; empty when it says nothing.
  std::string fill_text(const GraphItem& item) const;
  void name_lines(HtmlLabel& label, std::string_view name) const;
  bool shows_sum(const GraphItem& item) const;
  bool shows_label(const GraphItem& item) const;
  void value_lines(HtmlLabel& label, const GraphItem& item) const;
  void gradient_lines(HtmlLabel& label, const GraphItem& item) const;
  /// "1.5 + 2"; with fewer than all that are expected, "1.5 + …".
  std::string sum_of_parts(const GraphItem& item, std::size_t arrived) const;
  std::string product(const GraphLink& link) const;
  /// The rule stands on the edge: numbers alone would not say how the gradient comes about.
  bool shows_rule(const GraphLink& link) const;
  bool shows_local(const GraphLink& link) const;
  bool in_letters() const { return options_.symbols || view_.walk != Walk::none; }
  /// Notes which names the rules on the edges speak of, so that values without a name of their own show it.
  void note_names();
  /// Where an item of the view stands in it.
  std::size_t place_of(const GraphItem& item) const { return static_cast<std::size_t>(&item - view_.items.data()); }
  /// The name in the item's own box; "" for none.
  std::string box_name(const GraphItem& item) const;
  std::string short_name(std::string_view name) const;

  const GraphView& view_;
  const GraphOptions& options_;
  const style::Palette& colors_;
  bool any_contribution_ = false;
  double most_bytes_ = 0;
  std::set<std::string, std::less<>> names_;  // of all items
  std::vector<bool> spoken_of_;               // items that a rule on an edge names
  LegendMarks marks_;
};

}  // namespace chainrule
