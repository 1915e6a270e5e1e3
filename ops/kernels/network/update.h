// Inner header: for our own sources, not installed.
// The inner steps of optimizers: each is one pass over a parameter's memory that reads the gradient and never writes
// it. What does not change along the pass (bias corrections, rates) the optimizers work out beforehand, in double; they
// check it, too. The letters: p parameter, g gradient, and d = sign g + weight_decay p, with sign -1 to climb. Adding
// one: its numbers and formula here, its loop in the source of its family, a row in tests/ops/kernels/test_update.cpp.
#pragma once

#include <array>
#include <cstdint>

#include "engine/types/dtype.h"

namespace chainrule::kernels {

/// One parameter of n elements, its gradient, and what its optimizer keeps beside it: dense, of one floating type.
/// Slots are changed in place; those that a step does not name may be null.
struct UpdateMemory {
  DType dtype = DType::float32;
  void* parameter = nullptr;
  const void* gradient = nullptr;
  std::int64_t n = 0;
  std::array<void*, 3> slots{};
};

struct SgdStep {
  double sign = 1, weight_decay = 0;
  double rate = 0;
  double momentum = 0;
  double keep = 1;  ///< how much of the new gradient enters the velocity
  double gain = 1;  ///< how much of it enters Nesterov's step directly
  bool nesterov = false;
};
/// Slot: velocity v. v = momentum v + keep d, p -= rate (nesterov ? momentum v + gain d : v); p -= rate d without slot.
void sgd(const UpdateMemory& memory, const SgdStep& step);

struct AdamStep {
  double sign = 1, weight_decay = 0;
  double shrink = 1;  ///< what p is multiplied by first: decoupled decay
  double beta1 = 0.9, beta2 = 0.999;
  double rate = 0;
  double gradient_rate = 0;  ///< how much of the gradient itself enters the step: NAdam
  double root = 1;           ///< multiplies the root
  double epsilon = 1e-8;
  bool scaled = true;  ///< false: the step is not divided by the root: RAdam's first ones
};
/// Slots: m, v, and for AMSGrad the largest v, w, which then stands in v's place under the root.
/// m = beta1 m + (1 - beta1) d, v = beta2 v + (1 - beta2) d d, w = max(w, v),
/// p = shrink p - (rate m + gradient_rate d) / (root sqrt(v) + epsilon).
void adam(const UpdateMemory& memory, const AdamStep& step);

struct AdamaxStep {
  double sign = 1, weight_decay = 0;
  double beta1 = 0.9, beta2 = 0.999;
  double rate = 0, epsilon = 1e-8;
};
/// Slots: m, u. m = beta1 m + (1 - beta1) d, u = max(beta2 u, |d| + epsilon), p -= rate m / u.
void adamax(const UpdateMemory& memory, const AdamaxStep& step);

struct AdagradStep {
  double sign = 1, weight_decay = 0;
  double rate = 0, epsilon = 1e-10;
};
/// Slot: h. h += d d, p -= rate d / (sqrt(h) + epsilon).
void adagrad(const UpdateMemory& memory, const AdagradStep& step);

struct RmspropStep {
  double sign = 1, weight_decay = 0;
  double alpha = 0.99;
  double rate = 0, epsilon = 1e-8;
  double momentum = 0;
};
/// Slots: v, and where they are given the mean a of the gradient and the velocity b. v = alpha v + (1 - alpha) d d,
/// a = alpha a + (1 - alpha) d, q = d / (sqrt(max(v - a a, 0)) + epsilon), b = momentum b + q, p -= rate b (or q).
void rmsprop(const UpdateMemory& memory, const RmspropStep& step);

struct AdadeltaStep {
  double sign = 1, weight_decay = 0;
  double rho = 0.9;
  double rate = 1, epsilon = 1e-6;
};
/// Slots: v, u. v = rho v + (1 - rho) d d, s = d sqrt(u + epsilon) / sqrt(v + epsilon), u = rho u + (1 - rho) s s,
/// p -= rate s.
void adadelta(const UpdateMemory& memory, const AdadeltaStep& step);

struct LionStep {
  double sign = 1;
  double shrink = 1;  ///< what p is multiplied by first
  double beta1 = 0.9, beta2 = 0.99;
  double rate = 0;
};
/// Slot: m. p = shrink p - rate sign(beta1 m + (1 - beta1) g), m = beta2 m + (1 - beta2) g. The sign of NaN is NaN.
void lion(const UpdateMemory& memory, const LionStep& step);

}  // namespace chainrule::kernels
