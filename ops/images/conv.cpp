// Convolution of images and its two gradients. The three are linear in each argument, so the rule of each is made of
// the other two and derivatives of any order exist. The loops are in kernels/images/; conv1d and conv_transpose2d,
// which are made of these, in conv_transpose.cpp.
#include "ops/images/conv.h"

#include <fmt/format.h>

#include <algorithm>
#include <new>
#include <stdexcept>

#include "engine/record.h"
#include "engine/types/error.h"
#include "ops/arguments.h"
#include "ops/families.h"
#include "ops/images/images.h"
#include "ops/launch.h"
#include "ops/ops.h"

namespace chainrule {
namespace {

#if defined(CHAINRULE_ONEDNN) && CHAINRULE_ONEDNN
constexpr bool kOneDnn = true;
#else
constexpr bool kOneDnn = false;
#endif

std::string text(const ConvOptions& o) {
  return fmt::format("{}, groups={}", to_string(WindowOptions{o.stride, o.padding, o.dilation}), o.groups);
}

/// The problem that all three work on: x's and weight's shapes, checked by the public function before.
kernels::Convolution problem(const Shape& x, const Shape& weight, const ConvOptions& o) {
  return {check_windows("conv2d", x, {weight[2], weight[3]}, o.stride, o.padding, o.dilation), weight[0], o.groups};
}

/// Images of a result: as x's memory lies, and channels-last where oneDNN does the work, which is quickest so.
bool wants_channels_last(const Tensor& x) {
  return (kOneDnn && x.dtype() == DType::float32) || (is_channels_last(x) && !x.is_contiguous());
}

void fill_zeros(Tensor& z) {
  const std::int64_t zero = 0;  // the bits of 0 in every type
  kernels::fill(z.dtype(), &zero, z.impl().data, z.numel());
}

/// Runs a kernel; what it cannot allocate becomes a sentence.
template <class F>
void run(const char* who, const kernels::Convolution& s, F&& kernel) {
  auto fail = [&] {
    throw EnvironmentError(fmt::format("{}: no memory for the windows of ({}, {}, {}, {}) with kernel ({}, {})", who,
                                       s.windows.n, s.windows.c, s.windows.h, s.windows.w, s.windows.y.size,
                                       s.windows.x.size));
  };
  try {
    kernel();
  } catch (const std::bad_alloc&) {
    fail();
  } catch (const std::length_error&) {
    fail();
  }
}

Tensor input_grad(const Tensor& g, const Tensor& w, Size2 size, const ConvOptions& options);
Tensor weight_grad(const Tensor& x, const Tensor& g, Size2 kernel, const ConvOptions& options);

// z = conv(x, w) + b      dx = conv2d_input_grad(g, w),  dw = conv2d_weight_grad(x, g),  db = sum of g over n, h, w
struct Conv2d {
  static constexpr OpInfo info{
      .name = "conv2d",
      .formula = "z[n, o, p] = sum over c, k of x[n, c, p + k] * w[o, c, k] + b[o]",
      .derivatives = {"w (each tap)", "x (each position)", "1 (summed over images and positions)"},
      .inputs = "x w b",
      .flops = "2 * numel(z) * size(w, 1) * size(w, 2) * size(w, 3)"};
  ConvOptions options;
  std::string attributes() const { return text(options); }
  Tensor forward(const Tensor& x, const Tensor& w) const { return compute(x, w, nullptr); }
  Tensor forward(const Tensor& x, const Tensor& w, const Tensor& b) const { return compute(x, w, &b); }

