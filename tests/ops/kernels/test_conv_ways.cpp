// The ways that float32 convolutions may take, held against each other and against float64: Winograd's method, oneDNN's
// direct one, the portable path. Small shapes, where Winograd is never chosen, are in test_conv.cpp.
#include <doctest/doctest.h>

#include <algorithm>

#include "engine/backward.h"
#include "engine/factory.h"
#include "ops/kernels/elementwise/elementwise.h"
#include "ops/kernels/images/window.h"
#include "ops/ops.h"
#include "tests/ops/kernels/support.h"

using namespace chainrule;
using namespace chainrule::kernels;
using namespace chainrule::test;

namespace {

/// Back to the default at the end, also when a check stops the test.
struct Method {
  explicit Method(ConvMethod m) { set_conv_method(m); }
  ~Method() { set_conv_method(ConvMethod::fastest); }
};

// Large enough for Winograd, where oneDNN has it: tiles at the lower edge hang over, and the last piece is smaller.
const Convolution kLarge{{17, 64, 13, 16, {3, 1, 1, 1}, {3, 1, 1, 1}}, 64, 1};

/// The three results of one convolution, one behind the other.
template <class T>
struct Results {
  std::vector<T> z, dx, dw;

  Results(const Convolution& s, const std::vector<T>& x, const ImageStrides& xs, const std::vector<T>& w,
          const std::vector<T>& b, const std::vector<T>& g, const ImageStrides& zs)
      : z(g.size()), dx(x.size()), dw(w.size()) {
    const DType d = dtype_of<T>();
    conv2d(d, s, x.data(), xs, w.data(), b.data(), z.data(), zs);
    conv2d_input_grad(d, s, g.data(), zs, w.data(), dx.data(), xs);
    conv2d_weight_grad(d, s, x.data(), xs, g.data(), zs, dw.data());
  }
};

struct Problem {
  Convolution s = kLarge;
  ImageStrides xs = channels_last_strides(64, 13, 16), zs = xs;
  std::vector<float> x, w, b, g;

  Problem() {
    RandomNumbers numbers(44);
    x = numbers.fill<float>(17 * 64 * 13 * 16);
    g = numbers.fill<float>(17 * 64 * 13 * 16);
    w = numbers.fill<float>(64 * 64 * 9);
    b = numbers.fill<float>(64);
  }
  Results<float> run() const { return {s, x, xs, w, b, g, zs}; }
  Results<double> truth() const {
    const auto wide = [](const std::vector<float>& v) { return std::vector<double>(v.begin(), v.end()); };
    return {s, wide(x), xs, wide(w), wide(b), wide(g), zs};
  }
};

/// The largest error, in units of the rounding error of a sum of `products` numbers of about one: eps sqrt(products).
double worst(const std::vector<float>& got, const std::vector<double>& truth, double products) {
  double most = 0;
  for (std::size_t i = 0; i < got.size(); ++i) {
    const double error = std::abs(static_cast<double>(got[i]) - truth[i]);
    if (!(error <= most)) most = error;
  }
  return most / (static_cast<double>(std::numeric_limits<float>::epsilon()) * std::sqrt(products));
}

}  // namespace

TEST_CASE("every way of a large convolution: forward with bias, gradients by images and weight, against float64") {
  const Problem p;
  const Results<double> truth = p.truth();
  const double taps = 64 * 9, positions = 17 * 13 * 16;
  const auto check = [&](ConvMethod m, double tolerance) {
    const Method method(m);
    const Results<float> got = p.run();
    CHECK(worst(got.z, truth.z, taps) < tolerance);
    CHECK(worst(got.dx, truth.dx, taps) < tolerance);
    CHECK(worst(got.dw, truth.dw, positions) < 100);
  };
  check(ConvMethod::portable, 60);
  check(ConvMethod::direct, 60);
  check(ConvMethod::fastest, 240);  // Winograd's, where it is there
}

