// Parameter and Buffer: the tensors that a module keeps, declared as members:
//
//   Parameter scale{*this, "scale", ones({2})};
//   Buffer mean{*this, "mean", zeros({2})};
#pragma once

#include "engine/operand.h"
#include "nn/module.h"

namespace chainrule {

namespace internal {
/// A tensor that a module keeps under a name. Its handle stays the one that the module lists: only its values change.
class Kept : public Tensor {
 public:
  Kept(Kept&& other) noexcept : Tensor(std::move(other)), holder_(std::move(other.holder_)) {
    if (holder_) *holder_ = this;
  }
  ~Kept() {
    if (holder_) *holder_ = nullptr;
  }
  Kept& operator=(const Tensor&) = delete;  // the module would keep the old one: change its values with copy_()

 protected:
  explicit Kept(const Tensor& initial) : Tensor(initial), holder_(std::make_shared<Kept*>(this)) {}

 private:
  friend class chainrule::ModuleBase;
  std::shared_ptr<Kept*> holder_;  // shared with the module's list, which finds it there wherever it moves
};
}  // namespace internal

/// A trainable leaf that belongs to a module.
class Parameter : public internal::Kept {
 public:
  /// Registers `initial` (made trainable, labelled with the name unless it has a label) in the module.
  Parameter(ModuleBase& module, std::string name, const Tensor& initial);
};

/// A value that belongs to a module and is not trained: a running mean, a count of steps.
class Buffer : public internal::Kept {
 public:
  /// Registers `initial`, a leaf that is not trainable.
  Buffer(ModuleBase& module, std::string name, const Tensor& initial);
};

template <std::derived_from<internal::Kept> P>
Tensor& operator+=(P& p, const Operand&) {
  static_assert(sizeof(P) == 0, "a Parameter changes in place: const NoGrad off; p.copy_(p + step);");
  return p;
}
template <std::derived_from<internal::Kept> P>
Tensor& operator-=(P& p, const Operand&) {
  static_assert(sizeof(P) == 0, "a Parameter changes in place: const NoGrad off; p.copy_(p - lr * p.grad());");
  return p;
}
template <std::derived_from<internal::Kept> P>
Tensor& operator*=(P& p, const Operand&) {
  static_assert(sizeof(P) == 0, "a Parameter changes in place: const NoGrad off; p.copy_(p * factor);");
  return p;
}
template <std::derived_from<internal::Kept> P>
Tensor& operator/=(P& p, const Operand&) {
  static_assert(sizeof(P) == 0, "a Parameter changes in place: const NoGrad off; p.copy_(p / factor);");
  return p;
}

}  // namespace chainrule
