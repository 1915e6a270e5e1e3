// Inner header: for our own sources, not installed.
// Labels of several lines and colours in Graphviz's HTML-like markup: styled runs of text, rules, aligned grids.
// Deliberately not here: anything that takes markup from outside; every text passes the escaper and stays text.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace chainrule {

/// Graphviz's scanner refuses pieces of text of 16 KiB: longer strings are written as "…"+"…", longer labels with a tag
/// between.
inline constexpr std::size_t kMaxPiece = 8000;

/// How a run of text looks. What is left empty or zero comes from the node or edge.
struct TextStyle {
  std::string_view color{};
  std::string_view font{};
  int size = 0;
  bool bold = false;
};

class HtmlLabel {
 public:
  struct Options {
    int padding = 0;    ///< points around each line
    int min_width = 0;  ///< points
    std::string_view rule_color = "black";
  };
  /// The name of the rule's place in a label, for the ends of edges.
  static constexpr std::string_view kRulePort = "rule";
  HtmlLabel() : HtmlLabel(Options{}) {}
  explicit HtmlLabel(const Options& options);

  /// Appends to the current line, opening one if there is none.
  HtmlLabel& run(std::string_view text, const TextStyle& style = {});
  /// Ends the current line; two in a row leave an empty one between.
  HtmlLabel& end_line();
  /// A line across the label, between what is above and what follows; at most one.
  HtmlLabel& rule();
  /// `cells` row by row, right-aligned in `columns` columns between two brackets in `bracket_color`; each column at
  /// least as wide as `widths` says, in points.
  HtmlLabel& grid(std::span<const std::string> cells, std::size_t columns, const TextStyle& style,
                  std::string_view bracket_color, std::span<const int> widths = {});

  /// The finished markup, without the angle brackets that DOT puts around it.
  std::string markup() const;

 private:
  void open_line();

  std::string body_;
  int min_width_ = 0;
  std::string rule_color_;
  bool in_line_ = false;
  bool any_line_ = false;
  bool rule_next_ = false;
};

}  // namespace chainrule
