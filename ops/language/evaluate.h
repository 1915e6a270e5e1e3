// Runs a parsed program on the engine. Operations are recorded as always, with the place in the text as their source
// line. C++ users: evaluate("sum(x ** 2)", {{"x", x}}).
#pragma once

#include <chrono>
#include <map>
#include <optional>

#include "ops/language/program.h"

namespace chainrule::language {

/// Values by name.
using Names = std::map<std::string, Value, std::less<>>;

struct EvaluateOptions {
  /// Values computed so far are checked against this between steps; beyond it a "limit" error stops the program.
  std::optional<std::chrono::steady_clock::time_point> deadline{};
  /// Bind names to results as labels, for diagrams and messages; names that begin with "_" never are.
  bool label_names = true;
};

/// So many seconds from now; none for 0.
std::optional<std::chrono::steady_clock::time_point> deadline_in(double seconds);

/// The result of the last statement. Names that the program binds are added to `names`. Throws ProgramError, with the
/// place of the part that failed.
Value evaluate(const Program& program, Names& names, const EvaluateOptions& options = {});
/// The same as a tensor; a list of tensors is stacked.
Tensor evaluate_tensor(const Program& program, Names& names, const EvaluateOptions& options = {});
/// Parses and evaluates; the result as a tensor.
Tensor evaluate(std::string_view program, Names names = {});

}  // namespace chainrule::language
