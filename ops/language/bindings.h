// Values for the names of a program: what stands after NAME= on a command line. Files are read elsewhere.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/check/gradcheck.h"
#include "ops/function.h"
#include "ops/language/evaluate.h"

namespace chainrule::language {

/// The value of an expression without names: "2", "[1, 2]", "randn(3, 4)". Throws ProgramError.
Value closed_value(std::string_view text);

/// Named values; numbers, lists and floating tensors are trainable leaves that carry their name.
struct Bindings {
  Names names;
  std::vector<Tensor> leaves;  ///< in the order of binding

  /// Throws ValueError for what cannot be a name and for one that is bound already.
  void bind(std::string name, const Value& value);
};

/// "x=[1,2,3] w=randn(2,3)", separated by spaces outside brackets.
Bindings bind_text(std::string_view assignments);

/// Checks the derivatives of a program's result by its leaves.
GradcheckReport gradcheck_program(const Program& program, const Bindings& bindings,
                                  const GradcheckOptions& options = {});
/// The result of a function's example; its derivatives are checked too unless it has none.
struct ExampleCheck {
  Tensor result;
  std::vector<Tensor> leaves;
  bool differentiable = false;
  GradcheckReport report;  // of order one and two
};
ExampleCheck check_example(const Function& function);

}  // namespace chainrule::language
