// What a gradient check found, as data and as text: a verdict for each input, its cause, and the operation behind it.
#pragma once

#include <fmt/core.h>

#include <cstdint>
#include <string>
#include <vector>

#include "engine/types/dtype.h"
#include "engine/types/shape.h"

namespace chainrule {

enum class GradcheckVerdict : std::uint8_t {
  ok,
  kink,               ///< left and right derivative differ and the gradient lies between: accepted unless strict
  unused,             ///< no path leads to the input, and the value does not change with it: accepted
  mismatch,           ///< the gradient is wrong
  wrong_shape,        ///< the gradient's shape is not the input's
  non_finite,         ///< a value or gradient is infinite or NaN
  non_deterministic,  ///< two evaluations, or two backward walks, differ
};
const char* name_of(GradcheckVerdict verdict);

/// Why a verdict is what it is.
enum class GradcheckCause : std::uint8_t {
  right,
  kink,               ///< the operation has a kink at this value
  precision,          ///< digits are lost, or a value overflows: there is no number to compare with
  wrong_rule,         ///< an operation's rule does not fit its formula
  constant_factor,    ///< a rule is off by the same factor everywhere
  transposed,         ///< a rule exchanges the last two axes
  missing_reduction,  ///< a rule does not sum over the axes along which an input was broadcast
  detached,           ///< every rule is right, but a path is missing from the graph
  non_deterministic,  ///< two evaluations differ
  wrong_shape,        ///< a rule sends a gradient of another shape
};
const char* name_of(GradcheckCause cause);

/// The operation behind a verdict, checked alone: its own inputs shifted, everything else held.
struct GradcheckBlame {
  std::string op{};     ///< "mul"; empty when no operation was found
  std::string place{};  ///< "program:1:5", "main.cpp:12", or "operation 3 of 7" where no place is known
  std::string input{};  ///< letter of the input whose gradient is wrong; empty when the result is what is wrong
  std::vector<std::int64_t> element{};  ///< of that input, or of the result
  double analytic = 0, numeric = 0;     ///< what the rule sends there for a random gradient of the result, and should
  bool compared = false;                ///< the two numbers are valid
  std::string text() const;             ///< "mul at program:1:5"
};

/// What was found for one input. The numbers are those of the worst element: the one whose error is the largest part of
/// its tolerance.
struct GradcheckInput {
  std::string name;  ///< the label, or "input 1"
  int order = 1;
  Shape shape;
  GradcheckVerdict verdict = GradcheckVerdict::ok;
  std::vector<std::int64_t> worst{};  ///< index of the worst element; empty when no element was compared
  double analytic = 0, numeric = 0;
  double absolute_error = 0, relative_error = 0, tolerance = 0;
  double step = 0;  ///< the shift of the input behind `numeric`
  std::int64_t elements = 0, checked = 0, mismatches = 0, kinks = 0;
  double rounding = 0;    ///< of a gradient that is wrong there: by how much rounding alone moves it
  bool unsure = false;    ///< of a gradient that is wrong there: no step gave a number that can be relied on
  bool compared = false;  ///< at least one element was compared, so that the numbers above are valid
  GradcheckCause cause = GradcheckCause::right;
  double factor = 0;  ///< of the cause constant_factor
  GradcheckBlame blame{};
  std::string remark{};  ///< of the worst element: "the edge of the domain"
  std::string reason{};  ///< a sentence on the cause; empty when all is right
};

struct GradcheckReport {
  std::vector<GradcheckInput> inputs;  ///< in order; those of order 2 after those of order 1
  std::vector<std::string> notes;      ///< what was left out
  std::uint64_t seed = 0;
  DType dtype = DType::float64;
  bool strict = false;
  bool weighed = false;  ///< of several outputs: analytic and numeric are of their sum, weighed with random numbers
  bool compared_output = false;  ///< false: the function gives no floating value, so nothing could be checked
  std::int64_t evaluations = 0;

  /// Accepts the verdicts ok and unused, and kink unless strict.
  bool ok() const;
};
/// One line for each input, notes, and one line with the verdict; `verbose`: a table of all numbers before the last
/// line.
std::string to_string(const GradcheckReport& report, bool verbose = false);

}  // namespace chainrule

template <>
struct fmt::formatter<chainrule::GradcheckReport> {
  constexpr auto parse(fmt::format_parse_context& context) { return context.begin(); }
  auto format(const chainrule::GradcheckReport& report, fmt::format_context& context) const {
    return fmt::format_to(context.out(), "{}", chainrule::to_string(report));
  }
};
