// Lion: the rates of one step; the loop is kernels::lion.
#include "optim/lion.h"

#include "optim/arguments.h"

namespace chainrule {

using namespace optim;

void Lion::check(const Options& o) {
  expect_not_negative(kName, "lr", o.lr);
  expect_fraction(kName, "beta1", o.beta1);
  expect_fraction(kName, "beta2", o.beta2);
  expect_not_negative(kName, "weight_decay", o.weight_decay);
}

std::vector<Optimizer::Slot> Lion::kept(const Options&) { return {{"exp_avg"}}; }

void Lion::change(const Update& u, const Options& o) {
  kernels::lion(memory_of(u.parameter, u.gradient, u.slots, "Lion::step", u.where),
                {.sign = o.maximize ? -1.0 : 1.0,
                 .shrink = 1 - o.lr * decay_of(u.parameter, o.weight_decay, o.decay_biases),
                 .beta1 = o.beta1,
                 .beta2 = o.beta2,
                 .rate = o.lr});
}

}  // namespace chainrule
