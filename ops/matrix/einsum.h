// Sums of products by index letters.
#pragma once

#include <initializer_list>
#include <span>
#include <string_view>

#include "engine/operand.h"

namespace chainrule {

/// Sums of products: einsum("ij,jk->ik", {x, y}). A letter in one operand twice takes the diagonal, letters that the
/// result lacks are summed over; without "->" the result has the letters that occur once, in order. "..." stands for
/// axes that broadcast. Pairs of operands are multiplied as matrices where a letter is summed, the cheapest pair first.
Tensor einsum(std::string_view equation, std::span<const Tensor> operands,
              SourceLocation where = SourceLocation::current());
Tensor einsum(std::string_view equation, std::initializer_list<Tensor> operands,
              SourceLocation where = SourceLocation::current());

}  // namespace chainrule
