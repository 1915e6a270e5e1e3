// Unfold and fold against loops over indices, in dense and channels-last layouts.
#include <doctest/doctest.h>

#include "ops/kernels/images/window.h"
#include "tests/ops/kernels/strides.h"
#include "tests/ops/kernels/support.h"

using namespace chainrule;
using namespace chainrule::kernels;
using namespace chainrule::test;

namespace {

std::vector<Windows> window_cases() {
  std::vector<Windows> all{{1, 1, 1, 1, {}, {}},
                           {0, 2, 4, 4, {3, 1, 1, 1}, {3, 1, 1, 1}},
                           {2, 3, 5, 7, {3, 1, 1, 1}, {3, 2, 1, 1}},
                           {1, 2, 6, 5, {2, 2, 0, 1}, {2, 2, 0, 1}},
                           {2, 1, 9, 8, {3, 2, 2, 2}, {2, 3, 1, 3}},
                           {1, 1, 2, 2, {5, 1, 3, 1}, {5, 1, 3, 1}},
                           {1, 2, 3, 3, {4, 1, 0, 1}, {1, 1, 0, 1}}};  // the last: no position fits
  RandomNumbers numbers(31);
  while (all.size() < 60) {
    const auto axis = [&] {
      WindowAxis a{1 + numbers.below(4), 1 + numbers.below(3), 0, 1 + numbers.below(3)};
      a.padding = numbers.below(a.size * a.dilation + 1);
      return a;
    };
    all.push_back(
        {1 + numbers.below(3), 1 + numbers.below(3), 1 + numbers.below(9), 1 + numbers.below(9), axis(), axis()});
  }
  return all;
}

// f(image, channel, output row, output column, tap row, tap column, input row, input column); input may lie in the
// padding.
template <class F>
void each_tap(const Windows& s, F f) {
  for (std::int64_t n = 0; n < s.n; ++n)
    for (std::int64_t c = 0; c < s.c; ++c)
      for (std::int64_t i = 0; i < s.out_h(); ++i)
        for (std::int64_t j = 0; j < s.out_w(); ++j)
          for (std::int64_t ky = 0; ky < s.y.size; ++ky)
            for (std::int64_t kx = 0; kx < s.x.size; ++kx)
              f(n, c, i, j, ky, kx, i * s.y.stride + ky * s.y.dilation - s.y.padding,
                j * s.x.stride + kx * s.x.dilation - s.x.padding);
}

bool inside(const Windows& s, std::int64_t y, std::int64_t x) { return y >= 0 && y < s.h && x >= 0 && x < s.w; }

}  // namespace

TEST_CASE("positions of a window") {
  CHECK(WindowAxis{}.positions(5) == 5);
  CHECK(WindowAxis{3, 1, 0, 1}.positions(5) == 3);
  CHECK(WindowAxis{3, 2, 1, 1}.positions(8) == 4);
  CHECK(WindowAxis{3, 2, 1, 1, true}.positions(8) == 5);
  CHECK(WindowAxis{2, 2, 1, 1, true}.positions(3) == 2);  // the third would begin in the right padding
  CHECK(WindowAxis{4, 4, 0, 1, true}.positions(3) == 1);
  CHECK(WindowAxis{4, 1, 0, 1, true}.positions(3) == 0);
  CHECK(WindowAxis{3, 1, 0, 2}.positions(5) == 1);
  CHECK(WindowAxis{4, 1, 0, 1}.positions(3) == 0);
  CHECK(WindowAxis{4, 3, 0, 1}.positions(3) == 0);
}

TEST_CASE_TEMPLATE("im2col and col2im", T, float, double, std::int64_t) {
  RandomNumbers numbers(32);
  const DType d = dtype_of<T>();
  for (const Windows& s : window_cases()) {
    for (const bool last : {false, true}) {
      const ImageStrides xs = strides(last, s.c, s.h, s.w);
      const auto x = numbers.fill<T>(s.n * s.c * s.h * s.w, -99, 99);
      const std::int64_t taps = s.y.size * s.x.size, positions = s.out_h() * s.out_w();
      std::vector<T> columns(static_cast<std::size_t>(s.n * s.c * taps * positions), T(77)), truth(columns);
      const auto g = numbers.fill<T>(static_cast<std::int64_t>(columns.size()), -99, 99);
      std::vector<T> back(x.size(), T(77)), back_truth(x.size(), T(0));
      each_tap(s, [&](auto n, auto c, auto i, auto j, auto ky, auto kx, auto y, auto xx) {
        const auto column = ((n * s.c + c) * taps + ky * s.x.size + kx) * positions + i * s.out_w() + j;
        truth[column] = inside(s, y, xx) ? x[at(xs, n, c, y, xx)] : T(0);
        if (inside(s, y, xx)) back_truth[at(xs, n, c, y, xx)] += g[column];
      });
      im2col(d, s, x.data(), xs, columns.data());
      CHECK(columns == truth);
      col2im(d, s, g.data(), back.data(), xs);
      bool close = true;
      for (std::size_t i = 0; i < back.size(); ++i) {
        close = close && near(static_cast<double>(back[i]), static_cast<double>(back_truth[i]), 1e-5, 100);
      }
      CHECK(close);
    }
  }
}

TEST_CASE("windows: one thread and two give the same bits") {
  RandomNumbers numbers(34);
  const Windows s{8, 6, 33, 31, {3, 1, 1, 1}, {3, 1, 1, 1}};
  const ImageStrides xs = dense_strides(s.c, s.h, s.w);
  const auto x = numbers.fill<float>(s.n * xs[0]);
  const auto run = [&](int threads) {
    return with_threads(threads, [&] {
      std::vector<float> columns(static_cast<std::size_t>(s.n * xs[0] * 9)), back(x.size());
      im2col(DType::float32, s, x.data(), xs, columns.data());
      col2im(DType::float32, s, columns.data(), back.data(), xs);
      return back;
    });
  };
  CHECK(same_bits(run(1), run(2)));
}
