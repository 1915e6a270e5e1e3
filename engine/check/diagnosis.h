// Inner header: for our own sources, not installed.
// Finds the operation behind a wrong gradient. The function is evaluated again and again with single values of its
// graph exchanged: an operation's inputs are shifted, everything else is held, so each is checked alone at its actual
// inputs.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "engine/check/difference.h"
#include "engine/check/gradcheck.h"
#include "engine/random.h"

namespace chainrule::internal {

/// One operation that stands out.
struct Finding {
  GradcheckCause cause = GradcheckCause::right;
  double factor = 0;  // of the cause constant_factor
  GradcheckBlame blame{};
  std::string reason{};
  std::vector<bool> inputs{};  // the checked inputs that it was computed from
  bool convention = false;     // a kink where the rule sends what is documented, not the slope
};

struct Diagnosis {
  std::vector<Finding> wrong;    // rules, oldest first
  std::vector<Finding> kinks;    // oldest first
  std::optional<Finding> lossy;  // the operation that loses most digits
  double lost = 0;               // by what factor it makes the rounding of its inputs larger
  std::string stopped;           // where recording stopped; empty when nowhere
  bool complete = true;          // every operation could be checked
};

/// Checks every operation between the inputs `x` and the outputs. `evaluate` reads x where they are.
Diagnosis diagnose(const CheckedFunction& evaluate, const std::vector<Tensor>& x, const GradientTolerance& tolerance,
                   bool single_precision, Generator& generator);

}  // namespace chainrule::internal
