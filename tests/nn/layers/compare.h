// What tests of layers ask of two layers or tensors.
#pragma once

#include <string>
#include <vector>

#include "nn/module.h"
#include "ops/ops.h"

namespace chainrule::testing {

/// The names of parameters and buffers, in order.
inline std::vector<std::string> state_names(const ModuleBase& layer) {
  std::vector<std::string> names;
  for (const NamedTensor& t : layer.state()) names.push_back(t.name);
  return names;
}

/// The largest distance between two numbers of the same place.
inline double farthest(const Tensor& a, const Tensor& b) { return amax(abs(a - b)).item(); }

}  // namespace chainrule::testing
