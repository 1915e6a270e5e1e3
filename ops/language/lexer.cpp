// Text to tokens. UTF-8 is checked here once; what looks like ASCII but is not is refused with a word about it.
#include "ops/language/lexer.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "engine/system/text.h"

namespace chainrule::language {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_ascii_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }

struct CodePoint {
  char32_t value = 0;
  std::size_t bytes = 0;  // 0: not UTF-8
};

CodePoint decode(std::string_view text, std::size_t at) {
  const auto lead = static_cast<unsigned char>(text[at]);
  if (lead < 0x80) return {lead, 1};
  const std::size_t n = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  if (lead < 0xC2 || lead > 0xF4 || at + n > text.size()) return {};
  char32_t value = lead & (0xFFu >> (n + 1));
  for (std::size_t i = 1; i < n; ++i) {
    const auto c = static_cast<unsigned char>(text[at + i]);
    if ((c & 0xC0) != 0x80) return {};
    value = (value << 6) | (c & 0x3Fu);
  }
  constexpr std::array<char32_t, 5> smallest = {0, 0, 0x80, 0x800, 0x10000};
  if (value < smallest[n] || value > 0x10FFFF || (value >= 0xD800 && value <= 0xDFFF)) return {};
  return {value, n};
}

/// Letters, marks and digits of other scripts; spaces, punctuation, symbols, controls and marks of direction are not.
bool is_name_character(char32_t c) {
  struct Range {
    char32_t first, last;
  };
  static constexpr Range refused[] = {
      {0x80, 0xA9},       {0xAB, 0xB4},       {0xB6, 0xB9},     {0xBB, 0xBF},     {0xD7, 0xD7},     {0xF7, 0xF7},
      {0x61C, 0x61C},     {0x180E, 0x180E},   {0x2000, 0x206F}, {0x20A0, 0x20CF}, {0x2190, 0x2BFF}, {0x2E00, 0x2E7F},
      {0x3000, 0x3004},   {0x3008, 0x3020},   {0x3030, 0x3030}, {0xD800, 0xF8FF}, {0xFE00, 0xFE0F}, {0xFE10, 0xFE1F},
      {0xFE30, 0xFE6F},   {0xFEFF, 0xFEFF},   {0xFF00, 0xFF20}, {0xFF3B, 0xFF40}, {0xFF5B, 0xFF65}, {0xFFE0, 0xFFFF},
      {0x1F000, 0x1FAFF}, {0xE0000, 0x10FFFF}};
  return c >= 0x80 &&
         std::none_of(std::begin(refused), std::end(refused), [c](Range r) { return c >= r.first && c <= r.last; });
}

/// The ASCII character that is meant by a wide or typographic one; 0 for none.
char meant(char32_t c) {
  if (c >= 0xFF01 && c <= 0xFF5E) return static_cast<char>(c - 0xFF01 + '!');
  if (c == 0x2018 || c == 0x2019) return '\'';
  if (c == 0x201C || c == 0x201D) return '"';
  if (c == 0x2212 || c == 0x2013 || c == 0x2014) return '-';
  if (c == 0xD7 || c == 0xB7 || c == 0x22C5) return '*';
  if (c == 0xF7) return '/';
  if (c == 0x3001) return ',';
  return c == 0x3000 || c == 0xA0 ? ' ' : '\0';
}

class Lexer {
 public:
  explicit Lexer(std::string_view text) : text_(text) {}

  std::vector<Token> run() {
    std::vector<Token> tokens;
    tokens.reserve(text_.size() / 2 + 1);
    while (skip_blanks()) {
      tokens.push_back(next());
      tokens.back().where = place_of(tokens.back().span.begin);
    }
    tokens.push_back({.kind = Token::Kind::end, .span = {text_.size(), text_.size()}});
    return tokens;
  }

