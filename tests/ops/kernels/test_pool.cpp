// Pooling kernels against loops over indices: both layouts, channels and rows around the widths of vectors, ties, NaN,
// and the same bits for every layout of averages and number of threads.
#include <doctest/doctest.h>

#include "ops/kernels/images/pool.h"
#include "tests/ops/kernels/strides.h"
#include "tests/ops/kernels/support.h"

using namespace chainrule;
using namespace chainrule::kernels;
using namespace chainrule::test;

namespace {

PoolAxis sliding(std::int64_t length, const WindowAxis& w) { return {length, w.positions(length), w, false}; }
PoolAxis adaptive(std::int64_t length, std::int64_t positions) { return {length, positions, {}, true}; }

std::vector<Pooling> pool_cases(bool dilated) {
  std::vector<Pooling> all{
      {0, 2, sliding(4, {3, 1, 1, 1}), sliding(4, {3, 1, 1, 1})},
      {2, 30, sliding(6, {2, 2, 0, 1}), sliding(6, {2, 2, 0, 1})},
      {1, 16, sliding(5, {3, 2, 1, 1}), sliding(37, {3, 2, 1, 1})},
      {1, 1, sliding(4, {2, 1, 0, 1}), sliding(67, {2, 1, 1, 1})},
      {2, 1, sliding(3, {2, 2, 1, 1, true}), sliding(9, {3, 4, 0, 1, true})},
  };
  RandomNumbers numbers(41);
  while (all.size() < 70) {
    const auto axis = [&](std::int64_t length) {
      WindowAxis a{1 + numbers.below(4), 1 + numbers.below(3), 0, dilated ? 1 + numbers.below(3) : 1,
                   numbers.below(2) == 0};
      a.padding = numbers.below(a.size / 2 + 1);
      return sliding(length, a);
    };
    all.push_back({1 + numbers.below(3), kLengths[1 + static_cast<std::size_t>(numbers.below(13))],
                   axis(1 + numbers.below(9)), axis(1 + numbers.below(40))});
  }
  return all;
}

template <class T>
bool is_nan(T v) {
  return std::isnan(static_cast<double>(v));
}
std::size_t size_of(std::int64_t n) { return static_cast<std::size_t>(n); }

/// f(image, channel, window row, window column).
template <class F>
void each_window(const Pooling& s, F f) {
  for (std::int64_t n = 0; n < s.n; ++n)
    for (std::int64_t c = 0; c < s.c; ++c)
      for (std::int64_t i = 0; i < s.y.positions; ++i)
        for (std::int64_t j = 0; j < s.x.positions; ++j) f(n, c, i, j);
}

/// f(place, tap) for every tap of a window of one axis that lies inside it.
template <class F>
void each_pool_tap(const PoolAxis& a, std::int64_t i, F f) {
  if (a.adaptive) {
    for (std::int64_t k = i * a.length / a.positions; k * a.positions < (i + 1) * a.length; ++k) f(k, 0);
    return;
  }
  for (std::int64_t k = 0; k < a.window.size; ++k) {
    const std::int64_t place = i * a.window.stride - a.window.padding + k * a.window.dilation;
    if (place >= 0 && place < a.length) f(place, k);
  }
}

template <class T>
std::vector<T> with_ties_and_nan(RandomNumbers& numbers, std::int64_t n) {
  auto x = numbers.fill<T>(n, -5, 5);
  for (auto& v : x) v = static_cast<T>(std::round(static_cast<double>(v)));
  if constexpr (std::is_floating_point_v<T>) {
    for (std::size_t i = 0; i < x.size(); i += 7) x[i] = std::numeric_limits<T>::quiet_NaN();
    if (x.size() > 3) x[3] = -std::numeric_limits<T>::infinity();
  }
  return x;
}

/// The largest elements of windows with their places and taps, -1 where there are none.
template <class T>
struct Largest {
  std::vector<T> z;
  std::vector<std::int64_t> places, taps;
  Largest(const Pooling& s, const std::vector<T>& x, const ImageStrides& xs, const ImageStrides& zs) {
    const std::size_t count = size_of(s.n * s.c * s.y.positions * s.x.positions);
    z.assign(count,
             std::is_floating_point_v<T> ? -std::numeric_limits<T>::infinity() : std::numeric_limits<T>::lowest());
    places.assign(count, -1);
    taps.assign(count, -1);
    each_window(s, [&](auto n, auto c, auto i, auto j) {
      const std::size_t p = size_of(at(zs, n, c, i, j));
      each_pool_tap(s.y, i, [&](std::int64_t y, std::int64_t a) {
        each_pool_tap(s.x, j, [&](std::int64_t xx, std::int64_t b) {
          const T v = x[size_of(at(xs, n, c, y, xx))];
          if (places[p] >= 0 && !(v > z[p]) && !is_nan(v)) return;
          z[p] = v;
          places[p] = y * s.x.length + xx;
          taps[p] = a * s.x.window.size + b;
        });
      });
    });
  }
};

template <class T>
bool same_values(const std::vector<T>& a, const std::vector<T>& b) {
  for (std::size_t i = 0; i < a.size(); ++i)
    if (!(a[i] == b[i] || (is_nan(a[i]) && is_nan(b[i])))) return false;
  return a.size() == b.size();
}

}  // namespace

