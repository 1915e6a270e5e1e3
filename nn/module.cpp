// Registration, names and walking over parameters.
#include "nn/module.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <typeinfo>
#if __has_include(<cxxabi.h>)
#include <cxxabi.h>
#endif

#include "engine/types/error.h"

namespace chainrule {

Parameter::Parameter(Module& module, std::string name, const Tensor& initial) : Tensor(initial) {
  set_requires_grad();
  module.add_parameter(name, *this);
  label(std::move(name));
}

void Module::check_name(const std::string& name) const {
  if (name.empty() || name.find('.') != std::string::npos)
    throw ValueError(fmt::format("{}: a member's name is not empty and has no dot, unlike '{}'", kind(), name));
  const bool taken = std::any_of(own_.begin(), own_.end(), [&](const auto& p) { return p.name == name; }) ||
                     std::any_of(children_.begin(), children_.end(), [&](const Module* m) { return m->name_ == name; });
  if (taken) throw ValueError(fmt::format("{}: two members are named '{}'", kind(), name));
}

void Module::add_parameter(std::string name, const Tensor& value) {
  check_name(name);
  own_.push_back({std::move(name), value});
}

void Module::add_child(std::string name, Module& child) {
  check_name(name);
  child.name_ = std::move(name);
  children_.push_back(&child);
}

void Module::collect(const std::string& prefix, std::vector<NamedTensor>& found) const {
  for (const NamedTensor& p : own_) {
    const bool known = std::any_of(found.begin(), found.end(), [&](const auto& f) { return f.tensor.is(p.tensor); });
    if (!known) found.push_back({prefix + p.name, p.tensor});
  }
  for (const Module* child : children_) child->collect(prefix + child->name_ + ".", found);
}

std::vector<NamedTensor> Module::parameters() const {
  std::vector<NamedTensor> found;
  collect("", found);
  return found;
}

std::int64_t Module::parameter_count() const {
  std::int64_t count = 0;
  for (const NamedTensor& p : parameters()) count += p.tensor.numel();
  return count;
}

void Module::zero_grad() {
  for (NamedTensor& p : parameters()) p.tensor.zero_grad();
}

void Module::train(bool on) {
  training_ = on;
  for (Module* child : children_) child->train(on);
}

std::string Module::kind() const {
  std::string name = typeid(*this).name();
#if __has_include(<cxxabi.h>)
  int status = 0;
  if (char* readable = abi::__cxa_demangle(name.c_str(), nullptr, nullptr, &status)) {
    name = readable;
    std::free(readable);
  }
#endif
  // "chainrule::Child<chainrule::Linear>" is a Linear to its reader.
  if (const auto open = name.find("Child<"); open != std::string::npos)
    name = name.substr(open + 6, name.rfind('>') - open - 6);
  if (const auto colon = name.rfind("::"); colon != std::string::npos) name = name.substr(colon + 2);
  return name;
}

ModuleScope Module::enter() const {
  const ModulePath* parent = thread_state().module;
  if (name_.empty()) return ModuleScope(parent);
  if (!path_ || parent != parent_path_) {
    parent_path_ = parent;
    path_ = path_of_module(name_, kind(), parameter_count());
  }
  return ModuleScope(path_);
}

const SourceLocation& Module::called_from() {
  static constexpr SourceLocation kUnknown;
  const SourceLocation* where = thread_state().module_call;
  return where ? *where : kUnknown;
}

Tensor Module::operator()(const Tensor& x, SourceLocation where) {
  const internal::Scope<const SourceLocation*> call(&ThreadState::module_call, &where);
  const ModuleScope scope = enter();
  return forward(x);
}

Tensor Module::forward(const Tensor&) {
  throw ValueError(fmt::format("{}: this module has no forward of one tensor", kind()));
}

}  // namespace chainrule
