// Inner header: for our own sources, not installed.
// What rounding alone does to a result: the same computation a few times, with the last digit of every elementwise
// operation's result moved at random.
#pragma once

#include <functional>
#include <vector>

#include "engine/check/gradcheck.h"
#include "engine/check/replay.h"
#include "engine/random.h"

namespace chainrule::internal {

/// By how much each element of what `run` returns moves, tensor after tensor; empty for a tensor of which that cannot
/// be told. `by`: how far digits are moved. A result may be an empty handle.
std::vector<Values> rounding_spread(const std::function<std::vector<Tensor>()>& run, Generator& generator,
                                    double by = 1);

}  // namespace chainrule::internal
