// What is wrong with a network, before hours are spent on training it.
#pragma once

#include <fmt/format.h>

#include <memory>
#include <string>
#include <vector>

#include "nn/module_base.h"

namespace chainrule {

/// One thing that is wrong.
struct ModuleFinding {
  enum class Kind : std::uint8_t {
    unregistered,   ///< the result depends on a trainable leaf that no module declares, so that no optimizer sees it
    no_gradient,    ///< no path leads from the result to a parameter
    zero_gradient,  ///< a parameter's gradient is 0 everywhere
    non_finite,     ///< NaN or infinity in a parameter, a buffer, the result or a gradient
    dead_units,     ///< units of a ReLU that give 0 for every sample
    saturated,      ///< units of a sigmoid or tanh that are at their bounds (within 0.001) for every sample
    mixed_types,    ///< parameters of different dtypes
  };
  Kind kind;
  std::string name;  ///< of the parameter, the buffer or the module; "result"
  std::string text;  ///< the sentence
};
struct ModuleReport {
  std::vector<ModuleFinding> findings;
  bool passed() const { return findings.empty(); }
};
/// A line for each finding; "nothing found" without any.
std::string to_string(const ModuleReport& report);

namespace internal {
/// Runs around one call of the network; buffers and the default generator are put back when it dies.
class ModuleCheck {
 public:
  explicit ModuleCheck(ModuleBase& net);
  ~ModuleCheck();
  ModuleCheck(const ModuleCheck&) = delete;
  ModuleCheck& operator=(const ModuleCheck&) = delete;
  ModuleReport look_at(const std::vector<Tensor>& inputs, const std::vector<Tensor>& results);

 private:
  struct Before;
  std::unique_ptr<Before> before_;
  const EnableGrad recording_;
  const TeachingMode keep_values_;
};
}  // namespace internal

/// Calls net(inputs...) once, forward and backward from random cotangents, and looks at every parameter, gradient and
/// activation. The network is as before afterwards, with its gradients, buffers and the default generator. A batch
/// like those of the training finds the most: units are judged over its samples, from two on.
template <class Net, class... Inputs>
ModuleReport check(Net& net, const Inputs&... inputs) {
  internal::ModuleCheck look(net);
  const auto result = net(inputs...);
  return look.look_at(internal::tensors_in(inputs...), internal::tensors_in(result));
}

}  // namespace chainrule

template <>
struct fmt::formatter<chainrule::ModuleReport> : fmt::formatter<fmt::string_view> {
  auto format(const chainrule::ModuleReport& report, fmt::format_context& context) const {
    return fmt::formatter<fmt::string_view>::format(chainrule::to_string(report), context);
  }
};
