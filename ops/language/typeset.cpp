// A formula as LaTeX: its left side, its choices, its parts and its words around the expressions.
#include "ops/language/typeset.h"

#include <fmt/format.h>

#include "ops/language/formulas.h"
#include "ops/language/program.h"
#include "ops/language/typeset_expression.h"

namespace chainrule::language {
namespace {

/// An expression, or words where it is none.
std::string said(const std::string& text, const IndexedLetters& indexed, bool small = false) {
  try {
    return expression_as_latex(text, indexed, small);
  } catch (const ProgramError&) {
    return words_as_latex(text);
  }
}

/// The sign of "z = x" or "z[i] += x" and where it begins; npos for a derivative.
std::size_t sign_after_left(std::string_view text) {
  if (!text.starts_with('z')) return std::string_view::npos;
  std::size_t at = 1;
  if (text.substr(at).starts_with('[')) {
    int open = 0;
    do open += (text[at] == '[') - (text[at] == ']');
    while (++at < text.size() && open > 0);
  }
  const std::string_view rest = text.substr(at);
  return rest.starts_with(" = ") || rest.starts_with(" += ") ? at : std::string_view::npos;
}

std::string remark_in_tex(std::string_view remark) {
  if (remark.empty()) return {};
  const bool comma = remark.starts_with(',');
  remark.remove_prefix(comma ? 2 : 1);
  return (comma ? ", \\quad " : " \\quad ") + words_as_latex(remark);
}

/// The right side; none where it is words.
std::optional<std::string> right_side(std::string_view text, std::string_view letters) {
  const std::optional<Formula> f = read_formula(text);
  if (!f) return std::nullopt;
  IndexedLetters indexed{"z", "g"};
  for (const std::string_view letter : split_outside(letters, " ")) indexed.emplace(letter);
  for (const Formula::Part& part : f->parts) indexed.insert(part.name);

  std::string tex;
  if (!f->over.empty()) {
    std::string index;
    for (const std::string_view part : split_outside(f->index, ", "))
      index += (index.empty() ? "" : ", ") + said(std::string(part), indexed, true);
    tex = fmt::format("{}_{{{}}} ", f->over == "sum" ? "\\sum" : "\\prod", index);
  }
  if (f->choices.size() == 1) {
    tex += expression_as_latex(f->choices[0].value, indexed);
  } else {
    tex += "\\begin{cases} ";
    for (const Formula::Choice& choice : f->choices) {
      if (&choice != f->choices.data()) tex += " \\\\ ";
      tex += expression_as_latex(choice.value, indexed) + " & ";
      if (choice.condition.empty())
        tex += "\\text{otherwise}";
      else if (choice.condition.starts_with("at "))
        tex += words_as_latex(choice.condition);
      else
        tex += "\\text{if } " + said(choice.condition, indexed);
    }
    tex += " \\end{cases}";
  }
  for (const Formula::Part& part : f->parts)
    tex += fmt::format(", \\quad {} = {}", expression_as_latex(part.name, indexed),
                       expression_as_latex(part.value, indexed));
  return tex + remark_in_tex(f->remark);
}

std::optional<std::string> statement(std::string_view text, std::string_view letters) {
  const std::size_t at = sign_after_left(text);
  if (at == std::string_view::npos) return right_side(text, letters);
  const bool adds = text[at + 1] == '+';
  const std::optional<std::string> right = right_side(text.substr(at + (adds ? 4 : 3)), letters);
  if (!right) return std::nullopt;
  try {
    const std::string left = expression_as_latex(std::string(text.substr(0, at)));
    return left + (adds ? " \\mathrel{+}= " : " = ") + *right;
  } catch (const ProgramError&) {
    return std::nullopt;
  }
}

}  // namespace

std::optional<std::string> typeset(std::string_view formula, std::string_view letters) {
  std::string tex;
  for (const std::string_view part : split_outside(formula, "; ")) {
    const std::optional<std::string> one = statement(part, letters);
    if (!one) return std::nullopt;
    tex += (tex.empty() ? "" : ", \\quad ") + *one;
  }
  return tex;
}

std::string latex_of(const OpInfo& info) {
  return info.latex[0] ? info.latex : typeset(info.formula, info.inputs).value_or("");
}

std::string latex_of_derivative(const OpInfo& info, int i) {
  const auto k = static_cast<std::size_t>(i);
  if (info.latex_derivatives[k]) return info.latex_derivatives[k];
  return info.derivatives[k] ? typeset(info.derivatives[k], info.inputs).value_or("") : "";
}

}  // namespace chainrule::language
