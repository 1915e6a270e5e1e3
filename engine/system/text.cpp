// UTF-8 by hand (a page, against a dependency that would weigh megabytes; only composing needs the tables of utf8proc)
// and numbers through fmt and fast_float, which know no locale. Deliberately not here: full Unicode segmentation;
// labels need cutting, not typesetting.
#include "engine/system/text.h"

#include <fast_float/fast_float.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <utf8proc.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <numeric>
#include <utility>

namespace chainrule {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";  // U+FFFD
constexpr std::string_view kEllipsis = "\xE2\x80\xA6";     // U+2026

struct Decoded {
  char32_t character = 0;
  std::size_t bytes = 1;
  bool valid = false;
};

// The first character of non-empty `text`. An invalid sequence is as long as its longest valid beginning, so that
// each broken character is replaced once (the practice that Unicode recommends).
Decoded decode(std::string_view text) {
  auto byte = [&](std::size_t i) { return static_cast<unsigned char>(i < text.size() ? text[i] : '\0'); };
  const unsigned char lead = byte(0);
  if (lead < 0x80) return {lead, 1, true};
  if (lead < 0xC2 || lead > 0xF4) return {};
  const std::size_t length = lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
  char32_t character = lead & (0x7Fu >> length);
  for (std::size_t i = 1; i < length; ++i) {
    // Only the second byte has a narrower range: no overlong forms, no surrogates, nothing above U+10FFFF.
    const unsigned char low = i > 1 ? 0x80 : lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
    const unsigned char high = i > 1 ? 0xBF : lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
    if (byte(i) < low || byte(i) > high) return {0, i, false};
    character = (character << 6) | (byte(i) & 0x3Fu);
  }
  return {character, length, true};
}

// Characters that show nothing and change how others look or run: C1 controls, direction marks, line and paragraph
// separators, the byte-order mark, interlinear marks, tags.
bool is_hidden(char32_t c) {
  return (c >= 0x80 && c < 0xA0) || c == 0xAD || c == 0x61C || c == 0x180E ||
         (c >= 0x200B && c <= 0x200F && c != 0x200D) || (c >= 0x2028 && c <= 0x202E) || (c >= 0x2060 && c <= 0x206F) ||
         c == 0xFEFF || (c >= 0xFFF9 && c <= 0xFFFB) || (c >= 0xE0000 && c <= 0xE0FFF);
}

// Never characters; XML forbids the first two, and Graphviz's reader of labels with them.
bool is_noncharacter(char32_t c) { return (c & 0xFFFE) == 0xFFFE || (c >= 0xFDD0 && c <= 0xFDEF); }

std::size_t width_of(char32_t c) {
  struct Range {
    char32_t first, last;
  };
  static constexpr std::array<Range, 6> kCombining = {
      {{0x300, 0x36F}, {0x1AB0, 0x1AFF}, {0x1DC0, 0x1DFF}, {0x200D, 0x200D}, {0x20D0, 0x20FF}, {0xFE00, 0xFE0F}}};
  static constexpr std::array<Range, 8> kWide = {{{0x1100, 0x115F},
                                                  {0x2E80, 0x303E},
                                                  {0x3041, 0xA4CF},
                                                  {0xAC00, 0xD7A3},
                                                  {0xF900, 0xFAFF},
                                                  {0xFF00, 0xFF60},
                                                  {0x1F300, 0x1F9FF},
                                                  {0x20000, 0x3FFFD}}};
  auto in = [c](Range r) { return c >= r.first && c <= r.last; };
  if (c < 0x300) return 1;
  if (std::any_of(kCombining.begin(), kCombining.end(), in)) return 0;
  return std::any_of(kWide.begin(), kWide.end(), in) ? 2 : 1;
}

// How many bytes at the start of `text` fit into `columns`, at least one character with its combining marks.
std::size_t fitting_prefix(std::string_view text, std::size_t columns) {
  std::size_t bytes = 0, used = 0;
  while (bytes < text.size()) {
    const Decoded next = decode(text.substr(bytes));
    used += width_of(next.character);
    if (used > columns && bytes > 0) break;
    bytes += next.bytes;
  }
  return bytes;
}

/// The fewest digits that read back as the same number, fixed or with an exponent, whichever is shorter: what
/// std::to_chars writes, which not every standard library has for floating numbers.
template <typename Float>
std::string shortest(Float value) {
  if (std::isnan(value)) return "nan";  // some libraries write the sign of a nan, which means nothing
  std::string text = fmt::format("{}", value);
  if (std::isinf(value) || value == 0) return text;
  const std::string sign = value < 0 ? "-" : "";
  std::string digits;
  int exponent = 0;  // of the last digit
  bool after_point = false;
  for (std::size_t i = sign.size(); i < text.size(); ++i) {
    if (text[i] == 'e') {
      exponent += std::atoi(text.c_str() + i + 1);
      break;
    }
    if (text[i] == '.') {
      after_point = true;
      continue;
    }
    digits += text[i];
    exponent -= after_point;
  }
  digits.erase(0, digits.find_first_not_of('0'));
  while (digits.size() > 1 && digits.back() == '0') {
    digits.pop_back();
    ++exponent;
  }
  const int n = static_cast<int>(digits.size());
  const bool fixed = n == 1 ? exponent >= -3 && exponent <= 4 : exponent >= -(n + 3) && exponent <= 5;
  if (!fixed) {
    const int first = exponent + n - 1;
    if (n > 1) digits.insert(1, ".");
    return fmt::format("{}{}e{}{:02}", sign, digits, first < 0 ? '-' : '+', std::abs(first));
  }
  if (exponent >= 0) return fmt::format("{:.0f}", value);
  if (-exponent >= n) digits.insert(0, static_cast<std::size_t>(1 - exponent - n), '0');
  digits.insert(digits.size() - static_cast<std::size_t>(-exponent), ".");
  return sign + digits;
}

// Letters to insert, remove or change (Levenshtein).
std::int64_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::int64_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), 0);
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::int64_t diagonal = row[0];
    row[0] = static_cast<std::int64_t>(i) + 1;
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::int64_t old = row[j + 1];
      row[j + 1] = std::min({old + 1, row[j] + 1, diagonal + (a[i] != b[j])});
      diagonal = old;
    }
  }
  return row.back();
}

}  // namespace

