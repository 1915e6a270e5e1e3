// Inner header: for our own sources, not installed.
// The formulas of the registry (OpInfo::formula, OpInfo::derivatives), read as programs. They are written as
// mathematics: "x^2" for x ** 2, "|x|" for abs(x), "x^T" for x.T, "1 where x > 0, else 0" for where(x > 0, 1, 0), and
// names for parts after the expression: "s * (1 + x * (1 - s)), s = sigmoid(x)". Some say in words what no expression
// says.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace chainrule::language {

/// The program that the formula is: "z = x^2" gives "x**2". None where it is said in words: "1 (picked elements)".
std::optional<std::string> program_of_formula(std::string_view formula);

}  // namespace chainrule::language
