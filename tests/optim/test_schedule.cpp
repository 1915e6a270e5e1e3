// Schedules against PyTorch's rates (reference/schedules.txt), between the steps and after the last one, and as text.
#include "optim/schedule.h"

#include <doctest/doctest.h>

#include <cmath>
#include <fstream>
#include <map>
#include <sstream>

#include "engine/factory.h"
#include "engine/types/error.h"
#include "optim/sgd.h"

using namespace chainrule;

namespace {

std::map<std::string, std::vector<double>> schedule_references() {
  std::ifstream in(std::string(CHAINRULE_SOURCE_DIR) + "/tests/optim/reference/schedules.txt");
  std::map<std::string, std::vector<double>> all;
  for (std::string line; std::getline(in, line);) {
    const auto bar = line.find('|');
    std::istringstream numbers(line.substr(bar + 1));
    auto& rates = all[line.substr(0, bar)];
    for (double v = 0; numbers >> v;) rates.push_back(v);
  }
  return all;
}

template <class F>
std::string refusal(F f) {
  try {
    f();
  } catch (const ValueError& e) {
    return e.what();
  }
  return "taken";
}

}  // namespace

TEST_CASE("schedules give PyTorch's rates, and are printed as the call that made them") {
  const std::vector<Schedule> schedules{
      step(3, 0.5),
      multi_step({2, 5, 9}),
      exponential(0.9),
      inverse_time(0.1),
      polynomial(7, 2),
      cosine(10, 0.1),
      cosine(10),
      cosine_restarts(3, 2, 0.05),
      cosine_restarts(4),
      warm_up(4, 0.25),
      hold(4, 0.25),
      one_cycle(20),
      Schedule("one_cycle(21), linear, 0.4, 10, 100",
               [s = one_cycle(21, {.pct_start = 0.4, .linear = true, .div_factor = 10, .final_div_factor = 100})](
                   double t) { return s(t); }),
      Schedule("one_cycle(20), three phases", [s = one_cycle(20, {.three_phase = true})](double t) { return s(t); }),
      warm_up(4, 0.25) * exponential(0.9),
      sequential({warm_up(4, 0.25), exponential(0.9)}, {4})};
  auto left = schedule_references();
  for (const Schedule& schedule : schedules) {
    CAPTURE(schedule.text());
    REQUIRE(left.contains(schedule.text()));
    const auto rates = left.at(schedule.text());
    const auto values = schedule.values(std::ssize(rates));
    for (std::size_t i = 0; i < rates.size(); ++i) {
      CAPTURE(i);
      CHECK(std::abs(values[i] - rates[i]) <= 1e-13 * std::max(std::abs(rates[i]), 1e-3));
    }
    left.erase(schedule.text());
  }
  for (const auto& [text, rates] : left) CHECK(text.starts_with("plateau"));
}

TEST_CASE("the plateau gives PyTorch's rates, and goes on where it was saved") {
  const std::vector<double> metrics{5,   4,   3,   3.0001, 2.9999, 3,   3,   3,   2.5, 2.6, 2.6,
                                    2.6, 2.6, 2.6, 2.6,    2.4,    2.4, 2.4, 2.4, 2.4, 2.4};
  const std::map<std::string, PlateauOptions> all{
      {"plateau", {.factor = 0.5, .patience = 2}},
      {"plateau cooldown", {.factor = 0.5, .patience = 1, .cooldown = 3, .min_factor = 0.2}},
      {"plateau max abs",
       {.higher_is_better = true, .factor = 0.3, .patience = 3, .threshold = 0.3, .relative = false}}};
  const auto rates = schedule_references();
  for (const auto& [name, options] : all) {
    const auto& shown_name = name;  // clang captures no structured binding
    CAPTURE(shown_name);
    Plateau plateau(options);
    for (std::size_t i = 0; i < metrics.size(); ++i) {
      CHECK(plateau.update(metrics[i]) == doctest::Approx(rates.at(name)[i]).epsilon(1e-14));
      Plateau next(options);
      next.load_state(plateau.state());
      plateau = next;
    }
  }
  Plateau plateau({.patience = 0});
  plateau.update(1);
  CHECK(plateau.update(std::nan("")) == doctest::Approx(0.1));
  CHECK(
      refusal([&] { plateau.load_state({}); }) ==
      "Plateau: this state does not fit, and nothing was changed; missing: plateau.best, plateau.factor, plateau.bad, "
      "plateau.cooldown");
}

TEST_CASE("between the steps schedules are what their formulas say, and after the last they stay") {
  CHECK(cosine(10)(2.5) == doctest::Approx((1 + std::cos(std::acos(-1.0) / 4)) / 2));
  CHECK(step(3, 0.5)(2.99) == 1);
  CHECK(warm_up(4, 0)(1.5) == 0.375);
  CHECK(exponential(0.25)(0.5) == 0.5);
  CHECK(cosine(10, 0.1)(25) == doctest::Approx(0.1));
  CHECK(polynomial(4, 1, 0.25)(100) == 0.25);
  CHECK(polynomial(4, 1, 0.2)(2) == doctest::Approx(0.6));
  CHECK(one_cycle(20)(100) == doctest::Approx(1 / 25e4));
  const auto three = sequential({hold(1, 0.5), hold(1, 0.25), cosine(4)}, {2, 4});
  CHECK(three.values(7)[3] == 1);
  CHECK(three(2) == 0.25);
  CHECK(three(4) == 1);
  CHECK(three(8) == doctest::Approx(0));
}

