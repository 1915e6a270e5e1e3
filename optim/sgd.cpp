// Stochastic gradient descent: the rates of one step; the loop is kernels::sgd.
#include "optim/sgd.h"

#include "engine/types/error.h"
#include "optim/arguments.h"

namespace chainrule {

using namespace optim;

void Sgd::check(const Options& o) {
  expect_not_negative(kName, "lr", o.lr);
  expect_fraction(kName, "momentum", o.momentum);
  expect(o.dampening >= 0 && o.dampening <= 1, kName, "dampening", o.dampening, "in [0, 1]");
  expect_not_negative(kName, "weight_decay", o.weight_decay);
  if (!o.nesterov) return;
  expect(o.momentum > 0, kName, "momentum", o.momentum, "above 0 with nesterov");
  expect(o.dampening == 0, kName, "dampening", o.dampening, "0 with nesterov");
}

std::vector<Optimizer::Slot> Sgd::kept(const Options& o) {
  if (o.momentum == 0) return {};
  return {{"momentum_buffer"}};
}

void Sgd::change(const Update& u, const Options& o) {
  const double keep = u.step == 1 ? 1 : 1 - o.dampening;
  kernels::sgd(memory_of(u.parameter, u.gradient, u.slots, "Sgd::step", u.where),
               {.sign = o.maximize ? -1.0 : 1.0,
                .weight_decay = decay_of(u.parameter, o.weight_decay, o.decay_biases),
                .rate = o.rate_in_velocity && o.momentum > 0 ? 1 : o.lr,
                .momentum = o.momentum,
                .keep = o.rate_in_velocity ? o.lr * keep : keep,
                .gain = o.rate_in_velocity ? o.lr : 1,
                .nesterov = o.nesterov});
}

}  // namespace chainrule
