// Rows for unfold, fold, conv2d and max_pool2d. The references walk over output position, channel and tap one by one.
#include "tests/ops/cases.h"

#include <limits>

namespace chainrule::cases {
namespace {

std::int64_t positions(std::int64_t length, std::int64_t kernel, std::int64_t stride, std::int64_t padding,
                       std::int64_t dilation) {
  std::int64_t count = 0;
  for (std::int64_t first = -padding; first + dilation * (kernel - 1) < length + padding; first += stride) ++count;
  return count;
}

struct Window {
  Size2 kernel, stride = 1, padding = 0, dilation = 1;
  std::int64_t out_h(std::int64_t h) const { return positions(h, kernel.h, stride.h, padding.h, dilation.h); }
  std::int64_t out_w(std::int64_t w) const { return positions(w, kernel.w, stride.w, padding.w, dilation.w); }
};

/// Calls visit(row of z, column of z, tap row, tap column, y, x) for every tap that lies inside an h x w plane.
template <class F>
void each_tap(const Window& k, std::int64_t h, std::int64_t w, F visit) {
  for (std::int64_t i = 0; i < k.out_h(h); ++i) {
    for (std::int64_t j = 0; j < k.out_w(w); ++j) {
      for (std::int64_t a = 0; a < k.kernel.h; ++a) {
        for (std::int64_t b = 0; b < k.kernel.w; ++b) {
          const std::int64_t y = i * k.stride.h - k.padding.h + a * k.dilation.h;
          const std::int64_t x = j * k.stride.w - k.padding.w + b * k.dilation.w;
          if (y >= 0 && y < h && x >= 0 && x < w) visit(i, j, a, b, y, x);
        }
      }
    }
  }
}

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

Case pooled(std::string variant, const Shape& x, const Window& k) {
  const PoolOptions options{k.stride, k.padding, k.dilation};
  return {
      .op = "max_pool2d",
      .variant = std::move(variant),
      .inputs = {{.shape = x, .distinct = true, .linear = true}},
      .f = [=](const std::vector<Tensor>& t) { return max_pool2d(t[0], k.kernel, options); },
      .reference =
          [=](const std::vector<Array>& in) {
            const std::int64_t h = in[0].shape[2], w = in[0].shape[3];
            Array z({in[0].shape[0], in[0].shape[1], k.out_h(h), k.out_w(w)}, -std::numeric_limits<double>::infinity());
            for (std::int64_t n = 0; n < in[0].shape[0]; ++n)
              for (std::int64_t c = 0; c < in[0].shape[1]; ++c)
                each_tap(k, h, w, [&](auto i, auto j, auto, auto, auto y, auto xx) {
                  z.at({n, c, i, j}) = std::max(z.at({n, c, i, j}), in[0].at({n, c, y, xx}));
                });
            return z;
          },
      .nan = Nan::somewhere,
      .nan_reason = "each window picks one element",
      .runs = {"plane_scatter", "plane_gather"}};
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
      pooled("kernel 2", {2, 2, 4, 4}, {.kernel = 2, .stride = 2}),
      pooled("overlapping", {1, 2, 4, 5}, {.kernel = {3, 2}, .stride = 1}),
      pooled("padding", {1, 1, 4, 4}, {.kernel = 3, .stride = 2, .padding = 1}),
      pooled("dilation", {1, 1, 5, 6}, {.kernel = 2, .stride = {1, 2}, .dilation = {2, 3}}),
      pooled("a rest that no window reaches", {1, 1, 5, 5}, {.kernel = 2, .stride = 2}),
      pooled("no images", {0, 2, 4, 4}, {.kernel = 2, .stride = 2}),
  };
}

}  // namespace chainrule::cases