TEST_CASE_TEMPLATE("max_pool2d with taps: values, places, gradient, picking", T, float, double) {
  RandomNumbers numbers(42);
  const DType d = dtype_of<T>();
  for (const bool dilated : {false, true}) {
    for (const Pooling& s : pool_cases(dilated)) {
      for (const bool last : {false, true}) {
        CAPTURE(s.c);
        CAPTURE(s.x.length);
        CAPTURE(last);
        const ImageStrides xs = strides(last, s.c, s.y.length, s.x.length),
                           zs = strides(last, s.c, s.y.positions, s.x.positions);
        const auto x = with_ties_and_nan<T>(numbers, s.n * s.c * s.y.length * s.x.length);
        const Largest<T> truth(s, x, xs, zs);
        std::vector<T> z(truth.z.size(), T(77)), only(z), dx(x.size(), T(77)), dx_truth(x.size(), T(0)), picked(z);
        std::vector<std::uint8_t> taps(z.size(), 99);
        max_pool2d(d, s, last, x.data(), z.data(), taps.data());
        CHECK(same_values(z, truth.z));
        CHECK(std::equal(taps.begin(), taps.end(), truth.taps.begin(),
                         [](std::uint8_t a, std::int64_t b) { return a == (b < 0 ? kNoTap : b); }));
        max_pool2d(d, s, last, x.data(), only.data(), nullptr);
        CHECK(same_bits(only, z));

        const auto g = numbers.fill<T>(static_cast<std::int64_t>(z.size()), -9, 9);
        each_window(s, [&](auto n, auto c, auto i, auto j) {
          const auto p = size_of(at(zs, n, c, i, j));
          const auto place = truth.places[p];
          if (place >= 0) dx_truth[size_of(at(xs, n, c, place / s.x.length, place % s.x.length))] += g[p];
        });
        max_pool2d_grad(d, s, last, g.data(), taps.data(), dx.data());
        CHECK(dx == dx_truth);
        max_pool2d_pick(d, s, last, x.data(), taps.data(), picked.data());
        for (std::size_t p = 0; p < z.size(); ++p)
          if (truth.places[p] < 0) z[p] = 0;
        CHECK(same_values(picked, z));
      }
    }
  }
}

