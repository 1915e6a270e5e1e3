// A derivative as operations write it ("y", "1 / (2 * z)", "g @ y^T", "1 where x > 0, else 0") becomes the gradient
// that it gives. Works on the words of that text; deliberately no parser of expressions.
#include "engine/draw/rule.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <string_view>
#include <vector>

#include "engine/draw/numbers.h"

namespace chainrule {
namespace {

// Calls f(word) for each word and puts what it returns in its place.
template <class F>
std::string map_words(std::string_view text, F&& f) {
  std::string out;
  while (!text.empty()) {
    const auto end =
        std::find_if(text.begin(), text.end(), [](char c) { return !is_word_character(c); }) - text.begin();
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

// The derivative by that input; every input of an operation that takes a list has that of the first.
const char* derivative_of(const OpInfo& info, int input) {
  if (input < 0) return nullptr;
  if (!info.inputs[0]) return info.derivatives[0];
  return input < static_cast<int>(info.derivatives.size()) ? info.derivatives[static_cast<std::size_t>(input)]
                                                           : nullptr;
}

bool is_letter(const OpInfo& info, std::string_view word) {
  return word == "z" || word == "g" || place_of_letter(info, word) >= 0;
}

// Calls f for each word that stands for no value and is not called.
template <class F>
void other_words(const OpInfo& info, std::string_view text, F&& f) {
  const char* end = text.data() + text.size();
  map_words(text, [&](std::string_view word) {
    const char* after = word.data() + word.size();
    const bool number = std::isdigit(static_cast<unsigned char>(word[0]));
    if (!number && !is_letter(info, word) && (after == end || *after != '(')) f(word);
    return word;
  });
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

std::string rule_text(const OpInfo& info, int input, const RuleNames& names, bool broadcast,
                      const std::set<std::string, std::less<>>& taken) {
  const char* derivative = derivative_of(info, input);
  if (!derivative || place_of_letter(info, "g") >= 0)
    return {};  // of a gradient's gradient the letters would mean two things
  if (std::string_view(derivative) == "1" && !broadcast && !names.says_one) return {};  // the numbers say so
  bool clear = true;
  other_words(info, derivative, [&](std::string_view word) { clear = clear && !taken.contains(word); });
  if (!clear) return {};
  std::string text = times_g(derivative, broadcast);
  // "ᵀ" and "²" would grow together with the letter before them; names hold no control characters.
  for (const auto& [from, to] : {std::pair{"^T", "\1"}, {"^2", "\2"}, {" * ", " · "}, {" - ", " − "}})
    text = replace_all(std::move(text), from, to);
  const auto name_of = [&](int i) {
    const auto place = static_cast<std::size_t>(i);
    return place < names.inputs.size() && !names.inputs[place].empty() ? names.inputs[place] : input_letter(info, i);
  };
  text = map_words(text, [&](std::string_view word) {
    if (word == "g") return names.incoming;
    if (word == "z") return names.result;
    const int place = place_of_letter(info, word);
    return place < 0 ? std::string(word) : in_parentheses(name_of(place));
  });
  text = replace_all(replace_all(std::move(text), "\1", "ᵀ"), "\2", "²");
  return "∂" + name_of(input) + " = " + text;
}

std::vector<std::string> words_of_rules(const OpInfo& info) {
  std::vector<std::string> words;
  const auto note = [&](std::string_view word) { words.emplace_back(word); };
  other_words(info, info.formula, note);
  for (const char* derivative : info.derivatives) other_words(info, derivative ? derivative : "", note);
  return words;
}

std::string formula_text(const OpInfo& info, std::span<const std::string> names, const std::string& result) {
  if (!info.inputs[0]) return fmt::format("{} = {}({})", result, info.name, fmt::join(names, ", "));
  return map_words(info.formula, [&](std::string_view word) {
    if (word == "z") return result;
    const int place = place_of_letter(info, word);
    const bool named = place >= 0 && static_cast<std::size_t>(place) < names.size();
    const std::string& name = named ? names[static_cast<std::size_t>(place)] : result;
    return named && !name.empty() ? name : std::string(word);
  });
}

}  // namespace chainrule
