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

}  // namespace

Optimizer::Optimizer(std::vector<NamedTensor> parameters, const char* who) : parameters_(std::move(parameters)) {
  std::set<std::string> names;
  for (const NamedTensor& p : parameters_) {
    if (!names.insert(p.name).second)
      throw ValueError(fmt::format("{}: two parameters are named '{}'; state is kept by name", who, p.name));
    if (!p.tensor.is_leaf() || !p.tensor.requires_grad())
      throw ValueError(fmt::format("{}: '{}' is not a trainable leaf", who, p.name));
    if (!p.tensor.is_contiguous()) throw ValueError(fmt::format("{}: '{}' is not contiguous", who, p.name));
  }
}

void Optimizer::zero_grad() {
  for (NamedTensor& p : parameters_) p.tensor.zero_grad();
}

void Optimizer::step() {
  const NoGrad in_place;
  for (NamedTensor& p : parameters_)
    if (p.tensor.has_grad()) update(p.name, p.tensor, dense(p.tensor.grad()));
}

Sgd::Sgd(std::vector<NamedTensor> parameters, Options o) : Optimizer(std::move(parameters), "Sgd"), options_(o) {
  check(o.lr >= 0, "Sgd", "lr", o.lr, "a finite number of at least 0");
  check(o.momentum >= 0 && o.momentum < 1, "Sgd", "momentum", o.momentum, "in [0, 1)");
  check(o.weight_decay >= 0, "Sgd", "weight_decay", o.weight_decay, "a finite number of at least 0");
  if (o.nesterov) check(o.momentum > 0, "Sgd", "momentum", o.momentum, "above 0 with nesterov");
}

void Sgd::update(const std::string& name, Tensor& parameter, const Tensor& gradient) {
  void* velocity = nullptr;
  bool first = false;
  if (options_.momentum > 0) {
    auto [place, made] = velocity_.try_emplace(name);
    if (made) place->second = zeros(parameter.shape(), {.dtype = parameter.dtype()});
    first = made;
    velocity = place->second.impl().data;
  }
  kernels::sgd(parameter.dtype(), parameter.mutable_data("Sgd::step"), gradient.data(), velocity, parameter.numel(),
               {.lr = options_.lr,
                .momentum = options_.momentum,
                .weight_decay = options_.weight_decay,
                .nesterov = options_.nesterov,
                .first = first});
}

Adam::Adam(std::vector<NamedTensor> parameters, Options o) : Optimizer(std::move(parameters), "Adam"), options_(o) {
  check(o.lr >= 0, "Adam", "lr", o.lr, "a finite number of at least 0");
  check(o.beta1 >= 0 && o.beta1 < 1, "Adam", "beta1", o.beta1, "in [0, 1)");
  check(o.beta2 >= 0 && o.beta2 < 1, "Adam", "beta2", o.beta2, "in [0, 1)");
  check(o.eps > 0, "Adam", "eps", o.eps, "a finite number above 0");
  check(o.weight_decay >= 0, "Adam", "weight_decay", o.weight_decay, "a finite number of at least 0");
}

void Adam::update(const std::string& name, Tensor& parameter, const Tensor& gradient) {
  State& s = state_[name];
  if (s.step++ == 0) {
    s.m = zeros(parameter.shape(), {.dtype = parameter.dtype()});
    s.v = zeros(parameter.shape(), {.dtype = parameter.dtype()});
  }
  kernels::adam(parameter.dtype(), parameter.mutable_data("Adam::step"), gradient.data(), s.m.impl().data,
                s.v.impl().data, parameter.numel(),
                {.lr = options_.lr,
                 .beta1 = options_.beta1,
                 .beta2 = options_.beta2,
                 .epsilon = options_.eps,
                 .weight_decay = options_.weight_decay,
                 .step = s.step});
}

}  // namespace chainrule
