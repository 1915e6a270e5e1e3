// Inner header: for our own sources, not installed.
// The formulas of the registry (OpInfo::formula, OpInfo::derivatives), taken apart. They are written as mathematics:
// "x^2" for x ** 2, "|x|" for abs(x), "x^T" for x.T, "x y^T" for outer(x, y), "1 where x > 0, else 0" for where(x > 0,
// 1, 0), "sum over i of x[i]", and names for parts after the expression: "s * (1 + x * (1 - s)), s = sigmoid(x)". Some
// say in words what no expression says. typeset.h writes them as LaTeX.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace chainrule::language {

/// A formula taken apart; expressions are in the language's own signs.
struct Formula {
  struct Choice {
    std::string value;
    std::string condition;  // "x > 0", or words for a place: "at i"; empty for the last
  };
  struct Part {
    std::string name, value;
  };
  std::string over, index;      // "sum" and "c, k" of "sum over c, k of x[c, k]"; else empty
  std::vector<Choice> choices;  // one without a condition, where nothing is chosen
  std::vector<Part> parts;      // "s = sigmoid(x)", in the order of writing
  std::string remark;           // the words after it, as written: " (same element)", ", over the last axes"
};

/// The name in an expression for "..." in "x[0] + ... + x[k]".
inline constexpr std::string_view kDots = "dots";

/// The right side of a formula, or a derivative. None where it is said in words.
std::optional<Formula> read_formula(std::string_view formula);

/// The program that the formula is: "z = x^2" gives "x**2". None where it is said in words: "1 (picked elements)".
std::optional<std::string> program_of_formula(std::string_view formula);

/// Parts between `separator`, where no bracket is open.
std::vector<std::string_view> split_outside(std::string_view text, std::string_view separator);

}  // namespace chainrule::language
