// Inner header: for our own sources, not installed.
// The formulas of the registry as LaTeX. They are read by the parser of the language, after the habits of mathematics
// are translated (formulas.h): what is proven by evaluation is what is typeset.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "engine/op_info.h"

namespace chainrule::language {

/// LaTeX, for math mode, of a formula or a derivative: "z = 1 / x" gives "z = \frac{1}{x}". `letters` are the inputs,
/// as in OpInfo::inputs: below a sum they, z, g and named parts get an index. None where it is said in words.
std::optional<std::string> typeset(std::string_view formula, std::string_view letters = "x y");

/// The operation's formula and its derivative by input i as LaTeX: OpInfo::latex where it is given, else typeset. Empty
/// where there is none.
std::string latex_of(const OpInfo& info);
std::string latex_of_derivative(const OpInfo& info, int i);

}  // namespace chainrule::language
