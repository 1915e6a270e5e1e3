// Bayesian optimisation: the fit, and the place of the largest expected improvement.
#include "optim/search/bayesian_search.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <set>

#include "engine/random.h"
#include "engine/types/error.h"
#include "optim/search/gaussian_process.h"

namespace chainrule {

BayesianSearch::BayesianSearch(std::vector<SearchRange> ranges, BayesianSearchOptions o)
    : Search("BayesianSearch", std::move(ranges)), options_(o) {
  if (o.initial < 1) throw ValueError(fmt::format("BayesianSearch: initial must be at least 1, not {}", o.initial));
  if (o.candidates < 1)
    throw ValueError(fmt::format("BayesianSearch: candidates must be at least 1, not {}", o.candidates));
}

std::vector<double> BayesianSearch::propose(std::int64_t number, const std::vector<Trial>& trials) const {
  Generator numbers(options_.seed, static_cast<std::uint64_t>(number));
  const std::size_t axes = ranges().size();
  const auto anywhere = [&] {
    std::vector<double> place;
    for (std::size_t i = 0; i < axes; ++i) place.push_back(numbers.uniform());
    return place;
  };
  double best = std::numeric_limits<double>::infinity(), worst = -best;
  for (const Trial& t : trials)
    if (t.finished && !t.failed()) {
      best = std::min(best, t.result);
      worst = std::max(worst, t.result);
    }
  if (number < options_.initial || worst < best) return anywhere();
  std::vector<std::vector<double>> points;
  std::vector<double> values;
  for (const Trial& t : trials)
    if (t.finished) {
      points.push_back(places_of(t));
      values.push_back(t.failed() ? worst : t.result);
    }
  GaussianProcess process(options_.kernel, points, values);
  for (const Trial& t : trials)
    if (!t.finished) process.pretend(places_of(t));

  struct Candidate {
    double gain;
    std::vector<double> place;
  };
  std::vector<Candidate> found;
  // What was tried is worth nothing: places are cut off at the edges and rounded to whole numbers, and fall together.
  std::set<std::vector<double>> tried;
  for (const Trial& t : trials) tried.insert(t.values);
  const auto look_at = [&](std::vector<double> place) {
    std::vector<double> trial;
    for (std::size_t i = 0; i < axes; ++i) trial.push_back(ranges()[i].at(place[i]));
    const double gain = tried.contains(trial) ? -1 : expected_improvement(process.at(place), best);
    found.push_back({gain, std::move(place)});
  };
  for (std::int64_t i = 0; i < options_.candidates; ++i) look_at(anywhere());
  // Around the most promising ones, closer and closer.
  for (const double width : {0.1, 0.03, 0.01, 0.003}) {
    std::stable_sort(found.begin(), found.end(), [](const auto& a, const auto& b) { return a.gain > b.gain; });
    found.resize(std::min<std::size_t>(found.size(), 8));
    for (std::size_t k = 0, n = found.size(); k < n; ++k)
      for (int i = 0; i < 16; ++i) {
        std::vector<double> place = found[k].place;
        for (double& p : place) p = std::clamp(p + width * numbers.normal(), 0.0, 1.0);
        look_at(std::move(place));
      }
  }
  return std::max_element(found.begin(), found.end(), [](const auto& a, const auto& b) { return a.gain < b.gain; })
      ->place;
}

}  // namespace chainrule
