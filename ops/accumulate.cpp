// What the engine asks of the operations: adding two gradients, undoing a broadcast, copying. Declared in
// engine/backward.h and engine/tensor.h and defined here, because the engine knows no operation and no kernel.
#include "engine/backward.h"
#include "ops/launch.h"
#include "ops/ops.h"

namespace chainrule {

Tensor internal::copied(const Tensor& x) {
  Tensor z = empty(x.shape(), x.dtype());  // a buffer of its own, also for a number
  copy_into(z, x);
  return z;
}

Tensor dense(const Tensor& x) { return x.is_contiguous() ? x : internal::copied(x); }

Tensor accumulate(const Tensor& x, const Tensor& y) { return add(x, y); }

void accumulate_into(Tensor& z, const Tensor& y) {
  const std::int64_t n = z.numel();
  if (n == 0) return;
  void* out = z.impl().data;
  if (y.strides() == z.strides() || n == 1)
    kernels::binary(Binary::add, z.dtype(), out, 1, y.data(), 1, out, n);
  else
    kernels::binary_strided(Binary::add, z.dtype(), out, z.strides(), y.data(), y.strides(), out, z.strides(),
                            z.shape());
}

// Broadcasting repeats x along new leading axes and along axes of size 1; its adjoint sums over the same axes.
Tensor sum_to(const Tensor& g, const Shape& shape) {
  if (g.shape() == shape) return g;
  const int lead = g.dim() - shape.rank();
  Axes repeated;
  for (int i = 0; i < g.dim(); ++i)
    if (i < lead || shape[i - lead] != g.shape()[i]) repeated.push_back(i);
  return reshape(sum(g, repeated, true), shape);
}

}  // namespace chainrule
