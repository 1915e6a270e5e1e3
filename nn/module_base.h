// ModuleBase: what every module is, whatever its forward takes. Networks derive from Module or ModuleOf, in module.h.
#pragma once

#include <atomic>
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
#include "nn/hooks.h"

namespace chainrule {

namespace internal {
class Kept;
struct Members;
}  // namespace internal

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
  /// What it was made with, for printing and errors: "stride=2, padding=1". Sizes that its parameters show may be left
  /// out.
  virtual std::string arguments() const { return {}; }

  /// Calls `hook` after each forward, with the tensors that went in and that come out; outputs that it assigns take
  /// the place of those. Tensors are found in arguments and results that are a Tensor, or a struct, vector or optional
  /// of them. The hook ends with the handle, and does nothing once the module is gone.
  HookHandle register_forward_hook(ForwardHook hook);
  /// Calls `hook` in every backward with the gradient of each output of each call; what it returns, if defined, takes
  /// the gradient's place. Of a module that returns its input, that is the gradient of the input.
  HookHandle register_gradient_hook(GradientHook hook);

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
  template <class F, class... A>
  auto run(const SourceLocation& where, const F& forward, const A&... arguments);
  /// The module as one step of a Sequential.
  virtual Tensor call_with(const Tensor& x, const SourceLocation& where);
  static Tensor call(ModuleBase& module, const Tensor& x, const SourceLocation& where) {
    return module.call_with(x, where);
  }

 private:
  friend class Parameter;
  friend class Buffer;
  friend struct internal::Members;
  template <class M>
  friend class Child;
  enum class Kind { parameter, buffer, child };
  struct Member {
    std::string name;
    Kind kind;
    Tensor tensor;
    ModuleBase* child = nullptr;
    std::shared_ptr<ModuleBase> owner{};        // none for a Child, which is a member of somebody
    std::shared_ptr<internal::Kept*> holder{};  // where the Parameter or Buffer stands; null when it is gone
  };
  class Call;
  /// Down from a module: names of modules, at the end maybe that of a tensor.
  using Path = std::vector<const Member*>;
  using Seen = std::unordered_set<const ModuleBase*>;
  using Visit = std::function<bool(const ModuleBase&, const Path&)>;

  void add_tensor(std::string name, Kind kind, const internal::Kept& value);
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

  /// Grows whenever any module takes in or loses a child: paths that were found before may have changed.
  static std::atomic<std::uint64_t>& structure();
  const std::uint64_t id_ = next_id();  // never used again, unlike an address
  static std::uint64_t next_id();
  bool training_ = true;
  std::vector<Member> members_;
  std::vector<std::weak_ptr<internal::ModuleHook>> hooks_;
  HookHandle add_hook(internal::ModuleHook hook);
  void call_hooks(std::span<const Tensor> inputs, std::span<Tensor* const> outputs);
  ModuleBase* parent_ = nullptr;  // the first one that took it in
};

/// The scope of one call; see run().
class ModuleBase::Call {
 public:
  Call(const ModuleBase& module, const SourceLocation& where);
  ~Call();
  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;
  /// Throws the error that is being handled again; it says module, line and what went in then.
  [[noreturn]] void throw_again(std::span<const Tensor> inputs) const;

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

template <class F, class... A>
auto ModuleBase::run(const SourceLocation& where, const F& forward, const A&... arguments) {
  using Result = decltype(forward());
  const Call call(*this, where);
  try {
    if (hooks_.empty()) [[likely]]
      return forward();
    const std::vector<Tensor> inputs = internal::tensors_in(arguments...);
    std::vector<Tensor*> outputs;
    if constexpr (std::is_void_v<Result>) {
      forward();
      call_hooks(inputs, outputs);
    } else {
      Result result = forward();
      internal::each_tensor(result, [&](Tensor& y) { outputs.push_back(&y); });
      call_hooks(inputs, outputs);
      return result;
    }
  } catch (const Error&) {
    call.throw_again(internal::tensors_in(arguments...));
  }
}

}  // namespace chainrule
