// What is known of an operation besides its rule, and which saved values its derivatives use.
#pragma once

#include <array>
#include <cstdint>
#include <string>

namespace chainrule {

/// What is known of an operation besides its rule. Everything that explains operations reads this one table.
struct OpInfo {
  const char* name;                          ///< as called: "mul"
  const char* symbol = nullptr;              ///< as written: "*"; null when it has none
  bool elementwise = false;                  ///< inputs broadcast; the walk sums a gradient back to its input's shape
  const char* formula = "";                  ///< "z = x * y"
  std::array<const char*, 4> derivatives{};  ///< local derivative by each input, in the rule's letters: {"y", "x"}
  const char* kinks = "";                    ///< where the derivative jumps and what is taken there; "" when smooth
  const char* inputs = "x y";                ///< letters of the inputs, in order
  std::uint32_t hidden = 0;                  ///< bit i: input i is the operation's own note, which no diagram shows
  const char* latex = "";                    ///< the formula for typesetting: "z = x \\cdot y"
  std::array<const char*, 4> latex_derivatives{};
  /// Floating-point operations of one forward call, an expression in numel(..) and size(.., dim) of the inputs' letters
  /// and z: "2 * numel(z) * size(x, -1)". An elementary function counts as one.
  const char* flops = "numel(z)";
  const char* stable = "";  ///< what to write instead where this loses digits or overflows; "" when nothing is needed
};

/// "x", "y" ... the letter of input i; "argument 3" beyond the letters.
std::string input_letter(const OpInfo& info, int i);

/// Which saved values a derivative uses: bit i is input i, `kOutput` the result.
using Uses = std::uint32_t;
inline constexpr Uses kNothing = 0, kX = 1, kY = 2, kW = 4, kOutput = 1u << 31;

}  // namespace chainrule
