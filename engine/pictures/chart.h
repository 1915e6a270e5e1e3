// Line charts as SVG, such as loss and accuracy of a training run, for a page or a projector.
// Deliberately not here: other kinds of plots, and pictures of graphs (engine/draw/diagram.h).
#pragma once

#include <string>
#include <vector>

namespace chainrule {

/// One line: the points (x[i], y[i]), joined in order. A point that is not finite, or beyond 1e300, is left out and
/// marked with a cross on the x axis.
struct Series {
  std::string name;              ///< in the legend
  std::vector<double> x{}, y{};  ///< of equal length
};

/// One set of axes.
struct Panel {
  std::string label;   ///< of the y axis, "accuracy"
  std::string unit{};  ///< behind every number of the y axis, after a space: "%"; values are not converted
  std::vector<Series> series;
};

/// Panels stand above each other and share the x axis. A series of the same name looks the same in every panel.
struct Chart {
  std::string title;
  std::string x_label;  ///< "epoch"
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
