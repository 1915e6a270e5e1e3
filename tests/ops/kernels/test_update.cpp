// The inner steps of optimizers against their formulas, element by element in higher precision. A row is a step with
// numbers of its own and the formula for one element.
#include <doctest/doctest.h>

#include <array>
#include <functional>

#include "ops/kernels/network/update.h"
#include "tests/ops/kernels/support.h"

using namespace chainrule;
using namespace chainrule::kernels;
using namespace chainrule::test;

namespace {

using Wide = long double;
using Slots = std::array<Wide, 3>;

struct Row {
  const char* name;
  int slots;  // as bits: 5 is the first and the third
  std::function<void(const UpdateMemory&)> step;
  std::function<void(Wide& p, Wide g, Slots& s)> formula;
};

Wide mean(double decay, Wide old, Wide x) {
  return static_cast<Wide>(decay) * old + (1 - static_cast<Wide>(decay)) * x;
}
Wide sign(Wide x) { return x > 0 ? 1 : x < 0 ? -1 : 0; }

Row sgd_row(const char* name, const SgdStep& s, bool velocity) {
  return {name, velocity ? 1 : 0, [s](const UpdateMemory& m) { sgd(m, s); },
          [s, velocity](Wide& p, Wide g, Slots& k) {
            Wide d = s.sign * g + s.weight_decay * p;
            if (velocity) {
              k[0] = s.momentum * k[0] + s.keep * d;
              d = s.nesterov ? s.momentum * k[0] + s.gain * d : k[0];
            }
            p -= s.rate * d;
          }};
}

Row adam_row(const char* name, const AdamStep& s, bool largest) {
  return {name, largest ? 7 : 3, [s](const UpdateMemory& m) { adam(m, s); },
          [s, largest](Wide& p, Wide g, Slots& k) {
            const Wide d = s.sign * g + s.weight_decay * p;
            k[0] = mean(s.beta1, k[0], d);
            k[1] = mean(s.beta2, k[1], d * d);
            k[2] = std::max(k[2], k[1]);
            const Wide v = largest ? k[2] : k[1], step = s.rate * k[0] + s.gradient_rate * d;
            p = s.shrink * p - (s.scaled ? step / (s.root * std::sqrt(v) + s.epsilon) : step);
          }};
}

Row rmsprop_row(const char* name, int slots) {
  const RmspropStep s{.sign = -1, .weight_decay = 0.1, .alpha = 0.8, .rate = 0.01, .epsilon = 1e-2, .momentum = 0.7};
  return {name, slots, [s](const UpdateMemory& m) { rmsprop(m, s); },
          [s, slots](Wide& p, Wide g, Slots& k) {
            const Wide d = s.sign * g + s.weight_decay * p;
            k[0] = mean(s.alpha, k[0], d * d);
            k[1] = mean(s.alpha, k[1], d);
            const Wide v = (slots & 2) != 0 ? k[0] - k[1] * k[1] : k[0];
            const Wide q = d / (std::sqrt(std::max(v, Wide(0))) + s.epsilon);
            k[2] = s.momentum * k[2] + q;
            p -= s.rate * ((slots & 4) != 0 ? k[2] : q);
          }};
}

std::vector<Row> rows() {
  std::vector<Row> all{
      sgd_row("sgd", {.rate = 0.1}, false),
      sgd_row("sgd, decay, climbing", {.sign = -1, .weight_decay = 0.01, .rate = 0.1}, false),
      sgd_row("momentum", {.weight_decay = 0.1, .rate = 0.05, .momentum = 0.9, .keep = 0.7}, true),
      sgd_row("nesterov", {.rate = 0.05, .momentum = 0.9, .keep = 0.5, .gain = 0.25, .nesterov = true}, true),
      adam_row("adam", {.rate = 0.01, .root = 3, .epsilon = 1e-3}, false),
      adam_row("adam, all", {.sign = -1, .weight_decay = 0.1, .shrink = 0.9, .beta1 = 0.5, .rate = 0.01}, true),
      adam_row("nadam", {.rate = 0.01, .gradient_rate = 0.02, .root = 2, .epsilon = 1e-2}, false),
      adam_row("radam", {.rate = 0.01, .scaled = false}, false),
      rmsprop_row("rmsprop", 1),
      rmsprop_row("rmsprop, centred", 3),
      rmsprop_row("rmsprop, velocity", 5),
      rmsprop_row("rmsprop, both", 7)};
  const AdamaxStep x{.sign = -1, .weight_decay = 0.1, .beta1 = 0.8, .beta2 = 0.7, .rate = 0.01, .epsilon = 1e-2};
  all.push_back({"adamax", 3, [x](const UpdateMemory& m) { adamax(m, x); },
                 [x](Wide& p, Wide g, Slots& k) {
                   const Wide d = x.sign * g + x.weight_decay * p;
                   k[0] = mean(x.beta1, k[0], d);
                   k[1] = std::max(x.beta2 * k[1], std::abs(d) + x.epsilon);
                   p -= x.rate * k[0] / k[1];
                 }});
  const AdagradStep a{.sign = -1, .weight_decay = 0.1, .rate = 0.1, .epsilon = 1e-2};
  all.push_back({"adagrad", 1, [a](const UpdateMemory& m) { adagrad(m, a); },
                 [a](Wide& p, Wide g, Slots& k) {
                   const Wide d = a.sign * g + a.weight_decay * p;
                   k[0] += d * d;
                   p -= a.rate * d / (std::sqrt(k[0]) + a.epsilon);
                 }});
  const AdadeltaStep e{.sign = -1, .weight_decay = 0.1, .rho = 0.8, .rate = 0.5, .epsilon = 1e-2};
  all.push_back({"adadelta", 3, [e](const UpdateMemory& m) { adadelta(m, e); },
                 [e](Wide& p, Wide g, Slots& k) {
                   const Wide d = e.sign * g + e.weight_decay * p;
                   k[0] = mean(e.rho, k[0], d * d);
                   const Wide s = d * std::sqrt(k[1] + e.epsilon) / std::sqrt(k[0] + e.epsilon);
                   k[1] = mean(e.rho, k[1], s * s);
                   p -= e.rate * s;
                 }});
  const LionStep l{.sign = -1, .shrink = 0.9, .beta1 = 0.8, .beta2 = 0.95, .rate = 0.1};
  all.push_back({"lion", 1, [l](const UpdateMemory& m) { lion(m, l); },
                 [l](Wide& p, Wide g, Slots& k) {
                   p = l.shrink * p - l.rate * sign(mean(l.beta1, k[0], l.sign * g));
                   k[0] = mean(l.beta2, k[0], l.sign * g);
                 }});
  return all;
}

/// Memory of one parameter for a row; what the row does not use is null.
template <class T>
struct Memory {
  Memory(const Row& row, std::int64_t n, std::uint64_t seed) : numbers(seed), p(numbers.fill<T>(n)) {
    for (std::size_t i = 0; i < 3; ++i)
      if ((row.slots >> i & 1) != 0) slots[i].assign(p.size(), T(0));
  }
  UpdateMemory with(const std::vector<T>& g) {
    UpdateMemory m{.dtype = dtype_of<T>(), .parameter = p.data(), .gradient = g.data(), .n = std::ssize(p)};
    for (std::size_t i = 0; i < 3; ++i) m.slots[i] = slots[i].empty() ? nullptr : slots[i].data();
    return m;
  }
  RandomNumbers numbers;
  std::vector<T> p;
  std::array<std::vector<T>, 3> slots;
};

}  // namespace

