// Reductions and the softmax family against plain loops in higher precision, with edge values and thread counts.
#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <memory>

#include "ops/kernels/reduce/reduce.h"
#include "ops/kernels/reduce/reduce_detail.h"
#include "tests/ops/kernels/support.h"

using namespace chainrule;
using namespace chainrule::kernels;
using namespace chainrule::test;

namespace {

using Wide = long double;

std::int64_t size_of(const Lines& v) { return v.count() * v.n; }

const std::vector<Lines> kReduceLines{
    {1, 1, 1},    {0, 3, 2},     {3, 2, 0},     {2, 3, 1},      {3, 10, 1},   {2, 31, 1},  {2, 32, 1},   {1, 33, 1},
    {3, 7, 5},    {2, 100, 3},   {1, 1000, 1},  {1, 1000, 7},   {2, 17, 100}, {5, 1, 9},   {4, 129, 64}, {1, 40, 65},
    {1, 5000, 2}, {2, 20000, 1}, {1, 3000, 33}, {1, 100000, 1}, {2, 17, 129}, {1, 40, 300}};

// Calls f(line, element) for each element, line numbering the results, in the order of the reduced axis.
template <class F>
void each(const Lines& v, F f) {
  for (std::int64_t o = 0; o < v.outer; ++o) {
    for (std::int64_t i = 0; i < v.inner; ++i) {
      for (std::int64_t r = 0; r < v.n; ++r) f(o * v.inner + i, (o * v.n + r) * v.inner + i, r);
    }
  }
}

template <class T>
double tolerance() {
  return 8 * static_cast<double>(std::numeric_limits<T>::epsilon());
}

}  // namespace

TEST_CASE_TEMPLATE("sum and mean", T, float, double) {
  RandomNumbers numbers(11);
  const DType d = dtype_of<T>();
  for (const Lines& v : kReduceLines) {
    const auto x = numbers.fill<T>(size_of(v), -1, 3);
    std::vector<Wide> truth(static_cast<std::size_t>(v.count()), 0), size(truth);
    each(v, [&](auto line, auto at, auto) { truth[line] += x[at], size[line] += std::abs(x[at]); });
    std::vector<T> z(truth.size(), T(77)), m(truth.size(), T(77));
    sum(d, x.data(), z.data(), v);
    mean(d, x.data(), m.data(), v);
    for (std::size_t i = 0; i < z.size(); ++i) {
      CHECK(std::abs(z[i] - truth[i]) <= tolerance<T>() * size[i]);
      CHECK(std::abs(m[i] - truth[i] / v.n) <= tolerance<T>() * size[i] / v.n);
    }
  }
  std::vector<T> nothing(6, T(77));
  sum(d, nullptr, nothing.data(), {2, 0, 3});
  CHECK(nothing == std::vector<T>(6, T(0)));
  mean(d, nullptr, nothing.data(), {6, 0, 1});
  CHECK(std::all_of(nothing.begin(), nothing.end(), [](T a) { return std::isnan(a); }));
}

TEST_CASE("a long float sum keeps its digits") {
  const std::int64_t n = 10'000'000;
  const std::vector<float> x(static_cast<std::size_t>(n), 0.1F);
  float rows = 0, columns[2]{};
  sum(DType::float32, x.data(), &rows, {1, n, 1});
  sum(DType::float32, x.data(), columns, {1, n / 2, 2});
  const double truth = static_cast<double>(0.1F) * static_cast<double>(n);
  CHECK(near(rows, truth, 1e-6));
  CHECK(near(columns[0], truth / 2, 1e-6));
}

TEST_CASE("sum of int64 wraps, sum of bool counts") {
  constexpr std::int64_t high = std::numeric_limits<std::int64_t>::max();
  const std::vector<std::int64_t> x{high, 1, 5, -7};
  std::array<std::int64_t, 2> z{};
  sum(DType::int64, x.data(), z.data(), {2, 2, 1});
  CHECK(z == std::array<std::int64_t, 2>{std::numeric_limits<std::int64_t>::min(), -2});
  for (const Lines& v : kReduceLines) {
    RandomNumbers numbers(12);
    const auto b = std::make_unique<bool[]>(static_cast<std::size_t>(size_of(v)));
    for (std::int64_t i = 0; i < size_of(v); ++i) b[i] = numbers.below(3) == 0;
    std::vector<std::int64_t> counts(static_cast<std::size_t>(v.count())), truth(counts);
    each(v, [&](auto line, auto at, auto) { truth[line] += b[at] ? 1 : 0; });
    sum(DType::boolean, b.get(), counts.data(), v);
    CHECK(counts == truth);
  }
}

