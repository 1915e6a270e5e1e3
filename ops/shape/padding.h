// Padding with a value or with what stands inside, and cutting off.
#pragma once

#include <cstdint>
#include <vector>

#include "engine/operand.h"

namespace chainrule {

/// What stands outside: a value; the mirrored inside without its edge; the edge; the other end.
enum class PadMode : std::uint8_t { constant, reflect, replicate, circular };
/// `amounts`: before and after the last axis, then of the one before it, as in PyTorch; negative ones cut off. reflect
/// reaches to size - 1, circular to size; ShapeError beyond.
Tensor pad(const Operand& x, const std::vector<std::int64_t>& amounts, PadMode mode = PadMode::constant,
           double value = 0);

}  // namespace chainrule