TEST_CASE_TEMPLATE("max_pool2d_indexed: any layout, adaptive too; reading and adding by place", T, float, double,
                   std::int64_t) {
  RandomNumbers numbers(43);
  const DType d = dtype_of<T>();
  std::vector<Pooling> all = pool_cases(true);
  all.push_back({2, 3, adaptive(7, 3), adaptive(5, 4)});
  all.push_back({1, 2, adaptive(3, 5), adaptive(6, 6)});
  for (const Pooling& s : all) {
    for (const bool last : {false, true}) {
      const ImageStrides xs = strides(last, s.c, s.y.length, s.x.length),
                         zs = strides(!last, s.c, s.y.positions, s.x.positions);
      const auto x = with_ties_and_nan<T>(numbers, s.n * s.c * s.y.length * s.x.length);
      const Largest<T> truth(s, x, xs, zs);
      std::vector<T> z(truth.z.size(), T(77)), dx(x.size(), T(77)), dx_truth(x.size(), T(0)), gathered(z);
      std::vector<std::int64_t> index(z.size(), 77);
      max_pool2d_indexed(d, s, x.data(), xs, z.data(), index.data(), zs);
      CHECK(index == truth.places);
      CHECK(same_values(z, truth.z));

      const Planes planes{s.n, s.c, s.y.length, s.x.length, s.y.positions, s.x.positions};
      const auto g = numbers.fill<T>(static_cast<std::int64_t>(z.size()), -9, 9);
      each_window(s, [&](auto n, auto c, auto i, auto j) {
        const auto p = size_of(at(zs, n, c, i, j));
        if (index[p] >= 0) dx_truth[size_of(at(xs, n, c, index[p] / s.x.length, index[p] % s.x.length))] += g[p];
      });
      plane_scatter_add(d, planes, g.data(), zs, index.data(), zs, dx.data(), xs);
      CHECK(dx == dx_truth);
      plane_gather(d, planes, x.data(), xs, index.data(), zs, gathered.data(), zs);
      for (std::size_t p = 0; p < z.size(); ++p)
        if (index[p] < 0) z[p] = 0;
      CHECK(same_values(gathered, z));
    }
  }
}

