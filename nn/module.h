// Module: a part of a network that owns parameters, buffers and other modules. Declaring a member registers it:
//
//   struct Net : Module {
//     Child<Conv2d> conv{*this, "conv", 1, 16, {.kernel_size = 3, .padding = 1}};
//     Child<Linear> out{*this, "out", 16 * 4 * 4, 10};
//     Tensor forward(const Tensor& x) override { return out(flatten(max_pool2d(relu(conv(x)), 2), 1)); }
//   };
//
// Names come from the declarations, in their order: diagrams, reports and optimizer state use them. A module whose
// forward takes or returns anything else derives from ModuleOf<Itself>.
#pragma once

#include <concepts>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_set>
#include <utility>
#include <vector>

#include "engine/scopes.h"
#include "engine/tensor.h"
#include "engine/types/error.h"

namespace chainrule {

class ModuleBase;
/// A module and its path: "block.first"; "" for the one that was asked.
struct NamedModule {
  std::string name;
  ModuleBase* module;
};

/// A further path, and the first path of the same thing.
struct Alias {
  std::string name, first;
};

/// What every module is: its members by name, and its place among others. Members are in order of declaration; whatever
/// is shared is listed once, under its first path.
class ModuleBase {
 public:
  ModuleBase(const ModuleBase&) = delete;  // a module is not copied: make another one with the same constructor
  ModuleBase& operator=(const ModuleBase&) = delete;
  virtual ~ModuleBase();

  /// What is trained, named by path ("conv.weight"), with `prefix` and a dot in front when there is one.
  std::vector<NamedTensor> parameters(std::string_view prefix = {}) const;
  /// What is kept and not trained, such as running means.
  std::vector<NamedTensor> buffers(std::string_view prefix = {}) const;
  /// Both: what a file must hold.
  std::vector<NamedTensor> state(std::string_view prefix = {}) const;
  /// The further paths of what is shared, a tensor or a module with all inside it, each with its first path.
  std::vector<Alias> aliases() const;
  /// This module and all inside it. The pointers live as long as the modules.
  std::vector<NamedModule> modules();
  /// How many numbers the parameters hold.
  std::int64_t parameter_count() const;
  void zero_grad();

  bool is_training() const { return training_; }
  /// Training or evaluation, for this module and all inside it.
  void train(bool on = true);
  void eval() { train(false); }

  /// The type's name: "Linear".
  virtual std::string kind() const;

  /// Makes the module a part of this one, which owns it from now on, alone or with others. Returns it. Throws
  /// ValueError for an empty pointer, a name that is empty, has a dot or is in use, and a cycle.
  template <std::derived_from<ModuleBase> M>
  std::shared_ptr<M> add_child(const std::string& name, std::shared_ptr<M> child) {
    adopt(name, child.get(), child);
    return child;
  }
  template <std::derived_from<ModuleBase> M>
  void add_child(const std::string&, M&) {
    static_assert(!std::derived_from<M, ModuleBase>,
                  "add_child owns what it adds: pass make<Block>(...), or declare a member "
                  "Child<Block> block{*this, \"block\", ...}");
  }

 protected:
  ModuleBase() = default;
  /// What it owns moves along, and knows its new parent; a struct with Child members cannot move.
  ModuleBase(ModuleBase&& other) noexcept;

  /// Where the module was called. A layer's forward opens with `const CalledFrom caller(called_from())`, because
  /// whoever looks for an operation of it wants the line of the network; a network's own forward does not.
  static const SourceLocation& called_from();
  /// Every call of a module goes through here: operations inside are clustered and named by it, and an error says
  /// where.
  template <class F>
  auto run(const SourceLocation& where, const F& forward) const;
  /// The module as one step of a Sequential.
  virtual Tensor call_with(const Tensor& x, const SourceLocation& where);
  static Tensor call(ModuleBase& module, const Tensor& x, const SourceLocation& where) {
    return module.call_with(x, where);
  }

 private:
  friend class Parameter;
  friend class Buffer;
  template <class M>
  friend class Child;
  enum class Kind { parameter, buffer, child };
  struct Member {
    std::string name;
    Kind kind;
    Tensor tensor;
    ModuleBase* child = nullptr;
    std::shared_ptr<ModuleBase> owner{};  // none for a Child, which is a member of somebody
  };
  class Call;
  /// Down from a module: names of modules, at the end maybe that of a tensor.
  using Path = std::vector<const Member*>;
  using Seen = std::unordered_set<const ModuleBase*>;
  using Visit = std::function<bool(const ModuleBase&, const Path&)>;

