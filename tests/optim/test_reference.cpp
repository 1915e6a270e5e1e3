// Every optimizer against PyTorch over 100 steps (reference/), and what must hold for all of them: a run that is saved
// and taken up again is the run itself, bit for bit, and states that do not fit are refused whole.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <cstring>
#include <fstream>
#include <set>

#include "engine/types/error.h"
#include "ops/kernels/parallel.h"
#include "tests/optim/problems.h"

using namespace chainrule;
using namespace chainrule::test;

namespace {

struct Reference {
  std::string kind, options, problem;
  int step;
  std::vector<double> numbers;
};

std::vector<Reference> references(const std::string& file) {
  std::ifstream in(std::string(CHAINRULE_SOURCE_DIR) + "/tests/optim/reference/" + file);
  std::vector<Reference> all;
  for (std::string line; std::getline(in, line);) {
    std::istringstream fields(line);
    Reference r;
    std::string step, numbers;
    std::getline(fields, r.kind, '|');
    std::getline(fields, r.options, '|');
    std::getline(fields, r.problem, '|');
    std::getline(fields, step, '|');
    std::getline(fields, numbers);
    r.step = std::stoi(step);
    std::istringstream values(numbers);
    for (double v = 0; values >> v;) r.numbers.push_back(v);
    all.push_back(r);
  }
  return all;
}

/// The largest difference from the rows of a file, beside the number or the start, whichever is larger.
double worst(const std::string& file, DType dtype, std::set<std::string>* kinds) {
  double largest = 0;
  std::string now;
  Problem p;
  std::unique_ptr<Optimizer> optimizer;
  int steps = 0;
  for (const Reference& r : references(file)) {
    if (const std::string run = r.kind + "|" + r.options + "|" + r.problem; run != now) {
      now = run;
      p = problem(r.problem, dtype);
      optimizer = kOptimizers.at(r.kind)(p.parameters, r.options);
      kinds->insert(r.kind);
      steps = 0;
    }
    for (; steps < r.step; ++steps) step(*optimizer, p);
    const auto numbers = p.numbers();
    REQUIRE(numbers.size() == r.numbers.size());
    for (std::size_t i = 0; i < numbers.size(); ++i) {
      const double off = std::abs(numbers[i] - r.numbers[i]) / std::max(std::abs(r.numbers[i]), 1e-2);
      if (!(off <= largest)) largest = off;
      if (!(off <= (dtype == DType::float64 ? 1e-10 : 1e-3)))
        MESSAGE(fmt::format("{} step {}: {} is {}, PyTorch has {}", now, r.step, i, numbers[i], r.numbers[i]));
    }
  }
  return largest;
}

std::vector<std::int64_t> bits(const Problem& p) {
  std::vector<std::int64_t> all;
  for (const double v : p.numbers()) {
    std::int64_t b = 0;
    std::memcpy(&b, &v, sizeof b);
    all.push_back(b);
  }
  return all;
}

// Each kind with options that use all that it keeps.
const std::vector<std::pair<std::string, std::string>> kFull{
    {"SGD", "momentum=0.9 dampening=0.2 weight_decay=0.1"},
    {"SGD", ""},
    {"SGD", "lr=0.05 momentum=0.9 nesterov=1 rate_in_velocity=1"},
    {"Adam", "lr=0.1 amsgrad=1"},
    {"Adam", "lr=0.1 epsilon_hat=1"},
    {"AdamW", "lr=0.1"},
    {"NAdam", "lr=0.1"},
    {"RAdam", "lr=0.01"},
    {"Adamax", "lr=0.1"},
    {"Adagrad", "lr=0.3 lr_decay=0.1 initial_accumulator_value=0.5"},
    {"RMSprop", "momentum=0.5 centered=1 alpha=0.9"},
    {"Adadelta", ""},
    {"Lion", "lr=0.01"},
    {"LBFGS", "lr=0.1 max_iter=2 history_size=3"},
    {"LBFGS", "max_iter=1 history_size=2 strong_wolfe=1"},
};

}  // namespace

TEST_CASE("every optimizer goes where PyTorch's goes, in 100 steps on three problems") {
  std::set<std::string> kinds, all;
  for (const auto& [kind, make] : kOptimizers)
    if (kind != "LBFGS") all.insert(kind);
  const double in_double = worst("optimizers.txt", DType::float64, &kinds);
  MESSAGE("largest relative difference in float64: " << in_double);
  CHECK(in_double <= 1e-10);
  CHECK(kinds == all);
  const double in_single = worst("optimizers.txt", DType::float32, &kinds);
  MESSAGE("largest relative difference in float32: " << in_single);
  CHECK(in_single <= 1e-3);
}

TEST_CASE("LBFGS goes where PyTorch's goes, with and without a search") {
  std::set<std::string> kinds;
  // Near the end differences of rounding decide when it stops.
  CHECK(worst("lbfgs.txt", DType::float64, &kinds) <= 1e-7);
  CHECK(kinds == std::set<std::string>{"LBFGS"});
}

