// Inner header: for our own sources, not installed.
// Tokens of the expression language. Library code only.
#pragma once

#include "ops/language/program.h"

namespace chainrule::language {

struct Token {
  enum class Kind : std::uint8_t { number, string, name, symbol, new_line, end };
  Kind kind = Kind::end;
  TextSpan span;
  SourceLocation where{};
  std::string text{};  // of names, strings (without quotes) and symbols
  Value value{};       // of numbers; whole ones beyond int64 have their digits as text instead
};

/// -2^63 without its minus.
inline constexpr std::string_view kSmallestDigits = "9223372036854775808";

/// All tokens, the end included. New lines inside brackets and comments are left out. Throws ProgramError.
std::vector<Token> tokens_of(std::string_view text);

}  // namespace chainrule::language
