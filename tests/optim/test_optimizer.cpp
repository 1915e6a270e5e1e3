// Optimizers against their formulas in plain double arithmetic, and what they refuse.
#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <memory>

#include "engine/factory.h"
#include "engine/types/error.h"
#include "ops/ops.h"
#include "optim/adam.h"
#include "optim/sgd.h"

using namespace chainrule;

namespace {

// f = x^2/20 + y^2, the book's stretched bowl.
Tensor bowl(const Tensor& p) { return sum(tensor({0.05, 1}, {.dtype = DType::float64}) * p * p); }
Tensor start() { return tensor({-7, 2}, {.dtype = DType::float64, .requires_grad = true}); }

template <class O>
std::vector<std::vector<double>> path(typename O::Options options, int steps) {
  Tensor p = start();
  O optimizer({{"p", p}}, options);
  std::vector<std::vector<double>> points;
  for (int i = 0; i < steps; ++i) {
    optimizer.zero_grad();
    bowl(p).backward();
    optimizer.step();
    points.push_back(p.to_vector());
  }
  return points;
}

// The same with a rule written here: step(p, g, t) changes one coordinate.
template <class Step>
void check_path(const std::vector<std::vector<double>>& points, Step&& step) {
  const double slope[] = {0.1, 2};
  double p[] = {-7, 2}, state[2][2] = {};
  for (std::size_t t = 0; t < points.size(); ++t) {
    for (int i = 0; i < 2; ++i) {
      step(p[i], slope[i] * p[i], state[i], static_cast<int>(t) + 1);
      CHECK(points[t][i] == doctest::Approx(p[i]).epsilon(1e-10));
    }
  }
}

}  // namespace

TEST_CASE("Sgd follows its formula, with momentum, weight decay and Nesterov") {
  check_path(path<Sgd>({.lr = 0.3}, 20), [](double& p, double g, double*, int) { p -= 0.3 * g; });
  check_path(path<Sgd>({.lr = 0.1, .momentum = 0.9}, 20), [](double& p, double g, double* v, int) {
    v[0] = 0.9 * v[0] + g;
    p -= 0.1 * v[0];
  });
  check_path(path<Sgd>({.lr = 0.1, .weight_decay = 0.2}, 20),
             [](double& p, double g, double*, int) { p -= 0.1 * (g + 0.2 * p); });
  check_path(path<Sgd>({.lr = 0.1, .momentum = 0.8, .nesterov = true}, 20), [](double& p, double g, double* v, int) {
    v[0] = 0.8 * v[0] + g;
    p -= 0.1 * (g + 0.8 * v[0]);
  });
}

TEST_CASE("Adam follows its formula, both bias corrections included") {
  check_path(path<Adam>({.lr = 0.3}, 30), [](double& p, double g, double* s, int t) {
    s[0] = 0.9 * s[0] + 0.1 * g;
    s[1] = 0.999 * s[1] + 0.001 * g * g;
    p -= 0.3 * (s[0] / (1 - std::pow(0.9, t))) / (std::sqrt(s[1] / (1 - std::pow(0.999, t))) + 1e-8);
  });
}

TEST_CASE("the book's first steps: momentum (-6.93, 1.6), Adam (-6.7, 1.7)") {
  const auto momentum = path<Sgd>({.lr = 0.1, .momentum = 0.9}, 1)[0];
  CHECK(momentum[0] == doctest::Approx(-6.93));
  CHECK(momentum[1] == doctest::Approx(1.6));
  const auto adam = path<Adam>({.lr = 0.3}, 1)[0];
  CHECK(adam[0] == doctest::Approx(-6.7));
  CHECK(adam[1] == doctest::Approx(1.7));
}

TEST_CASE("a step reads the gradient and never writes it") {
  Tensor p = start();
  Adam optimizer({{"p", p}}, {.weight_decay = 0.1});
  bowl(p).backward();
  const auto before = p.grad().to_vector();
  optimizer.step();
  CHECK(p.grad().to_vector() == before);
}

TEST_CASE("a parameter that took no part is left alone, and state waits for its first gradient") {
  Tensor used = start(), unused = tensor({1, 2}, {.dtype = DType::float64, .requires_grad = true});
  Adam optimizer({{"used", used}, {"unused", unused}}, {});
  bowl(used).backward();
  optimizer.step();
  CHECK(unused.to_vector() == std::vector<double>{1, 2});
  CHECK(used.to_vector() != std::vector<double>{-7, 2});
}

TEST_CASE("a step on a value that a graph saved is noticed by that graph's backward, with the line of the step") {
  for (const bool adam : {false, true}) {
    Tensor p = start();
    std::unique_ptr<Optimizer> optimizer = std::make_unique<Sgd>(Trainables{p});
    if (adam) optimizer = std::make_unique<Adam>(Trainables{p});
    const Tensor loss = bowl(p);
    p.set_grad(ones({2}, {.dtype = DType::float64}));
    optimizer->step();
    const std::string line = std::to_string(__LINE__ - 1), who = adam ? "Adam" : "Sgd";
    try {
      loss.backward();
      FAIL("no error");
    } catch (const GraphError& e) {
      CHECK(std::string(e.what()).find("written by " + who + "::step at test_optimizer.cpp:" + line) !=
            std::string::npos);
    }
  }
}

TEST_CASE("tensors alone are accepted, named by their place") {
  const Tensor a = start(), b = start();
  Adam braced{{a, b}};
  CHECK(braced.parameters()[1].name == "1");
  const std::vector<Tensor> list{a, b};
  Sgd optimizer(list, {.lr = 0.1});
  sum(a * b).backward();
  optimizer.step();
  CHECK(a.to_vector()[1] == doctest::Approx(2 - 0.1 * 2));
}

