// Inner header: for our own sources, not installed.
// Paths that are missing from the graph: a value changes with an input, and no edge says so.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "engine/check/diagnosis.h"
#include "engine/check/replay.h"

namespace chainrule::internal {

/// An operation that reads what changes with input i, though its edge says that nothing leads there.
std::optional<Finding> find_missing_path(const Recording& base, const CheckedFunction& evaluate,
                                         const std::vector<Tensor>& x, std::size_t i, Generator& generator);
/// "recording stopped at exp at program:1:3"; empty when it did nowhere.
std::string where_recording_stopped(const Recording& base);
/// "its input y changes with input x, yet no path of the graph leads there".
std::string entangled_text(const OpInfo& info, int moved, int with);
/// Of random size and sign, away from 0: ones would hide errors that cancel in a sum.
double random_weight(Generator& generator);

}  // namespace chainrule::internal
