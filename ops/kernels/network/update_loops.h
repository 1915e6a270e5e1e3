// Inner header: for our own sources, not installed.
// The one-threaded loops of optimizer steps, one source compiled for several instruction sets. All numbers that do not
// change along the run are worked out in double beforehand. Not for use outside ops/kernels.
#pragma once

#include <cstdint>

namespace chainrule::kernels::detail {

template <class T>
struct SgdCoefficients {
  T lr, momentum, keep, weight_decay;  // keep: how much of the new gradient enters the velocity
  bool nesterov;
};
template <class T>
struct AdamCoefficients {
  T beta1, rest1, beta2, rest2, rate, root, epsilon, weight_decay;  // root: 1 / sqrt(1 - beta2^t)
};

template <class T>
struct UpdateLoops {
  /// v null: no velocity.
  void (*sgd)(T* p, const T* g, T* v, std::int64_t n, const SgdCoefficients<T>& c);
  void (*adam)(T* p, const T* g, T* m, T* v, std::int64_t n, const AdamCoefficients<T>& c);

  static const UpdateLoops& fastest();
};

}  // namespace chainrule::kernels::detail
