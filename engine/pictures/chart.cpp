// Lays a chart out and writes its SVG. Fonts differ between machines, so nothing depends on exact text widths: titles
// stand left, numbers right of the plot, and legends get room by estimate.
#include "engine/pictures/chart.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <string_view>

#include "engine/pictures/chart_axis.h"
#include "engine/system/file.h"
#include "engine/system/text.h"
#include "engine/types/error.h"

namespace chainrule {
namespace {

constexpr int kWidth = 960;
constexpr int kLeft = 92, kRight = 132;  // room for tick texts, and for the last value of each line
constexpr int kPlotWidth = kWidth - kLeft - kRight;
constexpr int kTop = 70;     // the title
constexpr int kBottom = 66;  // tick texts and the label of the x axis
constexpr int kHeader = 44;  // above each plot: its label and the legend
constexpr int kLegendRow = 24;
constexpr int kGap = 30;               // between panels
constexpr int kMarkedPoints = 40;      // more than this and dots would hide the line
constexpr double kLabelDistance = 18;  // between the baselines of two last values

// Six colours that stay apart under every common colour blindness (after Okabe and Ito, darkened for text on white) and
// five dashes: thirty lines before two look the same.
constexpr int kColors = 6, kDashes = 5;
constexpr std::string_view kStyle = R"(<style>
text{font-family:system-ui,'DejaVu Sans','Noto Sans','Noto Sans CJK SC','Noto Sans CJK JP',sans-serif;font-size:15px;fill:#39424e}
.back{fill:#fff}.title{font-weight:600;fill:#161b22}.label{font-size:17px;font-weight:600;fill:#161b22}.soft{fill:#6a7582}
.grid{stroke:#e3e7ec}.axis{stroke:#9aa4b0}.line{fill:none;stroke-width:2.75;stroke-linejoin:round}.dot{fill:#fff;stroke-width:2}
.cross{fill:none;stroke-width:2.5;stroke-linecap:round}.last{font-weight:600}
.c0{stroke:#0067a8}.c1{stroke:#c04a00}.c2{stroke:#00795a}.c3{stroke:#a03d80}.c4{stroke:#8a6d00}.c5{stroke:#4c5763}
.f0{fill:#0067a8}.f1{fill:#c04a00}.f2{fill:#00795a}.f3{fill:#a03d80}.f4{fill:#8a6d00}.f5{fill:#4c5763}
.d1{stroke-dasharray:9 5}.d2{stroke-dasharray:2.5 4.5}.d3{stroke-dasharray:12 4 2.5 4}.d4{stroke-dasharray:18 6}
@media(prefers-color-scheme:dark){
text{fill:#c3ccd6}.back{fill:#12171e}.title,.label{fill:#f0f3f6}.soft{fill:#8b96a3}.grid{stroke:#262e38}.axis{stroke:#5b6672}.dot{fill:#12171e}
.c0{stroke:#56b4f0}.c1{stroke:#ff9d5c}.c2{stroke:#3fcfa4}.c3{stroke:#e394c8}.c4{stroke:#e6c84f}.c5{stroke:#b4bfcb}
.f0{fill:#56b4f0}.f1{fill:#ff9d5c}.f2{fill:#3fcfa4}.f3{fill:#e394c8}.f4{fill:#e6c84f}.f5{fill:#b4bfcb}
}
</style>
)";

/// A coordinate with at most two decimals: a hundredth of a pixel is beyond seeing.
std::string px(double value) {
  std::string text = fmt::format("{:.2f}", value);
  while (text.back() == '0') text.pop_back();
  if (text.back() == '.') text.pop_back();
  return text == "-0" ? "0" : text;
}

double estimated_width(std::string_view text, double font_size) {
  return 0.6 * font_size * static_cast<double>(text_width(text));
}

bool is_drawn(double value) { return std::abs(value) <= kLargestDrawn; }  // false for nan

struct Range {
  double low = 0, high = 1;
  bool empty = true, whole = true;
  void add(double value) {
    low = empty ? value : std::min(low, value);
    high = empty ? value : std::max(high, value);
    whole = whole && value == std::trunc(value);
    empty = false;
  }
};

struct Look {
  int colour, dash;
};

struct Placed {  // a panel with its place on the page
  const Panel* panel;
  Axis y;
  bool empty;
  double top, height;  // of the plot itself
};

class Drawing {
 public:
  explicit Drawing(const Chart& chart) : chart_(chart) {
    check();
    Range x;
    for_each_point([&](double px_value, double) { x.add(px_value); });
    x_ = make_axis(x.low, x.high, 10, false, x.whole && !x.empty);
    lay_out();
  }

  std::string svg() {
    open_page();
    for (const Placed& placed : placed_) draw_panel(placed);
    const double below = placed_.back().top + placed_.back().height;
    for (const Tick& tick : x_.ticks) text(x_of(tick.value), below + 24, "soft", tick.text, "middle");
    text(kLeft + 0.5 * kPlotWidth, below + 50, "", markup_text(chart_.x_label), "middle");
    return out_ + "</svg>\n";
  }

 private:
  template <typename... Arguments>
  void put(fmt::format_string<Arguments...> format, Arguments&&... arguments) {
    fmt::format_to(std::back_inserter(out_), format, std::forward<Arguments>(arguments)...);
  }

  void text(double x, double y, std::string_view classes, std::string_view content, std::string_view anchor = "start") {
    put("<text x=\"{}\" y=\"{}\" class=\"{}\" text-anchor=\"{}\">{}</text>\n", px(x), px(y), classes, anchor, content);
  }

  void check() const {
    if (chart_.panels.empty()) throw ValueError("chart: there is no panel to draw");
    for (const Panel& panel : chart_.panels) {
      for (const Series& series : panel.series) {
        if (series.x.size() == series.y.size()) continue;
        throw ValueError(
            fmt::format("chart: series '{}' has {} x values and {} y values, one of each is needed per point",
                        printable(series.name), series.x.size(), series.y.size()));
      }
    }
  }

  template <typename Use>
  static void for_each_point(const Panel& panel, Use use) {
    for (const Series& series : panel.series) {
      for (std::size_t i = 0; i < series.x.size(); ++i) {
        if (is_drawn(series.x[i]) && is_drawn(series.y[i])) use(series.x[i], series.y[i]);
      }
    }
  }

  // x values count even where y is not drawn: that is where the crosses stand.
  template <typename Use>
  void for_each_point(Use use) const {
    for (const Panel& panel : chart_.panels) {
      for (const Series& series : panel.series) {
        for (std::size_t i = 0; i < series.x.size(); ++i) {
          if (is_drawn(series.x[i])) use(series.x[i], series.y[i]);
        }
      }
    }
  }

  void lay_out() {
    const double plot_height = chart_.panels.size() == 1 ? 380 : 220;
    double at = kTop;
    for (const Panel& panel : chart_.panels) {
      Range y;
      for_each_point(panel, [&](double, double value) { y.add(value); });
      // A loss is read against zero; an accuracy between 92 and 98 is not.
      if (!y.empty && y.low > 0 && y.low < 0.4 * y.high) y.low = 0;
      const double header = kHeader + kLegendRow * (legend_rows(panel) - 1);
      placed_.push_back({&panel, make_axis(y.low, y.high, 5, true, false), y.empty, at + header, plot_height});
      if (y.empty) placed_.back().y.ticks.clear();
      at += header + plot_height + kGap;
      for (const Series& series : panel.series) look_of(series.name);
    }
    height_ = at - kGap + kBottom;
  }

  double legend_start(const Panel& panel) const { return kLeft + estimated_width(panel.label, 17) + 36; }
  static double legend_item(const Series& series) { return 44 + estimated_width(series.name, 15) + 26; }

  int legend_rows(const Panel& panel) const {
    int rows = 1;
    double at = legend_start(panel);
    for (const Series& series : panel.series) {
      if (at + legend_item(series) > kWidth && at > legend_start(panel)) ++rows, at = legend_start(panel);
      at += legend_item(series);
    }
    return rows;
  }

  Look look_of(const std::string& name) {
    const auto found = std::find(names_.begin(), names_.end(), name);
    const int number = static_cast<int>(found - names_.begin());
    if (found == names_.end()) names_.push_back(name);
    return {number % kColors, number % kDashes};
  }

  double x_of(double value) const { return kLeft + kPlotWidth * ((value - x_.low) / (x_.high - x_.low)); }

  static double y_of(const Placed& placed, double value) {
    const double share = (value - placed.y.low) / (placed.y.high - placed.y.low);
    return placed.top + placed.height * (1 - share);
  }

  static std::string unit(const Placed& placed) {
    return placed.panel->unit.empty() ? "" : " " + markup_text(placed.panel->unit);
  }

  void open_page() {
    const std::string title = markup_text(chart_.title);
    const double fitting = 24 * (kWidth - kLeft - 40) / std::max(1.0, estimated_width(chart_.title, 24));
    put("<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{0}\" height=\"{1}\" viewBox=\"0 0 {0} {1}\" "
        "role=\"img\">\n",
        kWidth, px(height_));
    put("<title>{}</title>\n", title);
    out_ += kStyle;
    put("<rect class=\"back\" width=\"{}\" height=\"{}\" rx=\"10\"/>\n", kWidth, px(height_));
    put("<text x=\"{}\" y=\"44\" class=\"title\" style=\"font-size:{}px\">{}</text>\n", kLeft,
        px(std::min(24.0, fitting)), title);
  }

  void draw_panel(const Placed& placed) {
    const double bottom = placed.top + placed.height;
    draw_legend(placed);
    for (const Tick& tick : placed.y.ticks) {
      const double y = y_of(placed, tick.value);
      put("<path class=\"grid\" d=\"M{} {}h{}\"/>\n", kLeft, px(y), kPlotWidth);
      text(kLeft - 12, y + 5, "soft", tick.text + unit(placed), "end");
    }
    put("<path class=\"axis\" d=\"M{} {}h{}\"/>\n", kLeft, px(bottom), kPlotWidth);
    for (const Tick& tick : x_.ticks) put("<path class=\"axis\" d=\"M{} {}v6\"/>\n", px(x_of(tick.value)), px(bottom));
    if (placed.empty) {
      text(kLeft + 0.5 * kPlotWidth, placed.top + 0.5 * placed.height, "soft", "no values to draw", "middle");
    }
    for (const Series& series : placed.panel->series) draw_line(placed, series);
    for (const Series& series : placed.panel->series) draw_dots(placed, series);
    draw_last_values(placed);
    std::size_t missing = 0;
    for (const Series& series : placed.panel->series) {
      for (std::size_t i = 0; i < series.x.size(); ++i) missing += !is_drawn(series.x[i]) || !is_drawn(series.y[i]);
    }
    if (missing > 0) text(kLeft + kPlotWidth + 14, bottom + 24, "", fmt::format("\u00d7 {} not drawn", missing));
  }

  void draw_legend(const Placed& placed) {
    const Panel& panel = *placed.panel;
    double y = placed.top - 18 - kLegendRow * (legend_rows(panel) - 1);
    double x = legend_start(panel);
    text(kLeft, y, "label", markup_text(panel.label));
    for (const Series& series : panel.series) {
      if (x + legend_item(series) > kWidth && x > legend_start(panel)) x = legend_start(panel), y += kLegendRow;
      const Look look = look_of(series.name);
      put("<path class=\"line c{} d{}\" d=\"M{} {}h34\"/>\n", look.colour, look.dash, px(x), px(y - 5));
      text(x + 43, y, "", markup_text(series.name));
      x += legend_item(series);
    }
  }

  void draw_line(const Placed& placed, const Series& series) {
    std::string path;
    bool pen_down = false;
    for (std::size_t i = 0; i < series.x.size(); ++i) {
      const bool drawn = is_drawn(series.x[i]) && is_drawn(series.y[i]);
      if (drawn) path += (pen_down ? "L" : "M") + px(x_of(series.x[i])) + " " + px(y_of(placed, series.y[i]));
      pen_down = drawn;
    }
    const Look look = look_of(series.name);
    if (!path.empty()) put("<path class=\"line c{} d{}\" d=\"{}\"/>\n", look.colour, look.dash, path);
  }

  /// Dots on few points, and always on a point without drawn neighbours, which no line would show. Crosses on the x
  /// axis where a value is missing. Pointing at either tells the numbers.
  void draw_dots(const Placed& placed, const Series& series) {
    const int colour = look_of(series.name).colour;
    const std::size_t count = series.x.size();
    const auto drawn = [&](std::size_t i) { return i < count && is_drawn(series.x[i]) && is_drawn(series.y[i]); };
    for (std::size_t i = 0; i < count; ++i) {
      if (!is_drawn(series.x[i])) continue;
      const std::string tip =
          fmt::format("{}: {} at {}", markup_text(series.name), format_exact(series.y[i]), format_exact(series.x[i]));
      const std::string x = px(x_of(series.x[i]));
      if (!drawn(i)) {
        put("<path class=\"cross c{}\" d=\"M{} {}m-5-5l10 10m0-10l-10 10\"><title>{}</title></path>\n", colour, x,
            px(placed.top + placed.height), tip);
      } else if (count <= kMarkedPoints || (!drawn(i - 1) && !drawn(i + 1))) {  // i - 1 wraps at 0: not drawn
        put("<circle class=\"dot c{}\" cx=\"{}\" cy=\"{}\" r=\"4\"><title>{}</title></circle>\n", colour, x,
            px(y_of(placed, series.y[i])), tip);
      }
    }
  }

  /// The number each line ends with, right of the plot at its height, moved apart where lines end close together.
  void draw_last_values(const Placed& placed) {
    struct Last {
      double y;
      int colour;
      std::string text;
    };
    std::vector<Last> lasts;
    for (const Series& series : placed.panel->series) {
      std::optional<double> value;
      for (std::size_t i = 0; i < series.x.size(); ++i) {
        if (is_drawn(series.x[i]) && is_drawn(series.y[i])) value = series.y[i];
      }
      if (!value) continue;
      lasts.push_back({y_of(placed, *value), look_of(series.name).colour, format_number(*value) + unit(placed)});
    }
    std::stable_sort(lasts.begin(), lasts.end(), [](const Last& a, const Last& b) { return a.y < b.y; });
    for (std::size_t i = 1; i < lasts.size(); ++i) lasts[i].y = std::max(lasts[i].y, lasts[i - 1].y + kLabelDistance);
    // Pushed down far enough to leave the plot: push back up from its lower edge.
    double lowest = placed.top + placed.height;
    for (std::size_t i = lasts.size(); i-- > 0; lowest -= kLabelDistance) lasts[i].y = std::min(lasts[i].y, lowest);
    for (const Last& last : lasts) {
      text(kLeft + kPlotWidth + 14, last.y + 5, fmt::format("last f{}", last.colour), last.text);
    }
  }

  const Chart& chart_;
  Axis x_;
  std::vector<Placed> placed_;
  std::vector<std::string> names_;  // in order of appearance; the place decides the look
  double height_ = 0;
  std::string out_;
};

}  // namespace

std::string chart_svg(const Chart& chart) { return Drawing(chart).svg(); }

void write_chart(const std::string& path, const Chart& chart) { write_file(path, chart_svg(chart)); }

}  // namespace chainrule
