// The optimizers of the first set. Hyper-parameters are checked here, in release builds too; the loops are in
// ops/kernels/network/update.h.
#include "optim/optimizer.h"

#include <fmt/format.h>

#include <cmath>
#include <set>

#include "engine/factory.h"
#include "engine/scopes.h"
#include "engine/types/error.h"
#include "ops/kernels/network/update.h"

namespace chainrule {
namespace {

void check(bool ok, const char* who, const char* argument, double value, const char* range) {
  if (!ok || !std::isfinite(value))
    throw ValueError(fmt::format("{}: {} must be {}, not {}", who, argument, range, value));
}

void check_lr(const char* who, double lr) { check(lr >= 0, who, "lr", lr, "a finite number of at least 0"); }

}  // namespace

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

Optimizer::Optimizer(std::vector<NamedTensor> parameters, const char* who) : parameters_(std::move(parameters)) {
  std::set<std::string> names;
  std::map<const TensorImpl*, std::string> seen;
  for (const NamedTensor& p : parameters_) {
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
      throw ValueError(fmt::format("{}: '{}' is {}, which cannot be trained", who, p.name, name_of(p.tensor.dtype())));
    if (!p.tensor.is_contiguous()) throw ValueError(fmt::format("{}: '{}' is not contiguous", who, p.name));
  }
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
  for (NamedTensor& p : parameters_)
    if (p.tensor.requires_grad() && p.tensor.has_grad()) update(p.name, p.tensor, dense(p.tensor.grad()), where);
}

Sgd::Sgd(Trainables parameters, Options o) : Optimizer(std::move(parameters).take(), "Sgd"), options_(o) {
  check_lr("Sgd", o.lr);
  check(o.momentum >= 0 && o.momentum < 1, "Sgd", "momentum", o.momentum, "in [0, 1)");
  check(o.weight_decay >= 0, "Sgd", "weight_decay", o.weight_decay, "a finite number of at least 0");
  if (o.nesterov) check(o.momentum > 0, "Sgd", "momentum", o.momentum, "above 0 with nesterov");
}

void Sgd::set_lr(double lr) {
  check_lr("Sgd", lr);
  options_.lr = lr;
}

void Sgd::update(const std::string& name, Tensor& parameter, const Tensor& gradient, const SourceLocation& where) {
  void* velocity = nullptr;
  bool first = false;
  if (options_.momentum > 0) {
    auto [place, made] = velocity_.try_emplace(name);
    if (made) place->second = zeros(parameter.shape(), {.dtype = parameter.dtype()});
    first = made;
    velocity = place->second.impl().data;
  }
  kernels::sgd(parameter.dtype(), parameter.mutable_data("Sgd::step", where), gradient.data(), velocity,
               parameter.numel(),
               {.lr = options_.lr,
                .momentum = options_.momentum,
                .weight_decay = options_.weight_decay,
                .nesterov = options_.nesterov,
                .first = first});
}

Adam::Adam(Trainables parameters, Options o) : Optimizer(std::move(parameters).take(), "Adam"), options_(o) {
  check_lr("Adam", o.lr);
  check(o.beta1 >= 0 && o.beta1 < 1, "Adam", "beta1", o.beta1, "in [0, 1)");
  check(o.beta2 >= 0 && o.beta2 < 1, "Adam", "beta2", o.beta2, "in [0, 1)");
  check(o.eps > 0, "Adam", "eps", o.eps, "a finite number above 0");
  check(o.weight_decay >= 0, "Adam", "weight_decay", o.weight_decay, "a finite number of at least 0");
}

void Adam::set_lr(double lr) {
  check_lr("Adam", lr);
  options_.lr = lr;
}

void Adam::update(const std::string& name, Tensor& parameter, const Tensor& gradient, const SourceLocation& where) {
  State& s = state_[name];
  if (s.step++ == 0) {
    s.m = zeros(parameter.shape(), {.dtype = parameter.dtype()});
    s.v = zeros(parameter.shape(), {.dtype = parameter.dtype()});
  }
  kernels::adam(parameter.dtype(), parameter.mutable_data("Adam::step", where), gradient.data(), s.m.impl().data,
                s.v.impl().data, parameter.numel(),
                {.lr = options_.lr,
                 .beta1 = options_.beta1,
                 .beta2 = options_.beta2,
                 .epsilon = options_.eps,
                 .weight_decay = options_.weight_decay,
                 .step = s.step});
}

}  // namespace chainrule
