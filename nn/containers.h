// Modules that hold modules by pointers: one after the other, beside each other, in a list, under names. Moving them
// moves the pointers.
#pragma once

#include "nn/child.h"

namespace chainrule {
namespace internal {
/// A pointer to the module that is handed over.
template <class M>
auto owned(M&& module) {
  using T = std::remove_cvref_t<M>;
  if constexpr (std::is_base_of_v<ModuleBase, T>) {
    static_assert(!std::is_lvalue_reference_v<M>,
                  "a module is handed over, not referred to: write Linear(3, 4) here, std::move(layer), or "
                  "make<Linear>(3, 4) to share it");
    if constexpr (!std::is_lvalue_reference_v<M>) return std::make_shared<T>(std::forward<M>(module));
  } else {
    static_assert(std::is_convertible_v<T, std::shared_ptr<ModuleBase>>,
                  "only modules stand here: a layer such as Linear(3, 4), or make<Net>(...)");
    return std::forward<M>(module);
  }
}

/// Goes over pointers and gives what they point to.
template <class Pointer>
class Pointees {
 public:
  explicit Pointees(Pointer at) : at_(at) {}
  auto& operator*() const { return **at_; }
  Pointees& operator++() {
    ++at_;
    return *this;
  }
  bool operator==(const Pointees&) const = default;

 private:
  Pointer at_;
};
[[noreturn]] void throw_no_entry(const char* who, const std::string& which, std::size_t count);
}  // namespace internal

/// Modules one after the other, named "0", "1", ...: Sequential{Linear(784, 50), ReLU(), make<Net>(...)}. Each takes
/// one tensor and gives one.
class Sequential : public Module {
 public:
  Sequential() = default;
  template <class... M>
  requires(sizeof...(M) > 0) explicit Sequential(M&&... modules) {
    (append(internal::owned(std::forward<M>(modules))), ...);
  }
  Sequential(Sequential&&) = default;
  /// Adds a module at the end; it may be shared with others.
  void append(std::shared_ptr<ModuleBase> module);
  std::size_t size() const { return modules_.size(); }

 protected:
  Tensor forward(const Tensor& x) override;

 private:
  std::vector<std::shared_ptr<ModuleBase>> modules_;
};

/// body(x) + x, or body(x) + shortcut(x): Residual{Sequential{...}}, Residual{Sequential{...}, Conv2d(...)}. The parts
/// are named "body" and "shortcut". The gradient reaches x as it is through the plain shortcut. He et al., "Deep
/// residual learning for image recognition", CVPR 2016.
class Residual : public Module {
 public:
  template <class Body>
  // NOLINTNEXTLINE(bugprone-forwarding-reference-overload): what is required keeps copies and moves out
  requires(!std::same_as<std::remove_cvref_t<Body>, Residual>) explicit Residual(Body&& body) {
    set(internal::owned(std::forward<Body>(body)), nullptr);
  }
  template <class Body, class Shortcut>
  Residual(Body&& body, Shortcut&& shortcut) {
    set(internal::owned(std::forward<Body>(body)), internal::owned(std::forward<Shortcut>(shortcut)));
  }
  Residual(Residual&&) = default;

 protected:
  Tensor forward(const Tensor& x) override;

 private:
  void set(std::shared_ptr<ModuleBase> body, std::shared_ptr<ModuleBase> shortcut);
  std::shared_ptr<ModuleBase> body_, shortcut_;
};

/// Modules beside each other, named "0", "1", ...: all see x, their results are joined on the channels (axis 1). An
/// Inception block is Branch{Sequential{...}, Sequential{...}, ...}. Szegedy et al., "Going deeper with convolutions",
/// CVPR 2015.
class Branch : public Module {
 public:
  template <class... M>
  requires(sizeof...(M) > 1) explicit Branch(M&&... modules) {
    (append(internal::owned(std::forward<M>(modules))), ...);
  }
  Branch(Branch&&) = default;
  std::size_t size() const { return modules_.size(); }

 protected:
  Tensor forward(const Tensor& x) override;

 private:
  void append(std::shared_ptr<ModuleBase> module);
  std::vector<std::shared_ptr<ModuleBase>> modules_;
};

/// A function as a module: Lambda([](const Tensor& x) { return x * x; }). What it captures is no part of the module:
/// parameters in it are neither trained nor saved.
class Lambda : public Module {
 public:
  explicit Lambda(std::function<Tensor(const Tensor&)> function);

 protected:
  Tensor forward(const Tensor& x) override;

 private:
  std::function<Tensor(const Tensor&)> function_;
};

/// Modules in a list, named "0", "1", ...: their owner calls them.
///
///   Child<ModuleList<Block>> blocks{*this, "blocks"};
///   Net() { for (int i = 0; i < 6; ++i) blocks.append(make<Block>(64)); }
///   Tensor forward(const Tensor& x) override { Tensor y = x; for (Block& block : blocks) y = block(y); return y; }
template <class M = Module>
class ModuleList : public ModuleBase {
 public:
  /// Adds a module at the end; it may be shared with others.
  void append(std::shared_ptr<M> module) {
    modules_.push_back(add_child(std::to_string(modules_.size()), std::move(module)));
  }
  std::size_t size() const { return modules_.size(); }
  M& operator[](std::size_t i) const {
    if (i >= modules_.size()) internal::throw_no_entry("ModuleList", std::to_string(i), modules_.size());
    return *modules_[i];
  }
  auto begin() const { return internal::Pointees(modules_.begin()); }
  auto end() const { return internal::Pointees(modules_.end()); }

 private:
  std::vector<std::shared_ptr<M>> modules_;
};

/// Modules under names, in the order in which they were put in.
template <class M = Module>
class ModuleDict : public ModuleBase {
 public:
  void insert(std::string name, std::shared_ptr<M> module) {
    modules_.push_back(add_child(name, std::move(module)));
    names_.push_back(std::move(name));
  }
  std::size_t size() const { return modules_.size(); }
  bool contains(std::string_view name) const { return place_of(name) < names_.size(); }
  M& operator[](std::string_view name) const {
    const std::size_t i = place_of(name);
    if (i == names_.size()) internal::throw_no_entry("ModuleDict", "'" + std::string(name) + "'", names_.size());
    return *modules_[i];
  }
  const std::vector<std::string>& names() const { return names_; }

 private:
  std::size_t place_of(std::string_view name) const {
    std::size_t i = 0;
    while (i < names_.size() && names_[i] != name) ++i;
    return i;
  }
  std::vector<std::string> names_;
  std::vector<std::shared_ptr<M>> modules_;
};

}  // namespace chainrule
