// A check of every order: options, copies of the inputs, what the function is given. The course of one order is in
// course.cpp, numerical slopes in difference.cpp, the text in report.cpp, what is put back in state.cpp.
#include "engine/check/gradcheck.h"

#include <fmt/format.h>

#include <cmath>

#include "engine/backward.h"
#include "engine/check/course.h"
#include "engine/check/state.h"
#include "engine/types/error.h"

namespace chainrule::internal {
namespace {

using Tensors = std::vector<Tensor>;

// The gradient of a function as a function of its inputs and of the cotangents, which it takes behind the inputs.
CheckedFunction gradient_of(const CheckedFunction& function, std::size_t inputs,
                            const std::vector<std::size_t>& differentiable) {
  return [=](const Tensors& all) {
    const Tensors x(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(inputs));
    const Tensors outputs = function(x);
    Tensors roots;
    GradOptions options{.create_graph = true, .allow_unused = true};
    for (std::size_t i = 0; i < differentiable.size(); ++i) {
      roots.push_back(outputs.at(differentiable[i]));
      options.cotangents.push_back(all[inputs + i]);
    }
    Tensors gradients = grad(roots, x, options);
    std::erase_if(gradients, [](const Tensor& g) { return !g.defined(); });
    return gradients;
  };
}

}  // namespace

GradcheckReport run_gradcheck(const CheckedFunction& function, const std::vector<NamedTensor>& inputs, bool captured,
                              const GradcheckOptions& options) {
  if (options.order < 1) throw ValueError(fmt::format("gradcheck: the order must be 1 or more, not {}", options.order));
  if (options.step && !(*options.step > 0 && std::isfinite(*options.step)))
    throw ValueError(fmt::format("gradcheck: the step must be above 0, not {}", *options.step));
  if (options.sample < 0)
    throw ValueError(fmt::format("gradcheck: the sample must not be negative: {}", options.sample));
  if (!is_floating(options.dtype))
    throw ValueError(
        fmt::format("gradcheck: inputs are checked in float64 or float32, not {}", name_of(options.dtype)));
  GradcheckReport report;
  report.seed = options.seed;
  report.dtype = options.dtype;
  report.strict = options.strict;
  const StateGuard state(options.restore);
  const EnableGrad recording;
  const TeachingMode keep_nothing(false);
  const NoAnomaly shifted_values_may_leave_the_domain;
  const CheckedInputs lifted(inputs, captured, options.dtype);
  report.notes = lifted.notes();

  // What the function is given: the lifted inputs in their places, the others as they came.
  CheckedFunction current = [&, before = default_generator().state()](const Tensors& x) {
    state.restore_leaves();
    if (options.freeze_random) default_generator().set_state(before);
    ++report.evaluations;
    return function(lifted.arguments(x));
  };
  Tensors x = lifted.tensors();
  std::vector<std::string> names = lifted.names();
  for (int order = 1; order <= options.order; ++order) {
    const std::size_t first = report.inputs.size();
    for (std::size_t i = 0; i < x.size(); ++i)
      report.inputs.push_back({.name = names[i], .order = order, .shape = x[i].shape(), .elements = x[i].numel()});
    check_order(options, report, current, x, order, first);
    if (order == options.order || !report.ok()) break;

    // Next, the gradients: as a function of the inputs and of one cotangent for each output.
    const Tensors outputs = current(x);
    std::vector<std::size_t> differentiable;
    Generator generator(options.seed, static_cast<std::uint64_t>(order) << 32);
    const std::size_t count = x.size();
    for (std::size_t k = 0; k < outputs.size(); ++k) {
      if (!outputs[k].requires_grad()) continue;
      differentiable.push_back(k);
      x.push_back(randn(outputs[k].shape(), {.dtype = outputs[k].dtype(), .requires_grad = true}, generator));
      names.push_back(fmt::format("cotangent {}", k + 1));
    }
    if (differentiable.empty()) break;
    current = gradient_of(current, count, differentiable);
  }
  return report;
}

std::vector<NamedTensor> named_inputs(const std::vector<Tensor>& inputs) {
  std::vector<NamedTensor> named;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const bool labelled = inputs[i].defined() && !inputs[i].label().empty();
    named.push_back({labelled ? inputs[i].label() : fmt::format("input {}", i + 1), inputs[i]});
  }
  return named;
}

void throw_arity(std::size_t given) {
  throw ValueError(fmt::format("gradcheck: the function does not take {} tensor{}, the number of inputs given", given,
                               given == 1 ? "" : "s"));
}

}  // namespace chainrule::internal
