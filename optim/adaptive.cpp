// Adagrad, RMSprop, Adadelta: the rates of one step; the loops are in ops/kernels/network/update.h.
#include "optim/adaptive.h"

#include "optim/arguments.h"

namespace chainrule {

using namespace optim;

void Adagrad::check(const Options& o) {
  expect_not_negative(kName, "lr", o.lr);
  expect_not_negative(kName, "lr_decay", o.lr_decay);
  expect_not_negative(kName, "weight_decay", o.weight_decay);
  expect_not_negative(kName, "initial_accumulator_value", o.initial_accumulator_value);
  expect_positive(kName, "eps", o.eps);
}

std::vector<Optimizer::Slot> Adagrad::kept(const Options& o) { return {{"sum", o.initial_accumulator_value}}; }

void Adagrad::change(const Update& u, const Options& o) {
  kernels::adagrad(memory_of(u.parameter, u.gradient, u.slots, "Adagrad::step", u.where),
                   {.sign = o.maximize ? -1.0 : 1.0,
                    .weight_decay = decay_of(u.parameter, o.weight_decay, o.decay_biases),
                    .rate = o.lr / (1 + static_cast<double>(u.step - 1) * o.lr_decay),
                    .epsilon = o.eps});
}

void RMSprop::check(const Options& o) {
  expect_not_negative(kName, "lr", o.lr);
  expect_fraction(kName, "alpha", o.alpha);
  expect_positive(kName, "eps", o.eps);
  expect_not_negative(kName, "weight_decay", o.weight_decay);
  expect_fraction(kName, "momentum", o.momentum);
}

std::vector<Optimizer::Slot> RMSprop::kept(const Options& o) {
  std::vector<Slot> slots{{"square_avg"}};
  if (o.centered) slots.push_back({"grad_avg"});
  if (o.momentum > 0) slots.push_back({"momentum_buffer"});
  return slots;
}

void RMSprop::change(const Update& u, const Options& o) {
  auto memory = memory_of(u.parameter, u.gradient, u.slots, "RMSprop::step", u.where);
  if (!o.centered) std::swap(memory.slots[1], memory.slots[2]);  // the second one is the mean gradient's
  kernels::rmsprop(memory, {.sign = o.maximize ? -1.0 : 1.0,
                            .weight_decay = decay_of(u.parameter, o.weight_decay, o.decay_biases),
                            .alpha = o.alpha,
                            .rate = o.lr,
                            .epsilon = o.eps,
                            .momentum = o.momentum});
}

void Adadelta::check(const Options& o) {
  expect_not_negative(kName, "lr", o.lr);
  expect_fraction(kName, "rho", o.rho);
  expect_positive(kName, "eps", o.eps);
  expect_not_negative(kName, "weight_decay", o.weight_decay);
}

std::vector<Optimizer::Slot> Adadelta::kept(const Options&) { return {{"square_avg"}, {"acc_delta"}}; }

void Adadelta::change(const Update& u, const Options& o) {
  kernels::adadelta(memory_of(u.parameter, u.gradient, u.slots, "Adadelta::step", u.where),
                    {.sign = o.maximize ? -1.0 : 1.0,
                     .weight_decay = decay_of(u.parameter, o.weight_decay, o.decay_biases),
                     .rho = o.rho,
                     .rate = o.lr,
                     .epsilon = o.eps});
}

}  // namespace chainrule