TEST_CASE("every way of a large convolution: threads, layouts and earlier calls do not change a bit") {
  Problem p;
  for (const ConvMethod m : {ConvMethod::fastest, ConvMethod::direct}) {
    const Method method(m);
    const auto all = [&] {
      const Results<float> r = p.run();
      return std::vector<std::vector<float>>{r.z, r.dx, r.dw};
    };
    const auto one = with_threads(1, all);
    const auto same = [&](const std::vector<std::vector<float>>& other) {
      for (std::size_t i = 0; i < one.size(); ++i)
        if (!same_bits(one[i], other[i])) return false;
      return true;
    };
    CHECK(same(with_threads(2, all)));
    clear_kernel_caches();
    CHECK(same(with_threads(3, all)));
    // The same numbers as rows of channels, which is neither of the usual layouts.
    const Shape shape{17, 64, 13, 16};
    const ImageStrides rows{64 * 13 * 16, 16, 64 * 16, 1};
    const auto laid_out = [&](const std::vector<float>& v, const ImageStrides& from, const ImageStrides& to) {
      std::vector<float> z(v.size());
      copy_strided(DType::float32, v.data(), Strides(from.begin(), from.end()), z.data(), Strides(to.begin(), to.end()),
                   shape);
      return z;
    };
    const Results<float> moved(p.s, laid_out(p.x, p.xs, rows), rows, p.w, p.b, laid_out(p.g, p.zs, rows), rows);
    CHECK(same({laid_out(moved.z, rows, p.zs), laid_out(moved.dx, rows, p.xs), moved.dw}));
  }
}

TEST_CASE("every way of a large convolution: NaN in gives NaN out") {
  Problem p;
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const std::size_t place = 64 * (5 * 16 + 6) + 3;  // row 5, column 6 of the first image
  p.x[place] = p.g[place] = nan;
  for (const ConvMethod m : {ConvMethod::fastest, ConvMethod::direct, ConvMethod::portable}) {
    const Method method(m);
    const Results<float> r = p.run();
    for (std::size_t row = 4; row <= 6; ++row)
      for (std::size_t column = 5; column <= 7; ++column) {
        CHECK(std::isnan(r.z[64 * (row * 16 + column)]));
        CHECK(std::isnan(r.dx[64 * (row * 16 + column)]));
      }
    CHECK(std::isnan(r.dw[3 * 9]));
    CHECK_FALSE(std::isnan(r.z[64 * (5 * 16 + 14)]));  // far from it
    CHECK_FALSE(std::isnan(r.z.back()));
  }
}

TEST_CASE("conv2d and its gradients of order one and two by every method") {
  Generator generator(45);
  const auto leaf = [&](const Shape& shape) {
    return randn(shape, {.dtype = DType::float32, .requires_grad = true}, generator);
  };
  const Tensor x = leaf({8, 32, 16, 16}), w = leaf({64, 32, 3, 3}), b = leaf({64});
  const auto all = [&](ConvMethod m) {
    const Method method(m);
    const Tensor z = conv2d(x, w, b, {.padding = 1});
    const auto first = grad({mean(square(z))}, {x, w, b}, {.create_graph = true});
    const auto second = grad({sum(square(first[0])) + sum(square(first[1])) + sum(square(first[2]))}, {x, w, b});
    std::vector<Tensor> list{z};
    list.insert(list.end(), first.begin(), first.end());
    list.insert(list.end(), second.begin(), second.end());
    return list;
  };
  const auto portable = all(ConvMethod::portable);
  for (const ConvMethod m : {ConvMethod::direct, ConvMethod::fastest}) {
    const auto got = all(m);
    for (std::size_t i = 0; i < got.size(); ++i) {
      CAPTURE(i);
      const Tensor error = got[i] - portable[i];
      CHECK(norm(error).item() <= 5e-6 * norm(portable[i]).item());
    }
  }
}
