// One table whose rows are the lines: Graphviz accepts either text or a table in a label, never both side by side.
// Two traps of its readers are handled in append_text, the only way in for text.
#include "engine/draw/html_label.h"

#include <fmt/format.h>

#include <algorithm>

#include "engine/system/text.h"

namespace chainrule {
namespace {

// The end of a piece that starts at `from`: not inside a character.
std::size_t piece_end(std::string_view text, std::size_t from) {
  std::size_t end = std::min(text.size(), from + kMaxPiece / 5);  // an escaped character takes up to 6 bytes
  while (end < text.size() && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  return end;
}

void append_text(std::string& out, std::string_view text) {
  const std::string safe = printable(text);
  for (std::size_t from = 0; from < safe.size();) {
    const std::size_t end = piece_end(safe, from);
    if (from > 0) out += "<FONT>";
    for (char c : std::string_view(safe).substr(from, end - from)) {
      // `\N`, `\G` … become names even here, written as entities too: keep the backslash apart from its letter.
      if (c == '\\')
        out += "<FONT>\\</FONT>";
      else if (const auto entity = markup_entity(c); !entity.empty())
        out += entity;
      else
        out += c;
    }
    if (from > 0) out += "</FONT>";
    from = end;
  }
}

void append_run(std::string& out, std::string_view text, const TextStyle& style) {
  if (text.empty()) return;  // an element around nothing is a syntax error to Graphviz
  const bool font = !style.color.empty() || !style.font.empty() || style.size > 0;
  if (font) {
    out += "<FONT";
    if (!style.color.empty()) (out += " COLOR=\"").append(style.color) += '"';
    if (!style.font.empty()) (out += " FACE=\"").append(style.font) += '"';
    if (style.size > 0) (out += " POINT-SIZE=\"").append(std::to_string(style.size)) += '"';
    out += '>';
  }
  if (style.bold) out += "<B>";
  append_text(out, text);
  if (style.bold) out += "</B>";
  if (font) out += "</FONT>";
}

}  // namespace

HtmlLabel::HtmlLabel(const Options& options) : min_width_(options.min_width), rule_color_(options.rule_color) {
  body_ = fmt::format(R"(<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="0" CELLPADDING="{}">)", options.padding);
}

void HtmlLabel::open_line() {
  if (in_line_) return;
  // An edge ends at the middle of the cell that holds the rule: two points high, so that this is a whole number and the
  // arrow meets the rule. A cell's colour would not do: Graphviz would round half a point away.
  if (rule_next_) {
    body_ += fmt::format(
        R"(<TR><TD PORT="{}" CELLPADDING="0"><TABLE BORDER="0" CELLBORDER="0" CELLSPACING="0" CELLPADDING="0" COLOR="{}">)"
        R"(<TR><TD HEIGHT="1"></TD></TR><HR/><TR><TD HEIGHT="1"></TD></TR></TABLE></TD></TR>)",
        kRulePort, rule_color_);
  }
  body_ += min_width_ > 0 ? fmt::format(R"(<TR><TD WIDTH="{}">)", min_width_) : "<TR><TD>";
  in_line_ = any_line_ = true;
  rule_next_ = false;
}

HtmlLabel& HtmlLabel::run(std::string_view text, const TextStyle& style) {
  open_line();
  append_run(body_, text, style);
  return *this;
}

HtmlLabel& HtmlLabel::end_line() {
  open_line();
  body_ += "</TD></TR>";
  in_line_ = false;
  return *this;
}

HtmlLabel& HtmlLabel::rule() {
  if (in_line_) end_line();
  rule_next_ = any_line_;
  return *this;
}

HtmlLabel& HtmlLabel::grid(std::span<const std::string> cells, std::size_t columns, const TextStyle& style,
                           std::string_view bracket_color, std::span<const int> widths) {
  if (in_line_) end_line();
  const std::size_t rows = columns == 0 ? 0 : (cells.size() + columns - 1) / columns;
  if (rows == 0) return *this;
  const auto bracket = [&](std::string_view sides) {
    body_ += fmt::format(R"(<TD ROWSPAN="{}" WIDTH="3" CELLPADDING="0" BORDER="1" SIDES="{}" COLOR="{}"></TD>)", rows,
                         sides, bracket_color);
  };
  open_line();
  // Where the lines around are longer, Graphviz shares the room out among the columns. Empty columns around a table
  // around a table take most of it, so that the brackets stay close to the numbers, and in the middle.
  const auto open_table = [&](int padding) {
    body_ += fmt::format(R"(<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="0" CELLPADDING="{}">)", padding);
  };
  constexpr std::string_view kMargin = R"(<TD COLSPAN="2"></TD>)";
  for (int around = 0; around < 2; ++around) {
    open_table(0);
    (body_ += "<TR>").append(kMargin) += "<TD>";
  }
  open_table(2);
  for (std::size_t row = 0; row < rows; ++row) {
    body_ += "<TR>";
    if (row == 0) bracket("LTB");
    for (std::size_t column = 0; column < columns; ++column) {
      const std::size_t at = row * columns + column;
      body_ += "<TD ALIGN=\"RIGHT\"";
      if (row == 0 && column < widths.size()) body_ += fmt::format(R"( WIDTH="{}")", widths[column]);
      body_ += '>';
      if (at < cells.size()) append_run(body_, cells[at], style);
      body_ += "</TD>";
    }
    if (row == 0) bracket("RTB");
    body_ += "</TR>";
  }
  body_ += "</TABLE>";
  for (int around = 0; around < 2; ++around) (body_ += "</TD>").append(kMargin) += "</TR></TABLE>";
  return end_line();
}

std::string HtmlLabel::markup() const {
  const char* last = in_line_ ? "</TD></TR>" : any_line_ ? "" : "<TR><TD></TD></TR>";
  return body_ + last + "</TABLE>";
}

}  // namespace chainrule