TEST_CASE_TEMPLATE("amax, amin and argmax, with NaN and ties", T, float, double, std::int64_t) {
  RandomNumbers numbers(13);
  const DType d = dtype_of<T>();
  for (const Lines& v : kReduceLines) {
    if (v.n == 0) continue;
    for (const bool with_nan : {false, true}) {
      auto x = numbers.fill<T>(size_of(v), -9, 9);
      for (auto& value : x) value = static_cast<T>(std::round(static_cast<double>(value)));  // ties
      if constexpr (std::is_floating_point_v<T>) {
        if (with_nan && size_of(v) > 0) x[numbers.below(size_of(v))] = std::numeric_limits<T>::quiet_NaN();
      }
      std::vector<std::int64_t> at(static_cast<std::size_t>(v.count()), 77), truth(at);
      std::vector<T> high(at.size(), T(77)), low(at.size(), T(77)), high_truth(high), low_truth(low);
      each(v, [&](auto line, auto i, auto r) {
        const bool nan = x[i] != x[i], had_nan = r > 0 && high_truth[line] != high_truth[line];
        if (r == 0 || (!had_nan && (nan || x[i] > high_truth[line]))) high_truth[line] = x[i], truth[line] = r;
        if (r == 0 || (!had_nan && (nan || x[i] < low_truth[line]))) low_truth[line] = x[i];
      });
      amax(d, x.data(), high.data(), v);
      amin(d, x.data(), low.data(), v);
      argmax(d, x.data(), at.data(), v);
      CHECK(at == truth);
      for (std::size_t i = 0; i < at.size(); ++i) {
        CHECK((high[i] == high_truth[i] || (high[i] != high[i] && high_truth[i] != high_truth[i])));
        CHECK((low[i] == low_truth[i] || (low[i] != low[i] && low_truth[i] != low_truth[i])));
      }
    }
  }
}

TEST_CASE_TEMPLATE("softmax, log_softmax, logsumexp and the gradients", T, float, double) {
  RandomNumbers numbers(14);
  const DType d = dtype_of<T>();
  for (const Lines& v : kReduceLines) {
    CAPTURE(v.outer);
    CAPTURE(v.n);
    CAPTURE(v.inner);
    const auto x = numbers.fill<T>(size_of(v), -8, 8), g = numbers.fill<T>(size_of(v));
    const auto lines = static_cast<std::size_t>(v.count()), size = static_cast<std::size_t>(size_of(v));
    std::vector<Wide> total(lines, 0), g_sum(lines, 0), gz_sum(lines, 0);
    each(v, [&](auto line, auto i, auto) { total[line] += std::exp(Wide(x[i])), g_sum[line] += g[i]; });
    each(v, [&](auto line, auto i, auto) { gz_sum[line] += g[i] * std::exp(Wide(x[i])) / total[line]; });

    std::vector<T> soft(size), log_soft(size), lse(lines), dx(size), log_dx(size);
    softmax(d, x.data(), soft.data(), v);
    log_softmax(d, x.data(), log_soft.data(), v);
    logsumexp(d, x.data(), lse.data(), v);
    softmax_grad(d, g.data(), soft.data(), dx.data(), v);
    log_softmax_grad(d, g.data(), log_soft.data(), log_dx.data(), v);
    const double eps = static_cast<double>(std::numeric_limits<T>::epsilon()),
                 sums = std::sqrt(static_cast<double>(v.n));
    each(v, [&](auto line, auto i, auto) {
      const Wide z = std::exp(Wide(x[i])) / total[line], log_z = x[i] - std::log(total[line]);
      CHECK(std::abs(soft[i] - z) <= 32 * eps * z);  // rounding x - max, up to 16, costs 8
      CHECK(std::abs(log_soft[i] - log_z) <= 16 * eps * (1 + std::abs(log_z)));
      CHECK(std::abs(lse[line] - std::log(total[line])) <= 16 * eps * (1 + std::abs(std::log(total[line]))));
      CHECK(std::abs(dx[i] - z * (g[i] - gz_sum[line])) <= 32 * eps * z * 3);
      CHECK(std::abs(log_dx[i] - (g[i] - z * g_sum[line])) <= 32 * eps * (3 + z * sums));
    });

    auto shared = x;
    softmax(d, shared.data(), shared.data(), v);
    CHECK(same_bits(shared, soft));
    shared = x;
    log_softmax(d, shared.data(), shared.data(), v);
    CHECK(same_bits(shared, log_soft));
    shared = g;
    softmax_grad(d, shared.data(), soft.data(), shared.data(), v);
    CHECK(same_bits(shared, dx));
    shared = g;
    log_softmax_grad(d, shared.data(), log_soft.data(), shared.data(), v);
    CHECK(same_bits(shared, log_dx));
  }
}

