// The canvas, its PNG bytes through libpng's simplified interface (which reports errors by value; the classic one jumps
// over destructors), and the layout of the table.
#include "engine/pictures/png.h"

#include <fmt/format.h>
#include <png.h>

#include <algorithm>
#include <cmath>
#include <cstddef>

#include "engine/pictures/pixel_font.h"
#include "engine/system/file.h"
#include "engine/types/error.h"

namespace chainrule {
namespace {

constexpr int kLargestSide = 16384;

constexpr Colour kDesk{237, 240, 244}, kCard{255, 255, 255}, kCardEdge{214, 220, 228};
constexpr Colour kPaper{246, 248, 250}, kInk{18, 38, 68};
constexpr Colour kTitleText{22, 27, 34}, kFirstLine{38, 48, 62}, kOtherLines{98, 110, 125};

constexpr int kPictureSide = 128;  // pictures are enlarged by a whole factor to about this
constexpr int kTextScale = 2, kTitleScale = 3;
constexpr int kLineHeight = (kGlyphRows + 2) * kTextScale;
constexpr int kCardPadding = 14, kCardGap = 16, kMargin = 28;

/// Calls use(byte) once per character of UTF-8 text; bytes that continue a character are passed over.
template <typename Use>
void for_each_character(std::string_view text, Use use) {
  for (const char c : text) {
    if ((static_cast<unsigned char>(c) & 0xC0) != 0x80) use(c);
  }
}

Colour mix(Colour from, Colour to, float share) {
  const auto channel = [share](std::uint8_t a, std::uint8_t b) {
    return static_cast<std::uint8_t>(
        std::lround(static_cast<float>(a) + share * (static_cast<float>(b) - static_cast<float>(a))));
  };
  return {channel(from.red, to.red), channel(from.green, to.green), channel(from.blue, to.blue)};
}

struct TableLayout {
  int columns = 1, rows = 1;
  int picture_width = 0, picture_height = 0;  // the largest, enlarged
  int card_width = 0, card_height = 0;
  int top = kMargin;
};

int enlargement(const DigitItem& item) { return std::max(1, kPictureSide / std::max(item.height, item.width)); }

void check(const DigitItem& item, std::size_t number) {
  const auto expected = static_cast<std::int64_t>(item.height) * item.width;
  if (item.height < 1 || item.width < 1 || static_cast<std::int64_t>(item.pixels.size()) != expected) {
    throw ValueError(fmt::format("digit table: picture {} has {} pixels, its size is {} x {}", number,
                                 item.pixels.size(), item.height, item.width));
  }
  const auto bad = std::find_if(item.pixels.begin(), item.pixels.end(), [](float v) { return std::isnan(v); });
  if (bad != item.pixels.end()) {
    throw ValueError(
        fmt::format("digit table: pixel {} of picture {} is not a number", bad - item.pixels.begin(), number));
  }
}

TableLayout lay_out(const std::vector<DigitItem>& items, std::string_view title) {
  TableLayout layout;
  std::size_t lines = 0;
  int caption_width = 0;
  for (std::size_t i = 0; i < items.size(); ++i) {
    check(items[i], i);
    layout.picture_width = std::max(layout.picture_width, items[i].width * enlargement(items[i]));
    layout.picture_height = std::max(layout.picture_height, items[i].height * enlargement(items[i]));
    lines = std::max(lines, items[i].caption.size());
    for (const std::string& line : items[i].caption)
      caption_width = std::max(caption_width, pixel_width(line, kTextScale));
  }
  layout.card_width = std::max(layout.picture_width, caption_width) + 2 * kCardPadding;
  layout.card_height = layout.picture_height + 2 * kCardPadding;
  if (lines > 0) layout.card_height += static_cast<int>(lines) * kLineHeight + kCardPadding / 2;
  if (!title.empty()) layout.top += kGlyphRows * kTitleScale + 20;
  // Somewhat wider than high, as screens are.
  const int count = static_cast<int>(items.size());
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

void draw_card(Canvas& canvas, const DigitItem& item, int x, int y, const TableLayout& layout) {
  canvas.fill(x, y, layout.card_width, layout.card_height, kCardEdge);
  canvas.fill(x + 1, y + 1, layout.card_width - 2, layout.card_height - 2, kCard);
  const int factor = enlargement(item);
  const int left = x + (layout.card_width - item.width * factor) / 2;
  const int top = y + kCardPadding + (layout.picture_height - item.height * factor) / 2;
  for (int row = 0; row < item.height; ++row) {
    for (int column = 0; column < item.width; ++column) {
      const float value = item.pixels[static_cast<std::size_t>(row) * static_cast<std::size_t>(item.width) +
                                      static_cast<std::size_t>(column)];
      canvas.fill(left + column * factor, top + row * factor, factor, factor,
                  mix(kPaper, kInk, std::clamp(value, 0.0F, 1.0F)));
    }
  }
  int text_top = y + kCardPadding + layout.picture_height + kCardPadding;
  for (std::size_t i = 0; i < item.caption.size(); ++i, text_top += kLineHeight) {
    const int middle = x + (layout.card_width - pixel_width(item.caption[i], kTextScale)) / 2;
    canvas.text(middle, text_top, item.caption[i], kTextScale, i == 0 ? kFirstLine : kOtherLines);
    if (i == 0)
      canvas.text(middle + 1, text_top, item.caption[i], kTextScale, kFirstLine);  // once more beside it: bold
  }
}

}  // namespace

Canvas::Canvas(int width, int height, Colour background) : width_(width), height_(height) {
  if (width < 1 || height < 1 || width > kLargestSide || height > kLargestSide) {
    throw ValueError(
        fmt::format("canvas: {} x {} pixels, each side must be from 1 to {}", width, height, kLargestSide));
  }
  bytes_.resize(3 * static_cast<std::size_t>(width) * static_cast<std::size_t>(height));
  fill(0, 0, width, height, background);
}

Colour Canvas::at(int x, int y) const {
  const std::size_t i =
      3 * (static_cast<std::size_t>(y) * static_cast<std::size_t>(width_) + static_cast<std::size_t>(x));
  return {bytes_.at(i), bytes_.at(i + 1), bytes_.at(i + 2)};
}

void Canvas::fill(int x, int y, int width, int height, Colour colour) {
  const int right = std::min(x + width, width_), bottom = std::min(y + height, height_);
  for (int row = std::max(y, 0); row < bottom; ++row) {
    for (int column = std::max(x, 0); column < right; ++column) {
      const std::size_t i =
          3 * (static_cast<std::size_t>(row) * static_cast<std::size_t>(width_) + static_cast<std::size_t>(column));
      bytes_[i] = colour.red;
      bytes_[i + 1] = colour.green;
      bytes_[i + 2] = colour.blue;
    }
  }
}

void Canvas::text(int x, int y, std::string_view text, int scale, Colour colour) {
  for_each_character(text, [&](char c) {
    const std::string_view rows = glyph(c);
    const GlyphColumns ink = glyph_columns(c);
    for (int row = 0; row < kGlyphRows; ++row) {
      for (int column = ink.first; column <= ink.last; ++column) {
        if (glyph_ink(rows, row, column)) fill(x + (column - ink.first) * scale, y + row * scale, scale, scale, colour);
      }
    }
    x += (ink.last - ink.first + 2) * scale;
  });
}

int pixel_width(std::string_view text, int scale) {
  int columns = 0;
  for_each_character(text, [&](char c) { columns += glyph_columns(c).last - glyph_columns(c).first + 2; });
  return std::max(0, columns - 1) * scale;
}

std::string png_bytes(const Canvas& canvas) {
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  image.width = static_cast<png_uint_32>(canvas.width());
  image.height = static_cast<png_uint_32>(canvas.height());
  image.format = PNG_FORMAT_RGB;
  std::string bytes(PNG_IMAGE_PNG_SIZE_MAX(image), '\0');
  png_alloc_size_t size = bytes.size();
  if (png_image_write_to_memory(&image, bytes.data(), &size, 0, canvas.bytes().data(), 0, nullptr) == 0) {
    throw EnvironmentError(
        fmt::format("png: libpng could not encode {} x {} pixels: {}", canvas.width(), canvas.height(), image.message));
  }
  bytes.resize(size);
  return bytes;
}

void write_png(const std::string& path, const Canvas& canvas) { write_file(path, png_bytes(canvas)); }

Canvas draw_digit_table(const std::vector<DigitItem>& items, std::string_view title) {
  if (items.empty()) {
    constexpr std::string_view kNothing = "There is nothing to show.";
    const int inner = std::max(pixel_width(title, kTitleScale), pixel_width(kNothing, kTextScale));
    Canvas canvas(inner + 2 * kMargin, 2 * kMargin + kGlyphRows * kTitleScale + 20 + kLineHeight, kDesk);
    canvas.text(kMargin, kMargin, title, kTitleScale, kTitleText);
    canvas.text(kMargin, kMargin + kGlyphRows * kTitleScale + 20, kNothing, kTextScale, kOtherLines);
    return canvas;
  }
  const TableLayout layout = lay_out(items, title);
  const int grid_width = layout.columns * (layout.card_width + kCardGap) - kCardGap;
  const int grid_height = layout.rows * (layout.card_height + kCardGap) - kCardGap;
  const int inner = std::max(grid_width, pixel_width(title, kTitleScale));
  Canvas canvas(inner + 2 * kMargin, layout.top + grid_height + kMargin, kDesk);
  canvas.text(kMargin, kMargin, title, kTitleScale, kTitleText);
  for (std::size_t i = 0; i < items.size(); ++i) {
    const int row = static_cast<int>(i) / layout.columns, column = static_cast<int>(i) % layout.columns;
    draw_card(canvas, items[i], kMargin + column * (layout.card_width + kCardGap),
              layout.top + row * (layout.card_height + kCardGap), layout);
  }
  return canvas;
}

void write_digit_table(const std::string& path, const std::vector<DigitItem>& items, std::string_view title) {
  write_png(path, draw_digit_table(items, title));
}

}  // namespace chainrule
