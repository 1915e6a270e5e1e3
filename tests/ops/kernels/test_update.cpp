// Optimizer steps against the published formulas written element by element in higher precision.
#include <doctest/doctest.h>

#include "ops/kernels/network/update.h"
#include "tests/ops/kernels/support.h"

using namespace chainrule;
using namespace chainrule::kernels;
using namespace chainrule::test;

namespace {

using Wide = long double;

}  // namespace

TEST_CASE_TEMPLATE("sgd over several steps", T, float, double) {
  const std::vector<SgdStep> options{{.lr = 0.1},
                                     {.lr = 0.1, .weight_decay = 0.01},
                                     {.lr = 0.05, .momentum = 0.9},
                                     {.lr = 0.05, .momentum = 0.9, .dampening = 0.3, .weight_decay = 0.1},
                                     {.lr = 0.05, .momentum = 0.9, .weight_decay = 0.1, .nesterov = true}};
  for (const SgdStep& option : options) {
    for (const auto n : kLengths) {
      RandomNumbers numbers(61);
      auto p = numbers.fill<T>(n);
      std::vector<T> v(static_cast<std::size_t>(n), std::numeric_limits<T>::quiet_NaN());
      std::vector<Wide> p_truth(p.begin(), p.end()), v_truth(p.size(), 0);
      for (int t = 0; t < 4; ++t) {
        const auto g = numbers.fill<T>(n);
        const auto g_before = g;
        SgdStep s = option;
        s.first = t == 0;
        sgd(dtype_of<T>(), p.data(), g.data(), s.momentum != 0 ? v.data() : nullptr, n, s);
        CHECK(same_bits(g, g_before));
        for (std::size_t i = 0; i < p.size(); ++i) {
          const Wide d = g[i] + s.weight_decay * p_truth[i];
          if (s.momentum != 0) v_truth[i] = t == 0 ? d : s.momentum * v_truth[i] + (1 - s.dampening) * d;
          p_truth[i] -= s.lr * (s.momentum == 0 ? d : s.nesterov ? d + s.momentum * v_truth[i] : v_truth[i]);
        }
      }
      const double tolerance = 16 * static_cast<double>(std::numeric_limits<T>::epsilon());
      bool right = true;
      for (std::size_t i = 0; i < p.size(); ++i) {
        right = right && near(static_cast<double>(p[i]), static_cast<double>(p_truth[i]), tolerance);
        if (option.momentum != 0)
          right = right && near(static_cast<double>(v[i]), static_cast<double>(v_truth[i]), tolerance);
      }
      CHECK(right);
    }
  }
}

TEST_CASE_TEMPLATE("adam over several steps", T, float, double) {
  for (const AdamStep& option :
       {AdamStep{.lr = 0.001}, AdamStep{.lr = 0.1, .beta1 = 0.5, .beta2 = 0.9, .epsilon = 1e-3},
        AdamStep{.lr = 0.01, .weight_decay = 0.1}}) {
    for (const auto n : kLengths) {
      RandomNumbers numbers(62);
      auto p = numbers.fill<T>(n);
      std::vector<T> m(static_cast<std::size_t>(n), T(0)), v(m);
      std::vector<Wide> p_truth(p.begin(), p.end()), m_truth(p.size(), 0), v_truth(m_truth);
      for (int t = 1; t <= 5; ++t) {
        const auto g = numbers.fill<T>(n);
        const auto g_before = g;
        AdamStep s = option;
        s.step = t;
        adam(dtype_of<T>(), p.data(), g.data(), m.data(), v.data(), n, s);
        CHECK(same_bits(g, g_before));
        for (std::size_t i = 0; i < p.size(); ++i) {
          const Wide d = g[i] + s.weight_decay * p_truth[i];
          m_truth[i] = s.beta1 * m_truth[i] + (1 - s.beta1) * d;
          v_truth[i] = s.beta2 * v_truth[i] + (1 - s.beta2) * d * d;
          const Wide m_hat = m_truth[i] / (1 - std::pow(s.beta1, t)), v_hat = v_truth[i] / (1 - std::pow(s.beta2, t));
          p_truth[i] -= s.lr * m_hat / (std::sqrt(v_hat) + s.epsilon);
        }
      }
      // m / sqrt(v) may cancel in m while v stays, so errors are relative to the step.
      const double tolerance = 64 * static_cast<double>(std::numeric_limits<T>::epsilon());
      bool right = true;
      for (std::size_t i = 0; i < p.size(); ++i) {
        right = right && near(static_cast<double>(p[i]), static_cast<double>(p_truth[i]), tolerance);
        right = right && near(static_cast<double>(m[i]), static_cast<double>(m_truth[i]), tolerance);
        right = right && near(static_cast<double>(v[i]), static_cast<double>(v_truth[i]), tolerance);
      }
      CHECK(right);
    }
  }
}

TEST_CASE("a gradient of zero moves nothing, a NaN is not hidden") {
  std::vector<float> p{1, 2}, m{0, 0}, v{0, 0};
  const std::vector<float> g{0, std::numeric_limits<float>::quiet_NaN()};
  adam(DType::float32, p.data(), g.data(), m.data(), v.data(), 2, {.lr = 0.1});
  CHECK(p[0] == 1);
  CHECK(std::isnan(p[1]));
}

TEST_CASE_TEMPLATE("updates: one thread and two give the same bits", T, float, double) {
  const std::int64_t n = 200003;
  const auto run = [&](int threads) {
    return with_threads(threads, [&] {
      RandomNumbers numbers(63);
      auto p = numbers.fill<T>(n);
      const auto g = numbers.fill<T>(n);
      std::vector<T> m(p.size(), T(0)), v(m);
      adam(dtype_of<T>(), p.data(), g.data(), m.data(), v.data(), n, {.lr = 0.01, .weight_decay = 0.01});
      sgd(dtype_of<T>(), p.data(), g.data(), m.data(), n, {.lr = 0.01, .momentum = 0.9, .nesterov = true});
      return p;
    });
  };
  CHECK(same_bits(run(1), run(2)));
}
