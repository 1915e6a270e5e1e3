// PReLU, the one activation that has a parameter.
#include "nn/layers/activation.h"

#include <fmt/format.h>

#include "nn/layers/checks.h"

namespace chainrule {

PReLU::PReLU(std::int64_t num_parameters, double init)
    : weight(*this, "weight", full({positive(num_parameters, "PReLU", "num_parameters")}, init)) {}

Tensor PReLU::forward(const Tensor& x) {
  const CalledFrom caller(called_from());
  expect_type_of(x, weight, "PReLU");
  const std::int64_t count = weight.numel();
  Tensor slope = weight;
  if (count > 1) {
    const int channel = x.dim() == 1 ? 0 : 1;
    if (x.dim() == 0 || x.shape()[static_cast<std::size_t>(channel)] != count)
      throw ShapeError(
          fmt::format("PReLU: {} slopes need as many channels on axis 1, unlike x {}", count, to_string(x.shape())));
    Shape beside = Shape::filled(static_cast<std::size_t>(x.dim()), 1);
    beside[static_cast<std::size_t>(channel)] = count;
    slope = reshape(weight, beside);
  }
  return where(gt(x, 0), x, slope * x);
}

}  // namespace chainrule