TEST_CASE_TEMPLATE("avg_pool2d and its adjoint: values, the same bits in both layouts", T, float, double) {
  RandomNumbers numbers(44);
  const DType d = dtype_of<T>();
  std::vector<Pooling> all = pool_cases(false);
  all.push_back({2, 3, adaptive(7, 3), adaptive(5, 4)});
  all.push_back({1, 20, adaptive(3, 5), adaptive(6, 6)});
  for (const Pooling& s : all) {
    for (const Averaging a : {Averaging{}, Averaging{false, 0}, Averaging{true, 7}}) {
      const std::int64_t h = s.y.length, w = s.x.length, oh = s.y.positions, ow = s.x.positions;
      const ImageStrides xs = dense_strides(s.c, h, w), zs = dense_strides(s.c, oh, ow);
      const ImageStrides xl = channels_last_strides(s.c, h, w), zl = channels_last_strides(s.c, oh, ow);
      const auto x = numbers.fill<T>(s.n * s.c * h * w), g = numbers.fill<T>(s.n * s.c * oh * ow);
      std::vector<double> z_truth(g.size(), 0), dx_truth(x.size(), 0);
      each_window(s, [&](auto n, auto c, auto i, auto j) {
        const auto counted = [&](const PoolAxis& axis, std::int64_t at) {
          std::int64_t count = 0;
          if (axis.adaptive || !a.count_padding) {
            each_pool_tap(axis, at, [&](auto, auto) { ++count; });
          } else {
            for (std::int64_t k = 0; k < axis.window.size; ++k)
              count += at * axis.window.stride - axis.window.padding + k < axis.length + axis.window.padding;
          }
          return count;
        };
        const auto by = static_cast<double>(a.divisor != 0 ? a.divisor : counted(s.y, i) * counted(s.x, j));
        each_pool_tap(s.y, i, [&](std::int64_t y, auto) {
          each_pool_tap(s.x, j, [&](std::int64_t xx, auto) {
            z_truth[size_of(at(zs, n, c, i, j))] += static_cast<double>(x[size_of(at(xs, n, c, y, xx))]) / by;
            dx_truth[size_of(at(xs, n, c, y, xx))] += static_cast<double>(g[size_of(at(zs, n, c, i, j))]) / by;
          });
        });
      });
      std::vector<T> z(g.size(), T(77)), dx(x.size(), T(77)), x_last(x.size()), g_last(g.size()), z_last(z),
          dx_last(dx);
      avg_pool2d(d, s, a, false, x.data(), z.data());
      avg_pool2d_grad(d, s, a, false, g.data(), dx.data());
      const auto each = [&](std::int64_t rows, std::int64_t columns, auto f) {
        for (std::int64_t n = 0; n < s.n; ++n)
          for (std::int64_t c = 0; c < s.c; ++c)
            for (std::int64_t i = 0; i < rows; ++i)
              for (std::int64_t j = 0; j < columns; ++j) f(n, c, i, j);
      };
      each(h, w, [&](auto... p) { x_last[size_of(at(xl, p...))] = x[size_of(at(xs, p...))]; });
      each(oh, ow, [&](auto... p) { g_last[size_of(at(zl, p...))] = g[size_of(at(zs, p...))]; });
      avg_pool2d(d, s, a, true, x_last.data(), z_last.data());
      avg_pool2d_grad(d, s, a, true, g_last.data(), dx_last.data());
      const double tolerance = sizeof(T) == 4 ? 1e-6 : 1e-14;
      bool close = true, same = true;
      each(oh, ow, [&](auto... p) {
        const auto k = size_of(at(zs, p...));
        close = close && near(static_cast<double>(z[k]), z_truth[k], tolerance, 4);
        same = same && same_bits(z[k], z_last[size_of(at(zl, p...))]);
      });
      each(h, w, [&](auto... p) {
        const auto k = size_of(at(xs, p...));
        close = close && near(static_cast<double>(dx[k]), dx_truth[k], tolerance, 4);
        same = same && same_bits(dx[k], dx_last[size_of(at(xl, p...))]);
      });
      CHECK(close);
      CHECK(same);
    }
  }
}

TEST_CASE("pooling: one thread and two give the same bits") {
  RandomNumbers numbers(45);
  const Pooling s{4, 20, sliding(33, {3, 2, 1, 1}), sliding(31, {3, 1, 1, 1})};
  const auto x = numbers.fill<float>(s.n * s.c * s.y.length * s.x.length);
  const auto run = [&](bool last, int threads) {
    return with_threads(threads, [&] {
      const std::size_t windows = size_of(s.n * s.c * s.y.positions * s.x.positions);
      std::vector<float> z(windows), mean(windows), dx(x.size()), share(x.size());
      std::vector<std::uint8_t> taps(windows);
      max_pool2d(DType::float32, s, last, x.data(), z.data(), taps.data());
      max_pool2d_grad(DType::float32, s, last, z.data(), taps.data(), dx.data());
      avg_pool2d(DType::float32, s, {}, last, x.data(), mean.data());
      avg_pool2d_grad(DType::float32, s, {}, last, z.data(), share.data());
      z.insert(z.end(), mean.begin(), mean.end());
      z.insert(z.end(), dx.begin(), dx.end());
      z.insert(z.end(), share.begin(), share.end());
      return z;
    });
  };
  for (const bool last : {false, true}) CHECK(same_bits(run(last, 1), run(last, 2)));
}

TEST_CASE("of places that are named twice only the last stays") {
  std::vector<std::int64_t> index{3, 3, 0, 1, 2, 2, 2, -1};
  keep_last_of_each({2, 1, 2, 2, 2, 2}, index.data());
  CHECK(index == std::vector<std::int64_t>{-1, 3, 0, 1, -1, -1, 2, -1});
}
