// From mathematics to the expression language, by its few habits of writing.
#include "ops/language/formulas.h"

#include <fmt/format.h>

#include <cctype>

#include "ops/language/program.h"

namespace chainrule::language {
namespace {

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

/// Where the name, number or call that ends at `end` begins; `end` for anything else.
std::size_t begin_of_factor(std::string_view text, std::size_t end) {
  const auto word = [](char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '_'; };
  std::size_t begin = end;
  if (begin > 0 && text[begin - 1] == ')') {
    int open = 0;
    do {
      --begin;
      open += (text[begin] == ')') - (text[begin] == '(');
    } while (open > 0 && begin > 0);
  }
  while (begin > 0 && word(text[begin - 1])) --begin;
  return begin;
}

/// Text that ends with "x y" ends with outer(x, y) then; a 1 is a vector of ones.
void join_outer(std::string& text) {
  const std::size_t y = begin_of_factor(text, text.size());
  if (y == text.size() || y < 2 || text[y - 1] != ' ') return;
  const std::size_t x = begin_of_factor(text, y - 1);
  if (x == y - 1) return;
  const auto vector = [](const std::string& factor) { return factor == "1" ? "ones(n)" : factor; };
  text = fmt::format("{}outer({}, {})", text.substr(0, x), vector(text.substr(x, y - 1 - x)), vector(text.substr(y)));
}

/// x^2, |x|, x^T, x y^T, "x1, ..." with a name for the dots, and max and min of two in the language's signs.
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
    } else if (begins && rest.starts_with("...")) {
      text += kDots;
      i += 2;
    } else if (rest.starts_with("^T")) {
      const std::size_t before = text.size();
      join_outer(text);
      if (text.size() == before) text += ".T";
      ++i;
    } else if (rest[0] == '^') {
      text += "**";
    } else {
      text += rest[0];
    }
  }
  return text;
}

/// True for an expression of the language.
bool parses(const std::string& text) {
  try {
    return parse(text).steps.back().kind == Step::Kind::result;
  } catch (const ProgramError&) {
    return false;
  }
}

/// "x = z" compares.
std::string compared(std::string_view condition) {
  std::string text = in_signs(condition);
  if (const std::size_t at = text.find(" = "); at != std::string::npos) text.replace(at, 3, " == ");
  return text;
}

/// "a where c", "a at i" or "a".
Formula::Choice choice_of(std::string_view text) {
  if (const std::size_t at = text.find(" where "); at != std::string_view::npos)
    return {in_signs(text.substr(0, at)), compared(text.substr(at + 7))};
  if (const std::size_t at = text.find(" at "); at != std::string_view::npos)
    return {in_signs(text.substr(0, at)), std::string(text.substr(at + 1))};
  return {in_signs(text), ""};
}

/// Cuts the remark off: "1 (same element)", "sum(g) over the rows". A call has no space before its bracket.
std::string remark_of(std::string_view& text) {
  std::size_t at = text.find(") over the ");
  if (at != std::string_view::npos) ++at;
  if (at == std::string_view::npos && text.ends_with(')')) {
    int open = 0;
    for (std::size_t i = text.size(); i-- > 1;) {
      open += (text[i] == ')') - (text[i] == '(');
      const bool after_value = std::isalnum(static_cast<unsigned char>(text[i - 1])) || text[i - 1] == ')';
      if (open == 0 && text[i] == ' ' && after_value && text[i + 1] == '(') at = i;
      if (open == 0 && text[i] == '(' && text[i - 1] != ' ') break;
    }
  }
  if (at == std::string_view::npos) return {};
  std::string remark(text.substr(at));
  text = text.substr(0, at);
  return remark;
}

}  // namespace

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

std::optional<Formula> read_formula(std::string_view text) {
  Formula f;
  for (const std::string_view sum : {"sum", "product"}) {
    const std::string begin = std::string(sum) + " over ";
    const std::size_t of = text.find(" of ");
    if (!text.starts_with(begin) || of == std::string_view::npos) continue;
    f.over = sum;
    f.index = text.substr(begin.size(), of - begin.size());
    text = text.substr(of + 4);
  }
  std::vector<std::string_view> list = split_outside(text, ", ");
  if (list.size() == 1 && !parses(in_signs(text))) {
    f.remark = remark_of(text);
    list = {text};
  }
  constexpr std::string_view kElse = "else ";
  for (const std::string_view part : list) {
    if (f.choices.empty()) {
      f.choices.push_back(choice_of(part));
    } else if (part.starts_with(kElse) && !f.choices.back().condition.empty()) {
      f.choices.push_back(choice_of(part.substr(kElse.size())));
    } else if (const std::size_t at = binding_in(part); at != std::string_view::npos) {
      f.parts.push_back({std::string(part.substr(0, at)), in_signs(part.substr(at + 3))});
    } else if (part.data() + part.size() == text.data() + text.size()) {
      f.remark = ", " + std::string(part);
    } else {
      return std::nullopt;
    }
  }
  if (!f.choices.back().condition.empty()) return std::nullopt;
  for (const Formula::Choice& choice : f.choices)
    if (!parses(choice.value)) return std::nullopt;
  for (const Formula::Part& part : f.parts)
    if (!parses(part.value)) return std::nullopt;
  return f;
}

std::optional<std::string> program_of_formula(std::string_view formula) {
  if (formula.starts_with("z = ")) formula.remove_prefix(4);
  const std::optional<Formula> f = read_formula(formula);
  if (!f || !f->over.empty() || !f->remark.empty() || formula.find(" ...") != std::string_view::npos)
    return std::nullopt;
  std::string program;
  // A part may name parts that stand after it.
  for (const Formula::Part& part : f->parts) program = fmt::format("{} = {}; {}", part.name, part.value, program);
  std::string value = f->choices.back().value;
  if (f->choices.size() > 1) value = "(" + value + ")";
  for (std::size_t i = f->choices.size() - 1; i-- > 0;) {
    if (!parses(f->choices[i].condition)) return std::nullopt;
    value = fmt::format("where({}, ({}), {})", f->choices[i].condition, f->choices[i].value, value);
  }
  return program + value;
}

}  // namespace chainrule::language
