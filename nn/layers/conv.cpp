#include "nn/layers/conv.h"

#include <fmt/format.h>

#include <algorithm>

#include "nn/layers/checks.h"

namespace chainrule {
namespace {

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

}  // namespace

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

}  // namespace chainrule
