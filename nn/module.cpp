// Registration, names, walking over members.
#include "nn/module.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <memory>
#include <typeinfo>
#include <unordered_set>
#if __has_include(<cxxabi.h>)
#include <cxxabi.h>
#endif

#include "nn/containers.h"

namespace chainrule {
namespace internal {
void throw_no_entry(const char* who, const std::string& which, std::size_t count) {
  throw ValueError(fmt::format("{}: there is no module {} among {}", who, which, count));
}
}  // namespace internal

Parameter::Parameter(ModuleBase& module, std::string name, const Tensor& initial) : Kept(initial) {
  set_requires_grad();
  module.add_tensor(name, ModuleBase::Kind::parameter, *this);
  if (Tensor::label().empty()) Tensor::label(std::move(name));
}

Buffer::Buffer(ModuleBase& module, std::string name, const Tensor& initial) : Kept(initial) {
  if (requires_grad())
    throw ValueError(
        fmt::format("{}: buffer '{}' is trainable; detach() it, or declare a Parameter", module.kind(), name));
  module.add_tensor(std::move(name), ModuleBase::Kind::buffer, *this);
}

std::atomic<std::uint64_t>& ModuleBase::structure() {
  static constinit std::atomic<std::uint64_t> changes{0};
  return changes;
}

std::uint64_t ModuleBase::next_id() {
  static std::atomic<std::uint64_t> last{0};
  return ++last;
}

ModuleBase::ModuleBase(ModuleBase&& other) noexcept : training_(other.training_), members_(std::move(other.members_)) {
  other.members_.clear();
  hooks_ = std::move(other.hooks_);
  for (const auto& known : hooks_)
    if (const auto hook = known.lock()) hook->module = this;
  for (const Member& m : members_)
    if (m.child && m.child->parent_ == &other) m.child->parent_ = this;
  ++structure();
}

// Whichever dies first, a member or the module that lists it, takes itself off the other.
ModuleBase::~ModuleBase() {
  for (const auto& known : hooks_)
    if (const auto hook = known.lock()) hook->module = nullptr;
  for (const Member& m : members_)
    if (m.child && m.child->parent_ == this) m.child->parent_ = nullptr;
  if (parent_) parent_->forget(this);
}

void ModuleBase::forget(const ModuleBase* child) {
  std::erase_if(members_, [&](const Member& m) { return m.child == child && !m.owner; });
  ++structure();
}

// --- registering -----------------------------------------------------------------------------------------------------

void ModuleBase::check_name(const std::string& name) const {
  if (name.empty() || name.find('.') != std::string::npos)
    throw ValueError(fmt::format("{}: a member's name is not empty and has no dot, unlike '{}'", kind(), name));
  if (std::any_of(members_.begin(), members_.end(), [&](const Member& m) { return m.name == name; }))
    throw ValueError(fmt::format("{}: two members are named '{}'", kind(), name));
}

void ModuleBase::add_tensor(std::string name, Kind kind, const internal::Kept& value) {
  check_name(name);
  members_.push_back({std::move(name), kind, value, nullptr, nullptr, value.holder_});
}

void ModuleBase::adopt(std::string name, ModuleBase* child, std::shared_ptr<ModuleBase> owner) {
  check_name(name);
  if (!child) throw ValueError(fmt::format("{}: '{}' is an empty pointer to a module", kind(), name));
  if (child == this || child->holds(this))
    throw ValueError(fmt::format("{}: '{}' ({}) would close a cycle, because it {} this module", kind(), name,
                                 child->kind(), child == this ? "is" : "holds"));
  members_.push_back({std::move(name), Kind::child, Tensor(), child, std::move(owner)});
  if (!child->parent_) child->parent_ = this;
  ++structure();
}

// --- walking ---------------------------------------------------------------------------------------------------------

bool ModuleBase::walk(const Visit& visit, Path& path, Seen& seen) const {
  if (!seen.insert(this).second) return false;
  if (visit(*this, path)) return true;
  for (const Member& m : members_) {
    path.push_back(&m);
    if (m.child ? m.child->walk(visit, path, seen) : visit(*this, path)) return true;
    path.pop_back();
  }
  return false;
}

bool ModuleBase::holds(const ModuleBase* other) const {
  Path path;
  Seen seen;
  return walk([&](const ModuleBase& m, const Path&) { return &m == other; }, path, seen);
}

std::string ModuleBase::name_of(const Path& path) {
  std::string text;
  for (const Member* m : path) text += (text.empty() ? "" : ".") + m->name;
  return text;
}

std::vector<NamedTensor> ModuleBase::tensors(std::string_view prefix, bool parameters, bool buffers) const {
  std::vector<NamedTensor> found;
  std::unordered_set<const TensorImpl*> listed;
  Path path;
  Seen seen;
  walk(
      [&](const ModuleBase&, const Path& at) {
        if (at.empty() || at.back()->kind == Kind::child) return false;
        const Member& m = *at.back();
        if ((m.kind == Kind::parameter ? parameters : buffers) && listed.insert(&m.tensor.impl()).second)
          found.push_back({(prefix.empty() ? "" : std::string(prefix) + ".") + name_of(at), m.tensor});
        return false;
      },
      path, seen);
  return found;
}

std::vector<NamedTensor> ModuleBase::parameters(std::string_view prefix) const { return tensors(prefix, true, false); }
std::vector<NamedTensor> ModuleBase::buffers(std::string_view prefix) const { return tensors(prefix, false, true); }
std::vector<NamedTensor> ModuleBase::state(std::string_view prefix) const { return tensors(prefix, true, true); }

std::vector<NamedModule> ModuleBase::modules() {
  std::vector<NamedModule> found;
  Path path;
  Seen seen;
  walk(
      [&](const ModuleBase& module, const Path& at) {
        if (at.empty())
          found.push_back({"", this});
        else if (at.back()->child == &module)
          found.push_back({name_of(at), at.back()->child});
        return false;
      },
      path, seen);
  return found;
}

std::vector<Alias> ModuleBase::aliases() const {
  std::vector<Alias> found;
  std::map<const void*, std::string> firsts;
  const auto list = [&](const auto& self, const ModuleBase& module, const std::string& prefix) -> void {
    for (const Member& m : module.members_) {
      const void* what = m.child ? static_cast<const void*>(m.child) : &m.tensor.impl();
      const auto [first, is_new] = firsts.try_emplace(what, prefix + m.name);
      if (!is_new)
        found.push_back({prefix + m.name, first->second});
      else if (m.child)
        self(self, *m.child, prefix + m.name + ".");
    }
  };
  list(list, *this, "");
  return found;
}

std::int64_t ModuleBase::parameter_count() const {
  std::int64_t count = 0;
  for (const NamedTensor& p : parameters()) count += p.tensor.numel();
  return count;
}

void ModuleBase::zero_grad() {
  for (NamedTensor& p : parameters()) p.tensor.zero_grad();
}

void ModuleBase::train(bool on) {
  for (const NamedModule& m : modules()) m.module->training_ = on;
}

std::string ModuleBase::kind() const {
  std::string name = typeid(*this).name();
#if __has_include(<cxxabi.h>)
  int status = 0;
  const std::unique_ptr<char, void (*)(void*)> readable(abi::__cxa_demangle(name.c_str(), nullptr, nullptr, &status),
                                                        std::free);  // freed also when the copy finds no memory
  if (readable) name = readable.get();
#endif
  // "chainrule::Child<chainrule::ModuleList<chainrule::Linear> >" is a ModuleList to its reader.
  const std::string child = "chainrule::Child<";
  if (name.starts_with(child)) name = name.substr(child.size(), name.rfind('>') - child.size());
  if (const auto open = name.find('<'); open != std::string::npos) name = name.substr(0, open);
  if (const auto colon = name.rfind("::"); colon != std::string::npos) name = name.substr(colon + 2);
  return name;
}

// --- containers ------------------------------------------------------------------------------------------------------

void Sequential::append(std::shared_ptr<ModuleBase> module) {
  modules_.push_back(add_child(std::to_string(modules_.size()), std::move(module)));
}

Tensor Sequential::forward(const Tensor& x) {
  Tensor y = x;
  for (const auto& module : modules_) y = call(*module, y, called_from());
  return y;
}

}  // namespace chainrule
