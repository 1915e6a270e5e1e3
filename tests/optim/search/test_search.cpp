// Searches: better than chance on known functions, with chance as the control; taken up again; from several threads.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <cmath>
#include <numbers>
#include <set>
#include <thread>

#include "engine/types/error.h"
#include "optim/search/bayesian_search.h"
#include "optim/search/gaussian_process.h"
#include "optim/search/random_search.h"

using namespace chainrule;

namespace {

// Three minima of 0.397887.
double branin(double x, double y) {
  const double pi = std::numbers::pi, q = y - 5.1 / (4 * pi * pi) * x * x + 5 / pi * x - 6;
  return q * q + 10 * (1 - 1 / (8 * pi)) * std::cos(x) + 10;
}
const std::vector<SearchRange> kBranin{{"x", -5, 10}, {"y", 0, 15}};

// A loss with its best rate at 5e-3 and its best decay at 1e-6.
double loss_of(double lr, double decay) {
  return std::pow(std::log10(lr / 5e-3), 2) + 0.1 * std::pow(std::log10(decay / 1e-6), 2);
}
const std::vector<SearchRange> kRates{{.name = "lr", .low = 1e-6, .high = 1e-1, .log = true},
                                      {.name = "decay", .low = 1e-8, .high = 1e-4, .log = true}};

template <class F>
double best_of(Search& search, F f, int trials) {
  for (int i = 0; i < trials; ++i) {
    const Trial t = search.ask();
    search.tell(t.number, f(t.values[0], t.values[1]));
  }
  return search.best().result;
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

TEST_CASE("Bayesian optimisation comes within 0.1 of Branin's minimum in 40 trials, chance less close") {
  for (const Covariance kernel : {Covariance::matern52, Covariance::rbf}) {
    double chosen = 0, chance = 0;
    for (std::uint64_t seed = 1; seed <= 6; ++seed) {
      BayesianSearch search(kBranin, {.seed = seed, .kernel = kernel});
      RandomSearch control(kBranin, {.seed = seed});
      const double b = best_of(search, branin, 40) - 0.397887, r = best_of(control, branin, 40) - 0.397887;
      CHECK(b < 0.1);
      chosen += b / 6;
      chance += r / 6;
    }
    MESSAGE("mean distance from the minimum: " << chosen << ", of random search " << chance);
    CHECK(chosen < 0.2 * chance);
  }
}

TEST_CASE("narrowed ranges find a better rate than ranges that stay, on logarithmic scales") {
  double narrowed = 0, plain = 0;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    RandomSearch search(kRates, {.seed = seed, .round = 20}), control(kRates, {.seed = seed});
    narrowed += best_of(search, loss_of, 100) / 20;
    plain += best_of(control, loss_of, 100) / 20;
  }
  MESSAGE("mean loss with narrowing " << narrowed << ", without " << plain);
  CHECK(narrowed < 0.5 * plain);
}

TEST_CASE("a random search is uniform on its scale, and whole numbers reach their ends") {
  RandomSearch search({kRates[0], {.name = "layers", .low = 1, .high = 4, .whole = true}}, {.seed = 3});
  int below = 0;
  std::vector<int> counts(5);
  for (int i = 0; i < 4000; ++i) {
    const Trial t = search.ask();
    CHECK(t.values[0] >= 1e-6);
    CHECK(t.values[0] <= 1e-1);
    below += t.values[0] < 1e-4;
    ++counts.at(static_cast<std::size_t>(t.values[1]));
  }
  CHECK(below == doctest::Approx(4000 * 2 / 5).epsilon(0.06));  // two decades of five
  for (std::size_t n = 1; n <= 4; ++n) CHECK(counts[n] == doctest::Approx(1000).epsilon(0.12));
  for (const SearchRange& r : {kRates[0], SearchRange{"x", -2, 6}, SearchRange{"n", 1, 4, false, true}})
    for (const double v : {r.low, r.high}) CHECK(r.at(r.place_of(v)) == doctest::Approx(v).epsilon(1e-14));
}

TEST_CASE("the process goes through its points, and knows where it knows nothing") {
  std::vector<std::vector<double>> points;
  std::vector<double> values;
  for (int i = 0; i <= 8; ++i) {
    points.push_back({0.1 * i, 0.5});
    values.push_back(3 + std::sin(0.6 * i));
  }
  for (const Covariance kernel : {Covariance::matern52, Covariance::rbf}) {
    GaussianProcess process(kernel, points, values);
    for (std::size_t i = 0; i < points.size(); ++i)
      CHECK(process.at(points[i]).mean == doctest::Approx(values[i]).epsilon(1e-2));
    CHECK(process.at({0.35, 0.5}).mean == doctest::Approx(3 + std::sin(2.1)).epsilon(1e-2));
    const double far = process.at({0.4, 1}).deviation;
    CHECK(far > 5 * process.at({0.35, 0.5}).deviation);
    process.pretend({0.4, 1});
    CHECK(process.at({0.4, 1}).deviation < 0.2 * far);
  }
  // Expected improvement by the integral that it is.
  for (const auto& [mean, deviation, best] :
       std::vector<std::tuple<double, double, double>>{{0, 1, 0}, {1, 0.5, 0.2}, {-1, 2, 0.5}}) {
    double sum = 0;
    for (int i = 0; i < 200000; ++i) {
      const double z = -10 + 20 * (i + 0.5) / 200000, v = mean + deviation * z;
      sum += std::max(best - v, 0.0) * std::exp(-z * z / 2) / std::sqrt(2 * std::numbers::pi) * 20 / 200000;
    }
    CHECK(expected_improvement({mean, deviation}, best) == doctest::Approx(sum).epsilon(1e-6));
  }
  CHECK(expected_improvement({1, 0}, 3) == 2);
  CHECK(expected_improvement({4, 0}, 3) == 0);
}

TEST_CASE("a search that is taken up again asks for the trial that would have come") {
  const auto check = [](auto make) {
    const auto search = make(), again = make();
    best_of(*search, loss_of, 30);
    search->tell(search->ask().number, std::nan(""));
    again->resume(search->json_lines());
    CHECK(again->json_lines() == search->json_lines());
    const Trial left = search->ask(), right = again->ask();
    CHECK(left.number == 31);
    CHECK(left.number == right.number);
    CHECK(left.values == right.values);  // to the last bit
    // One was running when it was saved: it is asked for first.
    const auto third = make();
    third->resume(search->json_lines());
    CHECK(third->ask().values == left.values);
    const Trial next = third->ask();
    CHECK(next.number == 32);
    CHECK(next.values == search->ask().values);
  };
  check([] { return std::make_unique<RandomSearch>(kRates, RandomSearchOptions{.seed = 5, .round = 10}); });
  check([] { return std::make_unique<BayesianSearch>(kRates, BayesianSearchOptions{.seed = 5, .candidates = 300}); });
}

TEST_CASE("Bayesian optimisation tries nothing twice while something is left, at edges and among whole numbers too") {
  // The least value lies in a corner, where places are cut off.
  BayesianSearch corner({{.name = "x"}, {.name = "y"}}, {.seed = 4, .initial = 4, .candidates = 100});
  // Six trials are all that there are; the seventh is one of them again.
  BayesianSearch whole({{.name = "n", .low = 1, .high = 6, .whole = true}},
                       {.seed = 4, .initial = 1, .candidates = 100});
  std::set<std::vector<double>> places, numbers;
  for (int i = 0; i < 60; ++i) {
    const Trial t = corner.ask();
    corner.tell(t.number, t.values[0] + t.values[1]);
    places.insert(t.values);
  }
  CHECK(places.contains({0, 0}));
  CHECK(places.size() == 60);
  for (int i = 0; i < 7; ++i) {
    const Trial t = whole.ask();
    whole.tell(t.number, t.values[0]);
    numbers.insert(t.values);
  }
  CHECK(numbers.size() == 6);
}

TEST_CASE("several threads ask and tell") {
  BayesianSearch search(kBranin, {.seed = 2, .candidates = 200});
  std::vector<std::thread> workers;
  for (int w = 0; w < 4; ++w)
    workers.emplace_back([&] {
      for (int i = 0; i < 8; ++i) {
        const Trial t = search.ask();
        search.tell(t.number, branin(t.values[0], t.values[1]));
      }
    });
  for (auto& w : workers) w.join();
  std::set<std::vector<double>> places;
  for (const Trial& t : search.trials()) {
    CHECK(t.finished);
    places.insert(t.values);
  }
  CHECK(places.size() == 32);
  // Trials that run side by side are sent to places apart.
  const Trial a = search.ask(), b = search.ask();
  CHECK(std::hypot(a.values[0] - b.values[0], a.values[1] - b.values[1]) > 0.01);
}

TEST_CASE("trials are a table and lines of JSON") {
  RandomSearch search({{.name = "n", .low = 3, .high = 3, .whole = true}}, {});
  for (const double result : {0.5, std::nan(""), 0.25}) search.tell(search.ask().number, result);
  (void)search.ask();
  CHECK(search.table() ==
        "trial   result  n\n    2     0.25  3\n    0      0.5  3\n    1   failed  3\n"
        "    3  running  3\n");
  CHECK(search.table(1) == "trial  result  n\n    2    0.25  3\n");
  CHECK(search.json_lines() ==
        "{\"trial\":0,\"values\":{\"n\":3.0},\"result\":0.5}\n{\"trial\":1,\"values\":{\"n\":3.0},\"result\":null}\n"
        "{\"trial\":2,\"values\":{\"n\":3.0},\"result\":0.25}\n{\"trial\":3,\"values\":{\"n\":3.0}}\n");
  CHECK(search.best().number == 2);
}

TEST_CASE("what does not fit is refused in a sentence") {
  CHECK(refusal([] { RandomSearch({}); }) == "RandomSearch: there is no range to search");
  CHECK(refusal([] { RandomSearch({{"a"}, {"a"}}); }) == "RandomSearch: two ranges are named 'a'");
  CHECK(refusal([] { RandomSearch({{"a", 2, 1}}); }) == "RandomSearch: the range of 'a' goes from 2 to 1");
  CHECK(refusal([] {
          RandomSearch({{"a", 0, 1, true}});
        }) == "RandomSearch: 'a' has a logarithmic range, which begins above 0, not at 0");
  CHECK(refusal([] {
          RandomSearch({{"a", 0.5, 2, false, true}});
        }) == "RandomSearch: 'a' is whole, and its range goes from 0.5 to 2");
  CHECK(refusal([] { RandomSearch(kRates, {.round = -1}); }) == "RandomSearch: round must be at least 0, not -1");
  CHECK(refusal([] { RandomSearch(kRates, {.keep = 1}); }) == "RandomSearch: keep must be at least 2, not 1");
  CHECK(refusal([] { RandomSearch(kRates, {.margin = -1}); }) ==
        "RandomSearch: margin must be a finite number of at least 0, not -1");
  CHECK(refusal([] { BayesianSearch(kRates, {.initial = 0}); }) == "BayesianSearch: initial must be at least 1, not 0");
  CHECK(refusal([] { BayesianSearch(kRates, {.candidates = 0}); }) ==
        "BayesianSearch: candidates must be at least 1, not 0");
  RandomSearch search({{"a", 0, 1}});
  CHECK(refusal([&] { (void)search.best(); }) == "RandomSearch: no trial is finished yet");
  CHECK(refusal([&] { search.tell(0, 1); }) == "RandomSearch: trial 0 was not asked for; there are 0");
  const std::string line = "RandomSearch: line 1 of the trials ";
  CHECK(refusal([&] { search.resume("nonsense\n"); }) == line + "is no JSON object with trial and values");
  CHECK(refusal([&] { search.resume("{\"trial\":1,\"values\":{\"a\":0.5}}\n"); }) == line + "is not trial 0");
  CHECK(refusal([&] { search.resume("{\"trial\":0,\"values\":{\"b\":0.5}}\n"); }) == line + "has no number 'a'");
  CHECK(refusal([&] { search.resume("{\"trial\":0,\"values\":{\"a\":7}}\n"); }) == line + "has a = 7, outside [0, 1]");
  CHECK(refusal([&] { search.resume("{\"trial\":0,\"values\":{\"a\":1,\"b\":2}}\n"); }) ==
        line + "has 2 values and not 1");
  CHECK(refusal([&] { search.resume("{\"trial\":0,\"values\":{\"a\":1},\"result\":\"x\"}\n"); }) ==
        line + "has a result that is no number");
  CHECK(search.trials().empty());
  (void)search.ask();
  search.tell(0, 1);
  CHECK(refusal([&] { search.tell(0, 1); }) == "RandomSearch: the result of trial 0 is known already");
  CHECK(refusal([&] { search.resume(""); }) == "RandomSearch: resume into a search that has 1 trials already");
}
