// Module: a part of a network that owns parameters and other modules. Declaring a member registers it:
//
//   struct Net : Module {
//     Child<Conv2d> conv{*this, "conv", 1, 16, {.kernel_size = 3, .padding = 1}};
//     Child<Linear> out{*this, "out", 16 * 4 * 4, 10};
//     Tensor forward(const Tensor& x) override { return out(flatten(max_pool2d(relu(conv(x)), 2), 1)); }
//   };
//
// Names come from the declarations, in their order: diagrams, reports and optimizer state use them.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "engine/scopes.h"
#include "engine/tensor.h"

namespace chainrule {

class Module {
 public:
  Module(const Module&) = delete;
  Module& operator=(const Module&) = delete;
  virtual ~Module() = default;

  /// Computes the module under its name, so that what it records is clustered and named by it.
  Tensor operator()(const Tensor& x, SourceLocation where = SourceLocation::current());

  /// All parameters, named by path ("conv.weight"), own ones first, in order of declaration. A parameter that two
  /// modules share appears once, under its first name.
  std::vector<NamedTensor> parameters() const;
  /// How many numbers are trained.
  std::int64_t parameter_count() const;
  void zero_grad();

  bool is_training() const { return training_; }
  /// Training or evaluation, for this module and all inside it.
  void train(bool on = true);
  void eval() { train(false); }

  const std::string& name() const { return name_; }
  /// The type's name: "Linear".
  virtual std::string kind() const;

 protected:
  Module() = default;
  /// Only modules without Child members can move: into a Sequential.
  Module(Module&&) = default;

  /// For modules of one input; others declare what they need and open a scope with enter().
  virtual Tensor forward(const Tensor& x);
  /// Where the module was called. A layer's forward opens with `const CalledFrom caller(called_from())`, because
  /// whoever looks for an operation of it wants the line of the network; a network's own forward does not.
  static const SourceLocation& called_from();
  /// The scope that operator() opens; none for a module without a name.
  ModuleScope enter() const;

  /// Makes the module part of this one. Throws ValueError for an empty name, one with a dot, or one in use.
  void add_child(std::string name, Module& child);

 private:
  friend class Parameter;
  void add_parameter(std::string name, const Tensor& value);
  void check_name(const std::string& name) const;
  void collect(const std::string& prefix, std::vector<NamedTensor>& found) const;

  std::string name_;
  bool training_ = true;
  std::vector<NamedTensor> own_;
  std::vector<Module*> children_;
  mutable const ModulePath* parent_path_ = nullptr;  // the last one, and what it led to
  mutable const ModulePath* path_ = nullptr;
};

/// A trainable leaf that belongs to a module.
class Parameter : public Tensor {
 public:
  /// Registers `initial` (made trainable, labelled with the name) in the module.
  Parameter(Module& module, std::string name, const Tensor& initial);
  Parameter(Parameter&&) = default;
  Parameter& operator=(const Tensor&) = delete;  // the module would keep the old one; use copy_()
};

namespace internal {
struct NoOptions {};
template <class M, class = void>
struct OptionsOf {
  using Type = NoOptions;
};
template <class M>
struct OptionsOf<M, std::void_t<typename M::Options>> {
  using Type = typename M::Options;
};
}  // namespace internal

/// A member module, registered under its name. Arguments after the name go to M; a braced list at their end is its
/// Options.
template <class M>
class Child : public M {
  using Options = typename internal::OptionsOf<M>::Type;

 public:
  template <class... A>
  Child(Module& parent, std::string name, A&&... arguments) : M(std::forward<A>(arguments)...) {
    Registrar::add(parent, std::move(name), *this);
  }
  template <class A>
  Child(Module& parent, std::string name, A a, Options options) : M(a, options) {
    Registrar::add(parent, std::move(name), *this);
  }
  template <class A, class B>
  Child(Module& parent, std::string name, A a, B b, Options options) : M(a, b, options) {
    Registrar::add(parent, std::move(name), *this);
  }
  Child(Child&&) = delete;

 private:
  struct Registrar : Module {  // reaches the protected member of another module
    static void add(Module& parent, std::string name, Module& child) {
      (parent.*(&Registrar::add_child))(std::move(name), child);
    }
  };
};

}  // namespace chainrule
