// A program of the expression language, parsed. Evaluation is in evaluate.h; this knows names and places only.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "engine/types/error.h"
#include "engine/types/source_location.h"
#include "ops/value.h"

namespace chainrule::language {

/// A part of a program's text: bytes [begin, end).
struct TextSpan {
  std::size_t begin = 0, end = 0;
};

/// A fault of a program, with its place. The message is the sentence of the error below it.
class ProgramError : public Error {
 public:
  /// `kind`: "syntax", "name", "shape", "value", "graph", "numeric", "environment" or "limit".
  ProgramError(std::string kind, const std::string& message, std::string_view text, TextSpan span, int exit_code = 2);
  int exit_code() const noexcept override { return exit_code_; }
  const std::string& kind() const { return kind_; }
  TextSpan span() const { return span_; }
  unsigned line() const { return line_; }      ///< from 1
  unsigned column() const { return column_; }  ///< from 1, in characters
  /// The line of the program with the faulty part underlined: two lines of text, long ones cut around the place.
  std::string excerpt(std::size_t width = 100) const;

 private:
  std::string kind_, line_text_;
  TextSpan span_;
  std::size_t span_in_line_ = 0, span_length_ = 0;  // in bytes of line_text_
  unsigned line_ = 1, column_ = 1;
  int exit_code_ = 2;
};

/// "shape", "graph", "numeric", "environment" or "value": the kind of an error that is not a program's own.
const char* kind_of_error(const std::exception& error);

/// One step of a program. Its operands are earlier steps, by index; each is used by one step only.
struct Step {
  enum class Kind : std::uint8_t {
    constant,   // value; where text names it, a value bound to that name comes first
    name,       // text
    list,       // operands
    call,       // text(operands..., keywords)
    op,         // text: the function that the operator stands for
    chain,      // a < b <= c: keywords name the functions of neighbours, which are joined by `and`
    subscript,  // operands[0][the others]
    range,      // start:stop:step, three operands; a None constant where nothing is written
    ellipsis,
    reversed,  // operands[0].T
    bind,      // text = operands[0]
    result     // operands[0] as a statement of its own
  };
  Kind kind;
  TextSpan span;  // the whole expression
  TextSpan at;    // its name or operator
  SourceLocation where{};
  std::string text{};
  Value value{};
  std::vector<std::uint32_t> operands{};
  std::vector<std::string> keywords{};  // of the last operands of a call; functions of a chain
};

struct ProgramLimits {
  std::size_t bytes = 1u << 20;
  std::size_t nesting = 1000;
};

struct Program {
  std::string text;
  std::vector<Step> steps;  // in the order of evaluation
  /// Names that are read before the program binds them, in the order of their first use.
  std::vector<std::string> inputs;
  /// The constants (pi, inf ...) that are read before the program binds them; a value bound to their name wins.
  std::vector<std::string> constants;
};

/// Throws ProgramError.
Program parse(std::string_view text, const ProgramLimits& limits = {});

/// True when `text` can be a name: letters of any script, digits (not first) and _, but no word of the language.
bool is_name(std::string_view text);
/// Line and column (from 1, in characters) of a byte.
SourceLocation place_in(std::string_view text, std::size_t byte);

}  // namespace chainrule::language
