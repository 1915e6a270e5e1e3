// What the verbs say of numbers that are NaN: which, and where that begins.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "tools/program/program.h"

namespace chainrule {

/// What a verb shows, under the words of its note: "the result", "the gradient by x". Empty handles are nothing.
using Shown = std::vector<NamedTensor>;

/// When one of them holds a NaN, one sentence on stderr names the first such and the operation where NaN or infinity
/// begins: the program is run again and watched, then `derive`, what the verb made of its result. Silent with --quiet
/// and --json.
void tell_nan(const LoadedProgram& loaded, const Shown& shown,
              const std::function<void(const Tensor& result, const Names& names)>& derive = {});

}  // namespace chainrule
