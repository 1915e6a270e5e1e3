// Inner header: for our own sources, not installed.
// The softmax family over dense rows, one source compiled for several instruction sets. Not for use outside
// ops/kernels.
#pragma once

#include <cstdint>

namespace chainrule::kernels::detail {

/// logsumexp: z has one number for each row. The gradients take g and the result y; the others x alone.
enum class Rows : std::uint8_t { logsumexp, softmax, log_softmax, softmax_grad, log_softmax_grad };

template <class T>
struct SoftmaxLoops {
  /// `rows` rows of n >= 1 numbers on the calling thread; z may be x, g or y.
  void (*rows)(Rows op, const T* x, const T* y, T* z, std::int64_t rows, std::int64_t n);

  static const SoftmaxLoops& fastest();
};

}  // namespace chainrule::kernels::detail