  Tensor compute(const Tensor& x, const Tensor& w, const Tensor* b) const {
    const kernels::Convolution s = problem(x.shape(), w.shape(), options);
    Tensor z = empty_images({s.windows.n, s.out_channels, s.windows.out_h(), s.windows.out_w()}, x.dtype(),
                            wants_channels_last(x));
    if (z.numel() == 0) return z;
    const Tensor bias = b ? dense(*b) : Tensor();
    if (x.numel() == 0) {  // no channels: only the bias is left
      fill_zeros(z);
      if (b) kernels::copy_strided(z.dtype(), bias.data(), {0, 1, 0, 0}, z.impl().data, z.strides(), z.shape());
      return z;
    }
    const Tensor from = image_values(x), weight = dense(w);
    run("conv2d", s, [&] {
      kernels::conv2d(x.dtype(), s, from.data(), image_strides(from), weight.data(), b ? bias.data() : nullptr,
                      z.impl().data, image_strides(z));
    });
    return z;
  }
  void backward(GradContext& c, const Tensor& g) const {
    const Tensor x = c.input(0), w = c.input(1);
    c.send(0, [&] { return input_grad(g, w, {c.shape(0)[2], c.shape(0)[3]}, options); });
    c.send(1, [&] { return weight_grad(x, g, {c.shape(1)[2], c.shape(1)[3]}, options); });
    if (c.input_count() == 3) c.send(2, [&] { return sum(g, {0, 2, 3}); });
  }
};

// z = the x-gradient of conv2d for cotangent y and weight w      dy = conv2d(g, w),  dw = conv2d_weight_grad(g, y)
struct Conv2dInputGrad {
  static constexpr OpInfo info{.name = "conv2d_input_grad",
                               .formula = "z[n, c, p + k] += y[n, o, p] * w[o, c, k]",
                               .derivatives = {"w (each tap)", "y (each position)"},
                               .inputs = "y w",
                               .flops = "2 * numel(y) * size(w, 1) * size(w, 2) * size(w, 3)"};
  Size2 size;  // of the images
  ConvOptions options;
  std::string attributes() const { return fmt::format("size={}, {}", to_string(size), text(options)); }
  Tensor forward(const Tensor& y, const Tensor& w) const {
    const Shape shape{y.shape()[0], w.shape()[1] * options.groups, size.h, size.w};
    const kernels::Convolution s = problem(shape, w.shape(), options);
    Tensor z = empty_images(shape, y.dtype(), wants_channels_last(y));
    if (z.numel() == 0) return z;
    if (y.numel() == 0) {
      fill_zeros(z);
      return z;
    }
    const Tensor from = image_values(y), weight = dense(w);
    run("conv2d_input_grad", s, [&] {
      kernels::conv2d_input_grad(y.dtype(), s, from.data(), image_strides(from), weight.data(), z.impl().data,
                                 image_strides(z));
    });
    return z;
  }
  void backward(GradContext& c, const Tensor& g) const {
    const Tensor y = c.input(0), w = c.input(1);
    c.send(0, [&] { return conv2d(g, w, {}, options); });
    c.send(1, [&] { return weight_grad(g, y, {c.shape(1)[2], c.shape(1)[3]}, options); });
  }
};

// z = the w-gradient of conv2d for images x and cotangent y      dx = conv2d_input_grad(y, g),  dy = conv2d(x, g)
struct Conv2dWeightGrad {
  static constexpr OpInfo info{.name = "conv2d_weight_grad",
                               .formula = "z[o, c, k] = sum over n, p of x[n, c, p + k] * y[n, o, p]",
                               .derivatives = {"y (each position)", "x (each tap)"},
                               .flops = "2 * numel(y) * size(z, 1) * size(z, 2) * size(z, 3)"};
  Size2 kernel;
  ConvOptions options;
  std::string attributes() const { return fmt::format("kernel_size={}, {}", to_string(kernel), text(options)); }
  Tensor forward(const Tensor& x, const Tensor& y) const {
    const Shape shape{y.shape()[1], x.shape()[1] / options.groups, kernel.h, kernel.w};
    const kernels::Convolution s = problem(x.shape(), shape, options);
    Tensor z = empty(shape, x.dtype());
    if (z.numel() == 0) return z;
    if (x.numel() == 0) {
      fill_zeros(z);
      return z;
    }
    const Tensor from = image_values(x), cotangent = image_values(y);
    run("conv2d_weight_grad", s, [&] {
      kernels::conv2d_weight_grad(x.dtype(), s, from.data(), image_strides(from), cotangent.data(),
                                  image_strides(cotangent), z.impl().data);
    });
    return z;
  }
  void backward(GradContext& c, const Tensor& g) const {
    const Tensor x = c.input(0), y = c.input(1);
    c.send(0, [&] { return input_grad(y, g, {c.shape(0)[2], c.shape(0)[3]}, options); });
    c.send(1, [&] { return conv2d(x, g, {}, options); });
  }
};

Tensor input_grad(const Tensor& g, const Tensor& w, Size2 size, const ConvOptions& options) {
  return record(Conv2dInputGrad{size, options}, g, w);
}
Tensor weight_grad(const Tensor& x, const Tensor& g, Size2 kernel, const ConvOptions& options) {
  return record(Conv2dWeightGrad{kernel, options}, x, g);
}

/// padding='same' at stride 1: where the padding is odd, one more position is computed than stays, the first.
Tensor conv2d_same(const Operand& x, const Operand& weight, const Tensor& bias, ConvOptions options) {
  options.same_padding = false;
  if (!(options.stride == Size2{1}))
    throw ValueError(fmt::format("conv2d: padding='same' wants stride 1, it is {}", to_string(options.stride)));
  const Shape ws = tensor_argument(weight, "conv2d", "weight").shape();
  if (ws.size() != 4) return conv2d(x, weight, bias, options);  // throws the sentence; so do the wrong sizes below
  const auto spread = [](std::int64_t size, std::int64_t dilation) {
    const bool in_range = std::min(size, dilation) > 0 && std::max(size, dilation) < std::int64_t{1} << 31;
    return in_range ? dilation * (size - 1) : 0;
  };
  const std::int64_t h = spread(ws[2], options.dilation.h), w = spread(ws[3], options.dilation.w);
  options.padding = {(h + 1) / 2, (w + 1) / 2};
  Tensor z = conv2d(x, weight, bias, options);
  if (h % 2 == 1) z = slice(z, -2, 1);
  if (w % 2 == 1) z = slice(z, -1, 1);
  return z;
}

}  // namespace

Tensor conv2d_input_grad(const Tensor& g, const Tensor& w, Size2 size, const ConvOptions& options) {
  return input_grad(g, w, size, options);
}

Tensor conv2d(const Operand& x, const Operand& weight, const Tensor& bias, const ConvOptions& options) {
  const CalledFrom caller(x.where());
  if (options.same_padding) return conv2d_same(x, weight, bias, options);
  const ImageBatch batch = batch_argument(x, "conv2d");
  if (batch.added) return batch.back(conv2d(batch.x, weight, bias, options));
  const Tensor tx = batch.x, tw = tensor_argument(weight, "conv2d", "weight");
  const bool has_bias = bias.defined();
  const Shape &xs = tx.shape(), &ws = tw.shape();
  if (ws.size() != 4)
    throw ShapeError(
        fmt::format("conv2d: weight has shape {}, it must be (out, in / groups, kernel_h, kernel_w)", to_string(ws)));
  auto sizes = [&] { return fmt::format("x {}, weight {}", to_string(xs), to_string(ws)); };
  const kernels::Windows s =
      check_windows("conv2d", xs, {ws[2], ws[3]}, options.stride, options.padding, options.dilation);
  if (options.groups < 1) throw ValueError(fmt::format("conv2d: groups is {}, it must be positive", options.groups));
  if (xs[1] % options.groups != 0 || ws[0] % options.groups != 0)
    throw ShapeError(fmt::format("conv2d: groups {} does not divide the {} input and {} output channels ({})",
                                 options.groups, xs[1], ws[0], sizes()));
  if (xs[1] / options.groups != ws[1])
    throw ShapeError(fmt::format("conv2d: x has {} channels in {} groups, {} each; weight takes {} ({})", xs[1],
                                 options.groups, xs[1] / options.groups, ws[1], sizes()));
  if (has_bias && bias.shape() != Shape{ws[0]})
    throw ShapeError(fmt::format("conv2d: bias has shape {}, the {} output channels want ({},)",
                                 to_string(bias.shape()), ws[0], ws[0]));
  auto [a, w] = promote(tx, tw);
  const Tensor b = has_bias ? as_tensor(bias, common_dtype(a, bias)) : Tensor();
  const DType d = has_bias ? b.dtype() : a.dtype();
  a = as_tensor(a, d);
  w = as_tensor(w, d);
  expect_floating(a, "conv2d", "x");
  check_columns("conv2d", s, d);
  if (!has_bias) return record(Conv2d{options}, a, w);
  return record(Conv2d{options}, a, w, b);
}

void set_conv_method(ConvMethod method) {
  kernels::set_conv_ways(method != ConvMethod::portable, method == ConvMethod::fastest);
}

namespace {

/// padding: a size, 'same' or 'valid'.
template <class Options, class Size>
Options conv_options(const Arguments& a, Size size) {
  Options o;
  o.stride = size(3);
  if (!a.value(4).is<std::string>())
    o.padding = size(4);
  else if (a.mode(4) == "same")
    o.same_padding = true;
  else if (a.mode(4) != "valid")
    throw ValueError(fmt::format("padding is '{}', it must be a size, 'same' or 'valid'", a.mode(4)));
  o.dilation = size(5);
  o.groups = a.integer(6);
  return o;
}

}  // namespace

Family conv_family() {
  static constexpr const OpInfo* ops[] = {&Conv2d::info, &Conv2dInputGrad::info, &Conv2dWeightGrad::info};
  static const Function functions[] = {
      {"conv1d", "input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1",
       [](const Arguments& a) -> Value {
         const auto size = [&](int i) { return a.size2(i).w; };
         return conv1d(a.operand(0), a.operand(1), a.optional_tensor(2), conv_options<Conv1dOptions>(a, size));
       },
       "conv1d(x, w, padding=1)", "x=randn(1,2,5) w=randn(3,2,3)",
       "z[n, o, p] = sum over c, k of x[n, c, p + k] * w[o, c, k] + b[o]"},
      {"conv2d", "input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1",
       [](const Arguments& a) -> Value {
         const auto size = [&](int i) { return a.size2(i); };
         return conv2d(a.operand(0), a.operand(1), a.optional_tensor(2), conv_options<ConvOptions>(a, size));
       },
       "conv2d(x, w, b, padding=1)", "x=randn(1,2,3,4) w=randn(2,2,3,3) b=randn(2)"},
      {"conv_transpose2d", "input, weight, bias=None, stride=1, padding=0, output_padding=0, groups=1, dilation=1",
       [](const Arguments& a) -> Value {
         return conv_transpose2d(a.operand(0), a.operand(1), a.optional_tensor(2),
                                 {.stride = a.size2(3),
                                  .padding = a.size2(4),
                                  .output_padding = a.size2(5),
                                  .groups = a.integer(6),
                                  .dilation = a.size2(7)});
       },
       "conv_transpose2d(x, w, stride=2)", "x=randn(1,2,2,3) w=randn(2,2,3,2)",
       "z[n, o, s p + k] += x[n, c, p] * w[c, o, k], then + b[o]"},
  };
  return {ops, functions};
}

}  // namespace chainrule
