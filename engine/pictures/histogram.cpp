// Bars from the least to the greatest number, scaled to the highest bar of the plot.
#include "engine/pictures/histogram.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <string_view>

#include "engine/system/file.h"
#include "engine/system/text.h"
#include "engine/types/error.h"

namespace chainrule {
namespace {

constexpr int kPlotsInRow = 4, kPlotRoom = 240, kBarsWidth = 210, kBarsHeight = 120, kPlotsTop = 72, kRowHeight = 212;
constexpr int kPageMargin = 28;

constexpr std::string_view kBarStyle = R"(<style>
text{font-family:system-ui,'DejaVu Sans','Noto Sans','Noto Sans CJK SC','Noto Sans CJK JP',sans-serif;font-size:13px;fill:#39424e}
.back{fill:#fff}.title{font-size:24px;font-weight:600;fill:#161b22}.label{font-size:15px;font-weight:600;fill:#161b22}
.bar{fill:#0067a8}.axis{stroke:#9aa4b0}.soft{fill:#6a7582}
@media(prefers-color-scheme:dark){
text{fill:#c3ccd6}.back{fill:#12171e}.title,.label{fill:#f0f3f6}.bar{fill:#56b4f0}.axis{stroke:#5b6672}.soft{fill:#8b96a3}
}
</style>
)";

std::string one_plot(const Histogram& plot, int x, int y, int bins) {
  std::vector<double> finite;
  for (const double v : plot.values)
    if (std::abs(v) <= 1e300) finite.push_back(v);  // beyond it a difference could overflow
  const std::size_t missing = plot.values.size() - finite.size();
  const int bottom = y + 26 + kBarsHeight;
  std::string out = fmt::format("<text x=\"{}\" y=\"{}\" class=\"label\">{}</text>\n", x, y + 12,
                                markup_text(shorten(plot.label, 24)));
  out += fmt::format("<path class=\"axis\" d=\"M{} {}h{}\"/>\n", x, bottom, kBarsWidth);
  std::string facts = "no numbers";
  if (!finite.empty()) {
    const auto [least, greatest] = std::minmax_element(finite.begin(), finite.end());
    const double low = *least, high = *greatest;
    const std::vector<std::int64_t> counts = count_in_bins(finite, low, high, bins);
    const auto most = static_cast<double>(*std::max_element(counts.begin(), counts.end()));
    std::string bars;
    const double width = static_cast<double>(kBarsWidth) / bins;
    for (int i = 0; i < bins; ++i) {
      const std::int64_t count = counts[static_cast<std::size_t>(i)];
      if (count == 0) continue;
      const double height = std::max(0.75, kBarsHeight * static_cast<double>(count) / most);
      bars += fmt::format("M{:.2f} {}v-{:.2f}h{:.2f}v{:.2f}z", x + i * width, bottom, height, width * 0.94, height);
    }
    out += fmt::format("<path class=\"bar\" d=\"{}\"/>\n", bars);
    out += fmt::format("<text x=\"{}\" y=\"{}\" class=\"soft\">{}</text>\n", x, bottom + 18, format_number(low));
    out += fmt::format("<text x=\"{}\" y=\"{}\" class=\"soft\" text-anchor=\"end\">{}</text>\n", x + kBarsWidth,
                       bottom + 18, format_number(high));
    double mean = 0, squares = 0;
    const auto count = static_cast<double>(finite.size());
    for (const double v : finite) mean += v / count;
    for (const double v : finite) squares += (v - mean) * (v - mean) / count;
    facts = fmt::format("mean {}  std {}", format_number(mean), format_number(std::sqrt(squares)));
  }
  if (missing > 0) facts += fmt::format("  \u00d7 {} not drawn", missing);
  return out + fmt::format("<text x=\"{}\" y=\"{}\">{}</text>\n", x, bottom + 36, facts);
}

}  // namespace

std::vector<std::int64_t> count_in_bins(const std::vector<double>& values, double low, double high, int bins) {
  std::vector<std::int64_t> counts(static_cast<std::size_t>(bins), 0);
  for (const double v : values) {
    // Half of each first: the difference of two large numbers could overflow.
    const double share = high > low ? (v / 2 - low / 2) / (high / 2 - low / 2) : 0.5;
    if (!(share >= 0 && share <= 1)) continue;
    ++counts[static_cast<std::size_t>(std::min(bins - 1, static_cast<int>(share * bins)))];
  }
  return counts;
}

std::string histograms_svg(const std::string& title, const std::vector<Histogram>& plots, int bins) {
  if (plots.empty()) throw ValueError("histograms: there is no plot to draw");
  if (bins < 1 || bins > 200) throw ValueError(fmt::format("histograms: bins are from 1 to 200, not {}", bins));
  const int count = static_cast<int>(plots.size());
  const int width = 2 * kPageMargin + kPlotsInRow * kPlotRoom - (kPlotRoom - kBarsWidth);
  const int height = kPlotsTop + (count + kPlotsInRow - 1) / kPlotsInRow * kRowHeight;
  std::string out = fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{0}\" height=\"{1}\" viewBox=\"0 0 {0} {1}\" role=\"img\">\n"
      "<title>{2}</title>\n",
      width, height, markup_text(title));
  out += kBarStyle;
  out += fmt::format("<rect class=\"back\" width=\"{}\" height=\"{}\" rx=\"10\"/>\n", width, height);
  out += fmt::format("<text x=\"{}\" y=\"44\" class=\"title\">{}</text>\n", kPageMargin, markup_text(title));
  for (int i = 0; i < count; ++i)
    out += one_plot(plots[static_cast<std::size_t>(i)], kPageMargin + i % kPlotsInRow * kPlotRoom,
                    kPlotsTop + i / kPlotsInRow * kRowHeight, bins);
  return out + "</svg>\n";
}

void write_histograms(const std::string& path, const std::string& title, const std::vector<Histogram>& plots,
                      int bins) {
  write_file(path, histograms_svg(title, plots, bins));
}

}  // namespace chainrule
