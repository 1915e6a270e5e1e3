// What is known of an operation besides its rule, and which saved values its derivatives use.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace chainrule {

/// What is known of an operation besides its rule. Everything that explains operations reads this one table; what
/// follows from it is not said again: the symbol and LaTeX come from the formula, the values that a rule keeps from the
/// derivatives.
struct OpInfo {
  const char* name;                          ///< as called: "mul"
  bool elementwise = false;                  ///< inputs broadcast; the walk sums a gradient back to its input's shape
  const char* formula = "";                  ///< "z = x * y"
  std::array<const char*, 4> derivatives{};  ///< local derivative by each input, in the rule's letters: {"y", "x"}
  const char* kinks = "";                    ///< where the derivative jumps and what is taken there; "" when smooth
  const char* inputs = "x y";  ///< letters of the inputs, in order; of one input the first; "": any number
  std::uint32_t hidden = 0;    ///< bit i: input i is the operation's own note, which no diagram shows
  /// LaTeX of a formula and of derivatives that are said in words; all others are typeset (ops/language/typeset.h).
  const char* latex = "";
  std::array<const char*, 4> latex_derivatives{};
  /// Floating-point operations of one forward call, an expression in numel(..) and size(.., dim) of the inputs' letters
  /// and z: "2 * numel(z) * size(x, -1)". An elementary function counts as one.
  const char* flops = "numel(z)";
  const char* stable = "";  ///< what to write instead where this loses digits or overflows; "" when nothing is needed
};

/// "x", "y" ... the letter of input i; "argument 3" beyond the letters.
std::string input_letter(const OpInfo& info, int i);
/// The place of a letter among the inputs; -1 for other words.
constexpr int place_of_letter(const OpInfo& info, std::string_view word) {
  int place = 0;
  for (std::string_view letters = info.inputs; !letters.empty(); ++place) {
    const std::size_t end = std::min(letters.find(' '), letters.size());
    if (letters.substr(0, end) == word) return place;
    letters.remove_prefix(std::min(end + 1, letters.size()));
  }
  return -1;
}

/// Which saved values a derivative uses: bit i is input i, `kOutput` the result.
using Uses = std::uint32_t;
inline constexpr Uses kNothing = 0, kX = 1, kY = 2, kW = 4, kOutput = 1u << 31;

/// A letter, digit or underscore, or a part of a letter of another script.
constexpr bool is_word_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || (c & 0x80);
}
/// What the words of the derivative by input i name: "-z / y" gives kY | kOutput. Nothing where there is none; every
/// input of an operation of any number has the first.
constexpr Uses uses_in_words(const OpInfo& info, std::size_t i) {
  const std::size_t k = info.inputs[0] ? i : 0;
  const std::string_view text = k < info.derivatives.size() && info.derivatives[k] ? info.derivatives[k] : "";
  Uses uses = kNothing;
  for (std::size_t begin = 0; begin < text.size(); ++begin) {
    std::size_t end = begin;
    while (end < text.size() && is_word_character(text[end])) ++end;
    const std::string_view word = text.substr(begin, end - begin);
    if (word == "z") uses |= kOutput;
    if (const int place = place_of_letter(info, word); place >= 0) uses |= 1u << place;
    if (end > begin) begin = end;  // what ended the word is no word
  }
  return uses;
}

}  // namespace chainrule
