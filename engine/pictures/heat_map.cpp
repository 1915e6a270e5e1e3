// A grid of cells with names at its left and above it.
#include "engine/pictures/heat_map.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <string_view>

#include "engine/system/file.h"
#include "engine/system/text.h"
#include "engine/types/error.h"

namespace chainrule {
namespace {

constexpr int kCellWidth = 58, kCellHeight = 38, kMapTop = 116, kMapMargin = 28;

constexpr std::string_view kMapStyle = R"(<style>
text{font-family:system-ui,'DejaVu Sans','Noto Sans','Noto Sans CJK SC','Noto Sans CJK JP',sans-serif;font-size:15px;fill:#39424e}
.back{fill:#fff}.title{font-size:24px;font-weight:600;fill:#161b22}.label{font-weight:600;fill:#161b22}
.cell{fill:#0067a8;stroke:#e3e7ec}.on{fill:#fff}
@media(prefers-color-scheme:dark){
text{fill:#c3ccd6}.back{fill:#12171e}.title,.label{fill:#f0f3f6}.cell{fill:#56b4f0;stroke:#262e38}.on{fill:#12171e}
}
</style>
)";

void check_map(const HeatMap& map) {
  if (map.counts.empty() || map.counts[0].empty()) throw ValueError("heat map: there is no cell to draw");
  if (map.rows.size() != map.counts.size())
    throw ValueError(fmt::format("heat map: {} names for {} rows", map.rows.size(), map.counts.size()));
  for (const auto& row : map.counts) {
    if (row.size() != map.columns.size())
      throw ValueError(fmt::format("heat map: {} names for {} columns", map.columns.size(), row.size()));
    for (const std::int64_t count : row)
      if (count < 0) throw ValueError(fmt::format("heat map: {} is no count", count));
  }
}

}  // namespace

std::string heat_map_svg(const HeatMap& map) {
  check_map(map);
  std::size_t longest = text_width(map.row_label);
  for (const std::string& name : map.rows) longest = std::max(longest, text_width(shorten(name, 20)));
  const int left = kMapMargin + static_cast<int>(9 * longest) + 14;
  const auto across = static_cast<int>(map.columns.size()), down = static_cast<int>(map.rows.size());
  const int titles = kMapMargin + static_cast<int>(15 * std::max(text_width(map.title), text_width(map.column_label)));
  const int width = std::max(left + across * kCellWidth, titles) + kMapMargin;
  const int height = kMapTop + down * kCellHeight + kMapMargin;
  std::string out = fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{0}\" height=\"{1}\" viewBox=\"0 0 {0} {1}\" role=\"img\">\n"
      "<title>{2}</title>\n",
      width, height, markup_text(map.title));
  out += kMapStyle;
  out += fmt::format("<rect class=\"back\" width=\"{}\" height=\"{}\" rx=\"10\"/>\n", width, height);
  out += fmt::format("<text x=\"{}\" y=\"44\" class=\"title\">{}</text>\n", kMapMargin, markup_text(map.title));
  out += fmt::format("<text x=\"{}\" y=\"{}\" class=\"label\">{}</text>\n", left, kMapTop - 38,
                     markup_text(map.column_label));
  out += fmt::format("<text x=\"{}\" y=\"{}\" class=\"label\" text-anchor=\"end\">{}</text>\n", left - 14, kMapTop - 12,
                     markup_text(map.row_label));
  for (int c = 0; c < across; ++c)
    out += fmt::format("<text x=\"{}\" y=\"{}\" text-anchor=\"middle\">{}</text>\n",
                       left + c * kCellWidth + kCellWidth / 2, kMapTop - 12,
                       markup_text(shorten(map.columns[static_cast<std::size_t>(c)], 6)));
  for (int r = 0; r < down; ++r) {
    const auto& row = map.counts[static_cast<std::size_t>(r)];
    const int y = kMapTop + r * kCellHeight;
    const std::string name = markup_text(shorten(map.rows[static_cast<std::size_t>(r)], 20));
    out += fmt::format("<text x=\"{}\" y=\"{}\" text-anchor=\"end\">{}</text>\n", left - 14, y + kCellHeight / 2 + 5,
                       name);
    const auto sum = static_cast<double>(std::accumulate(row.begin(), row.end(), std::int64_t{0}));
    for (int c = 0; c < across; ++c) {
      const std::int64_t count = row[static_cast<std::size_t>(c)];
      const double share = count == 0 ? 0 : static_cast<double>(count) / sum;
      const int x = left + c * kCellWidth;
      // A single one among hundreds is to be seen, too.
      const double depth = count == 0 ? 0 : 0.12 + 0.88 * share;
      out += fmt::format(
          "<rect class=\"cell\" x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" fill-opacity=\"{:.3f}\"><title>{}, {}: {} "
          "({:.1f} %)</title></rect>\n",
          x, y, kCellWidth, kCellHeight, depth, name, markup_text(map.columns[static_cast<std::size_t>(c)]), count,
          100 * share);
      if (count > 0)
        out += fmt::format("<text x=\"{}\" y=\"{}\" text-anchor=\"middle\"{}>{}</text>\n", x + kCellWidth / 2,
                           y + kCellHeight / 2 + 5, depth > 0.55 ? " class=\"on\"" : "", count);
    }
  }
  return out + "</svg>\n";
}

void write_heat_map(const std::string& path, const HeatMap& map) { write_file(path, heat_map_svg(map)); }

}  // namespace chainrule
