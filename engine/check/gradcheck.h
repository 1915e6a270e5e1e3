// The gradient check: what backward rules give, held against numerical derivatives. The numerical side knows nothing of
// the graph: it only evaluates the function at shifted inputs. What each verdict means stands in report.h.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "engine/check/report.h"
#include "engine/tensor.h"

namespace chainrule {

struct GradcheckOptions {
  std::uint64_t seed = 0;  ///< of the random cotangents and of the sample
  DType dtype =
      DType::float64;          ///< inputs are checked as copies in this dtype; float32 has its own steps and tolerances
  int order = 1;               ///< 2 also checks the gradient of the gradient
  std::int64_t sample = 0;     ///< at most this many random elements of each input; 0: all
  bool strict = false;         ///< a kink is a failure
  bool freeze_random = false;  ///< the default generator starts from the same state in every evaluation
  std::optional<double> step{};   ///< first shift of the numerical derivative, times max(1, |x|); default: three sizes
  std::optional<double> rtol{};   ///< allowed relative error; default 1e-6, in float32 5e-3
  std::optional<double> atol{};   ///< allowed absolute error; default 1e-8, in float32 1e-4
  std::vector<Tensor> restore{};  ///< other leaves that the function writes (running statistics): put back each time
};

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

/// True when F reads its inputs where they are. Whether it takes a vector is only asked of what takes no tensors: the
/// question compiles the body of a `const auto&` lambda, which may be an error.
template <class F>
constexpr bool captures_inputs() {
  if constexpr (kTakesTensors<F>)
    return false;
  else
    return !std::is_invocable_v<F&, const std::vector<Tensor>&>;
}

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
  constexpr bool captured = internal::captures_inputs<std::remove_reference_t<F>>();
  return internal::run_gradcheck([&function](const std::vector<Tensor>& x) { return internal::call(function, x); },
                                 inputs, captured, options);
}
template <class F>
GradcheckReport gradcheck(F&& function, const std::vector<Tensor>& inputs, const GradcheckOptions& options = {}) {
  return gradcheck(std::forward<F>(function), internal::named_inputs(inputs), options);
}

}  // namespace chainrule
