// The learning-rate range test: its sweep, where it ends, what it finds, and that it leaves nothing behind.
#include "optim/range_test.h"

#include <doctest/doctest.h>

#include <limits>

#include "engine/types/error.h"
#include "tests/optim/problems.h"

using namespace chainrule;
using namespace chainrule::test;

TEST_CASE("rates rise in equal ratios until the loss runs away, and everything is as before") {
  Problem p = problem("bowl");
  Sgd sgd(p.parameters, {.lr = 0.125, .momentum = 0.5});
  step(sgd, p);
  const auto numbers = p.numbers();
  const auto before = sgd.state();
  const auto test = range_test(sgd, [&] { return step(sgd, p); }, {.first = 1e-4, .last = 100, .steps = 61});
  CHECK(test.ended_early);
  CHECK(test.rows.size() < 61);
  for (std::size_t i = 0; i < test.rows.size(); ++i)
    CHECK(test.rows[i].lr == doctest::Approx(1e-4 * std::pow(10.0, static_cast<double>(i) / 10)).epsilon(1e-12));
  CHECK(test.rows[0].smoothed == doctest::Approx(test.rows[0].loss));
  CHECK(test.rows[1].smoothed == doctest::Approx((0.95 * test.rows[0].loss + test.rows[1].loss) / 1.95));
  // The steeper axis, of curvature 2, is stable below 1.5 with this momentum.
  CHECK(test.steepest > 0.01);
  CHECK(test.steepest < 1.5);
  CHECK(p.numbers() == numbers);
  CHECK(sgd.lr() == 0.125);
  const auto after = sgd.state();
  for (std::size_t i = 0; i < before.size(); ++i) CHECK(after[i].tensor.to_vector() == before[i].tensor.to_vector());
  CHECK(table(test).starts_with("        rate          loss      smoothed\n      0.0001"));
}

TEST_CASE("a loss that is not finite ends it, and a step that throws leaves nothing behind") {
  Problem p = problem("bowl");
  Adam adam{{{"a", p.parameters, {.lr = 0.25}}}};
  int calls = 0;
  const auto test = range_test(adam, [&] {
    step(adam, p);
    return ++calls == 5 ? std::numeric_limits<double>::quiet_NaN() : 1.0;
  });
  CHECK(test.rows.size() == 5);
  CHECK(test.ended_early);
  CHECK_THROWS_AS(range_test(adam,
                             [&]() -> double {
                               step(adam, p);
                               throw ValueError("no more");
                             }),
                  ValueError);
  CHECK(p.numbers() == std::vector<double>{-7, 2});
  CHECK(adam.lr() == 0.25);
  CHECK(adam.state()[0].tensor.item() == 0);
}

TEST_CASE("options of the range test out of range are refused") {
  Problem p = problem("bowl");
  Sgd sgd(p.parameters, {});
  const auto refusal = [&](RangeTestOptions o) -> std::string {
    try {
      range_test(
          sgd, [] { return 1.0; }, o);
    } catch (const ValueError& e) {
      return e.what();
    }
    return "taken";
  };
  CHECK(refusal({.first = 0}) == "range_test: first must be a finite number above 0, not 0");
  CHECK(refusal({.first = 1, .last = 1}) == "range_test: last must be above first, not 1");
  CHECK(refusal({.steps = 1}) == "range_test: steps must be at least 2, not 1");
  CHECK(refusal({.smoothing = 1}) == "range_test: smoothing must be in [0, 1), not 1");
  CHECK(refusal({.stop_factor = 1}) == "range_test: stop_factor must be above 1, not 1");
  CHECK(refusal({}) == "taken");
}
