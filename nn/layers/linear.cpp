#include "nn/layers/linear.h"

#include "nn/layers/checks.h"
#include "ops/ops.h"

namespace chainrule {

Linear::Linear(std::int64_t in_features, std::int64_t out_features, Options options)
    : weight(*this, "weight",
             options.init(
                 {positive(out_features, "Linear", "out_features"), positive(in_features, "Linear", "in_features")},
                 default_generator())) {
  if (options.bias) bias.emplace(*this, "bias", zeros({out_features}));
}

Tensor Linear::forward(const Tensor& x) {
  const CalledFrom caller(called_from());
  expect_type_of(x, weight, "Linear");
  return linear(x, weight, bias ? Tensor(*bias) : Tensor());
}

}  // namespace chainrule
