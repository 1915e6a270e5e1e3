// Inner header: for our own sources, not installed.
// Text for people: bytes of any origin made printable, cut and wrapped to size, and numbers as diagrams and reports
// show them. The same bytes come out under every locale. Deliberately not here: escaping for a file format.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace chainrule {

/// Appends `bytes` as valid UTF-8 on one line that shows everything it holds: invalid bytes become U+FFFD, control
/// characters their pictures (a newline ␊, an escape ␛), other invisible or direction-changing ones read like
/// \u{202e}. Applying it twice changes nothing more.
void append_printable(std::string& out, std::string_view bytes);
std::string printable(std::string_view bytes);

/// The text with its characters composed (Unicode's NFC), as every name is stored: an é typed as e and an accent is the
/// é of the keyboard then. Bytes that are not UTF-8 stay as they are.
std::string composed(std::string text);

/// What stands for a character that markup (HTML, SVG) would take for its own; empty for all others.
std::string_view markup_entity(char c);

/// For the text of markup, also inside quotes: printable, with entities for what markup would take for its own.
std::string markup_text(std::string_view text);

/// At most `max_characters` code points of a UTF-8 text, the last one an ellipsis if something was cut.
std::string shorten(std::string_view text, std::size_t max_characters);

/// Lines of at most `columns` columns (East Asian wide characters take two), broken at spaces where there are any.
/// Never empty; a character wider than the line stands alone.
std::vector<std::string> wrap(std::string_view text, std::size_t columns);

/// How many columns of a terminal or a monospaced font the text takes.
std::size_t text_width(std::string_view text);

/// A whole number with commas between thousands: "1,234,567".
std::string grouped_digits(std::int64_t number);

/// Up to three of the known names that look like this one, the nearest first.
std::vector<std::string> similar_names(std::string_view name, const std::vector<std::string>& known);
/// "; did you mean exp or expm1?", or nothing.
std::string did_you_mean(const std::vector<std::string>& names);

/// For the eye: 4 significant digits, whole numbers up to 6 digits in full: 715, 2.2, 0.3333, 1e-07, inf, nan.
std::string format_number(double value);

/// For the record: the fewest digits that read back as the very same number.
std::string format_exact(double value);
std::string format_exact(float value);

/// A number that stands at the beginning of a text, with a point whatever the locale: digits, exponent, inf, nan; no
/// blank and no plus before it. `length` characters belong to it, 0 when there is none. Out of range is what float64
/// would turn into an infinity or into zero.
struct LeadingNumber {
  double value = 0;
  std::size_t length = 0;
  bool out_of_range = false;
};
LeadingNumber leading_number(std::string_view text);

}  // namespace chainrule
