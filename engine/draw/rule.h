// Inner header: for our own sources, not installed.
// The rule of an edge in letters: `∂w = xᵀ @ g`, from the operation's own table of derivatives.
#pragma once

#include <span>
#include <string>

#include "engine/node.h"

namespace chainrule {

/// The gradient of input i in terms of the incoming gradient g, with the names of the inputs in place of their letters
/// ("" keeps a letter, as do names that would be ambiguous). `broadcast`: it is summed over repeated axes. Empty when
/// the operation does not say, or says too much for an edge. `incoming` stands for g, "∂y", its name for the result,
/// and a derivative of 1 is then written out too.
std::string rule_text(const OpInfo& info, int input, std::span<const std::string> names, bool broadcast,
                      const std::string& incoming = {});

/// The operation's formula in the names of its inputs and its result: "p = 1 / (1 + exp(-x))".
std::string formula_text(const OpInfo& info, std::span<const std::string> names, const std::string& result);

}  // namespace chainrule
