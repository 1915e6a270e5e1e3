// Layers: checks of their sizes, and the calls of ops that they stand for.
#include "nn/layers.h"

#include <fmt/format.h>

#include "engine/types/error.h"

namespace chainrule {
namespace {

std::int64_t positive(std::int64_t value, const char* layer, const char* argument) {
  if (value < 1) throw ValueError(fmt::format("{}: {} must be at least 1, not {}", layer, argument, value));
  return value;
}

Shape filter_shape(std::int64_t in, std::int64_t out, const Conv2d::Options& o) {
  positive(in, "Conv2d", "in_channels");
  positive(out, "Conv2d", "out_channels");
  positive(o.groups, "Conv2d", "groups");
  positive(std::min(o.kernel_size.h, o.kernel_size.w), "Conv2d", "kernel_size");
  positive(std::min(o.stride.h, o.stride.w), "Conv2d", "stride");
  positive(std::min(o.dilation.h, o.dilation.w), "Conv2d", "dilation");
  if (std::min(o.padding.h, o.padding.w) < 0)
    throw ValueError(fmt::format("Conv2d: padding must not be negative, not {}", std::min(o.padding.h, o.padding.w)));
  if (in % o.groups || out % o.groups)
    throw ValueError(
        fmt::format("Conv2d: groups {} must divide in_channels {} and out_channels {}", o.groups, in, out));
  return {out, in / o.groups, o.kernel_size.h, o.kernel_size.w};
}

/// One float64 input would make every later value of a float32 network float64, at half the speed and without a word.
void expect_type_of(const Tensor& x, const Tensor& weight, const char* layer) {
  if (is_floating(x.dtype()) && x.dtype() != weight.dtype())
    throw ValueError(fmt::format("{}: x holds {}, the weight {}; convert one of them, as in to(x, DType::{})", layer,
                                 name_of(x.dtype()), name_of(weight.dtype()), name_of(weight.dtype())));
}

}  // namespace

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

Conv2d::Conv2d(std::int64_t in_channels, std::int64_t out_channels, Options options)
    : weight(*this, "weight", options.init(filter_shape(in_channels, out_channels, options), default_generator())),
      options_(options) {
  if (options.bias) bias.emplace(*this, "bias", zeros({out_channels}));
}

Tensor Conv2d::forward(const Tensor& x) {
  const CalledFrom caller(called_from());
  expect_type_of(x, weight, "Conv2d");
  return conv2d(x, weight, bias ? Tensor(*bias) : Tensor(),
                {.stride = options_.stride,
                 .padding = options_.padding,
                 .dilation = options_.dilation,
                 .groups = options_.groups});
}

Tensor ReLU::forward(const Tensor& x) {
  const CalledFrom caller(called_from());
  return relu(x);
}

Tensor MaxPool2d::forward(const Tensor& x) {
  const CalledFrom caller(called_from());
  return max_pool2d(x, kernel_size_, options_);
}

Tensor Flatten::forward(const Tensor& x) {
  const CalledFrom caller(called_from());
  return flatten(x, start_dim_, end_dim_);
}

}  // namespace chainrule
