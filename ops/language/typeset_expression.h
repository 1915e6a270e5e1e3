// Inner header: for our own sources, not installed.
// One expression as LaTeX. What a whole formula is made of, its left side, choices and words, is in typeset.h.
#pragma once

#include <set>
#include <string>
#include <string_view>

namespace chainrule::language {

/// Letters of tensors, whose elements a sum goes over: below its sign they have an index.
using IndexedLetters = std::set<std::string, std::less<>>;

/// "x / 2" gives "\\frac{x}{2}". `small`: in an exponent or an index, where a fraction stands in one line. Throws
/// ProgramError for what is no expression.
std::string expression_as_latex(const std::string& text, const IndexedLetters& indexed = {}, bool small = false);

/// "\\text{...}", with what means something to LaTeX escaped.
std::string words_as_latex(std::string_view text);

}  // namespace chainrule::language
