// Work shared out over threads, by operations and shapes: sizes just past where threads begin, thin in each direction,
// 1 to 64 threads, against loops over indices. Numbers are small and whole, so that results are exact in any order; the
// others are compared closely. Products have a test of their own, tests/ops/kernels/test_matmul_cut.cpp.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>
#include <string>

#include "engine/factory.h"
#include "engine/scopes.h"
#include "ops/ops.h"
#include "tests/ops/kernels/support.h"

using namespace chainrule;
using namespace chainrule::test;

namespace {

using Values = std::vector<double>;

std::size_t place(std::int64_t i) { return static_cast<std::size_t>(i); }

/// Whole numbers of [-4, 4] in no order.
Tensor whole_numbers(const Shape& shape, DType dtype) {
  Values v(place(numel(shape)));
  std::uint64_t state = 1;
  for (double& x : v) {
    state = state * 6364136223846793005U + 1442695040888963407U;
    x = static_cast<double>(state >> 33 & 0xffff) / 65536 * 9;
    x = std::floor(x) - 4;
  }
  return from_vector(v, shape, {.dtype = dtype});
}

/// f(line, lines): what becomes of each line along the middle axis; results lie as lines do.
Values along_middle(const Tensor& x, const std::function<Values(const Values&)>& f) {
  const std::int64_t outer = x.shape()[0], n = x.shape()[1], inner = x.shape()[2];
  const Values from = x.to_vector();
  Values result;
  for (std::int64_t o = 0; o < outer; ++o) {
    for (std::int64_t i = 0; i < inner; ++i) {
      Values line(place(n));
      for (std::int64_t k = 0; k < n; ++k) line[place(k)] = from[place((o * n + k) * inner + i)];
      const Values some = f(line);
      const auto m = static_cast<std::int64_t>(some.size());
      if (result.empty()) result.resize(place(outer * m * inner));
      for (std::int64_t k = 0; k < m; ++k) result[place((o * m + k) * inner + i)] = some[place(k)];
    }
  }
  return result;
}

bool close(const Values& got, const Values& right, double tolerance) {
  if (got.size() != right.size()) return false;
  bool all = true;
  for (std::size_t i = 0; i < got.size(); ++i) all = all && (got[i] == right[i] || near(got[i], right[i], tolerance));
  return all;
}

/// Runs f with each number of threads.
void check_threads(const std::string& what, const std::function<Tensor()>& f, const Values& right,
                   double tolerance = 0) {
  for (const int threads : {1, 2, 3, 7, 64})
    CHECK_MESSAGE(with_threads(threads, [&] { return close(f().to_vector(), right, tolerance); }),
                  what << ", threads " << threads);
}

/// Thin in each direction, and just past the sizes from which two threads work.
const std::vector<Shape> kThinLines{{1, 1, 65543}, {1, 65543, 1}, {65543, 1, 1}, {2, 1, 32771}, {32771, 2, 1},
                                    {1, 32771, 2}, {2, 32771, 1}, {1, 2, 32771}, {129, 3, 173}, {3, 173, 129}};

Values argsorted(const Values& line) {
  Values order(line.size());
  std::iota(order.begin(), order.end(), 0.0);
  std::stable_sort(order.begin(), order.end(), [&](double a, double b) {
    return line[static_cast<std::size_t>(a)] < line[static_cast<std::size_t>(b)];
  });
  return order;
}

double total(const Values& line) { return std::accumulate(line.begin(), line.end(), 0.0); }

Values softmaxed(const Values& line) {
  const double most = *std::max_element(line.begin(), line.end());
  Values z = line;
  for (double& v : z) v = std::exp(v - most);
  const double all = total(z);
  for (double& v : z) v /= all;
  return z;
}

Values standardised(const Values& line) {
  const auto n = static_cast<double>(line.size());
  const double mean = total(line) / n;
  Values z = line;
  double squares = 0;
  for (double& v : z) {
    v -= mean;
    squares += v * v;
  }
  for (double& v : z) v /= std::sqrt(squares / n + 1e-5);
  return z;
}

}  // namespace

TEST_CASE("threads: reductions of thin shapes") {
  const NoGrad off;
  for (const Shape& shape : kThinLines) {
    const Tensor x = whole_numbers(shape, DType::int64), y = whole_numbers(shape, DType::float64);
    const std::string of = " of " + to_string(shape);
    check_threads(
        "sum" + of, [&] { return sum(x, {1}); }, along_middle(x, [](const Values& v) { return Values{total(v)}; }));
    check_threads("sum of all" + of, [&] { return sum(y); }, {total(y.to_vector())});
    check_threads(
        "amax" + of, [&] { return amax(y, {1}); },
        along_middle(y, [](const Values& v) { return Values{*std::max_element(v.begin(), v.end())}; }));
    check_threads(
        "argmin" + of, [&] { return argmin(x, 1); }, along_middle(x, [](const Values& v) {
          return Values{static_cast<double>(std::min_element(v.begin(), v.end()) - v.begin())};
        }));
    check_threads(
        "var" + of, [&] { return var(y, {1}, 0); },
        along_middle(y,
                     [](const Values& v) {
                       const double mean = total(v) / static_cast<double>(v.size());
                       double squares = 0;
                       for (const double one : v) squares += (one - mean) * (one - mean);
                       return Values{squares / static_cast<double>(v.size())};
                     }),
        1e-12);
    check_threads(
        "softmax" + of, [&] { return softmax(y, 1); }, along_middle(y, softmaxed), 1e-12);
    check_threads(
        "logsumexp" + of, [&] { return logsumexp(y, {1}); },
        along_middle(y,
                     [](const Values& v) {
                       double all = 0;
                       for (const double one : v) all += std::exp(one);
                       return Values{std::log(all)};
                     }),
        1e-12);
  }
}

