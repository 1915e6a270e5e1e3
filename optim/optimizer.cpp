// The base of all optimizers. Hyper-parameters are checked in release builds, too; the loops are in
// ops/kernels/network/update.h.
#include "optim/optimizer.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "engine/factory.h"
#include "engine/format.h"
#include "engine/scopes.h"
#include "engine/tensor_impl.h"
#include "engine/types/error.h"
#include "optim/arguments.h"

namespace chainrule {

namespace optim {

void expect(bool ok, const char* who, const char* argument, double value, const char* range) {
  if (!ok || !std::isfinite(value))
    throw ValueError(fmt::format("{}: {} must be {}, not {}", who, argument, range, value));
}
void expect_not_negative(const char* who, const char* argument, double value) {
  expect(value >= 0, who, argument, value, "a finite number of at least 0");
}
void expect_positive(const char* who, const char* argument, double value) {
  expect(value > 0, who, argument, value, "a finite number above 0");
}
void expect_fraction(const char* who, const char* argument, double value) {
  expect(value >= 0 && value < 1, who, argument, value, "in [0, 1)");
}

kernels::UpdateMemory memory_of(Tensor& parameter, const Tensor& gradient, const std::vector<Tensor>& slots,
                                const char* writer, const SourceLocation& where) {
  kernels::UpdateMemory memory{.dtype = parameter.dtype(),
                               .parameter = parameter.mutable_data(writer, where),
                               .gradient = gradient.data(),
                               .n = parameter.numel()};
  for (std::size_t i = 0; i < slots.size() && i < memory.slots.size(); ++i) memory.slots[i] = slots[i].impl().data;
  return memory;
}

void expect_same(const std::string& who, const std::vector<NamedTensor>& expected,
                 const std::vector<NamedTensor>& given) {
  std::map<std::string, const Tensor*> here;
  for (const NamedTensor& t : expected) here[t.name] = &t.tensor;
  std::set<std::string> seen;
  std::vector<std::string> missing, unexpected, wrong;
  for (const NamedTensor& t : given) {
    const auto place = here.find(t.name);
    if (!seen.insert(t.name).second) {
      wrong.push_back(fmt::format("{} is there twice", t.name));
    } else if (place == here.end()) {
      unexpected.push_back(t.name);
    } else if (!t.tensor.defined()) {
      wrong.push_back(fmt::format("{} is an empty handle", t.name));
    } else if (t.tensor.shape() != place->second->shape()) {
      wrong.push_back(fmt::format("{} has shape {} and not {}", t.name, t.tensor.shape(), place->second->shape()));
    } else if (t.tensor.dtype() != place->second->dtype()) {
      wrong.push_back(fmt::format("{} is {} and not {}", t.name, t.tensor.dtype(), place->second->dtype()));
    }
  }
  for (const NamedTensor& t : expected)
    if (!seen.contains(t.name)) missing.push_back(t.name);
  if (missing.empty() && unexpected.empty() && wrong.empty()) return;
  std::string text = fmt::format("{}: this state does not fit, and nothing was changed", who);
  if (!missing.empty()) text += fmt::format("; missing: {}", fmt::join(missing, ", "));
  if (!unexpected.empty()) text += fmt::format("; unexpected: {}", fmt::join(unexpected, ", "));
  if (!wrong.empty()) text += fmt::format("; {}", fmt::join(wrong, "; "));
  throw ValueError(text);
}

}  // namespace optim

Trainables::Trainables(const std::vector<Tensor>& tensors) {
  for (std::size_t i = 0; i < tensors.size(); ++i) list_.push_back({std::to_string(i), tensors[i]});
}

std::vector<NamedTensor> join(const std::vector<NamedGroup>& groups) {
  std::vector<NamedTensor> all;
  std::set<const TensorImpl*> seen;
  for (const NamedGroup& group : groups)
    for (const NamedTensor& p : group.parameters)
      if (seen.insert(p.tensor.ref().get()).second) all.push_back({group.prefix + "." + p.name, p.tensor});
  return all;
}

Optimizer::Optimizer(std::string name, std::vector<GroupOfParameters> groups) : name_(std::move(name)) {
  const std::string& who = name_;
  if (groups.empty()) throw ValueError(fmt::format("{}: there is no group of parameters", who));
  std::set<std::string> names;
  std::map<const TensorImpl*, std::string> seen;
  for (GroupOfParameters& group : groups) {
    if (std::find(group_names_.begin(), group_names_.end(), group.name) != group_names_.end())
      throw ValueError(fmt::format("{}: two groups are named '{}'", who, group.name));
    for (NamedTensor& p : group.parameters) {
      if (!group.name.empty()) p.name = group.name + "." + p.name;
      if (!p.tensor.defined()) throw ValueError(fmt::format("{}: '{}' is an empty tensor handle", who, p.name));
      if (!names.insert(p.name).second)
        throw ValueError(
            fmt::format("{}: two parameters are named '{}', and state is kept by name; "
                        "join({{{{\"a\", a.parameters()}}, {{\"b\", b.parameters()}}}}) puts prefixes in front",
                        who, p.name));
      if (const auto [first, is_new] = seen.try_emplace(&p.tensor.impl(), p.name); !is_new)
        throw ValueError(fmt::format("{}: '{}' and '{}' are one tensor, which would be changed twice a step", who,
                                     first->second, p.name));
      if (!p.tensor.is_leaf())
        throw ValueError(fmt::format("{}: '{}' is the result of an operation, not a leaf", who, p.name));
      if (!is_floating(p.tensor.dtype()))
        throw ValueError(
            fmt::format("{}: '{}' is {}, which cannot be trained", who, p.name, name_of(p.tensor.dtype())));
      if (!p.tensor.is_contiguous()) throw ValueError(fmt::format("{}: '{}' is not contiguous", who, p.name));
      parameters_.push_back(p);
      group_of_.push_back(group_names_.size());
    }
    group_names_.push_back(group.name);
  }
  states_.resize(parameters_.size());
}

void Optimizer::zero_grad() {
  for (NamedTensor& p : parameters_) p.tensor.zero_grad();
}

std::vector<std::string> Optimizer::frozen() const {
  std::vector<std::string> names;
  for (const NamedTensor& p : parameters_)
    if (!p.tensor.requires_grad()) names.push_back(p.name);
  return names;
}

void Optimizer::step(SourceLocation where) {
  const NoGrad in_place;
  // What can fail, for want of memory or because a dtype changed, comes before the first change.
  gradients_.assign(parameters_.size(), Tensor());
  for (std::size_t i = 0; i < parameters_.size(); ++i) {
    Tensor& parameter = parameters_[i].tensor;
    if (!parameter.requires_grad() || !parameter.has_grad()) continue;
    State& state = states_[i];
    Tensor gradient = dense(parameter.grad());
    if (state.step == 0) state.slots = fresh_slots(i);
    if (gradient.dtype() != parameter.dtype() || (!state.slots.empty() && state.slots[0].dtype() != parameter.dtype()))
      throw ValueError(fmt::format("{}: '{}' is {} now; its gradient or its state is not, so make a new optimizer",
                                   name_, parameters_[i].name, parameter.dtype()));
    // The buffers that will be written.
    internal::move_outside(parameter.impl());
    for (Tensor& slot : state.slots) internal::move_outside(slot.impl());
    gradients_[i] = std::move(gradient);
  }
  for (std::size_t i = 0; i < parameters_.size(); ++i) {
    if (!gradients_[i].defined()) continue;
    State& state = states_[i];
    update(group_of_[i], {parameters_[i].tensor, gradients_[i], state.slots, ++state.step, where});
    gradients_[i] = Tensor();  // freed at once, for the next forward
  }
}

Tensor Optimizer::step(const std::function<Tensor()>& closure, SourceLocation where) {
  Tensor loss = closure();
  step(where);
  return loss;
}

// --- rates ----------------------------------------------------------------------------------------------------------

std::vector<std::string> Optimizer::groups() const { return group_names_; }

std::size_t Optimizer::index_of(std::string_view group) const {
  for (std::size_t i = 0; i < group_names_.size(); ++i)
    if (group_names_[i] == group) return i;
  throw ValueError(
      fmt::format("{}: there is no group '{}'; there are '{}'", name_, group, fmt::join(group_names_, "', '")));
}

void Optimizer::set_lr(double lr) {
  for (const std::string& group : group_names_) set_lr(lr, group);
}

void Optimizer::set_lr(double lr, std::string_view group) {
  const std::size_t i = index_of(group);
  set_rate(i, lr);
  if (!full_rates_.empty()) full_rates_[i] = lr;
}

void Optimizer::scale_lr(double factor) {
  optim::expect_not_negative(name_.c_str(), "the factor of the learning rate", factor);
  if (full_rates_.empty())
    for (std::size_t i = 0; i < group_names_.size(); ++i) full_rates_.push_back(rate(i));
  for (std::size_t i = 0; i < group_names_.size(); ++i) set_rate(i, full_rates_[i] * factor);
}

// --- state ----------------------------------------------------------------------------------------------------------

std::vector<Tensor> Optimizer::fresh_slots(std::size_t parameter) const {
  const Tensor& p = parameters_[parameter].tensor;
  std::vector<Tensor> fresh;
  for (const Slot& slot : slots(group_of_[parameter]))
    fresh.push_back(slot.is_number ? full({}, slot.first, {.dtype = DType::float64})
                                   : full(p.shape(), slot.first, {.dtype = p.dtype()}));
  return fresh;
}

std::vector<NamedTensor> Optimizer::state() const {
  std::vector<NamedTensor> list;
  for (std::size_t i = 0; i < parameters_.size(); ++i) {
    const State& state = states_[i];
    const std::string prefix = parameters_[i].name + ".";
    list.push_back({prefix + "step", from_vector({state.step}, {})});
    if (state.step == 0) continue;  // a first step may have failed after it had made slots
    const auto names = slots(group_of_[i]);
    for (std::size_t k = 0; k < state.slots.size(); ++k)
      list.push_back({prefix + names[k].name, internal::copied(state.slots[k])});
  }
  return list;
}

void Optimizer::load_state(const std::vector<NamedTensor>& given) {
  std::map<std::string, Tensor> by_name;
  for (const NamedTensor& t : given) by_name[t.name] = t.tensor;
  std::vector<NamedTensor> expected;
  std::vector<State> loaded(parameters_.size());
  for (std::size_t i = 0; i < parameters_.size(); ++i) {
    const std::string prefix = parameters_[i].name + ".";
    expected.push_back({prefix + "step", from_vector({std::int64_t{0}}, {})});
    const auto step = by_name.find(prefix + "step");
    const bool counted = step != by_name.end() && step->second.defined() && step->second.dtype() == DType::int64 &&
                         step->second.numel() == 1;
    if (counted) loaded[i].step = *step->second.data<std::int64_t>();
    if (loaded[i].step < 0)
      throw ValueError(fmt::format("{}: '{}step' is {}; nothing was changed", name_, prefix, loaded[i].step));
    if (counted && loaded[i].step == 0) continue;  // it never had a gradient, so that nothing is kept
    const auto names = slots(group_of_[i]);
    const auto fresh = fresh_slots(i);
    for (std::size_t k = 0; k < names.size(); ++k) expected.push_back({prefix + names[k].name, fresh[k]});
  }
  optim::expect_same(name_, expected, given);
  for (std::size_t i = 0; i < parameters_.size(); ++i)
    if (loaded[i].step > 0)
      for (const Slot& slot : slots(group_of_[i]))
        loaded[i].slots.push_back(internal::copied(by_name.at(parameters_[i].name + "." + slot.name)));
  states_ = std::move(loaded);
}

}  // namespace chainrule
