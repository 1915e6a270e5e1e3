#include "nn/layers/linear.h"

#include "nn/layers/checks.h"
#include "ops/ops.h"

namespace chainrule {
namespace {

Shape weight_shape(std::int64_t in, std::int64_t out, const char* layer) {
  positive(in, layer, "in_features");
  return {positive(out, layer, "out_features"), in};
}

Tensor transposed(const Tensor& weight) {
  const NoGrad leaf_only;
  return clone(transpose(weight));
}

}  // namespace

Linear::Linear(std::int64_t in_features, std::int64_t out_features, const Options& options)
    : weight(*this, "weight", options.init(weight_shape(in_features, out_features, "Linear"), default_generator())) {
  if (options.bias) bias.emplace(*this, "bias", zeros({out_features}));
}

Tensor Linear::forward(const Tensor& x) {
  const CalledFrom caller(called_from());
  expect_type_of(x, weight, "Linear");
  return linear(x, weight, or_none(bias));
}

Affine::Affine(std::int64_t in_features, std::int64_t out_features, const Options& options)
    : W(*this, "W", transposed(options.init(weight_shape(in_features, out_features, "Affine"), default_generator()))),
      b(*this, "b", zeros({out_features})) {}

Tensor Affine::forward(const Tensor& x) {
  const CalledFrom caller(called_from());
  expect_type_of(x, W, "Affine");
  return matmul(x.dim() > 2 ? flatten(x, 1) : x, W) + b;
}

Bilinear::Bilinear(std::int64_t in1_features, std::int64_t in2_features, std::int64_t out_features,
                   const Options& options)
    : weight(*this, "weight",
             options.init({positive(out_features, "Bilinear", "out_features"),
                           positive(in1_features, "Bilinear", "in1_features"),
                           positive(in2_features, "Bilinear", "in2_features")},
                          default_generator())) {
  if (options.bias) bias.emplace(*this, "bias", zeros({out_features}));
}

Tensor Bilinear::forward(const Tensor& x1, const Tensor& x2) {
  const CalledFrom caller(called_from());
  expect_type_of(x1, weight, "Bilinear");
  expect_type_of(x2, weight, "Bilinear");
  const Tensor y = einsum("...i,oij,...j->...o", {x1, weight, x2});
  return bias ? y + *bias : y;
}

}  // namespace chainrule