TEST_CASE("threads: scans and orders of thin shapes") {
  const NoGrad off;
  for (const Shape& shape : kThinLines) {
    const Tensor x = whole_numbers(shape, DType::int64), y = whole_numbers(shape, DType::float32);
    const std::string of = " of " + to_string(shape);
    check_threads(
        "cumsum" + of, [&] { return cumsum(x, 1); }, along_middle(x, [](const Values& v) {
          Values z = v;
          std::partial_sum(v.begin(), v.end(), z.begin());
          return z;
        }));
    const Values order = along_middle(y, argsorted);
    check_threads(
        "argsort" + of, [&] { return argsort(y, 1, false, true); }, order);
    check_threads(
        "argsort of int64" + of, [&] { return argsort(x, 1, false, true); }, order);
    check_threads(
        "median" + of, [&] { return median(y, 1); }, along_middle(y, [](Values v) {
          std::sort(v.begin(), v.end());
          return Values{v[(v.size() - 1) / 2]};
        }));
    check_threads(
        "topk" + of, [&] { return topk(y, 1, 1); },
        along_middle(y, [](const Values& v) { return Values{*std::max_element(v.begin(), v.end())}; }));
  }
}

TEST_CASE("threads: normalisation of thin shapes") {
  const NoGrad off;
  for (const Shape& shape : kThinLines) {
    const Tensor x = whole_numbers(shape, DType::float64);
    const std::string of = " of " + to_string(shape);
    const Tensor rows = reshape(x, {shape[0], 1, shape[1] * shape[2]});
    check_threads(
        "layer_norm" + of, [&] { return layer_norm(rows, {rows.shape()[2]}); },
        along_middle(permute(rows, {0, 2, 1}), standardised), 1e-11);
    if (shape[1] < 2) continue;
    // A column of (1, n, 1) for each of the channels, which stand last, or first as (N, C) has them.
    const Tensor samples = reshape(permute(x, {1, 0, 2}), {shape[1], shape[0] * shape[2]});
    const Tensor columns = reshape(samples, {1, shape[1], shape[0] * shape[2]});
    check_threads(
        "batch_norm" + of, [&] { return batch_norm(samples, {}, {}, {}, {}, {.training = true}); },
        along_middle(columns, standardised), 1e-11);
  }
}

TEST_CASE("threads: elements of any count, dense, transposed and broadcast") {
  const NoGrad off;
  for (const std::int64_t n : {16384, 32767, 32768, 32769, 65537}) {
    const Tensor x = whole_numbers({n}, DType::float64);
    Values twice = x.to_vector(), roots = twice, table(place(3 * n));
    for (double& v : twice) v += v;
    for (double& v : roots) v = std::exp(v);
    for (std::int64_t i = 0; i < n; ++i)
      for (std::int64_t j = 0; j < 3; ++j)
        table[place(i * 3 + j)] = twice[place(i)] / 2 * static_cast<double>(j + 1) - twice[place(i)] / 2;
    const std::string of = fmt::format(" of {}", n);
    check_threads(
        "add" + of, [&] { return x + x; }, twice);
    check_threads(
        "exp" + of, [&] { return exp(x); }, roots, 1e-14);
    const Tensor column = reshape(x, {n, 1}), row = from_vector(Values{1, 2, 3}, {3});
    check_threads(
        "column times row" + of, [&] { return column * row - column; }, table);
    Values turned(table.size());
    for (std::int64_t i = 0; i < n; ++i)
      for (std::int64_t j = 0; j < 3; ++j) turned[place(j * n + i)] = table[place(i * 3 + j)];
    check_threads(
        "turned" + of, [&] { return reshape(transpose(column * row - column, 0, 1), {3 * n}); }, turned);
    const Values from = x.to_vector();
    Values order(place(n)), picked(place(n));
    for (std::int64_t i = 0; i < n; ++i) {
      order[place(i)] = static_cast<double>(i * 7919 % n);
      picked[place(i)] = from[place(i * 7919 % n)];
    }
    const Tensor picks = from_vector(order, {n}, {.dtype = DType::int64});
    check_threads(
        "index_select" + of, [&] { return index_select(x, 0, picks); }, picked);
  }
}