void append_printable(std::string& out, std::string_view bytes) {
  while (!bytes.empty()) {
    // Almost all text is plain ASCII: take it in one piece.
    const auto is_special = [](char c) { return c < ' ' || c > '~'; };  // a char beyond ASCII is the one or the other
    const auto plain = std::find_if(bytes.begin(), bytes.end(), is_special) - bytes.begin();
    out.append(bytes.substr(0, plain));
    bytes.remove_prefix(plain);
    if (bytes.empty()) return;
    const Decoded next = decode(bytes);
    if (!next.valid || is_noncharacter(next.character)) {
      out += kReplacement;
    } else if (next.character < 0x20) {
      out += {'\xE2', '\x90', static_cast<char>(0x80 + next.character)};  // U+2400 and following
    } else if (next.character == 0x7F) {
      out += "\xE2\x90\xA1";  // U+2421
    } else if (is_hidden(next.character)) {
      fmt::format_to(std::back_inserter(out), "\\u{{{:04x}}}", static_cast<unsigned>(next.character));
    } else {
      out += bytes.substr(0, next.bytes);
    }
    bytes.remove_prefix(next.bytes);
  }
}

std::string printable(std::string_view bytes) {
  std::string out;
  append_printable(out, bytes);
  return out;
}

std::string composed(std::string text) {
  const bool plain = std::all_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x80; });
  if (plain) return text;
  utf8proc_uint8_t* made = nullptr;
  const auto size =
      utf8proc_map(reinterpret_cast<const utf8proc_uint8_t*>(text.data()), static_cast<utf8proc_ssize_t>(text.size()),
                   &made, static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_COMPOSE));
  const std::unique_ptr<utf8proc_uint8_t, void (*)(void*)> keep(made, std::free);
  if (size < 0) return text;
  return {reinterpret_cast<const char*>(made), static_cast<std::size_t>(size)};
}

