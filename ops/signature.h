// Inner header: for our own sources, not installed.
// The parameters of a function, read from its signature text. Library code only.
#pragma once

#include "ops/function.h"

namespace chainrule {

struct FunctionParameter {
  std::string name;
  bool takes_rest = false;
  bool has_default = false;
  Value default_value;
};

/// Read once for each function and kept.
const std::vector<FunctionParameter>& parameters_of(const Function& function);

}  // namespace chainrule
