// Rows for unfold, fold and the convolutions. The references walk over output position, channel and tap one by one.
#include "tests/ops/cases/naive_windows.h"

namespace chainrule::cases {
namespace {

Case unfolded(std::string variant, const Shape& x, const Window& k) {
  const WindowOptions options{k.stride, k.padding, k.dilation};
  return {.op = "unfold",
          .variant = std::move(variant),
          .inputs = {{.shape = x, .linear = true}},
          .f = [=](const std::vector<Tensor>& t) { return unfold(t[0], k.kernel, options); },
          .reference =
              [=](const std::vector<Array>& in) {
                const std::int64_t h = in[0].shape[2], w = in[0].shape[3], taps = k.kernel.h * k.kernel.w;
                Array z({in[0].shape[0], in[0].shape[1] * taps, k.out_h(h) * k.out_w(w)});
                for (std::int64_t n = 0; n < in[0].shape[0]; ++n)
                  for (std::int64_t c = 0; c < in[0].shape[1]; ++c)
                    each_tap(k, h, w, [&](auto i, auto j, auto a, auto b, auto y, auto xx) {
                      z.at({n, c * taps + a * k.kernel.w + b, i * k.out_w(w) + j}) = in[0].at({n, c, y, xx});
                    });
                return z;
              },
          .nan = Nan::somewhere,
          .nan_reason = "padding is 0, and strides may step over elements",
          .runs = {"fold"}};
}

Case folded(std::string variant, std::int64_t n, std::int64_t channels, Size2 size, const Window& k) {
  const std::int64_t taps = k.kernel.h * k.kernel.w;
  const WindowOptions options{k.stride, k.padding, k.dilation};
  return {.op = "fold",
          .variant = std::move(variant),
          .inputs = {{.shape = {n, channels * taps, k.out_h(size.h) * k.out_w(size.w)}, .linear = true}},
          .f = [=](const std::vector<Tensor>& t) { return fold(t[0], size, k.kernel, options); },
          .reference =
              [=](const std::vector<Array>& in) {
                Array z({n, channels, size.h, size.w});
                for (std::int64_t m = 0; m < n; ++m)
                  for (std::int64_t c = 0; c < channels; ++c)
                    each_tap(k, size.h, size.w, [&](auto i, auto j, auto a, auto b, auto y, auto x) {
                      z.at({m, c, y, x}) += in[0].at({m, c * taps + a * k.kernel.w + b, i * k.out_w(size.w) + j});
                    });
                return z;
              },
          .nan = Nan::somewhere,
          .nan_reason = "elements that stand on padding or between windows are dropped",
          .runs = {"unfold"}};
}

Array naive_conv(const std::vector<Array>& in, const ConvOptions& o) {
  const Array &x = in[0], &w = in[1];
  const Window k{{w.shape[2], w.shape[3]}, o.stride, o.padding, o.dilation};
  const std::int64_t h = x.shape[2], width = x.shape[3], filters = w.shape[0] / o.groups;
  Array z({x.shape[0], w.shape[0], k.out_h(h), k.out_w(width)});
  if (in.size() > 2) each_index(z.shape, [&](const Shape& at) { z.at(at) = in[2].at({at[1]}); });
  for (std::int64_t n = 0; n < x.shape[0]; ++n)
    for (std::int64_t f = 0; f < w.shape[0]; ++f)
      for (std::int64_t c = 0; c < w.shape[1]; ++c)
        each_tap(k, h, width, [&](auto i, auto j, auto a, auto b, auto y, auto xx) {
          z.at({n, f, i, j}) += x.at({n, f / filters * w.shape[1] + c, y, xx}) * w.at({f, c, a, b});
        });
  return z;
}

Case convolution(std::string variant, const Shape& x, const Shape& weight, bool bias, const ConvOptions& o) {
  Case c{.op = "conv2d",
         .variant = std::move(variant),
         .inputs = {{.shape = x, .linear = true}, {.shape = weight, .linear = true}},
         .f =
             [=](const std::vector<Tensor>& t) {
               return t.size() > 2 ? conv2d(t[0], t[1], t[2], o) : conv2d(t[0], t[1], {}, o);
             },
         .reference = [=](const std::vector<Array>& in) { return naive_conv(in, o); },
         .nan = Nan::somewhere,
         .nan_reason = "strides may step over elements, and groups keep apart",
         .runs = {"conv2d_input_grad", "conv2d_weight_grad"}};
  if (bias) c.inputs.push_back({.shape = {weight[0]}, .linear = true});
  return c;
}

Case line(std::string variant, const Shape& x, const Shape& weight, bool bias, const Conv1dOptions& o) {
  Case c = convolution(std::move(variant), {1, 1, 1, 1}, {1, 1, 1, 1}, false, {});
  c.inputs = {{.shape = x, .linear = true}, {.shape = weight, .linear = true}};
  if (bias) c.inputs.push_back({.shape = {weight[0]}, .linear = true});
  c.f = [=](const std::vector<Tensor>& t) { return conv1d(t[0], t[1], t.size() > 2 ? t[2] : Tensor(), o); };
  c.reference = [=](const std::vector<Array>& in) {  // as images of one row
    std::vector<Array> images = in;
    images[0].shape = {x.size() == 3 ? x[0] : 1, x[x.size() - 2], 1, x[x.size() - 1]};
    images[1].shape = {weight[0], weight[1], 1, weight[2]};
    Array z = naive_conv(images, {{1, o.stride}, {0, o.padding}, {1, o.dilation}, o.groups});
    z.shape = x.size() == 3 ? Shape{z.shape[0], z.shape[1], z.shape[3]} : Shape{z.shape[1], z.shape[3]};
    return z;
  };
  return c;
}

/// padding='same': of each axis the rest of the padding is on the right.
Case same(std::string variant, const Shape& x, const Shape& weight, Size2 dilation) {
  Case c = convolution(std::move(variant), x, weight, false, {.dilation = dilation, .same_padding = true});
  c.reference = [=](const std::vector<Array>& in) {
    const std::int64_t top = dilation.h * (weight[2] - 1) / 2, left = dilation.w * (weight[3] - 1) / 2;
    Array z({x[0], weight[0], x[2], x[3]});
    each_index(z.shape, [&](const Shape& at) {
      each_index({weight[1], weight[2], weight[3]}, [&](const Shape& k) {
        const std::int64_t y = at[2] - top + k[1] * dilation.h, xx = at[3] - left + k[2] * dilation.w;
        if (y >= 0 && y < x[2] && xx >= 0 && xx < x[3])
          z.at(at) += in[0].at({at[0], k[0], y, xx}) * in[1].at({at[1], k[0], k[1], k[2]});
      });
    });
    return z;
  };
  return c;
}

Case transposed(std::string variant, const Shape& x, const Shape& weight, bool bias, const ConvTransposeOptions& o) {
  Case c{
      .op = "conv2d_input_grad",
      .variant = "conv_transpose2d, " + variant,
      .inputs = {{.shape = x, .linear = true}, {.shape = weight, .linear = true}},
      .f =
          [=](const std::vector<Tensor>& t) { return conv_transpose2d(t[0], t[1], t.size() > 2 ? t[2] : Tensor(), o); },
      .reference =
          [=](const std::vector<Array>& in) {
            const auto size = [](std::int64_t n, std::int64_t k, std::int64_t s, std::int64_t p, std::int64_t e,
                                 std::int64_t d) { return (n - 1) * s - 2 * p + d * (k - 1) + e + 1; };
            const std::int64_t out = weight[1] * o.groups, mine = x[1] / o.groups;
            Array z({x[0], out, size(x[2], weight[2], o.stride.h, o.padding.h, o.output_padding.h, o.dilation.h),
                     size(x[3], weight[3], o.stride.w, o.padding.w, o.output_padding.w, o.dilation.w)});
            if (in.size() > 2) each_index(z.shape, [&](const Shape& at) { z.at(at) = in[2].at({at[1]}); });
            each_index(x, [&](const Shape& at) {
              each_index({weight[1], weight[2], weight[3]}, [&](const Shape& k) {
                const std::int64_t y = at[2] * o.stride.h - o.padding.h + k[1] * o.dilation.h;
                const std::int64_t xx = at[3] * o.stride.w - o.padding.w + k[2] * o.dilation.w;
                if (y < 0 || y >= z.shape[2] || xx < 0 || xx >= z.shape[3]) return;
                z.at({at[0], at[1] / mine * weight[1] + k[0], y, xx}) +=
                    in[0].at(at) * in[1].at({at[1], k[0], k[1], k[2]});
              });
            });
            return z;
          },
      .nan = Nan::somewhere,
      .nan_reason = "strides leave gaps, and groups keep apart",
      .runs = {"conv2d", "conv2d_weight_grad"}};
  if (bias) c.inputs.push_back({.shape = {weight[1] * o.groups}, .linear = true});
  return c;
}

/// A row whose first input has a batch of one, called without that axis.
Case unbatched(Case c) {
  c.variant += ", no batch axis";
  const auto drop = [](const Shape& s) { return Shape(s.begin() + 1, s.end()); };
  const Shape whole = c.inputs[0].shape;
  c.inputs[0].shape = drop(whole);
  c.reference = [=, reference = c.reference](const std::vector<Array>& in) {
    std::vector<Array> batch = in;
    batch[0].shape = whole;
    Array z = reference(batch);
    z.shape = drop(z.shape);
    return z;
  };
  return c;
}

}  // namespace

std::vector<Case> window_cases() {
  return {
      unfolded("kernel 2", {2, 2, 3, 3}, {.kernel = 2}),
      unfolded("stride, padding", {1, 2, 4, 5}, {.kernel = {3, 2}, .stride = {2, 1}, .padding = {1, 0}}),
      unfolded("dilation", {1, 1, 5, 4}, {.kernel = 2, .dilation = {3, 2}}),
      unfolded("no images", {0, 2, 3, 3}, {.kernel = 2}),
      folded("kernel 2", 2, 2, 3, {.kernel = 2}),
      folded("stride, padding", 1, 2, {4, 5}, {.kernel = {3, 2}, .stride = {2, 1}, .padding = {1, 0}}),
      folded("dilation, gaps", 1, 1, {5, 6}, {.kernel = 2, .stride = 3, .dilation = 2}),
      folded("no images", 0, 1, 3, {.kernel = 2}),
      convolution("plain", {2, 2, 4, 4}, {3, 2, 3, 3}, false, {}),
      convolution("bias", {1, 2, 3, 4}, {2, 2, 2, 2}, true, {}),
      convolution("1 x 1", {2, 3, 2, 2}, {2, 3, 1, 1}, true, {}),
      convolution("padding", {1, 2, 3, 3}, {2, 2, 3, 3}, true, {.padding = 1}),
      convolution("stride", {1, 2, 5, 6}, {2, 2, 3, 2}, false, {.stride = {2, 3}}),
      convolution("stride that leaves a rest", {1, 1, 6, 6}, {2, 1, 3, 3}, false, {.stride = 2, .padding = {1, 0}}),
      convolution("dilation", {1, 1, 5, 6}, {2, 1, 2, 3}, false, {.dilation = {3, 2}}),
      convolution("groups", {2, 4, 3, 3}, {6, 2, 2, 2}, true, {.groups = 2}),
      convolution("depthwise", {1, 3, 4, 4}, {3, 1, 3, 3}, true, {.padding = 1, .groups = 3}),
      convolution("everything", {2, 4, 5, 6}, {2, 2, 2, 3}, true,
                  {.stride = {1, 2}, .padding = {2, 1}, .dilation = {2, 1}, .groups = 2}),
      convolution("kernel as large as the image", {2, 2, 3, 2}, {2, 2, 3, 2}, true, {}),
      convolution("no images", {0, 2, 3, 3}, {2, 2, 2, 2}, true, {}),
      convolution("no input channels", {1, 0, 3, 3}, {2, 0, 2, 2}, true, {}),
      convolution("no output channels", {1, 2, 3, 3}, {0, 2, 2, 2}, true, {}),
      line("conv1d", {2, 2, 5}, {3, 2, 3}, true, {}),
      line("conv1d, everything", {1, 4, 9}, {2, 2, 3}, true, {.stride = 2, .padding = 1, .dilation = 2, .groups = 2}),
      line("conv1d, no batch axis", {2, 5}, {3, 2, 2}, false, {.padding = 1}),
      same("same, odd kernel", {1, 2, 4, 5}, {2, 2, 3, 3}, 1),
      same("same, even kernel, dilation", {2, 1, 4, 5}, {2, 1, 2, 4}, {3, 1}),
      same("same, kernel larger than the image", {1, 1, 2, 3}, {1, 1, 6, 3}, 1),
      transposed("plain", {2, 2, 3, 2}, {2, 3, 2, 3}, true, {}),
      transposed("stride, padding", {1, 2, 3, 3}, {2, 1, 3, 3}, true, {.stride = 2, .padding = 1, .output_padding = 1}),
      transposed("everything", {2, 4, 2, 3}, {4, 1, 2, 3}, true,
                 {.stride = {2, 3}, .padding = {0, 1}, .output_padding = {1, 2}, .groups = 2, .dilation = {2, 1}}),
      transposed("output padding of a stride and more", {1, 2, 2, 2}, {2, 1, 2, 2}, false,
                 {.padding = {1, 0}, .output_padding = {1, 2}, .dilation = {2, 3}}),
      transposed("no images", {0, 2, 3, 3}, {2, 3, 2, 2}, true, {}),
      unbatched(transposed("plain", {1, 2, 2, 2}, {2, 1, 2, 2}, true, {})),
      unbatched(convolution("bias", {1, 2, 3, 4}, {2, 2, 2, 2}, true, {.padding = 1})),
      unbatched(unfolded("padding", {1, 2, 3, 3}, {.kernel = 2, .padding = 1})),
      unbatched(folded("padding", 1, 2, 3, {.kernel = 2, .padding = 1})),
  };
}

}  // namespace chainrule::cases