std::string_view markup_entity(char c) {
  return c == '&' ? "&amp;" : c == '<' ? "&lt;" : c == '>' ? "&gt;" : c == '"' ? "&quot;" : "";
}

std::string markup_text(std::string_view text) {
  std::string out;
  for (const char c : printable(text)) {
    const std::string_view entity = markup_entity(c);
    out += entity.empty() ? std::string_view(&c, 1) : entity;
  }
  return out;
}

std::string grouped_digits(std::int64_t number) {
  std::string text = std::to_string(number);
  const std::size_t sign = number < 0 ? 1 : 0;
  for (std::size_t at = text.size(); at > sign + 3; text.insert(at, ",")) at -= 3;
  return text;
}

std::string shorten(std::string_view text, std::size_t max_characters) {
  std::size_t characters = 0, cut = 0;
  for (std::size_t at = 0; at < text.size(); ++characters) {
    if (characters == max_characters) {
      return max_characters == 0 ? std::string() : std::string(text.substr(0, cut)).append(kEllipsis);
    }
    if (characters + 1 == max_characters) cut = at;
    at += decode(text.substr(at)).bytes;
  }
  return std::string(text);
}

std::vector<std::string> wrap(std::string_view text, std::size_t columns) {
  std::vector<std::string> lines;
  do {
    std::size_t take = fitting_prefix(text, columns), skip = 0;
    if (take < text.size()) {
      const std::size_t space = text.substr(0, take + 1).rfind(' ');
      if (space != std::string_view::npos && space > 0) take = space, skip = 1;
    }
    lines.emplace_back(text.substr(0, take));
    text.remove_prefix(take + skip);
  } while (!text.empty());
  return lines;
}

std::size_t text_width(std::string_view text) {
  std::size_t width = 0;
  while (!text.empty()) {
    const Decoded next = decode(text);
    width += width_of(next.character);
    text.remove_prefix(next.bytes);
  }
  return width;
}

std::string format_number(double value) {
  if (std::isnan(value)) return "nan";
  if (value == 0) return "0";  // both zeros
  if (std::abs(value) < 1e6 && value == std::trunc(value)) return fmt::format("{}", static_cast<long>(value));
  return fmt::format("{:.4g}", value);
}

std::string format_exact(double value) { return shortest(value); }
std::string format_exact(float value) { return shortest(value); }

std::vector<std::string> similar_names(std::string_view name, const std::vector<std::string>& known) {
  std::vector<std::pair<std::int64_t, std::string>> near;
  for (const std::string& one : known) {
    const auto distance = edit_distance(name, one);
    if (distance <= 2 && distance < static_cast<std::int64_t>(name.size())) near.emplace_back(distance, one);
  }
  std::sort(near.begin(), near.end());
  if (near.size() > 3) near.resize(3);
  std::vector<std::string> names;
  names.reserve(near.size());
  for (auto& entry : near) names.push_back(std::move(entry.second));
  return names;
}

std::string did_you_mean(const std::vector<std::string>& names) {
  return names.empty() ? "" : fmt::format("; did you mean {}?", fmt::join(names, " or "));
}

LeadingNumber leading_number(std::string_view text) {
  LeadingNumber number;
  const auto read = fast_float::from_chars(text.data(), text.data() + text.size(), number.value);
  if (read.ec != std::errc{}) return {};
  number.length = static_cast<std::size_t>(read.ptr - text.data());
  const std::string_view digits =
      text.substr(0, std::min(number.length, text.substr(0, number.length).find_first_of("eE")));
  const bool spelled = digits.find_first_of("0123456789") == std::string_view::npos;  // inf, nan
  number.out_of_range =
      !spelled &&
      (std::isinf(number.value) || (number.value == 0 && digits.find_first_of("123456789") != std::string_view::npos));
  return number;
}

}  // namespace chainrule