 private:
  [[noreturn]] void fail(const std::string& message, std::size_t begin, std::size_t end) const {
    throw ProgramError("syntax", message, text_, {begin, end});
  }
  /// Goes on counting from the last place that was asked for.
  SourceLocation place_of(std::size_t byte) {
    for (; counted_ < byte; ++counted_) {
      const auto c = static_cast<unsigned char>(text_[counted_]);
      if (c == '\n') {
        ++line_;
        column_ = 1;
      } else if ((c & 0xC0) != 0x80) {
        ++column_;
      }
    }
    return SourceLocation::in_text("program", line_, column_);
  }
  char peek(std::size_t ahead = 0) const { return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0'; }

  /// False at the end.
  bool skip_blanks() {
    for (; at_ < text_.size(); ++at_) {
      const char c = text_[at_];
      if (c == '#') {
        while (at_ < text_.size() && text_[at_] != '\n') ++at_;
        if (at_ == text_.size()) return false;
      }
      const bool inside = depth_ > 0 && (text_[at_] == '\n' || text_[at_] == '\r');
      if (text_[at_] != ' ' && text_[at_] != '\t' && text_[at_] != '\r' && !inside) return true;
    }
    return false;
  }

  Token next() {
    const std::size_t begin = at_;
    const char c = text_[at_];
    if (c == '\n') {
      ++at_;
      return {.kind = Token::Kind::new_line, .span = {begin, at_}, .text = "new line"};
    }
    if (is_digit(c) || (c == '.' && is_digit(peek(1)))) return number();
    if (c == '\'' || c == '"') return string();
    if (is_ascii_letter(c) || static_cast<unsigned char>(c) >= 0x80) return name();
    return symbol();
  }

  /// A blank that is no plain space: name() tells about it.
  bool odd_blank() const {
    if (at_ >= text_.size()) return false;
    const auto point = decode(text_, at_);
    return point.bytes > 1 && meant(point.value) == ' ';
  }

  Token number() {
    const std::size_t begin = at_;
    bool whole = true;
    while (is_digit(peek())) ++at_;
    if (peek() == '.' && peek(1) != '.') {
      whole = false;
      ++at_;
      while (is_digit(peek())) ++at_;
    }
    if (peek() == 'e' || peek() == 'E') {
      const std::size_t sign = peek(1) == '+' || peek(1) == '-' ? 1 : 0;
      if (is_digit(peek(1 + sign))) {
        whole = false;
        at_ += 1 + sign;
        while (is_digit(peek())) ++at_;
      }
    }
    const std::string_view digits = text_.substr(begin, at_ - begin);
    if (is_ascii_letter(peek()) || (static_cast<unsigned char>(peek()) >= 0x80 && !odd_blank()) || peek() == '.') {
      while (is_ascii_letter(peek()) || is_digit(peek()) || peek() == '.') ++at_;
      std::string grouped(text_.substr(begin, at_ - begin));  // as 1_000 is in Python
      std::erase(grouped, '_');
      if (grouped.size() != at_ - begin && grouped.find_first_not_of("0123456789.") == std::string::npos)
        fail(fmt::format("the digits of a number are not grouped here; write {}", grouped), begin, at_);
      fail(fmt::format("'{}' is not a number; put an operator between a number and a name",
                       printable(text_.substr(begin, std::max<std::size_t>(at_ - begin, 1)))),
           begin, at_);
    }
    Token token{.kind = Token::Kind::number, .span = {begin, at_}};
    std::int64_t integer = 0;
    const char* last = digits.data() + digits.size();
    if (whole && std::from_chars(digits.data(), last, integer).ec == std::errc()) {
      token.value = integer;
      return token;
    }
    const LeadingNumber read = leading_number(digits);
    double v = read.value;
    if (read.out_of_range) {
      // Too small is zero as in Python; too large is refused, so that nobody computes with an infinity unawares.
      const bool tiny =
          digits.find_first_of("eE") != std::string_view::npos && digits.find('-') != std::string_view::npos;
      if (!tiny) fail("the number is too large for float64; write inf for infinity", begin, at_);
      v = 0;
    }
    token.value = v;
    return token;
  }

  Token string() {
    const std::size_t begin = at_;
    const char quote = text_[at_++];
    while (at_ < text_.size() && text_[at_] != quote && text_[at_] != '\n') ++at_;
    if (peek() != quote) fail(fmt::format("the string has no closing {}", quote), begin, at_);
    ++at_;
    const std::string_view inside = text_.substr(begin + 1, at_ - begin - 2);
    for (std::size_t i = 0; i < inside.size();) {
      const auto c = decode(inside, i);
      if (c.bytes == 0) fail("the text is not UTF-8", begin + 1 + i, begin + 2 + i);
      i += c.bytes;
    }
    return {.kind = Token::Kind::string, .span = {begin, at_}, .text = std::string(inside)};
  }

  Token name() {
    const std::size_t begin = at_;
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (is_ascii_letter(c) || is_digit(c)) {
        ++at_;
        continue;
      }
      if (static_cast<unsigned char>(c) < 0x80) break;
      const auto point = decode(text_, at_);
      if (point.bytes == 0) fail("the text is not UTF-8", at_, at_ + 1);
      if (!is_name_character(point.value)) {
        if (at_ > begin && meant(point.value) == ' ') break;
        const std::string shown = printable(text_.substr(at_, point.bytes));
        const char ascii = meant(point.value);
        if (ascii == ' ')
          fail(
              fmt::format("the blank U+{:04X} is not a plain space; write a space", static_cast<unsigned>(point.value)),
              at_, at_ + point.bytes);
        fail(ascii ? fmt::format("'{}' is not an operator here; write '{}'", shown, ascii)
                   : fmt::format("the character '{}' cannot stand here", shown),
             at_, at_ + point.bytes);
      }
      at_ += point.bytes;
    }
    return {.kind = Token::Kind::name,
            .span = {begin, at_},
            .text = composed(std::string(text_.substr(begin, at_ - begin)))};
  }

  Token symbol() {
    static constexpr std::string_view symbols[] = {"...", "**", "<=", ">=", "==", "!=", "+", "-", "*", "/", "@",
                                                   "<",   ">",  "=",  "(",  ")",  "[",  "]", ",", ":", ";", "."};
    const std::size_t begin = at_;
    for (const auto s : symbols) {
      if (text_.substr(at_, s.size()) != s) continue;
      at_ += s.size();
      if (s == "(" || s == "[") ++depth_;
      if ((s == ")" || s == "]") && depth_ > 0) --depth_;
      return {.kind = Token::Kind::symbol, .span = {begin, at_}, .text = std::string(s)};
    }
    const std::string_view c = text_.substr(at_, 1);
    if (c == "^") fail("'^' is not an operator; a power is written x ** 2", begin, begin + 1);
    if (c == "%") fail("'%' is not an operator; write remainder(x, y)", begin, begin + 1);
    fail(fmt::format("the character '{}' cannot stand here", printable(c)), begin, begin + 1);
  }

  std::string_view text_;
  std::size_t at_ = 0, counted_ = 0;
  unsigned line_ = 1, column_ = 1;
  std::size_t depth_ = 0;
};

}  // namespace

std::vector<Token> tokens_of(std::string_view text) { return Lexer(text).run(); }

bool is_name(std::string_view text) {
  if (text.empty() || is_digit(text[0])) return false;
  for (std::size_t i = 0; i < text.size();) {
    const auto c = decode(text, i);
    if (c.bytes == 0 || !(c.value < 0x80 ? is_ascii_letter(text[i]) || is_digit(text[i]) : is_name_character(c.value)))
      return false;
    i += c.bytes;
  }
  return true;
}

}  // namespace chainrule::language