TEST_CASE("frozen parameters are listed and skipped, until they are trainable again") {
  Tensor a = start(), b = start();
  b.set_requires_grad(false);
  Sgd optimizer({{"a", a}, {"b", b}}, {.lr = 0.1});
  CHECK(optimizer.frozen() == std::vector<std::string>{"b"});
  bowl(a * b).backward();
  optimizer.step();
  CHECK(b.to_vector() == std::vector<double>{-7, 2});
  CHECK(a.to_vector() != std::vector<double>{-7, 2});
  b.set_requires_grad();
  CHECK(optimizer.frozen().empty());
  optimizer.zero_grad();
  bowl(b).backward();
  b.set_requires_grad(false);  // with a gradient that is left from before
  optimizer.step();
  CHECK(b.to_vector() == std::vector<double>{-7, 2});
  b.set_requires_grad();
  optimizer.step();
  CHECK(b.to_vector() != std::vector<double>{-7, 2});
}

TEST_CASE("the learning rate is changed between steps, and checked as in the constructor") {
  const auto rate = [](int step) { return 0.4 / step; };
  Tensor p = start();
  Sgd optimizer({{"p", p}}, {.lr = 1, .momentum = 0.5});
  CHECK(optimizer.options().momentum == 0.5);
  std::vector<std::vector<double>> points;
  for (int step = 1; step <= 5; ++step) {
    optimizer.set_lr(rate(step));
    CHECK(optimizer.lr() == rate(step));
    optimizer.zero_grad();
    bowl(p).backward();
    optimizer.step();
    points.push_back(p.to_vector());
  }
  check_path(points, [&](double& x, double g, double* v, int t) {
    v[0] = 0.5 * v[0] + g;
    x -= rate(t) * v[0];
  });
  CHECK_THROWS_WITH_AS(optimizer.set_lr(-1), "Sgd: lr must be a finite number of at least 0, not -1", ValueError);
  CHECK(optimizer.lr() == rate(5));
  Adam adam{{p}};
  CHECK(adam.options().lr == 1e-3);
  adam.set_lr(0.5);
  CHECK(adam.options().lr == 0.5);
  CHECK_THROWS_AS(adam.set_lr(std::numeric_limits<double>::infinity()), ValueError);
}

TEST_CASE("the parameters of two modules join under prefixes, and what they share is listed once") {
  const Tensor shared = start(), own = start();
  const std::vector<NamedTensor> first{{"w", shared}}, second{{"w", own}, {"tied", shared}};
  Adam optimizer{join({{"a", first}, {"b", second}})};
  std::vector<std::string> names;
  for (const auto& [name, tensor] : optimizer.parameters()) names.push_back(name);
  CHECK(names == std::vector<std::string>{"a.w", "b.w"});
}

TEST_CASE("hyper-parameters out of range are refused by name and value") {
  const double nan = std::numeric_limits<double>::quiet_NaN(), inf = std::numeric_limits<double>::infinity();
  auto sgd = [](Sgd::Options o) { Sgd({}, o); };
  auto adam = [](Adam::Options o) { Adam({}, o); };
  for (const double bad : {-1.0, nan, inf}) {
    CHECK_THROWS_AS(sgd({.lr = bad}), ValueError);
    CHECK_THROWS_AS(adam({.lr = bad}), ValueError);
    CHECK_THROWS_AS(sgd({.weight_decay = bad}), ValueError);
    CHECK_THROWS_AS(adam({.weight_decay = bad}), ValueError);
  }
  for (const double bad : {-0.1, 1.0, 2.0, nan}) {
    CHECK_THROWS_AS(sgd({.momentum = bad}), ValueError);
    CHECK_THROWS_AS(adam({.beta1 = bad}), ValueError);
    CHECK_THROWS_AS(adam({.beta2 = bad}), ValueError);
  }
  for (const double bad : {0.0, -1e-8, nan, inf}) CHECK_THROWS_AS(adam({.eps = bad}), ValueError);
  CHECK_THROWS_AS(sgd({.nesterov = true}), ValueError);
  CHECK_THROWS_WITH_AS(sgd({.lr = -1}), "Sgd: lr must be a finite number of at least 0, not -1", ValueError);
  CHECK_NOTHROW(sgd({.lr = 0}));
}

TEST_CASE("two parameters of one name, one that stands there twice, or one that cannot be trained, are refused") {
  const Tensor p = start();
  CHECK_THROWS_WITH_AS(Sgd({{"p", p}, {"p", start()}}, {}),
                       "Sgd: two parameters are named 'p', and state is kept by name; join({{\"a\", a.parameters()}, "
                       "{\"b\", b.parameters()}}) puts prefixes in front",
                       ValueError);
  CHECK_THROWS_WITH_AS(Sgd({{"p", p}, {"q", p}}, {}),
                       "Sgd: 'p' and 'q' are one tensor, which would be changed twice a step", ValueError);
  CHECK_THROWS_WITH_AS(Sgd({{"p", p * 2}}, {}), "Sgd: 'p' is the result of an operation, not a leaf", ValueError);
  CHECK_THROWS_WITH_AS(Adam({{"p", zeros({2}, {.dtype = DType::int64})}}, {}),
                       "Adam: 'p' is int64, which cannot be trained", ValueError);
  CHECK_THROWS_WITH_AS(Adam({{"p", Tensor()}}, {}), "Adam: 'p' is an empty tensor handle", ValueError);
}
