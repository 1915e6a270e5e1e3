// Adam and its relatives: the rates of one step, bias corrections included; the loops are kernels::adam and adamax.
#include "optim/adam.h"

#include <cmath>

#include "optim/arguments.h"

namespace chainrule {

using namespace optim;

namespace {

template <class Options>
void check_moments(const char* who, const Options& o) {
  expect_not_negative(who, "lr", o.lr);
  expect_fraction(who, "beta1", o.beta1);
  expect_fraction(who, "beta2", o.beta2);
  expect_positive(who, "eps", o.eps);
  expect_not_negative(who, "weight_decay", o.weight_decay);
}

/// 1 - beta^t.
double correction(double beta, std::int64_t t) { return 1 - std::pow(beta, static_cast<double>(t)); }

/// What the step of Adam has in common with those of its relatives.
template <class Options>
kernels::AdamStep adam_step(const Options& o, std::int64_t t, double weight_decay) {
  return {.sign = o.maximize ? -1.0 : 1.0,
          .weight_decay = weight_decay,
          .beta1 = o.beta1,
          .beta2 = o.beta2,
          .rate = o.lr / correction(o.beta1, t),
          .root = 1 / std::sqrt(correction(o.beta2, t)),
          .epsilon = o.eps};
}

}  // namespace

void Adam::check(const Options& o) { check_moments(kName, o); }

std::vector<Optimizer::Slot> Adam::kept(const Options& o) {
  std::vector<Slot> slots{{"exp_avg"}, {"exp_avg_sq"}};
  if (o.amsgrad) slots.push_back({"max_exp_avg_sq"});
  return slots;
}

void Adam::change(const Update& u, const Options& o) {
  auto step = adam_step(o, u.step, decay_of(u.parameter, o.weight_decay, o.decay_biases));
  if (o.epsilon_hat) {
    step.rate /= step.root;
    step.root = 1;
  }
  kernels::adam(memory_of(u.parameter, u.gradient, u.slots, "Adam::step", u.where), step);
}

void AdamW::check(const Options& o) { check_moments(kName, o); }

std::vector<Optimizer::Slot> AdamW::kept(const Options& o) {
  std::vector<Slot> slots{{"exp_avg"}, {"exp_avg_sq"}};
  if (o.amsgrad) slots.push_back({"max_exp_avg_sq"});
  return slots;
}

void AdamW::change(const Update& u, const Options& o) {
  auto step = adam_step(o, u.step, 0);
  step.shrink = 1 - o.lr * decay_of(u.parameter, o.weight_decay, o.decay_biases);
  kernels::adam(memory_of(u.parameter, u.gradient, u.slots, "AdamW::step", u.where), step);
}

void NAdam::check(const Options& o) {
  check_moments(kName, o);
  expect_not_negative(kName, "momentum_decay", o.momentum_decay);
}

std::vector<Optimizer::Slot> NAdam::kept(const Options&) {
  return {{"exp_avg"}, {"exp_avg_sq"}, {.name = "mu_product", .first = 1, .is_number = true}};
}

void NAdam::change(const Update& u, const Options& o) {
  const auto t = static_cast<double>(u.step);
  const double mu = o.beta1 * (1 - 0.5 * std::pow(0.96, t * o.momentum_decay));
  const double mu_next = o.beta1 * (1 - 0.5 * std::pow(0.96, (t + 1) * o.momentum_decay));
  Tensor& kept_product = u.slots[2];
  const double product = kept_product.item() * mu;
  kept_product.fill_(product);
  auto step = adam_step(o, u.step, decay_of(u.parameter, o.weight_decay, o.decay_biases));
  step.rate = o.lr * mu_next / (1 - product * mu * mu_next);
  step.gradient_rate = o.lr * (1 - mu) / (1 - product);
  auto memory = memory_of(u.parameter, u.gradient, u.slots, "NAdam::step", u.where);
  memory.slots[2] = nullptr;  // the product is a number, not AMSGrad's largest moment
  kernels::adam(memory, step);
}

void RAdam::check(const Options& o) { check_moments(kName, o); }

std::vector<Optimizer::Slot> RAdam::kept(const Options&) { return {{"exp_avg"}, {"exp_avg_sq"}}; }

void RAdam::change(const Update& u, const Options& o) {
  const auto t = static_cast<double>(u.step);
  auto step = adam_step(o, u.step, decay_of(u.parameter, o.weight_decay, o.decay_biases));
  // rho: the length of the simple average that the second moment amounts to.
  const double longest = 2 / (1 - o.beta2) - 1, left = correction(o.beta2, u.step);
  const double rho = longest - 2 * t * std::pow(o.beta2, t) / left;
  step.scaled = rho > 5;
  if (step.scaled)
    step.rate *= std::sqrt(left) * std::sqrt((rho - 4) * (rho - 2) * longest / ((longest - 4) * (longest - 2) * rho));
  step.root = 1;
  kernels::adam(memory_of(u.parameter, u.gradient, u.slots, "RAdam::step", u.where), step);
}

void Adamax::check(const Options& o) { check_moments(kName, o); }

std::vector<Optimizer::Slot> Adamax::kept(const Options&) { return {{"exp_avg"}, {"exp_inf"}}; }

void Adamax::change(const Update& u, const Options& o) {
  kernels::adamax(memory_of(u.parameter, u.gradient, u.slots, "Adamax::step", u.where),
                  {.sign = o.maximize ? -1.0 : 1.0,
                   .weight_decay = decay_of(u.parameter, o.weight_decay, o.decay_biases),
                   .beta1 = o.beta1,
                   .beta2 = o.beta2,
                   .rate = o.lr / correction(o.beta1, u.step),
                   .epsilon = o.eps});
}

}  // namespace chainrule
