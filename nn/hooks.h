// Hooks on modules, and how the tensors in arguments and results of any kind are found for them.
#pragma once

#include <concepts>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <type_traits>
#include <vector>

#include "engine/tensor.h"

namespace chainrule {

class ModuleBase;

/// See ModuleBase::register_forward_hook.
using ForwardHook = std::function<void(ModuleBase& module, std::span<const Tensor> inputs, std::span<Tensor> outputs)>;
/// See ModuleBase::register_gradient_hook. `output` counts the outputs of one call from 0.
using GradientHook = std::function<Tensor(ModuleBase& module, std::size_t output, const Tensor& gradient)>;

namespace internal {

/// A registered hook. Its handle owns it; the module and what it computed only know it.
struct ModuleHook {
  ForwardHook forward{};
  GradientHook gradient{};
  ModuleBase* module = nullptr;  // null when it is gone
  /// The gradient hook as tensors know it, one for each place among the outputs, so that it does not grow by calls.
  std::vector<std::shared_ptr<std::function<Tensor(const Tensor&)>>> at_output{};
};

/// Stands for any field, to count those of a struct.
struct AnyField {
  template <class T>
  operator T() const;
};
/// Stands for a base class of T, to leave structs that have one alone.
template <class T>
struct AnyBase {
  template <class Base>
  requires(std::is_base_of_v<Base, T> && !std::same_as<Base, T>) operator Base() const;
};
template <class T, class... Fields>
concept HasFields = requires {
  T{Fields()...};
};

/// Calls f(Tensor&) for each defined tensor in `value`: itself, or the fields of a struct (up to five) and the elements
/// of a vector or optional. What else a value may hold is left alone.
template <class V, class F>
void each_tensor(V& value, const F& f) {
  using T = std::remove_const_t<V>;
  using A = AnyField;
  if constexpr (std::is_base_of_v<Tensor, T>) {
    if (value.defined()) f(value);
  } else if constexpr (requires {
                         typename T::value_type;
                         value.has_value();
                       }) {
    if (value.has_value()) each_tensor(*value, f);
  } else if constexpr (requires {
                         typename T::value_type;
                         value.begin();
                         value.data();
                       }) {
    if constexpr (std::is_class_v<typename T::value_type>)
      for (auto& element : value) each_tensor(element, f);
  } else if constexpr (std::is_class_v<T> && std::is_aggregate_v<T> && !HasFields<T, AnyBase<T>>) {
    const auto each = [&](auto&... fields) { (each_tensor(fields, f), ...); };
    if constexpr (HasFields<T, A, A, A, A, A, A>) {
    } else if constexpr (HasFields<T, A, A, A, A, A>) {
      auto& [a, b, c, d, e] = value;
      each(a, b, c, d, e);
    } else if constexpr (HasFields<T, A, A, A, A>) {
      auto& [a, b, c, d] = value;
      each(a, b, c, d);
    } else if constexpr (HasFields<T, A, A, A>) {
      auto& [a, b, c] = value;
      each(a, b, c);
    } else if constexpr (HasFields<T, A, A>) {
      auto& [a, b] = value;
      each(a, b);
    } else if constexpr (HasFields<T, A>) {
      auto& [a] = value;
      each(a);
    }
  }
}

template <class... V>
std::vector<Tensor> tensors_in(const V&... values) {
  std::vector<Tensor> found;
  (each_tensor(values, [&](const Tensor& x) { found.push_back(x); }), ...);
  return found;
}

}  // namespace internal
}  // namespace chainrule
