#include "nn/layers/pool.h"

#include <fmt/format.h>

#include "nn/layers/arguments.h"
#include "nn/layers/checks.h"

namespace chainrule {
namespace {

Size2 check_pool(Size2 kernel, const std::optional<Size2>& stride, Size2 padding, const char* layer) {
  positive(kernel, layer, "kernel_size");
  if (stride) positive(*stride, layer, "stride");
  not_negative(padding, layer, "padding");
  for (const auto& [p, k] : {std::pair{padding.h, kernel.h}, std::pair{padding.w, kernel.w}})
    if (2 * p > k)
      throw ValueError(fmt::format("{}: padding {} is more than half of the kernel size {}: a window would see nothing",
                                   layer, p, k));
  return kernel;
}

std::optional<Size2> row_of(const std::optional<std::int64_t>& stride) {
  return stride ? std::optional<Size2>(Size2(1, *stride)) : std::nullopt;
}

/// A signal as an image of one row, and back.
template <class F>
Tensor as_row(const Tensor& x, const char* layer, const F& pool) {
  expect_axes(x, {2, 3}, layer, "(N, C, L) or (C, L)");
  return squeeze(pool(unsqueeze(x, -2)), -2);
}

OutputSize check_output(const OutputSize& size, const char* layer) {
  for (const auto& side : {size.h, size.w})
    if (side) positive(*side, layer, "output_size");
  return size;
}

/// What all of them were made with.
template <class Options>
internal::ArgumentsText windows_of(Size2 kernel_size, const Options& o) {
  internal::ArgumentsText text;
  text.add("kernel_size", kernel_size).unless(std::optional<Size2>(), "stride", o.stride);
  return text.unless(Size2(0), "padding", o.padding);
}
/// The same of a signal, which lies in a row.
template <class Options>
internal::ArgumentsText row_windows_of(Size2 kernel_size, Options o) {
  if (o.stride) o.stride = o.stride->w;
  o.padding = o.padding.w;
  return windows_of(kernel_size.w, o);
}

Axes window_axes(const Tensor& x, const char* layer) {
  expect_axes(x, {3, 4}, layer, "(N, C, H, W) or (N, C, L)");
  return x.dim() == 4 ? Axes{2, 3} : Axes{2};
}

}  // namespace

MaxPool1d::MaxPool1d(std::int64_t kernel_size, Options o)
    : kernel_size_(1, kernel_size),
      options_{.stride = row_of(o.stride),
               .padding = Size2(0, o.padding),
               .dilation = Size2(1, o.dilation),
               .ceil_mode = o.ceil_mode} {
  check_pool(Size2(positive(kernel_size, "MaxPool1d", "kernel_size")), row_of(o.stride), Size2(0, o.padding),
             "MaxPool1d");
  positive(o.dilation, "MaxPool1d", "dilation");
}
Tensor MaxPool1d::forward(const Tensor& x) {
  const CalledFrom caller(called_from());
  return as_row(x, "MaxPool1d", [&](const Tensor& row) { return max_pool2d(row, kernel_size_, options_); });
}

AvgPool1d::AvgPool1d(std::int64_t kernel_size, Options o)
    : kernel_size_(1, kernel_size),
      options_{.stride = row_of(o.stride),
               .padding = Size2(0, o.padding),
               .ceil_mode = o.ceil_mode,
               .count_include_pad = o.count_include_pad} {
  check_pool(Size2(positive(kernel_size, "AvgPool1d", "kernel_size")), row_of(o.stride), Size2(0, o.padding),
             "AvgPool1d");
}
Tensor AvgPool1d::forward(const Tensor& x) {
  const CalledFrom caller(called_from());
  return as_row(x, "AvgPool1d", [&](const Tensor& row) { return avg_pool2d(row, kernel_size_, options_); });
}

MaxPool2d::MaxPool2d(Size2 kernel_size, Options options)
    : kernel_size_(check_pool(kernel_size, options.stride, options.padding, "MaxPool2d")), options_(options) {
  positive(options.dilation, "MaxPool2d", "dilation");
}
Tensor MaxPool2d::forward(const Tensor& x) {
  const CalledFrom caller(called_from());
  return max_pool2d(x, kernel_size_, options_);
}
Tensor MaxPool2d::indices(const Tensor& x) const { return max_pool2d_indices(x, kernel_size_, options_); }

AvgPool2d::AvgPool2d(Size2 kernel_size, Options options)
    : kernel_size_(check_pool(kernel_size, options.stride, options.padding, "AvgPool2d")), options_(options) {
  if (options.divisor_override && *options.divisor_override == 0)
    throw ValueError("AvgPool2d: divisor_override must not be 0");
}
Tensor AvgPool2d::forward(const Tensor& x) {
  const CalledFrom caller(called_from());
  return avg_pool2d(x, kernel_size_, options_);
}

MaxUnpool2d::MaxUnpool2d(Size2 kernel_size, Options options)
    : kernel_size_(check_pool(kernel_size, options.stride, options.padding, "MaxUnpool2d")), options_(options) {}
Tensor MaxUnpool2d::forward(const Tensor& x, const Tensor& indices) {
  const CalledFrom caller(called_from());
  return max_unpool2d(x, indices, kernel_size_, options_);
}

AdaptiveAvgPool2d::AdaptiveAvgPool2d(const OutputSize& output_size)
    : Applied(check_output(output_size, "AdaptiveAvgPool2d")) {}
AdaptiveMaxPool2d::AdaptiveMaxPool2d(const OutputSize& output_size)
    : Applied(check_output(output_size, "AdaptiveMaxPool2d")) {}

Tensor GlobalAvgPool::forward(const Tensor& x) {
  const CalledFrom caller(called_from());
  return mean(x, window_axes(x, "GlobalAvgPool"));
}
Tensor GlobalMaxPool::forward(const Tensor& x) {
  const CalledFrom caller(called_from());
  return amax(x, window_axes(x, "GlobalMaxPool"));
}

std::string MaxPool1d::arguments() const {
  return row_windows_of(kernel_size_, options_)
      .unless(std::int64_t{1}, "dilation", options_.dilation.w)
      .unless(false, "ceil_mode", options_.ceil_mode)
      .text();
}
std::string MaxPool2d::arguments() const {
  return windows_of(kernel_size_, options_)
      .unless(Size2(1), "dilation", options_.dilation)
      .unless(false, "ceil_mode", options_.ceil_mode)
      .text();
}
std::string AvgPool1d::arguments() const {
  return row_windows_of(kernel_size_, options_)
      .unless(false, "ceil_mode", options_.ceil_mode)
      .unless(true, "count_include_pad", options_.count_include_pad)
      .text();
}
std::string AvgPool2d::arguments() const {
  return windows_of(kernel_size_, options_)
      .unless(false, "ceil_mode", options_.ceil_mode)
      .unless(true, "count_include_pad", options_.count_include_pad)
      .unless(std::optional<std::int64_t>(), "divisor_override", options_.divisor_override)
      .text();
}
std::string MaxUnpool2d::arguments() const { return windows_of(kernel_size_, options_).text(); }

}  // namespace chainrule
