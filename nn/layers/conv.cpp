#include "nn/layers/conv.h"

#include <fmt/format.h>

#include "nn/layers/arguments.h"
#include "nn/layers/checks.h"

namespace chainrule {
namespace {

void check_channels(std::int64_t in, std::int64_t out, std::int64_t groups, const char* layer) {
  positive(in, layer, "in_channels");
  positive(out, layer, "out_channels");
  dividing(groups, in, out, layer);
}

/// The numbers that all three have.
template <class Options>
void check_windows_of(const Options& o, const char* layer) {
  positive(o.kernel_size, layer, "kernel_size");
  positive(o.stride, layer, "stride");
  positive(o.dilation, layer, "dilation");
  not_negative(o.padding, layer, "padding");
}

/// What all three were made with.
template <class Options>
internal::ArgumentsText windows_of(const Options& o) {
  const Options usual;
  internal::ArgumentsText text;
  text.add("kernel_size", o.kernel_size).unless(usual.stride, "stride", o.stride);
  text.unless(usual.padding, "padding", o.padding).unless(usual.dilation, "dilation", o.dilation);
  text.unless(usual.groups, "groups", o.groups).unless(usual.bias, "bias", o.bias);
  return text;
}
const char* name_of(PadMode mode) {
  return mode == PadMode::reflect     ? "reflect"
         : mode == PadMode::replicate ? "replicate"
         : mode == PadMode::circular  ? "circular"
                                      : "zeros";
}
template <class Options>
std::string padded_windows_of(const Options& o) {
  internal::ArgumentsText text = windows_of(o);
  if (o.same_padding) text.add("padding", "same");
  if (o.padding_mode != PadMode::constant) text.add("padding_mode", name_of(o.padding_mode));
  return text.text();
}

template <class Options>
void check_same(const Options& o, const char* layer) {
  if (o.same_padding && !(o.stride == decltype(o.stride)(1)))
    throw ValueError(
        fmt::format("{}: same_padding needs stride 1: with another one the result has another size", layer));
  if (o.same_padding && !(o.padding == decltype(o.padding)(0)))
    throw ValueError(fmt::format("{}: same_padding chooses the padding; leave `padding` out", layer));
}

Shape filter_shape(std::int64_t in, std::int64_t out, const Conv1d::Options& o) {
  check_channels(in, out, o.groups, "Conv1d");
  check_windows_of(o, "Conv1d");
  check_same(o, "Conv1d");
  return {out, in / o.groups, o.kernel_size};
}
Shape filter_shape(std::int64_t in, std::int64_t out, const Conv2d::Options& o) {
  check_channels(in, out, o.groups, "Conv2d");
  check_windows_of(o, "Conv2d");
  check_same(o, "Conv2d");
  return {out, in / o.groups, o.kernel_size.h, o.kernel_size.w};
}
Shape filter_shape(std::int64_t in, std::int64_t out, const ConvTranspose2d::Options& o) {
  check_channels(in, out, o.groups, "ConvTranspose2d");
  check_windows_of(o, "ConvTranspose2d");
  not_negative(o.output_padding, "ConvTranspose2d", "output_padding");
  if (o.output_padding.h >= std::max(o.stride.h, o.dilation.h) ||
      o.output_padding.w >= std::max(o.stride.w, o.dilation.w))
    throw ValueError(
        fmt::format("ConvTranspose2d: output_padding ({}, {}) must be below the stride ({}, {}) or the "
                    "dilation ({}, {})",
                    o.output_padding.h, o.output_padding.w, o.stride.h, o.stride.w, o.dilation.h, o.dilation.w));
  return {in, out / o.groups, o.kernel_size.h, o.kernel_size.w};
}

/// How much is added before and after an axis; padding='same' puts the odd one behind.
void add_padding(std::vector<std::int64_t>& amounts, bool same, std::int64_t padding, std::int64_t dilation,
                 std::int64_t kernel) {
  const std::int64_t total = same ? dilation * (kernel - 1) : 2 * padding;
  amounts.push_back(total / 2);
  amounts.push_back(total - total / 2);
}

}  // namespace

Conv1d::Conv1d(std::int64_t in_channels, std::int64_t out_channels, const Options& options)
    : weight(*this, "weight", options.init(filter_shape(in_channels, out_channels, options), default_generator())),
      options_(options) {
  if (options.bias) bias.emplace(*this, "bias", zeros({out_channels}));
}

Tensor Conv1d::forward(const Tensor& x) {
  const CalledFrom caller(called_from());
  expect_axes(x, {2, 3}, "Conv1d", "(N, C, L) or (C, L)");
  expect_type_of(x, weight, "Conv1d");
  const Options& o = options_;
  Conv1dOptions how{.stride = o.stride,
                    .padding = o.padding,
                    .dilation = o.dilation,
                    .groups = o.groups,
                    .same_padding = o.same_padding};
  Tensor padded = x;
  if (o.padding_mode != PadMode::constant) {
    std::vector<std::int64_t> amounts;
    add_padding(amounts, o.same_padding, o.padding, o.dilation, o.kernel_size);
    padded = pad(x, amounts, o.padding_mode);
    how.padding = 0;
    how.same_padding = false;
  }
  return conv1d(padded, weight, bias ? Tensor(*bias) : Tensor(), how);
}

Conv2d::Conv2d(std::int64_t in_channels, std::int64_t out_channels, const Options& options)
    : weight(*this, "weight", options.init(filter_shape(in_channels, out_channels, options), default_generator())),
      options_(options) {
  if (options.bias) bias.emplace(*this, "bias", zeros({out_channels}));
}

Tensor Conv2d::forward(const Tensor& x) {
  const CalledFrom caller(called_from());
  expect_axes(x, {3, 4}, "Conv2d", "(N, C, H, W) or (C, H, W)");
  expect_type_of(x, weight, "Conv2d");
  const Options& o = options_;
  ConvOptions how{.stride = o.stride,
                  .padding = o.padding,
                  .dilation = o.dilation,
                  .groups = o.groups,
                  .same_padding = o.same_padding};
  Tensor padded = x;
  if (o.padding_mode != PadMode::constant) {
    std::vector<std::int64_t> amounts;
    add_padding(amounts, o.same_padding, o.padding.w, o.dilation.w, o.kernel_size.w);
    add_padding(amounts, o.same_padding, o.padding.h, o.dilation.h, o.kernel_size.h);
    padded = pad(x, amounts, o.padding_mode);
    how.padding = 0;
    how.same_padding = false;
  }
  return conv2d(padded, weight, bias ? Tensor(*bias) : Tensor(), how);
}

ConvTranspose2d::ConvTranspose2d(std::int64_t in_channels, std::int64_t out_channels, const Options& options)
    : weight(*this, "weight", options.init(filter_shape(in_channels, out_channels, options), default_generator())),
      options_(options) {
  if (options.bias) bias.emplace(*this, "bias", zeros({out_channels}));
}

Tensor ConvTranspose2d::forward(const Tensor& x) {
  const CalledFrom caller(called_from());
  expect_axes(x, {3, 4}, "ConvTranspose2d", "(N, C, H, W) or (C, H, W)");
  expect_type_of(x, weight, "ConvTranspose2d");
  return conv_transpose2d(x, weight, bias ? Tensor(*bias) : Tensor(),
                          {.stride = options_.stride,
                           .padding = options_.padding,
                           .output_padding = options_.output_padding,
                           .groups = options_.groups,
                           .dilation = options_.dilation});
}

std::string Conv1d::arguments() const { return padded_windows_of(options_); }
std::string Conv2d::arguments() const { return padded_windows_of(options_); }
std::string ConvTranspose2d::arguments() const {
  return windows_of(options_).unless(Size2(0), "output_padding", options_.output_padding).text();
}

}  // namespace chainrule
