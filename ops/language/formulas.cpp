// From mathematics to the expression language, by its few habits of writing.
#include "ops/language/formulas.h"

#include <fmt/format.h>

#include <vector>

#include "ops/language/program.h"

namespace chainrule::language {
namespace {

/// Parts between `separator`, where no bracket is open.
std::vector<std::string_view> split_outside(std::string_view text, std::string_view separator) {
  std::vector<std::string_view> parts;
  std::size_t begin = 0;
  int open = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '(' || text[i] == '[') ++open;
    if (text[i] == ')' || text[i] == ']') --open;
    if (open == 0 && text.substr(i).starts_with(separator)) {
      parts.push_back(text.substr(begin, i - begin));
      begin = i + separator.size();
      i = begin - 1;
    }
  }
  parts.push_back(text.substr(begin));
  return parts;
}

/// "s = sigmoid(x)" at its equals sign; npos for anything else.
std::size_t binding_in(std::string_view text) {
  const std::size_t at = text.find(" = ");
  return at != std::string_view::npos && is_name(text.substr(0, at)) ? at : std::string_view::npos;
}

/// True for "max(x, 0)", the larger of two, and not for "max(x)", the largest of all.
bool takes_two(std::string_view call) {
  int open = 0;
  for (const char c : call.substr(call.find('('))) {
    if (c == '(') ++open;
    if (c == ')' && --open == 0) return false;
    if (c == ',' && open == 1) return true;
  }
  return false;
}

/// x^2, |x|, x^T, and max and min of two in the language's signs.
std::string in_signs(std::string_view mathematics) {
  std::string text;
  bool inside = false;  // of bars
  for (std::size_t i = 0; i < mathematics.size(); ++i) {
    const std::string_view rest = mathematics.substr(i);
    const bool begins = text.empty() || text.back() == ' ' || text.back() == '(';
    if (begins && (rest.starts_with("max(") || rest.starts_with("min(")) && takes_two(rest)) {
      text += rest[1] == 'a' ? "maximum(" : "minimum(";
      i += 3;
      continue;
    }
    if (rest[0] == '|') {
      text += inside ? ")" : "abs(";
      inside = !inside;
    } else if (rest.starts_with("^-1") || rest.starts_with("^-T")) {  // of a matrix; a number's is written 1 / x
      std::size_t name = text.size();
      while (name > 0 && is_name(text.substr(name - 1))) --name;
      text = text.substr(0, name) + "inverse(" + text.substr(name) + (rest[2] == 'T' ? ").T" : ")");
      i += 2;
    } else if (rest.starts_with("^T")) {
      text += ".T";
      ++i;
    } else if (rest[0] == '^') {
      text += "**";
    } else {
      text += rest[0];
    }
  }
  return text;
}

/// "x = z" compares.
std::string choose(std::string_view condition, const std::string& yes, const std::string& no) {
  std::string text = in_signs(condition);
  if (const std::size_t at = text.find(" = "); at != std::string::npos) text.replace(at, 3, " == ");
  return fmt::format("where({}, {}, {})", text, yes, no);
}

/// The parts of "a where c, else b where d, else e", cut at its commas.
std::string choice(const std::vector<std::string_view>& parts, std::size_t at) {
  constexpr std::string_view kElse = "else ";
  std::string_view part = parts[at];
  if (at > 0) part.remove_prefix(kElse.size());
  const std::size_t middle = part.find(" where ");
  if (middle == std::string_view::npos || at + 1 == parts.size()) return "(" + in_signs(part) + ")";
  return choose(part.substr(middle + 7), "(" + in_signs(part.substr(0, middle)) + ")", choice(parts, at + 1));
}

}  // namespace

std::optional<std::string> program_of_formula(std::string_view formula) {
  if (formula.starts_with("z = ")) formula.remove_prefix(4);
  std::vector<std::string_view> choices;
  std::string program;
  for (const std::string_view part : split_outside(formula, ", ")) {
    if (choices.empty() || part.starts_with("else ")) {
      choices.push_back(part);
    } else if (const std::size_t at = binding_in(part); at != std::string_view::npos) {
      // A part may name parts that stand after it.
      program = fmt::format("{} = {}; {}", part.substr(0, at), in_signs(part.substr(at + 3)), program);
    } else {
      return std::nullopt;
    }
  }
  if (choices.size() > 1 && choices[0].find(" where ") == std::string_view::npos) return std::nullopt;
  program += choices.size() == 1 ? in_signs(choices[0]) : choice(choices, 0);
  try {
    parse(program);
  } catch (const ProgramError&) {
    return std::nullopt;
  }
  return program;
}

}  // namespace chainrule::language
