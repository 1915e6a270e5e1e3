// Calling modules: the scope of a call with its path, hooks, and the place in errors.
#include <fmt/format.h>

#include <map>
#include <tuple>

#include "nn/parameter.h"

namespace chainrule {

/// The innermost call that runs on this thread.
const ModuleBase::Call*& ModuleBase::Call::innermost() {
  static constinit thread_local const Call* call = nullptr;
  return call;
}

ModuleBase::Call::Call(const ModuleBase& module, const SourceLocation& where)
    : module_(module),
      where_(where),
      outer_(innermost()),
      place_(&ThreadState::module_call, &where),
      scope_(path_of(module, outer_ ? &outer_->module_ : nullptr)) {
  innermost() = this;
}
ModuleBase::Call::~Call() { innermost() = outer_; }

/// The names by which `module` is reached: inside the one that calls it, else from the root of its own tree.
ModuleBase::Path ModuleBase::path_from(const ModuleBase* caller) const {
  Path path;
  Seen seen;
  if (caller && caller->walk([&](const ModuleBase& m, const Path&) { return &m == this; }, path, seen)) return path;
  path.clear();
  for (const ModuleBase *m = this, *parent = parent_; parent; m = parent, parent = parent->parent_)
    for (const Member& member : parent->members_)
      if (member.child == m) {
        path.insert(path.begin(), &member);
        break;
      }
  return path;
}

// Found once for each place from which a module is called: the walk and the count take longer than a small layer.
const ModulePath* ModuleBase::Call::path_of(const ModuleBase& module, const ModuleBase* caller) {
  struct Found {
    std::uint64_t structure = 0;
    std::map<std::tuple<std::uint64_t, std::uint64_t, const ModulePath*>, const ModulePath*> paths;
  };
  static thread_local Found found;
  if (const std::uint64_t now = structure().load(std::memory_order_relaxed); found.structure != now) {
    found.paths.clear();
    found.structure = now;
  }
  const ModulePath* outer = thread_state().module;
  const auto [place, is_new] = found.paths.try_emplace({module.id_, caller ? caller->id_ : 0, outer}, outer);
  if (is_new) {
    for (const Member* m : module.path_from(caller)) {
      const ModuleScope so_far(place->second);
      place->second = path_of_module(m->name, m->child->kind(), m->child->parameter_count());
    }
  }
  return place->second;
}

void ModuleBase::Call::throw_again(std::span<const Tensor> inputs) const {
  const ModulePath* path = thread_state().module;
  const std::string kind = module_.kind();
  std::string got, has;
  for (const Tensor& x : inputs) got += (got.empty() ? "" : ", ") + to_string(x.shape());
  for (const Member& m : module_.members_)
    if (!m.child) has += fmt::format("{}{} {}", has.empty() ? "" : ", ", m.name, to_string(m.tensor.shape()));
  const std::string arguments = module_.arguments();
  std::string made = arguments.empty() && has.empty() ? "" : "; " + kind;
  if (!arguments.empty()) made += "(" + arguments + ")";
  internal::throw_again_in(fmt::format("in {}{}", path ? fmt::format("{} ({})", path->full(), kind) : kind,
                                       where_.line() ? fmt::format(", called at {}", to_string(where_)) : ""),
                           (got.empty() ? "" : "; input " + got) + made + (has.empty() ? "" : " has " + has));
}

const SourceLocation& ModuleBase::called_from() {
  static constexpr SourceLocation kUnknown;
  const SourceLocation* where = thread_state().module_call;
  return where ? *where : kUnknown;
}

Tensor ModuleBase::call_with(const Tensor&, const SourceLocation&) {
  throw ValueError(fmt::format("{}: this module has no forward of one tensor", kind()));
}

Tensor Module::forward(const Tensor&) {
  throw ValueError(fmt::format("{}: this module has no forward of one tensor", kind()));
}

// --- hooks -----------------------------------------------------------------------------------------------------------

HookHandle ModuleBase::add_hook(internal::ModuleHook hook) {
  auto owned = std::make_shared<internal::ModuleHook>(std::move(hook));
  owned->module = this;
  std::erase_if(hooks_, [](const auto& h) { return h.expired(); });
  hooks_.emplace_back(owned);
  return HookHandle(owned);
}

HookHandle ModuleBase::register_forward_hook(ForwardHook hook) {
  if (!hook) throw ValueError(fmt::format("{}: register_forward_hook needs a function", kind()));
  return add_hook({.forward = std::move(hook)});
}

HookHandle ModuleBase::register_gradient_hook(GradientHook hook) {
  if (!hook) throw ValueError(fmt::format("{}: register_gradient_hook needs a function", kind()));
  return add_hook({.gradient = std::move(hook)});
}

void ModuleBase::call_hooks(std::span<const Tensor> inputs, std::span<Tensor* const> outputs) {
  std::erase_if(hooks_, [](const auto& h) { return h.expired(); });
  const auto hooks = hooks_;  // a hook may register others, which take part from the next call on
  for (const auto& known : hooks) {
    const std::shared_ptr<internal::ModuleHook> hook = known.lock();
    if (!hook || !hook->forward) continue;
    std::vector<Tensor> values;
    for (const Tensor* y : outputs) values.push_back(*y);
    hook->forward(*this, inputs, values);
    for (std::size_t i = 0; i < outputs.size(); ++i) *outputs[i] = values[i];
  }
  // After all of the others: the gradient is that of what really comes out.
  for (const auto& known : hooks) {
    const std::shared_ptr<internal::ModuleHook> hook = known.lock();
    if (!hook || !hook->gradient) continue;
    for (std::size_t i = hook->at_output.size(); i < outputs.size(); ++i)
      hook->at_output.push_back(
          std::make_shared<std::function<Tensor(const Tensor&)>>([h = hook.get(), i](const Tensor& gradient) {
            return h->module ? h->gradient(*h->module, i, gradient) : Tensor();
          }));
    for (std::size_t i = 0; i < outputs.size(); ++i)
      if (outputs[i]->requires_grad()) internal::meta_of(*outputs[i]).hooks.emplace_back(hook->at_output[i]);
  }
}

}  // namespace chainrule
