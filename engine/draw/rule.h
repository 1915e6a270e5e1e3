// Inner header: for our own sources, not installed.
// The rule of an edge in names: `∂w = xᵀ @ g`, from the operation's own table of derivatives.
#pragma once

#include <set>
#include <span>
#include <string>
#include <vector>

#include "engine/node.h"

namespace chainrule {

/// What stands for the letters of an operation. Names are put in last, so that any name will do.
struct RuleNames {
  std::vector<std::string> inputs{};  ///< "" keeps the operation's letter: its own notes, which no diagram shows
  std::string result{};               ///< for z
  std::string incoming = "g";         ///< for g: the gradient that arrives, "g" or "∂y"
  bool says_one = false;              ///< a derivative of 1 is written out too
};

/// The gradient of input i in terms of the incoming gradient: "∂w = xᵀ @ g". `broadcast`: it is summed over repeated
/// axes. Empty when the operation does not say, or its words mean something else in this picture, whose names are
/// `taken`.
std::string rule_text(const OpInfo& info, int input, const RuleNames& names, bool broadcast,
                      const std::set<std::string, std::less<>>& taken = {});

/// Words in the operation's formula and rules that are no letters of its values: "exp", "n". Not those of a call.
std::vector<std::string> words_of_rules(const OpInfo& info);

/// The operation's formula in the names of its inputs and its result: "p = 1 / (1 + exp(-x))".
std::string formula_text(const OpInfo& info, std::span<const std::string> names, const std::string& result);

}  // namespace chainrule