TEST_CASE_TEMPLATE("every step follows its formula, whatever the length", T, float, double) {
  const double tolerance = 256 * static_cast<double>(std::numeric_limits<T>::epsilon());
  for (const Row& row : rows()) {
    CAPTURE(row.name);
    for (const auto n : kLengths) {
      Memory<T> memory(row, n, 61);
      std::vector<Wide> p(memory.p.begin(), memory.p.end());
      std::vector<Slots> slots(p.size(), Slots{});
      for (int t = 0; t < 4; ++t) {
        // Away from 0, where the sign of a sum that cancels is a matter of rounding.
        auto g = memory.numbers.template fill<T>(n, 0.25, 2);
        for (auto& v : g) v = memory.numbers.below(2) == 0 ? v : -v;
        const auto before = g;
        row.step(memory.with(g));
        CHECK(same_bits(g, before));
        for (std::size_t i = 0; i < p.size(); ++i) row.formula(p[i], g[i], slots[i]);
      }
      bool right = true;
      for (std::size_t i = 0; i < p.size(); ++i) {
        right = right && near(static_cast<double>(memory.p[i]), static_cast<double>(p[i]), tolerance);
        for (std::size_t k = 0; k < 3; ++k)
          if (!memory.slots[k].empty())
            right = right && near(static_cast<double>(memory.slots[k][i]), static_cast<double>(slots[i][k]), tolerance);
      }
      CHECK(right);
    }
  }
}

TEST_CASE("a gradient of zero moves nothing, a NaN is not hidden") {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  for (const Row& row : rows()) {
    if (std::string(row.name).find("all") != std::string::npos) continue;  // decays
    CAPTURE(row.name);
    Memory<float> memory(row, 20, 5);
    std::vector<float> g(20, 0.0F);
    g[3] = g[17] = nan;
    row.step(memory.with(g));
    for (std::size_t i = 0; i < 20; ++i) CHECK(std::isnan(memory.p[i]) == std::isnan(g[i]));
  }
  std::vector<float> p{1, 2}, m{0, 0}, v{0, 0};
  const std::vector<float> g{0, nan};
  adam({DType::float32, p.data(), g.data(), 2, {m.data(), v.data()}}, {.rate = 0.1});
  CHECK(p[0] == 1);
}

TEST_CASE("a centred variance below 0 counts as 0") {
  std::vector<double> p{1}, v{1}, a{1.0000001};
  const std::vector<double> g{1.0000001};
  rmsprop({DType::float64, p.data(), g.data(), 1, {v.data(), a.data()}}, {.alpha = 0.999, .rate = 1, .epsilon = 1});
  CHECK(p[0] == doctest::Approx(1 - 1.0000001).epsilon(1e-6));
}

TEST_CASE_TEMPLATE("one thread and two give the same bits", T, float, double) {
  const std::int64_t n = 200003;
  for (const Row& row : rows()) {
    CAPTURE(row.name);
    const auto run = [&](int threads) {
      return with_threads(threads, [&] {
        Memory<T> memory(row, n, 63);
        for (int t = 0; t < 2; ++t) row.step(memory.with(memory.numbers.template fill<T>(n)));
        return std::pair(memory.p, memory.slots);
      });
    };
    const auto one = run(1), two = run(2);
    CHECK(same_bits(one.first, two.first));
    for (std::size_t k = 0; k < 3; ++k) CHECK(same_bits(one.second[k], two.second[k]));
  }
}
