// Convolution and its gradients against seven nested loops, both paths, both layouts; thread counts; the cache's bound.
#include <doctest/doctest.h>

#include <algorithm>

#include "ops/kernels/images/window.h"
#include "tests/ops/kernels/strides.h"
#include "tests/ops/kernels/support.h"

using namespace chainrule;
using namespace chainrule::kernels;
using namespace chainrule::test;

namespace {

// f(x index, weight index, z index) for every product of the convolution.
template <class F>
void each_product(const Convolution& s, const ImageStrides& xs, const ImageStrides& zs, F f) {
  const Windows& w = s.windows;
  const std::int64_t in = w.c / s.groups, out = s.out_channels / s.groups;
  for (std::int64_t n = 0; n < w.n; ++n)
    for (std::int64_t o = 0; o < s.out_channels; ++o)
      for (std::int64_t i = 0; i < w.out_h(); ++i)
        for (std::int64_t j = 0; j < w.out_w(); ++j)
          for (std::int64_t c = 0; c < in; ++c)
            for (std::int64_t ky = 0; ky < w.y.size; ++ky)
              for (std::int64_t kx = 0; kx < w.x.size; ++kx) {
                const std::int64_t y = i * w.y.stride + ky * w.y.dilation - w.y.padding;
                const std::int64_t x = j * w.x.stride + kx * w.x.dilation - w.x.padding;
                if (y < 0 || y >= w.h || x < 0 || x >= w.w) continue;
                f(at(xs, n, o / out * in + c, y, x), ((o * in + c) * w.y.size + ky) * w.x.size + kx,
                  at(zs, n, o, i, j));
              }
}

std::vector<Convolution> conv_cases() {
  std::vector<Convolution> all{
      {{1, 1, 1, 1, {}, {}}, 1, 1},
      {{0, 2, 4, 4, {3, 1, 1, 1}, {3, 1, 1, 1}}, 3, 1},
      {{2, 3, 3, 3, {4, 1, 0, 1}, {1, 1, 0, 1}}, 2, 1},  // no position fits
      {{3, 1, 8, 8, {3, 1, 1, 1}, {3, 1, 1, 1}}, 16, 1},
      {{2, 16, 9, 7, {3, 1, 1, 1}, {3, 1, 1, 1}}, 32, 1},
      {{2, 8, 9, 9, {5, 2, 2, 1}, {3, 1, 0, 2}}, 12, 2},
      {{2, 6, 7, 7, {3, 1, 1, 1}, {3, 1, 1, 1}}, 6, 6},
      {{17, 16, 12, 12, {3, 1, 1, 1}, {3, 1, 1, 1}}, 16, 1},  // several pieces, the last one smaller
      {{2, 5, 6, 6, {1, 1, 0, 1}, {1, 1, 0, 1}}, 7, 1},
      {{1, 2, 3, 3, {2, 1, 4, 1}, {2, 3, 3, 1}}, 2, 1},
      {{3, 16, 9, 8, {3, 1, 2, 1}, {3, 1, 2, 1}}, 16, 1},  // padding that oneDNN is slow with: padded beforehand
  };
  RandomNumbers numbers(41);
  while (all.size() < 41) {
    const auto axis = [&] {
      return WindowAxis{1 + numbers.below(4), 1 + numbers.below(3), numbers.below(3), 1 + numbers.below(2)};
    };
    const std::int64_t groups = 1 + numbers.below(3);
    all.push_back({{1 + numbers.below(3), groups * (1 + numbers.below(5)), 3 + numbers.below(8), 3 + numbers.below(8),
                    axis(), axis()},
                   groups * (1 + numbers.below(5)),
                   groups});
  }
  return all;
}

template <class T>
bool all_near(const std::vector<T>& got, const std::vector<long double>& truth, double products) {
  const double tolerance = 8 * static_cast<double>(std::numeric_limits<T>::epsilon()) * std::sqrt(products + 1);
  for (std::size_t i = 0; i < got.size(); ++i) {
    if (!near(static_cast<double>(got[i]), static_cast<double>(truth[i]), tolerance, 4)) return false;
  }
  return true;
}

ImageStrides layout(int kind, std::int64_t c, std::int64_t h, std::int64_t w) {
  if (kind == 0) return dense_strides(c, h, w);
  if (kind == 1) return channels_last_strides(c, h, w);
  return {c * h * w, w, c * w, 1};  // rows of channels: neither of the two
}

struct Path {
  decltype(&conv2d) forward;
  decltype(&conv2d_input_grad) input_grad;
  decltype(&conv2d_weight_grad) weight_grad;
};

template <class T>
void check_path(const Path& path, const Convolution& s, int x_kind, int z_kind) {
  RandomNumbers numbers(42);
  const Windows& w = s.windows;
  const DType d = dtype_of<T>();
  const ImageStrides xs = layout(x_kind, w.c, w.h, w.w), zs = layout(z_kind, s.out_channels, w.out_h(), w.out_w());
  const auto x = numbers.fill<T>(w.n * w.c * w.h * w.w),
             g = numbers.fill<T>(w.n * s.out_channels * w.out_h() * w.out_w());
  const auto weight = numbers.fill<T>(s.out_channels * w.c / s.groups * w.y.size * w.x.size);
  const auto bias = numbers.fill<T>(s.out_channels);
  std::vector<long double> z_truth(g.size(), 0), dx_truth(x.size(), 0), dw_truth(weight.size(), 0), biased;
  each_product(s, xs, zs, [&](auto xi, auto wi, auto zi) {
    z_truth[zi] += static_cast<long double>(x[xi]) * weight[wi];
    dx_truth[xi] += static_cast<long double>(g[zi]) * weight[wi];
    dw_truth[wi] += static_cast<long double>(g[zi]) * x[xi];
  });
  biased = z_truth;
  for (std::int64_t n = 0; n < w.n; ++n)
    for (std::int64_t o = 0; o < s.out_channels; ++o)
      for (std::int64_t i = 0; i < w.out_h(); ++i)
        for (std::int64_t j = 0; j < w.out_w(); ++j) biased[at(zs, n, o, i, j)] += bias[o];

  const T unset = std::numeric_limits<T>::quiet_NaN();
  std::vector<T> z(g.size(), unset), dx(x.size(), unset), dw(weight.size(), unset);
  const double taps = static_cast<double>(w.c / s.groups * w.y.size * w.x.size);
  path.forward(d, s, x.data(), xs, weight.data(), nullptr, z.data(), zs);
  CHECK(all_near(z, z_truth, taps));
  path.forward(d, s, x.data(), xs, weight.data(), bias.data(), z.data(), zs);
  CHECK(all_near(z, biased, taps));
  path.input_grad(d, s, g.data(), zs, weight.data(), dx.data(), xs);
  CHECK(all_near(dx, dx_truth, static_cast<double>(s.out_channels * w.y.size * w.x.size)));
  path.weight_grad(d, s, x.data(), xs, g.data(), zs, dw.data());
  CHECK(all_near(dw, dw_truth, static_cast<double>(w.n * w.out_h() * w.out_w())));
}

const Path kChosen{conv2d, conv2d_input_grad, conv2d_weight_grad};
const Path kPortable{reference::conv2d, reference::conv2d_input_grad, reference::conv2d_weight_grad};

}  // namespace