TEST_CASE("a schedule is a table, and moves every group's rate") {
  CHECK(table(step(2, 0.5), 5, 0.1) ==
        "    step  rate\n       0  0.1\n       1  0.1\n       2  0.05\n       3  0.05\n"
        "       4  0.025\n");
  CHECK(table(exponential(0.5), 101, 1, 3) ==
        "    step  rate\n       0  1\n      50  8.88178e-16\n"
        "     100  7.88861e-31\n");
  CHECK(fmt::format("{:>12}", cosine(10)) == "  cosine(10)");
  const Tensor a = zeros({1}, {.requires_grad = true}), b = zeros({1}, {.requires_grad = true});
  Sgd sgd{{{"a", {a}, {.lr = 0.5}}, {"b", {b}, {.lr = 2}}}};
  for (int t = 0; t < 3; ++t) sgd.scale_lr(step(1, 0.5)(t));
  CHECK(sgd.lr("a") == 0.125);
  CHECK(sgd.lr("b") == 0.5);
}

TEST_CASE("arguments out of range are refused by name and value") {
  CHECK(refusal([] { step(0); }) == "step: size must be at least 1, not 0");
  CHECK(refusal([] { step(1, -1); }) == "step: gamma must be a finite number of at least 0, not -1");
  CHECK(refusal([] { multi_step({3, 3}); }) == "multi_step: milestones must be above 0 and rise, not [3, 3]");
  CHECK(refusal([] { multi_step({1}, std::nan("")); }) ==
        "multi_step: gamma must be a finite number of at least 0, not nan");
  CHECK(refusal([] { exponential(-0.5); }) == "exponential: gamma must be a finite number of at least 0, not -0.5");
  CHECK(refusal([] { inverse_time(HUGE_VAL); }) ==
        "inverse_time: decay must be a finite number of at least 0, not inf");
  CHECK(refusal([] { polynomial(0); }) == "polynomial: steps must be at least 1, not 0");
  CHECK(refusal([] { polynomial(1, -1); }) == "polynomial: power must be a finite number of at least 0, not -1");
  CHECK(refusal([] { polynomial(1, 1, -1); }) == "polynomial: last must be a finite number of at least 0, not -1");
  CHECK(refusal([] { cosine(-3); }) == "cosine: steps must be at least 1, not -3");
  CHECK(refusal([] { cosine(3, -1); }) == "cosine: last must be a finite number of at least 0, not -1");
  CHECK(refusal([] { cosine_restarts(0); }) == "cosine_restarts: first must be at least 1, not 0");
  CHECK(refusal([] { cosine_restarts(1, 0); }) == "cosine_restarts: multiplier must be at least 1, not 0");
  CHECK(refusal([] { warm_up(0); }) == "warm_up: steps must be at least 1, not 0");
  CHECK(refusal([] { warm_up(1, -1); }) == "warm_up: start must be a finite number of at least 0, not -1");
  CHECK(refusal([] { hold(0); }) == "hold: steps must be at least 1, not 0");
  CHECK(refusal([] { one_cycle(0); }) == "one_cycle: steps must be at least 1, not 0");
  CHECK(refusal([] { one_cycle(2); }) == "one_cycle: 2 steps are too few for phases of a share of 0.3");
  CHECK(refusal([] { one_cycle(9, {.pct_start = 1}); }) == "one_cycle: pct_start must be in (0, 1), not 1");
  CHECK(refusal([] { one_cycle(9, {.div_factor = 0}); }) ==
        "one_cycle: div_factor must be a finite number above 0, not 0");
  CHECK(refusal([] { sequential({cosine(1)}, {2}); }) ==
        "sequential: 1 schedules need 0 milestones between them, not 1");
  CHECK(refusal([] { cosine(10)(-1); }) == "cosine(10): step must be a finite number of at least 0, not -1");
  CHECK(refusal([] { Schedule("mine", [](double) { return -2.0; })(3); }) ==
        "mine: the factor at step 3 must be a finite number of at least 0, not -2");
  CHECK(refusal([] { Plateau({.factor = 1}); }) == "Plateau: factor must be in (0, 1), not 1");
  CHECK(refusal([] { Plateau({.patience = -1}); }) == "Plateau: patience must be at least 0, not -1");
  CHECK(refusal([] { Plateau({.threshold = -1}); }) ==
        "Plateau: threshold must be a finite number of at least 0, not -1");
  CHECK(refusal([] { Plateau({.cooldown = -1}); }) == "Plateau: cooldown must be at least 0, not -1");
  CHECK(refusal([] { Plateau({.min_factor = -1}); }) ==
        "Plateau: min_factor must be a finite number of at least 0, not -1");
}
