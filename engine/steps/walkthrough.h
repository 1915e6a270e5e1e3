// Inner header: for our own sources, not installed.
// Everything about the steps of one result, made once for all of its forms: text, JSON, frames and page.
#pragma once

#include <string>
#include <vector>

#include "engine/steps/words.h"

namespace chainrule {

struct Walkthrough {
  GraphOptions options;  ///< those that were asked for, without symbols
  GraphView view{};
  std::vector<GraphStep> steps{};
  std::vector<StepText> texts{};     ///< of each step
  std::vector<std::string> names{};  ///< of each item
  std::string title{};
};
Walkthrough walk_through(const Tensor& result, const GraphOptions& options);

}  // namespace chainrule
