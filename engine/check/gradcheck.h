// The gradient check: what backward rules give, held against numerical derivatives. The numerical side knows nothing of
// the graph: it only evaluates the function at shifted inputs. What each verdict means stands at GradcheckVerdict.
#pragma once

#include <fmt/core.h>

#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "engine/tensor.h"

namespace chainrule {

struct GradcheckOptions {
  std::uint64_t seed = 0;  ///< of the random cotangents and of the sample
  DType dtype =
      DType::float64;          ///< inputs are checked as copies in this dtype; float32 has its own steps and tolerances
  int order = 1;               ///< 2 also checks the gradient of the gradient
  std::int64_t sample = 0;     ///< at most so many random elements of each input; 0: all
  bool strict = false;         ///< a kink is a failure
  bool freeze_random = false;  ///< the default generator starts from the same state in every evaluation
  std::optional<double> step{};   ///< first shift of the numerical derivative, times max(1, |x|); default: three sizes
  std::optional<double> rtol{};   ///< allowed relative error; default 1e-6, in float32 5e-3
  std::optional<double> atol{};   ///< allowed absolute error; default 1e-8, in float32 1e-4
  std::vector<Tensor> restore{};  ///< other leaves that the function writes (running statistics): put back each time
};

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
  bool compared = false;                ///< the two numbers are meant
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
  bool compared = false;  ///< at least one element was compared, so that the numbers above are meant
  GradcheckCause cause = GradcheckCause::right;
  double factor = 0;  ///< of the cause constant_factor
  GradcheckBlame blame{};
  std::string reason{};  ///< a sentence on the cause; empty when all is right
};

struct GradcheckReport {
  std::vector<GradcheckInput> inputs;  ///< in order; those of order 2 after those of order 1
  std::vector<std::string> notes;      ///< what was left out
  std::uint64_t seed = 0;
  DType dtype = DType::float64;
  bool strict = false;
  bool compared_output = false;  ///< false: the function gives no floating value, so nothing could be checked
  std::int64_t evaluations = 0;

  /// Accepts the verdicts ok and unused, and kink unless strict.
  bool ok() const;
};
/// One line for each input, notes, and one line with the verdict; `verbose`: a table of all numbers before the last
/// line.
std::string to_string(const GradcheckReport& report, bool verbose = false);

namespace internal {

using CheckedFunction = std::function<std::vector<Tensor>(const std::vector<Tensor>&)>;
/// `captured`: the function reads the inputs themselves, not what it is given.
GradcheckReport run_gradcheck(const CheckedFunction& function, const std::vector<NamedTensor>& inputs, bool captured,
                              const GradcheckOptions& options);
std::vector<NamedTensor> named_inputs(const std::vector<Tensor>& inputs);
[[noreturn]] void throw_arity(std::size_t given);

inline constexpr std::size_t kMostArguments = 8;

template <class F, std::size_t... I>
constexpr bool takes(std::index_sequence<I...>) {
  return std::is_invocable_v<F&, decltype((void)I, std::declval<const Tensor&>())...>;
}
template <class F, std::size_t N>
inline constexpr bool kTakes = takes<F>(std::make_index_sequence<N>{});
/// True when F can be called with 1 ... kMostArguments tensors.
template <class F>
inline constexpr bool kTakesTensors = []<std::size_t... N>(std::index_sequence<N...>) {
  return (kTakes<F, N + 1> || ...);
}
(std::make_index_sequence<kMostArguments>{});

inline std::vector<Tensor> as_outputs(Tensor output) { return {std::move(output)}; }
inline std::vector<Tensor> as_outputs(std::vector<Tensor> outputs) { return outputs; }

template <class F>
std::vector<Tensor> call(F& function, const std::vector<Tensor>& x) {
  if constexpr (kTakesTensors<F>) {
    std::optional<std::vector<Tensor>> outputs;
    auto call_with = [&]<std::size_t... I>(std::index_sequence<I...>) {
      if constexpr (takes<F>(std::index_sequence<I...>{}))
        if (x.size() == sizeof...(I)) outputs = as_outputs(function(x[I]...));
    };
    [&]<std::size_t... N>(std::index_sequence<N...>) { (call_with(std::make_index_sequence<N + 1>{}), ...); }
    (std::make_index_sequence<kMostArguments>{});
    if (!outputs) throw_arity(x.size());
    return std::move(*outputs);
  } else if constexpr (std::is_invocable_v<F&, const std::vector<Tensor>&>) {
    return as_outputs(function(x));
  } else {
    static_assert(std::is_invocable_v<F&>, "gradcheck: the function takes tensors, or a vector of tensors, or nothing");
    return as_outputs(function());
  }
}

}  // namespace internal

/// Checks the gradients of `function` at `inputs`. It takes one `const Tensor&` per input, or one
/// `const std::vector<Tensor>&`, and returns a tensor or a vector of tensors. Or it takes nothing and reads the inputs
/// where they are, such as a module's parameters: they are then float64 while the check lasts.
///
/// The output is weighed with a random cotangent. Central differences with Richardson extrapolation give the reference,
/// with steps chosen for each element. Nothing is left changed, also when the function throws: not the inputs, their
/// gradients, nor the default generator. Integer inputs and outputs are left out with a note.
template <class F>
GradcheckReport gradcheck(F&& function, const std::vector<NamedTensor>& inputs, const GradcheckOptions& options = {}) {
  using Callable = std::remove_reference_t<F>;
  constexpr bool captured =
      !internal::kTakesTensors<Callable> && !std::is_invocable_v<Callable&, const std::vector<Tensor>&>;
  return internal::run_gradcheck([&function](const std::vector<Tensor>& x) { return internal::call(function, x); },
                                 inputs, captured, options);
}
template <class F>
GradcheckReport gradcheck(F&& function, const std::vector<Tensor>& inputs, const GradcheckOptions& options = {}) {
  return gradcheck(std::forward<F>(function), internal::named_inputs(inputs), options);
}

}  // namespace chainrule

template <>
struct fmt::formatter<chainrule::GradcheckReport> {
  constexpr auto parse(fmt::format_parse_context& context) { return context.begin(); }
  auto format(const chainrule::GradcheckReport& report, fmt::format_context& context) const {
    return fmt::format_to(context.out(), "{}", chainrule::to_string(report));
  }
};