TEST_CASE_TEMPLATE("softmax family at awkward rows", T, float, double) {
  constexpr T inf = std::numeric_limits<T>::infinity(), nan = std::numeric_limits<T>::quiet_NaN();
  const T huge = sizeof(T) == 4 ? T(1e4) : T(1e300);
  const DType d = dtype_of<T>();
  struct Row {
    std::array<T, 3> x;
    T lse;
    std::array<T, 3> soft, log_soft;
  };
  const std::vector<Row> rows{
      {{huge, -huge, 0}, huge, {1, 0, 0}, {0, -2 * huge, -huge}},
      {{-huge, -huge, -inf}, -huge + std::log(T(2)), {T(0.5), T(0.5), 0}, {-std::log(T(2)), -std::log(T(2)), -inf}},
      {{-inf, -inf, -inf}, -inf, {nan, nan, nan}, {nan, nan, nan}},
      {{0, inf, 0}, inf, {0, nan, 0}, {-inf, nan, -inf}},
      {{0, nan, 0}, nan, {nan, nan, nan}, {nan, nan, nan}},
  };
  const auto close = [](T a, T b) {
    return a == b || (std::isnan(a) && std::isnan(b)) || std::abs(a - b) <= T(1e-6) * std::abs(b);
  };
  for (std::size_t r = 0; r < rows.size(); ++r) {
    CAPTURE(r);
    for (const std::int64_t inner : {1, 2}) {
      std::vector<T> x, soft(3 * inner), log_soft(3 * inner), lse(inner);
      for (const T value : rows[r].x) x.insert(x.end(), inner, value);
      logsumexp(d, x.data(), lse.data(), {1, 3, inner});
      softmax(d, x.data(), soft.data(), {1, 3, inner});
      log_softmax(d, x.data(), log_soft.data(), {1, 3, inner});
      CHECK(close(lse[inner - 1], rows[r].lse));
      for (std::int64_t i = 0; i < 3; ++i) {
        CAPTURE(i);
        if (r == 3) continue;  // with +inf: whatever, as long as logsumexp is right
        CHECK(close(soft[i * inner], rows[r].soft[i]));
        CHECK(close(log_soft[i * inner], rows[r].log_soft[i]));
      }
    }
  }
  T empty = 77;
  logsumexp(d, nullptr, &empty, {1, 0, 1});
  CHECK(empty == -inf);
}

TEST_CASE_TEMPLATE("reductions: one thread and two give the same bits", T, float, double) {
  RandomNumbers numbers(15);
  const DType d = dtype_of<T>();
  for (const Lines& v :
       {Lines{1, 1'000'003, 1}, Lines{1, 100'003, 7}, Lines{300, 1000, 1}, Lines{3, 999, 200}, Lines{2, 50, 5000}}) {
    const auto x = numbers.fill<T>(size_of(v));
    const auto run = [&](int threads) {
      return with_threads(threads, [&] {
        std::vector<T> all(static_cast<std::size_t>(3 * v.count() + 2 * size_of(v)));
        T* z = all.data();
        sum(d, x.data(), z, v);
        amax(d, x.data(), z + v.count(), v);
        logsumexp(d, x.data(), z + 2 * v.count(), v);
        softmax(d, x.data(), z + 3 * v.count(), v);
        log_softmax_grad(d, x.data(), x.data(), z + 3 * v.count() + size_of(v), v);
        return all;
      });
    };
    CHECK(same_bits(run(1), run(2)));
    CHECK(same_bits(run(1), run(3)));
  }
}

namespace {

// RandomNumbers among which zeros of both signs, infinities and NaN.
template <class T>
std::vector<T> with_edges(RandomNumbers& numbers, std::int64_t n) {
  constexpr T inf = std::numeric_limits<T>::infinity(), nan = std::numeric_limits<T>::quiet_NaN();
  constexpr std::array<T, 5> edges{T(0), -T(0), inf, -inf, nan};
  std::vector<T> x = numbers.fill<T>(n, -2, 2);
  for (std::size_t i = 3; i < x.size(); i += 41) x[i] = edges[i % edges.size()];
  return x;
}

template <class Rule, class T>
void check_lanes(RandomNumbers& numbers) {
  for (const std::int64_t width : {1, 15, 16, 17, 127, 128, 129, 300}) {
    for (const std::int64_t rows : {0, 1, 16}) {
      const std::int64_t step = width + 3;
      const std::vector<T> x = with_edges<T>(numbers, std::max<std::int64_t>(rows, 1) * step);
      std::vector<T> top(static_cast<std::size_t>(width), T(9)), truth(top.size(), Rule::start());
      detail::FoldLoops<T>::fastest().rows(Rule::folding, x.data(), rows, step, width, top.data());
      for (std::int64_t r = 0; r < rows; ++r)
        for (std::int64_t i = 0; i < width; ++i) truth[i] = Rule::combine(truth[i], x[r * step + i]);
      bool same = true;
      for (std::int64_t i = 0; i < width; ++i) same = same && same_value(top[i], truth[i]);
      CHECK(same);
    }
  }
  for (const std::int64_t n : {0, 31, 32, 33, 95, 4096, 4100, 9000}) {
    const std::vector<T> x = with_edges<T>(numbers, n);
    const T z = detail::fold_row<Rule>(n, detail::DenseRow<Rule>{x.data()});
    CHECK(same_value(z, detail::fold_row<Rule>(n, [&](std::int64_t i) { return x[i]; })));
  }
}

}  // namespace

TEST_CASE_TEMPLATE("folds: vectors give what plain loops give, number by number", T, float, double) {
  RandomNumbers numbers(31);
  check_lanes<detail::Adding<T>, T>(numbers);
  check_lanes<detail::Multiplying<T>, T>(numbers);
  check_lanes<detail::Largest<T>, T>(numbers);
  check_lanes<detail::Smallest<T>, T>(numbers);
}
