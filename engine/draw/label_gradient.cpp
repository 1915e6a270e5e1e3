// What a box says of its gradient, finished or on its way; and what a picture of one step must leave room for, so that
// nothing moves from one to the next.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "engine/draw/labels.h"
#include "engine/draw/numbers.h"
#include "engine/system/text.h"

namespace chainrule {
namespace {

constexpr std::size_t kMostParts = 6;  // of a sum that is written out

// Room for text that Helvetica would set so wide: DejaVu, which stands in where there is no such font, takes a sixth
// more.
constexpr int reserved(int points) { return points * 6 / 5; }

}  // namespace

std::string_view DiagramText::fill(const GraphItem& item) const {
  if (const std::string_view special = color_fill(item); !special.empty()) return special;
  switch (item.kind) {
    case ItemKind::input:
    case ItemKind::parameter:
      return colors_.leaf_fill;
    case ItemKind::constant:
    case ItemKind::frozen:
      return colors_.constant_fill;
    case ItemKind::detached:
      return colors_.background;
    case ItemKind::result:
      return colors_.result_fill;
    case ItemKind::folded:
      return colors_.cluster_fill;
    default:
      return colors_.op_fill;
  }
}

std::string_view DiagramText::ink(std::string_view color, bool known, const style::Layer& layer,
                                  std::string_view ground) const {
  if (view_.walk == Walk::page)
    return color == colors_.muted ? layer.muted : color == colors_.line ? layer.line : color;
  return known ? color : ground;
}

// "1.5 + 2": the contributions that make up a gradient of one number. Empty unless they are known and add up: after two
// backward calls a leaf holds more than this graph sent.
std::string DiagramText::sum_of_parts(const GraphItem& item, std::size_t arrived) const {
  if (item.sent_back.size() < 2) return {};
  std::string sum;
  double total = 0;
  for (const std::size_t k : std::span(item.sent_back).first(arrived)) {
    const Tensor& part = view_.links[k].contribution;
    if (!has_one_element(part)) return {};
    total += part.item();
    const std::string number = number_text(part.item());
    if (sum.empty())
      sum = number;
    else
      sum += number[0] == '-' ? " − " + number.substr(1) : " + " + number;
  }
  if (arrived < item.sent_back.size())
    return arrived > kMostParts ? fmt::format("{} of {}", arrived, item.sent_back.size()) : sum + " + …";
  const double g = item.grad.item();
  if (std::abs(total - g) > 1e-6 * std::abs(g)) return {};
  return item.sent_back.size() > kMostParts ? fmt::format("sum of {}", item.sent_back.size()) : sum;
}

DiagramText::GradientWords DiagramText::gradient_words(const GraphItem& item) const {
  const std::size_t all = item.sent_back.size(), arrived = std::min<std::size_t>(item.shown.parts, all);
  const bool on_the_way = arrived > 0 && arrived < all && arrived <= item.sums.size();
  const Tensor& grad = on_the_way ? item.sums[arrived - 1] : item.grad;
  if (!grad.defined()) return {.text = "∂ not computed"};
  const std::string_view trouble = trouble_of(grad);
  const std::string mark = trouble.empty() || on_the_way ? "" : fmt::format(" ({})", trouble);
  if (has_one_element(grad)) {
    const std::string number = number_text(grad.item()), sum = sum_of_parts(item, on_the_way ? arrived : all);
    if (on_the_way && arrived == 1) return {.text = "∂ " + sum};
    return {.text = fmt::format("∂ {}{}{}", number, sum.empty() ? "" : " = " + sum, mark)};
  }
  const std::string parts = on_the_way ? fmt::format(" {} of {}", arrived, all)
                            : all > 1  ? fmt::format(" sum of {}", all)
                                       : "";
  if (const std::size_t columns = grid_columns(grad))
    return {.text = "∂" + parts + mark, .cells = grid_cells(grad), .columns = columns};
  const std::string norm = norm_text(grad);
  return {.text = norm.empty() ? "" : fmt::format("‖∂‖ {}{}{}", norm, parts, mark)};
}

int DiagramText::reserved_width(const GraphItem& item) const {
  if (view_.walk == Walk::none || item.sent_back.size() < 2 || !has_one_element(item.grad)) return 0;
  GraphItem copy = item;
  int width = 0;
  for (copy.shown.parts = 1; copy.shown.parts <= item.sent_back.size(); ++copy.shown.parts)
    width = std::max(width, reserved(style::text_points(gradient_words(copy).text, style::kTextSize)));
  return width;
}

std::vector<int> DiagramText::reserved_columns(const GraphItem& item) const {
  std::vector<int> widths(view_.walk == Walk::none || item.sent_back.size() < 2 ? 0 : grid_columns(item.grad));
  if (widths.empty()) return widths;
  GraphItem copy = item;
  for (copy.shown.parts = 1; copy.shown.parts <= item.sent_back.size(); ++copy.shown.parts) {
    const std::vector<std::string> cells = gradient_words(copy).cells;
    for (std::size_t i = 0; i < cells.size(); ++i) {
      int& width = widths[i % widths.size()];
      width = std::max(width, reserved(style::text_points(cells[i], style::kGridSize) + 4));
    }
  }
  return widths;
}

}  // namespace chainrule
