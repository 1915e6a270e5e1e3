// The form of layers without parameters: an operation whose other arguments are fixed when the layer is made. What
// stands here calls an operation as `forward` of a layer does, so a layer is its name and its defaults:
//
//   struct LeakyReLU : internal::Applied<leaky_relu> {
//     explicit LeakyReLU(double negative_slope = 0.01) : Applied(negative_slope) {}
//   };
#pragma once

#include <tuple>
#include <type_traits>
#include <utility>

#include "engine/factory.h"
#include "nn/child.h"
#include "ops/ops.h"

namespace chainrule::internal {

template <auto operation>
class Applied;
/// operation(x, arguments...).
template <class... A, Tensor (*operation)(const Operand&, A...)>
class Applied<operation> : public Module {
 public:
  explicit Applied(std::remove_cvref_t<A>... arguments) : arguments_(std::move(arguments)...) {}

 protected:
  Tensor forward(const Tensor& x) override {
    const CalledFrom caller(called_from());
    return apply_to(x);
  }
  Tensor apply_to(const Tensor& x) const {
    return std::apply([&](const auto&... arguments) { return operation(x, arguments...); }, arguments_);
  }

 private:
  std::tuple<std::remove_cvref_t<A>...> arguments_;
};

template <auto operation>
class Elementwise;
/// The same for functions of each number. They are tried on nothing when they are made, so that the operation refuses
/// its arguments there, in its own words.
template <class... A, Tensor (*operation)(const Operand&, A...)>
class Elementwise<operation> : public Applied<operation> {
 public:
  explicit Elementwise(std::remove_cvref_t<A>... arguments) : Applied<operation>(std::move(arguments)...) {
    if constexpr (sizeof...(A) > 0) static_cast<void>(this->apply_to(zeros({0})));
  }
};

template <auto operation>
class AppliedLoss;
/// operation(x, target, arguments...).
template <class X, class Target, class... A, Tensor (*operation)(X, Target, A...)>
class AppliedLoss<operation> : public ModuleOf<AppliedLoss<operation>> {
 public:
  explicit AppliedLoss(std::remove_cvref_t<A>... arguments) : arguments_(std::move(arguments)...) {}
  Tensor forward(const Tensor& x, const Tensor& target) {
    const CalledFrom caller(this->called_from());
    return std::apply([&](const auto&... arguments) { return operation(x, target, arguments...); }, arguments_);
  }

 private:
  std::tuple<std::remove_cvref_t<A>...> arguments_;
};

}  // namespace chainrule::internal
