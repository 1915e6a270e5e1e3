// Where the cards of a sheet stand, and what is on each.
#include "engine/pictures/sheet.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstddef>

#include "engine/pictures/pixel_font.h"
#include "engine/types/error.h"

namespace chainrule {
namespace {

constexpr Color kDesk{237, 240, 244}, kCard{255, 255, 255}, kCardEdge{214, 220, 228};
constexpr Color kPaper{246, 248, 250}, kInk{18, 38, 68};
constexpr Color kTitleText{22, 27, 34}, kFirstLine{38, 48, 62}, kOtherLines{98, 110, 125};

constexpr int kPictureSide = 128;  // pictures are enlarged by a whole factor to about this
constexpr int kTextScale = 2, kTitleScale = 3;
constexpr int kLineHeight = (kGlyphRows + 2) * kTextScale;
constexpr int kCardPadding = 14, kCardGap = 16, kMargin = 28;

Color mix(Color from, Color to, float share) {
  const auto channel = [share](std::uint8_t a, std::uint8_t b) {
    return static_cast<std::uint8_t>(
        std::lround(static_cast<float>(a) + share * (static_cast<float>(b) - static_cast<float>(a))));
  };
  return {channel(from.red, to.red), channel(from.green, to.green), channel(from.blue, to.blue)};
}

struct SheetLayout {
  int columns = 1, rows = 1;
  int picture_width = 0, picture_height = 0;  // the largest, enlarged
  int card_width = 0, card_height = 0;
  int top = kMargin;
};

int enlargement(const Picture& picture) { return std::max(1, kPictureSide / std::max(picture.height, picture.width)); }

void check(const Picture& picture, std::size_t number) {
  const auto expected = static_cast<std::int64_t>(picture.height) * picture.width;
  if (picture.height < 1 || picture.width < 1 || static_cast<std::int64_t>(picture.pixels.size()) != expected) {
    throw ValueError(fmt::format("picture sheet: picture {} has {} pixels, its size is {} x {}", number,
                                 picture.pixels.size(), picture.height, picture.width));
  }
  const auto bad = std::find_if(picture.pixels.begin(), picture.pixels.end(), [](float v) { return std::isnan(v); });
  if (bad != picture.pixels.end()) {
    throw ValueError(
        fmt::format("picture sheet: pixel {} of picture {} is not a number", bad - picture.pixels.begin(), number));
  }
}

SheetLayout lay_out(const std::vector<Picture>& pictures, std::string_view title) {
  SheetLayout layout;
  std::size_t lines = 0;
  int caption_width = 0;
  for (std::size_t i = 0; i < pictures.size(); ++i) {
    check(pictures[i], i);
    layout.picture_width = std::max(layout.picture_width, pictures[i].width * enlargement(pictures[i]));
    layout.picture_height = std::max(layout.picture_height, pictures[i].height * enlargement(pictures[i]));
    lines = std::max(lines, pictures[i].caption.size());
    for (const std::string& line : pictures[i].caption)
      caption_width = std::max(caption_width, pixel_width(line, kTextScale));
  }
  layout.card_width = std::max(layout.picture_width, caption_width) + 2 * kCardPadding;
  layout.card_height = layout.picture_height + 2 * kCardPadding;
  if (lines > 0) layout.card_height += static_cast<int>(lines) * kLineHeight + kCardPadding / 2;
  if (!title.empty()) layout.top += kGlyphRows * kTitleScale + 20;
  // Somewhat wider than high, as screens are.
  const int count = static_cast<int>(pictures.size());
  const double ideal = std::sqrt(1.5 * count * layout.card_height / std::max(1, layout.card_width));
  const int middle = std::clamp(static_cast<int>(std::lround(ideal)), 1, count);
  layout.columns = middle;
  const auto empty_cells = [count](int columns) { return (columns - count % columns) % columns; };
  for (const int columns : {middle - 1, middle + 1}) {
    if (columns >= 1 && columns <= count && empty_cells(columns) < empty_cells(layout.columns))
      layout.columns = columns;
  }
  layout.rows = (count + layout.columns - 1) / layout.columns;
  return layout;
}

void draw_card(Canvas& canvas, const Picture& picture, int x, int y, const SheetLayout& layout) {
  canvas.fill(x, y, layout.card_width, layout.card_height, kCardEdge);
  canvas.fill(x + 1, y + 1, layout.card_width - 2, layout.card_height - 2, kCard);
  const int factor = enlargement(picture);
  const int left = x + (layout.card_width - picture.width * factor) / 2;
  const int top = y + kCardPadding + (layout.picture_height - picture.height * factor) / 2;
  for (int row = 0; row < picture.height; ++row) {
    for (int column = 0; column < picture.width; ++column) {
      const float value = picture.pixels[static_cast<std::size_t>(row) * static_cast<std::size_t>(picture.width) +
                                         static_cast<std::size_t>(column)];
      canvas.fill(left + column * factor, top + row * factor, factor, factor,
                  mix(kPaper, kInk, std::clamp(value, 0.0F, 1.0F)));
    }
  }
  int text_top = y + kCardPadding + layout.picture_height + kCardPadding;
  for (std::size_t i = 0; i < picture.caption.size(); ++i, text_top += kLineHeight) {
    const int middle = x + (layout.card_width - pixel_width(picture.caption[i], kTextScale)) / 2;
    canvas.text(middle, text_top, picture.caption[i], kTextScale, i == 0 ? kFirstLine : kOtherLines);
    if (i == 0)
      canvas.text(middle + 1, text_top, picture.caption[i], kTextScale, kFirstLine);  // once more beside it: bold
  }
}

}  // namespace

Canvas draw_picture_sheet(const std::vector<Picture>& pictures, std::string_view title) {
  if (pictures.empty()) {
    constexpr std::string_view kEmpty = "There is nothing to show.";
    const int inner = std::max(pixel_width(title, kTitleScale), pixel_width(kEmpty, kTextScale));
    Canvas canvas(inner + 2 * kMargin, 2 * kMargin + kGlyphRows * kTitleScale + 20 + kLineHeight, kDesk);
    canvas.text(kMargin, kMargin, title, kTitleScale, kTitleText);
    canvas.text(kMargin, kMargin + kGlyphRows * kTitleScale + 20, kEmpty, kTextScale, kOtherLines);
    return canvas;
  }
  const SheetLayout layout = lay_out(pictures, title);
  const int grid_width = layout.columns * (layout.card_width + kCardGap) - kCardGap;
  const int grid_height = layout.rows * (layout.card_height + kCardGap) - kCardGap;
  const int inner = std::max(grid_width, pixel_width(title, kTitleScale));
  Canvas canvas(inner + 2 * kMargin, layout.top + grid_height + kMargin, kDesk);
  canvas.text(kMargin, kMargin, title, kTitleScale, kTitleText);
  for (std::size_t i = 0; i < pictures.size(); ++i) {
    const int row = static_cast<int>(i) / layout.columns, column = static_cast<int>(i) % layout.columns;
    draw_card(canvas, pictures[i], kMargin + column * (layout.card_width + kCardGap),
              layout.top + row * (layout.card_height + kCardGap), layout);
  }
  return canvas;
}

void write_picture_sheet(const std::string& path, const std::vector<Picture>& pictures, std::string_view title) {
  write_png(path, draw_picture_sheet(pictures, title));
}

}  // namespace chainrule
