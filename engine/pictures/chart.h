// Line charts as SVG: what a training run looked like, for a page or a projector.
// Deliberately not here: other kinds of plots, and pictures of graphs (those are laid out by Graphviz).
#pragma once

#include <string>
#include <vector>

namespace chainrule {

/// One line. x and y have equal length; a point that is not finite is left out and marked with a cross on the x axis.
struct Series {
  std::string name;
  std::vector<double> x{}, y{};
};

/// One set of axes. The unit stands behind every number of the y axis.
struct Panel {
  std::string label;
  std::string unit{};
  std::vector<Series> series;
};

/// Panels stand above each other and share the x axis. A series of the same name looks the same in every panel.
struct Chart {
  std::string title;
  std::string x_label;
  std::vector<Panel> panels;
};

/// The chart as SVG text: the same bytes for the same chart under every locale. Any text is safe in titles and names.
/// Colours are told apart by colour-blind readers and differ in dashes too; a dark page gets a dark chart.
/// @throws ValueError when a series has lists of different lengths or a chart has no panel.
std::string chart_svg(const Chart& chart);

/// Writes chart_svg(chart) to `path` as a whole or not at all.
/// @throws EnvironmentError with the path when the system refuses.
void write_chart(const std::string& path, const Chart& chart);

}  // namespace chainrule
