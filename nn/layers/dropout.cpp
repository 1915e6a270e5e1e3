#include "nn/layers/dropout.h"

#include "engine/factory.h"
#include "nn/layers/arguments.h"
#include "nn/layers/checks.h"
#include "ops/ops.h"

namespace chainrule {

Dropout::Dropout(double p) : p_(between(p, 0, 1, "Dropout", "p")) {}
Tensor Dropout::forward(const Tensor& x) {
  const CalledFrom caller(called_from());
  return dropout(x, p_, is_training());
}

Dropout2d::Dropout2d(double p) : p_(between(p, 0, 1, "Dropout2d", "p")) {}
Tensor Dropout2d::forward(const Tensor& x) {
  const CalledFrom caller(called_from());
  expect_axes(x, {3, 4}, "Dropout2d", "(N, C, H, W) or (N, C, L)");
  if (!is_training()) return x;
  Shape channels = x.shape();
  for (std::size_t i = 2; i < channels.size(); ++i) channels[i] = 1;
  return x * dropout(ones(channels, x.dtype()), p_, true);
}

std::string Dropout::arguments() const { return internal::ArgumentsText().add("p", p_).text(); }
std::string Dropout2d::arguments() const { return internal::ArgumentsText().add("p", p_).text(); }

}  // namespace chainrule