  void add_tensor(std::string name, Kind kind, const Tensor& value);
  void adopt(std::string name, ModuleBase* child, std::shared_ptr<ModuleBase> owner);
  void forget(const ModuleBase* child);
  void check_name(const std::string& name) const;
  bool holds(const ModuleBase* other) const;
  /// Visits this module and all inside, each once, and their tensors (with the module that keeps them), in order of
  /// declaration. Stops at the first `true`, with `path` there.
  bool walk(const Visit& visit, Path& path, Seen& seen) const;
  Path path_from(const ModuleBase* caller) const;
  static std::string name_of(const Path& path);
  std::vector<NamedTensor> tensors(std::string_view prefix, bool parameters, bool buffers) const;

  const std::uint64_t id_ = next_id();  // never used again, unlike an address
  static std::uint64_t next_id();
  bool training_ = true;
  std::vector<Member> members_;
  ModuleBase* parent_ = nullptr;  // the first one that took it in
};

/// The scope of one call; see run().
class ModuleBase::Call {
 public:
  Call(const ModuleBase& module, const SourceLocation& where);
  ~Call();
  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;
  /// Throws the error that is being handled again; it says module and line then.
  [[noreturn]] void throw_again() const;

 private:
  friend class ModuleBase;
  static const Call*& innermost();
  static const ModulePath* path_of(const ModuleBase& module, const ModuleBase* caller);
  const ModuleBase& module_;
  const SourceLocation& where_;
  const Call* const outer_;
  const internal::Scope<const SourceLocation*> place_;
  const ModuleScope scope_;
};

template <class F>
auto ModuleBase::run(const SourceLocation& where, const F& forward) const {
  const Call call(*this, where);
  try {
    return forward();
  } catch (const Error&) {
    call.throw_again();
  }
}

/// A module of one tensor that gives one.
class Module : public ModuleBase {
 public:
  Tensor operator()(const Tensor& x, SourceLocation where = SourceLocation::current()) {
    return run(where, [&] { return forward(x); });
  }
  template <class A, class B, class... More>
  void operator()(const A&, const B&, const More&...) {
    static_assert(sizeof(A) == 0, "a module of several inputs is declared as struct Net : ModuleOf<Net>");
  }

 protected:
  virtual Tensor forward(const Tensor& x);
  Tensor call_with(const Tensor& x, const SourceLocation& where) final { return (*this)(x, where); }
};

/// A module whose public `forward` may take and return anything:
///
///   struct Cell : ModuleOf<Cell> {
///     struct State { Tensor h, c; };
///     State forward(const Tensor& x, const State& before);
///   };
///   State now = cell(x, before);
template <class Self>
class ModuleOf : public ModuleBase {
  using Where = SourceLocation;

 public:
  // A default argument cannot follow a pack, so there is one for each number of arguments.
  auto operator()(Where where = Where::current()) { return call_forward(where); }
  template <class A>
  auto operator()(A&& a, Where where = Where::current()) {
    return call_forward(where, std::forward<A>(a));
  }
  template <class A, class B>
  auto operator()(A&& a, B&& b, Where where = Where::current()) {
    return call_forward(where, std::forward<A>(a), std::forward<B>(b));
  }
  template <class A, class B, class C>
  auto operator()(A&& a, B&& b, C&& c, Where where = Where::current()) {
    return call_forward(where, std::forward<A>(a), std::forward<B>(b), std::forward<C>(c));
  }
  template <class A, class B, class C, class D>
  auto operator()(A&& a, B&& b, C&& c, D&& d, Where where = Where::current()) {
    return call_forward(where, std::forward<A>(a), std::forward<B>(b), std::forward<C>(c), std::forward<D>(d));
  }
  template <class A, class B, class C, class D, class E>
  auto operator()(A&& a, B&& b, C&& c, D&& d, E&& e, Where where = Where::current()) {
    return call_forward(where, std::forward<A>(a), std::forward<B>(b), std::forward<C>(c), std::forward<D>(d),
                        std::forward<E>(e));
  }

 protected:
  Tensor call_with(const Tensor& x, const SourceLocation& where) override {
    if constexpr (requires(Self & self) {
                    { self.forward(x) } -> std::convertible_to<Tensor>;
                  })
      return call_forward(where, x);
    else
      return ModuleBase::call_with(x, where);
  }

 private:
  template <class... A>
  auto call_forward(const SourceLocation& where, A&&... a) {
    auto& self = static_cast<Self&>(*this);
    constexpr bool fits = requires { self.forward(std::forward<A>(a)...); };
    static_assert(fits, "the module has no public forward that takes these arguments");
    if constexpr (fits) return run(where, [&] { return self.forward(std::forward<A>(a)...); });
  }
};

}  // namespace chainrule