TEST_CASE("N steps, the state saved and loaded, N steps: the bits of 2N steps") {
  std::set<std::string> kinds, all;
  for (const auto& [kind, make] : kOptimizers) all.insert(kind);
  for (const auto& [kind, options] : kFull)
    for (const DType dtype : {DType::float64, DType::float32}) {
      const auto& shown_kind = kind;  // clang captures no structured binding
      CAPTURE(shown_kind);
      kinds.insert(kind);
      Problem whole = problem("logistic", dtype), half = problem("logistic", dtype), rest = problem("logistic", dtype);
      const auto a = kOptimizers.at(kind)(whole.parameters, options),
                 b = kOptimizers.at(kind)(half.parameters, options), c = kOptimizers.at(kind)(rest.parameters, options);
      for (int i = 0; i < 14; ++i) step(*a, whole);
      for (int i = 0; i < 7; ++i) step(*b, half);
      const auto saved = b->state();
      step(*b, half);  // what was saved is a copy
      for (std::size_t i = 0; i < rest.parameters.size(); ++i) {
        Problem again = problem("logistic", dtype);
        const auto d = kOptimizers.at(kind)(again.parameters, options);
        for (int k = 0; k < 7; ++k) step(*d, again);
        rest.parameters[i].tensor.set_requires_grad(false).copy_(again.parameters[i].tensor.detach());
        rest.parameters[i].tensor.set_requires_grad();
      }
      c->load_state(saved);
      for (int i = 0; i < 7; ++i) step(*c, rest);
      CHECK(bits(rest) == bits(whole));
      const auto again = a->state(), resumed = c->state();
      REQUIRE(again.size() == resumed.size());
      for (std::size_t i = 0; i < again.size(); ++i) {
        CHECK(again[i].name == resumed[i].name);
        CHECK(again[i].tensor.to_vector() == resumed[i].tensor.to_vector());
      }
    }
  CHECK(kinds == all);
}

TEST_CASE("the thread count changes no bit of any optimizer") {
  const auto run = [](const std::string& kind, const std::string& options, int threads) {
    set_num_threads(threads);
    Generator numbers(3);
    Tensor p = randn({300, 331}, {}, numbers).set_requires_grad();
    const auto optimizer = kOptimizers.at(kind)({{"p", p}}, options);
    for (int i = 0; i < 3; ++i) {
      p.set_grad(tanh(p.detach()) + 0.1);
      optimizer->step();
    }
    set_num_threads(0);
    return p.values<float>();
  };
  for (const auto& [kind, options] : kFull) {
    if (kind == "LBFGS") continue;  // has one thread
    const auto& shown_kind = kind;  // clang captures no structured binding
    CAPTURE(shown_kind);
    CHECK(run(kind, options, 1) == run(kind, options, 2));
  }
}

TEST_CASE("what is kept goes by the parameter's and PyTorch's name") {
  Problem p = problem("logistic");
  Adam adam(p.parameters, {.amsgrad = true});
  const auto names = [](const Optimizer& o) {
    std::string all;
    for (const auto& [name, tensor] : o.state()) all += name + " ";
    return all;
  };
  CHECK(names(adam) == "w.step b.step ");
  p.parameters[1].tensor.set_requires_grad(false);
  step(adam, p);
  CHECK(names(adam) == "w.step w.exp_avg w.exp_avg_sq w.max_exp_avg_sq b.step ");
  CHECK(adam.state()[0].tensor.dtype() == DType::int64);
  CHECK(adam.state()[0].tensor.dim() == 0);
  CHECK(adam.state()[0].tensor.item() == 1);
  CHECK(adam.state()[4].tensor.item() == 0);
}

TEST_CASE("a state that does not fit is refused whole, with all that is wrong") {
  Problem p = problem("logistic");
  Adam adam(p.parameters, {});
  step(adam, p);
  const auto good = adam.state();
  step(adam, p);
  const auto before = adam.state();
  auto bad = good;
  bad.erase(bad.begin());                      // w.step
  bad[1].tensor = zeros({2}, DType::float64);  // w.exp_avg_sq
  bad[3].tensor = zeros({1}, DType::float32);  // b.exp_avg
  bad.push_back({"c.exp_avg", zeros({1}, DType::float64)});
  bad.push_back(bad.back());
  CHECK_THROWS_WITH_AS(
      adam.load_state(bad),
      "Adam: this state does not fit, and nothing was changed; missing: w.step; unexpected: c.exp_avg; "
      "w.exp_avg_sq has shape (2,) and not (3, 1); b.exp_avg is float32 and not float64; c.exp_avg is "
      "there twice",
      ValueError);
  const auto after = adam.state();
  for (std::size_t i = 0; i < before.size(); ++i) CHECK(after[i].tensor.to_vector() == before[i].tensor.to_vector());
  CHECK_THROWS_WITH_AS(adam.load_state({}),
                       "Adam: this state does not fit, and nothing was changed; missing: w.step, w.exp_avg, "
                       "w.exp_avg_sq, b.step, b.exp_avg, b.exp_avg_sq",
                       ValueError);
  auto negative = good;
  negative[0].tensor = from_vector({std::int64_t{-3}}, {});
  CHECK_THROWS_WITH_AS(adam.load_state(negative), "Adam: 'w.step' is -3; nothing was changed", ValueError);
  // A state of another optimizer says so by its slots.
  Sgd sgd(p.parameters, {.momentum = 0.9});
  CHECK_THROWS_WITH_AS(sgd.load_state(good),
                       "Sgd: this state does not fit, and nothing was changed; missing: w.momentum_buffer, "
                       "b.momentum_buffer; unexpected: w.exp_avg, w.exp_avg_sq, b.exp_avg, b.exp_avg_sq",
                       ValueError);
  adam.load_state(good);
  CHECK(adam.state()[0].tensor.item() == 1);
}