namespace {

/// A convolution or pooling of one shape: kernel, stride and padding along both axes.
struct ImageCase {
  std::int64_t n, c, h, w, kernel_h, kernel_w, filters;
};
const std::vector<ImageCase> kThinImages{
    {1, 1, 1, 40001, 1, 3, 2}, {1, 1, 40001, 1, 3, 1, 2}, {40001, 1, 1, 1, 1, 1, 2}, {1, 999, 6, 7, 3, 3, 3},
    {2, 2, 3, 9001, 2, 2, 5},  {9, 3, 40, 40, 3, 3, 8},   {3, 1, 2, 2, 2, 2, 40001}, {67, 2, 17, 19, 4, 5, 3}};

/// f(image, channel, row, column) for each place of dense images.
template <class F>
void each_place(std::int64_t n, std::int64_t c, std::int64_t h, std::int64_t w, F f) {
  for (std::int64_t image = 0; image < n; ++image)
    for (std::int64_t channel = 0; channel < c; ++channel)
      for (std::int64_t i = 0; i < h; ++i)
        for (std::int64_t j = 0; j < w; ++j) f(image, channel, i, j);
}

}  // namespace

TEST_CASE("threads: convolution of thin shapes, and its gradients") {
  for (const ImageCase& s : kThinImages) {
    const std::int64_t out_h = s.h - s.kernel_h + 1, out_w = s.w - s.kernel_w + 1;
    Tensor x = whole_numbers({s.n, s.c, s.h, s.w}, DType::float32),
           w = whole_numbers({s.filters, s.c, s.kernel_h, s.kernel_w}, DType::float32);
    const Tensor g = whole_numbers({s.n, s.filters, out_h, out_w}, DType::float32);
    const Values xs = x.to_vector(), ws = w.to_vector(), gs = g.to_vector();
    Values z(gs.size(), 0), dx(xs.size(), 0), dw(ws.size(), 0);
    each_place(s.n, s.filters, out_h, out_w, [&](std::int64_t n, std::int64_t f, std::int64_t i, std::int64_t j) {
      const std::size_t at = place(((n * s.filters + f) * out_h + i) * out_w + j);
      each_place(1, s.c, s.kernel_h, s.kernel_w, [&](std::int64_t, std::int64_t c, std::int64_t a, std::int64_t b) {
        const std::size_t from = place(((n * s.c + c) * s.h + i + a) * s.w + j + b),
                          by = place(((f * s.c + c) * s.kernel_h + a) * s.kernel_w + b);
        z[at] += xs[from] * ws[by];
        dx[from] += gs[at] * ws[by];
        dw[by] += gs[at] * xs[from];
      });
    });
    x.set_requires_grad();
    w.set_requires_grad();
    for (const DType dtype : {DType::float32, DType::float64}) {
      const auto result = [&] { return conv2d(to(x, dtype), to(w, dtype)); };
      const std::string of = fmt::format(" of {} by {}", to_string(x.shape()), to_string(w.shape()));
      check_threads("conv2d" + of, result, z);
      check_threads(
          "its gradient by x" + of, [&] { return grad(result(), x, {.cotangents = {to(g, dtype)}}); }, dx);
      check_threads(
          "its gradient by w" + of, [&] { return grad(result(), w, {.cotangents = {to(g, dtype)}}); }, dw);
    }
  }
}

TEST_CASE("threads: pooling of thin shapes, and its gradients") {
  for (const ImageCase& s : kThinImages) {
    const std::int64_t out_h = s.h / s.kernel_h, out_w = s.w / s.kernel_w;
    Tensor x = whole_numbers({s.n, s.c, s.h, s.w}, DType::float64);
    const Values xs = x.to_vector();
    Values most, mean, of_most(xs.size(), 0), of_mean(xs.size(), 0);
    const double area = static_cast<double>(s.kernel_h * s.kernel_w);
    each_place(s.n, s.c, out_h, out_w, [&](std::int64_t n, std::int64_t c, std::int64_t i, std::int64_t j) {
      std::size_t best = 0;
      double all = 0;
      bool first = true;
      each_place(1, 1, s.kernel_h, s.kernel_w, [&](std::int64_t, std::int64_t, std::int64_t a, std::int64_t b) {
        const std::size_t at = place(((n * s.c + c) * s.h + i * s.kernel_h + a) * s.w + j * s.kernel_w + b);
        all += xs[at];
        of_mean[at] = 1 / area;
        if (first || xs[at] > xs[best]) best = at;
        first = false;
      });
      most.push_back(xs[best]);
      mean.push_back(all / area);
      of_most[best] = 1;
    });
    const Size2 kernel{s.kernel_h, s.kernel_w};
    const std::string of = fmt::format(" of {} by {} x {}", to_string(x.shape()), s.kernel_h, s.kernel_w);
    x.set_requires_grad();
    check_threads(
        "max_pool2d" + of, [&] { return max_pool2d(x, kernel); }, most);
    check_threads(
        "avg_pool2d" + of, [&] { return avg_pool2d(x, kernel); }, mean, 1e-14);
    check_threads(
        "the gradient of max_pool2d" + of, [&] { return grad(sum(max_pool2d(x, kernel)), x); }, of_most);
    check_threads(
        "the gradient of avg_pool2d" + of, [&] { return grad(sum(avg_pool2d(x, kernel)), x); }, of_mean, 1e-14);
  }
}
