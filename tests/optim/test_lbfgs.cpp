// L-BFGS: what it refuses, what is frozen, and that its search gives the strong Wolfe conditions.
#include <doctest/doctest.h>

#include "engine/types/error.h"
#include "optim/wolfe.h"
#include "tests/optim/problems.h"

using namespace chainrule;
using namespace chainrule::test;

TEST_CASE("LBFGS refuses what it cannot do") {
  Problem p = problem("bowl");
  LBFGS optimizer(p.parameters, {});
  p.loss().backward();
  CHECK_THROWS_WITH_AS(
      optimizer.step(),
      "LBFGS: step takes the loss as a function, since it is asked for several times: "
      "optimizer.step([&] { optimizer.zero_grad(); Tensor loss = ...; loss.backward(); return loss; })",
      ValueError);
  const Tensor a = tensor({1.0}), b = tensor({2.0});
  CHECK_THROWS_WITH_AS(LBFGS({{"x", {a}, {}}, {"y", {b}, {}}}),
                       "LBFGS: all parameters are one vector, so there is one group, not 2", ValueError);
  const auto refusal = [](const LBFGSOptions& o) -> std::string {
    try {
      LBFGS({}, o);
    } catch (const ValueError& e) {
      return e.what();
    }
    return "taken";
  };
  CHECK(refusal({.lr = -1}) == "LBFGS: lr must be a finite number of at least 0, not -1");
  CHECK(refusal({.max_iter = 0}) == "LBFGS: max_iter must be at least 1, not 0");
  CHECK(refusal({.max_eval = -2}) == "LBFGS: max_eval must be at least 1, not -2");
  CHECK(refusal({.tolerance_grad = -1}) == "LBFGS: tolerance_grad must be a finite number of at least 0, not -1");
  CHECK(refusal({.tolerance_change = -1}) == "LBFGS: tolerance_change must be a finite number of at least 0, not -1");
  CHECK(refusal({.history_size = 0}) == "LBFGS: history_size must be at least 1, not 0");
}

TEST_CASE("a state of LBFGS that does not fit is refused whole") {
  Problem p = problem("logistic"), q = problem("bowl");
  LBFGS from(p.parameters, {.max_iter = 3}), to(q.parameters, {});
  step(from, p);
  CHECK_THROWS_WITH_AS(
      to.load_state(from.state()),
      "LBFGS: this state does not fit, and nothing was changed; lbfgs.direction has shape (4,) and not "
      "(2,); lbfgs.gradient has shape (4,) and not (2,); lbfgs.gradient_steps has shape (1, 4) and not "
      "(1, 2); lbfgs.value_steps has shape (1, 4) and not (1, 2)",
      ValueError);
  CHECK(to.state().size() == 1);
}

TEST_CASE("LBFGS leaves frozen parameters where they are, also those that it moved before") {
  Problem p = problem("logistic");
  LBFGS optimizer(p.parameters, {.max_iter = 2});
  step(optimizer, p);
  Tensor& b = p.parameters[1].tensor;
  const double before = b.item();
  b.set_requires_grad(false);
  const double first = step(optimizer, p), second = step(optimizer, p);
  CHECK(b.item() == before);
  CHECK(second < first);
}

TEST_CASE("the search ends where the strong Wolfe conditions hold") {
  // Functions of one number with a minimum to the right of 0.
  const std::vector<std::pair<double (*)(double), double (*)(double)>> functions{
      {[](double x) { return (x - 3) * (x - 3); }, [](double x) { return 2 * (x - 3); }},
      {[](double x) { return -x / (x * x + 2); }, [](double x) { return (x * x - 2) / ((x * x + 2) * (x * x + 2)); }},
      {[](double x) { return std::cosh(x - 1) - 0.1 * std::sin(9 * x); },
       [](double x) { return std::sinh(x - 1) - 0.9 * std::cos(9 * x); }}};
  for (const auto& [f, slope] : functions)
    for (const double first : {1e-3, 0.1, 1.0, 5.0, 30.0}) {
      CAPTURE(first);
      int calls = 0;
      const auto at = [&, f = f, slope = slope](double x) {
        ++calls;
        return optim::LinePoint{.length = x, .value = f(x), .slope = slope(x), .gradient = {slope(x)}};
      };
      const auto start = at(0);
      calls = 0;
      const auto found = optim::strong_wolfe(at, start, first, 1, 1e-9);
      CHECK(found.calls == calls);
      CHECK(calls <= 26);
      CHECK(found.point.value <= start.value + 1e-4 * found.point.length * start.slope);
      CHECK(std::abs(found.point.slope) <= 0.9 * std::abs(start.slope));
      CHECK(found.point.value == f(found.point.length));
    }
}
