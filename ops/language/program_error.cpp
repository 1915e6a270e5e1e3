// Places in a program's text, and the two lines that show one.
#include <fmt/format.h>

#include <algorithm>

#include "engine/system/text.h"
#include "ops/language/program.h"

namespace chainrule::language {
namespace {

std::size_t characters(std::string_view text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

std::size_t line_start(std::string_view text, std::size_t byte) {
  if (byte == 0) return 0;
  const auto before = text.rfind('\n', byte - 1);
  return before == std::string_view::npos ? 0 : before + 1;
}

/// Moves a cut away from the middle of a character.
std::size_t at_character(std::string_view text, std::size_t byte) {
  while (byte < text.size() && (static_cast<unsigned char>(text[byte]) & 0xC0) == 0x80) ++byte;
  return std::min(byte, text.size());
}

}  // namespace

const char* kind_of_error(const std::exception& error) {
  if (dynamic_cast<const ShapeError*>(&error)) return "shape";
  if (dynamic_cast<const GraphError*>(&error)) return "graph";
  if (dynamic_cast<const NumericError*>(&error)) return "numeric";
  return dynamic_cast<const EnvironmentError*>(&error) || !dynamic_cast<const Error*>(&error) ? "environment" : "value";
}

SourceLocation place_in(std::string_view text, std::size_t byte) {
  byte = std::min(byte, text.size());
  const auto line = 1 + std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(byte), '\n');
  const std::size_t start = line_start(text, byte);
  return SourceLocation::in_text("program", static_cast<unsigned>(line),
                                 static_cast<unsigned>(1 + characters(text.substr(start, byte - start))));
}

ProgramError::ProgramError(std::string kind, const std::string& message, std::string_view text, TextSpan span,
                           int exit_code)
    : Error(message), kind_(std::move(kind)), span_(span), exit_code_(exit_code) {
  const SourceLocation place = place_in(text, span.begin);
  line_ = place.line();
  column_ = place.column();
  const std::size_t start = line_start(text, std::min(span.begin, text.size()));
  const std::size_t end = std::min(text.find('\n', start), text.size());
  line_text_ = std::string(text.substr(start, end - start));
  span_in_line_ = std::min(span.begin, text.size()) - start;
  span_length_ = std::min(std::max(span.end, span.begin), end) - std::min(span.begin, end);
}

std::string ProgramError::excerpt(std::size_t width) const {
  // A window of the line around the faulty part, as wide as the terminal.
  std::size_t first = 0;
  if (text_width(line_text_) > width && span_in_line_ > width / 2)
    first = at_character(line_text_, span_in_line_ - width / 2);
  const std::string_view shown = std::string_view(line_text_).substr(first);
  const std::string before = printable(shown.substr(0, span_in_line_ - first));
  std::string line = before + printable(shown.substr(span_in_line_ - first));
  const std::string lead = first > 0 ? "…" : "";
  line = lead + shorten(line, width);
  const std::size_t room = width > text_width(before) ? width - text_width(before) : 1;
  const std::size_t marks = text_width(printable(shown.substr(span_in_line_ - first, span_length_)));
  return fmt::format("  {}\n  {}{}", line, std::string(text_width(lead) + text_width(before), ' '),
                     std::string(std::clamp<std::size_t>(marks, 1, room), '^'));
}

}  // namespace chainrule::language
