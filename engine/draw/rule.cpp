// A derivative as operations write it ("y", "1 / (2 * z)", "g @ y^T", "1 where x > 0, else 0") becomes the gradient
// that it gives. Works on the words of that text; deliberately no parser of expressions.
#include "engine/draw/rule.h"

#include <algorithm>
#include <cctype>
#include <string_view>
#include <vector>

#include "engine/system/text.h"

namespace chainrule {
namespace {

constexpr std::size_t kLongest = 48, kLongestName = 12;

bool is_word(char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '_' || (c & 0x80); }

// Calls f(word) for each word and puts what it returns in its place.
template <class F>
std::string map_words(std::string_view text, F&& f) {
  std::string out;
  while (!text.empty()) {
    const auto end = std::find_if(text.begin(), text.end(), [](char c) { return !is_word(c); }) - text.begin();
    if (end > 0)
      out += f(text.substr(0, end));
    else
      out += text[0];
    text.remove_prefix(std::max<std::ptrdiff_t>(end, 1));
  }
  return out;
}

bool mentions(std::string_view text, std::string_view word) {
  bool found = false;
  map_words(text, [&](std::string_view w) { return found |= w == word, w; });
  return found;
}

std::string replace_all(std::string text, std::string_view from, std::string_view to) {
  for (std::size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size())
    text.replace(at, from.size(), to);
  return text;
}

// A sum outside all parentheses, or a case distinction: needs parentheses as a factor.
bool is_sum(std::string_view text) {
  int depth = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    depth += (text[i] == '(') - (text[i] == ')');
    const std::string_view here = text.substr(i, 3);
    if (depth == 0 && (here == " + " || here == " - ")) return true;
  }
  return text.find(" where ") != std::string_view::npos;
}

// Where a remark in words begins, "(summed over n, h, w)": parentheses after a value, not after an operator.
std::size_t remark_of(std::string_view text) {
  for (std::size_t at = 0; (at = text.find(" (", at)) != std::string_view::npos; ++at)
    if (at > 0 && (is_word(text[at - 1]) || text[at - 1] == ')') && !text.substr(0, at).ends_with("·")) return at;
  return text.size();
}

std::string times_g(const std::string& d, bool broadcast) {
  const std::string g = broadcast ? "Σ g" : "g";
  if (mentions(d, "g")) return d;  // the whole gradient already
  if (d == "0") return d;
  const bool one = d == "1" || (d.starts_with("1 ") && !is_sum(d.substr(0, d.find(" where "))));
  if (one) return g + d.substr(1);  // "1 / x", "1 where x > 0, else 0", "1 (same element)"
  if (is_sum(d)) return g + " · (" + d + ")";
  return d[0] == '-' ? "-" + g + (d == "-1" ? "" : " · " + d.substr(1)) : g + " · " + d;
}

}  // namespace

std::string rule_text(const OpInfo& info, int input, std::span<const std::string> names, bool broadcast,
                      const std::string& incoming) {
  if (input >= static_cast<int>(info.derivatives.size()) || !info.derivatives[input]) return {};
  if (mentions(info.inputs, "g")) return {};  // the gradient of a gradient: its letters would mean two things
  const std::string derivative = info.derivatives[input];
  if (derivative == "1" && !broadcast && incoming.empty()) return {};  // what arrives is sent on: the numbers say so
  std::vector<std::string> letters, shown;
  for (std::size_t i = 0; i < names.size(); ++i) {
    letters.push_back(input_letter(info, static_cast<int>(i)));
    const std::string& name = names[i];
    const bool plain = std::all_of(name.begin(), name.end(), [](char c) { return is_word(c) || c == '.'; });
    shown.push_back(!name.empty() && name.size() <= kLongestName && plain ? name : letters.back());
  }
  const bool ambiguous = std::any_of(shown.begin(), shown.end(), [&](const std::string& name) {
    return name == "g" || name == "z" || std::count(shown.begin(), shown.end(), name) > 1;
  });
  if (ambiguous) shown = letters;
  const std::string formula = times_g(derivative, broadcast);
  const std::size_t remark = remark_of(formula);
  std::string text = map_words(formula.substr(0, remark), [&](std::string_view word) {
    if (word == "g" && !incoming.empty()) return incoming;
    if (word == "z" && !incoming.empty()) return incoming.substr(std::string_view("∂").size());
    const auto letter = std::find(letters.begin(), letters.end(), word);
    return letter == letters.end() ? std::string(word) : shown[static_cast<std::size_t>(letter - letters.begin())];
  });
  text += formula.substr(remark);
  for (const auto& [from, to] : {std::pair{"^T", "ᵀ"}, {"^2", "²"}, {" * ", " · "}, {" - ", " − "}})
    text = replace_all(std::move(text), from, to);
  const std::string subject = input < static_cast<int>(shown.size()) ? shown[input] : input_letter(info, input);
  text = "∂" + subject + " = " + text;
  return text_width(text) > kLongest ? std::string() : text;
}

std::string formula_text(const OpInfo& info, std::span<const std::string> names, const std::string& result) {
  std::vector<std::string> letters;
  letters.reserve(names.size());
  for (std::size_t i = 0; i < names.size(); ++i) letters.push_back(input_letter(info, static_cast<int>(i)));
  return map_words(info.formula, [&](std::string_view word) {
    if (word == "z") return result;
    const auto letter = std::find(letters.begin(), letters.end(), word);
    return letter == letters.end() ? std::string(word) : names[static_cast<std::size_t>(letter - letters.begin())];
  });
}

}  // namespace chainrule