TEST_CASE_TEMPLATE("convolution and gradients, both paths, all pairs of layouts", T, float, double) {
  int number = 0;
  for (const Convolution& s : conv_cases()) {
    CAPTURE(number);
    for (int x_kind = 0; x_kind < 3; ++x_kind) {
      for (int z_kind = 0; z_kind < 3; ++z_kind) {
        CAPTURE(x_kind);
        CAPTURE(z_kind);
        check_path<T>(kChosen, s, x_kind, z_kind);
        check_path<T>(kPortable, s, x_kind, z_kind);
      }
    }
    ++number;
  }
}

TEST_CASE_TEMPLATE("convolution: one thread and two give the same bits", T, float, double) {
  RandomNumbers numbers(43);
  for (const Convolution& s : {Convolution{{100, 1, 8, 8, {3, 1, 1, 1}, {3, 1, 1, 1}}, 16, 1},
                               Convolution{{19, 16, 14, 14, {3, 1, 1, 1}, {3, 1, 1, 1}}, 32, 1},
                               Convolution{{8, 12, 20, 20, {5, 2, 2, 1}, {5, 2, 2, 1}}, 24, 2},
                               Convolution{{1, 32, 40, 40, {3, 1, 1, 1}, {3, 1, 1, 1}}, 32, 1}}) {
    const Windows& w = s.windows;
    for (int kind = 0; kind < 2; ++kind) {
      const ImageStrides xs = layout(kind, w.c, w.h, w.w), zs = layout(kind, s.out_channels, w.out_h(), w.out_w());
      const auto x = numbers.fill<T>(w.n * w.c * w.h * w.w);
      const auto g = numbers.fill<T>(w.n * s.out_channels * w.out_h() * w.out_w());
      const auto weight = numbers.fill<T>(s.out_channels * w.c / s.groups * w.y.size * w.x.size);
      const auto run = [&](int threads) {
        return with_threads(threads, [&] {
          std::vector<T> all(g.size() + x.size() + weight.size());
          const DType d = dtype_of<T>();
          T *z = all.data(), *dx = z + g.size(), *dw = dx + x.size();
          conv2d(d, s, x.data(), xs, weight.data(), nullptr, z, zs);
          conv2d_input_grad(d, s, g.data(), zs, weight.data(), dx, xs);
          conv2d_weight_grad(d, s, x.data(), xs, g.data(), zs, dw);
          return all;
        });
      };
      const auto all = run(1);
      CHECK(same_bits(all, run(2)));
      clear_conv_cache();
      CHECK(same_bits(all, run(3)));
    }
  }
}

TEST_CASE("prepared convolutions are bounded and can be let go") {
  clear_conv_cache();
  CHECK(conv_cache_size() == 0);
  std::vector<float> x(400), z(400);
  const float weight = 2;
  std::size_t most = 0;
  for (std::int64_t width = 1; width <= 300; ++width) {
    const Convolution s{{1, 1, 1, width, {}, {}}, 1, 1};
    conv2d(DType::float32, s, x.data(), dense_strides(1, 1, width), &weight, nullptr, z.data(),
           dense_strides(1, 1, width));
    most = std::max(most, conv_cache_size());
  }
  CHECK(most <= 256);
  clear_conv_cache();
  CHECK(conv_cache_size() == 0);
}
