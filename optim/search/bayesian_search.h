// Bayesian optimisation: each trial where the results so far promise most.
#pragma once

#include "optim/search/search.h"

namespace chainrule {

/// How values at two points go together, by their distance: Matern's with 5/2 (twice differentiable functions) or the
/// squared exponential (smooth ones).
enum class Covariance : std::uint8_t { matern52, rbf };

struct BayesianSearchOptions {
  std::uint64_t seed = 0;
  std::int64_t initial = 8;  ///< at least 1: trials at random places before the first that is chosen
  Covariance kernel = Covariance::matern52;
  std::int64_t candidates = 2000;  ///< at least 1: places that are looked at for each trial
};

/// A Gaussian process over the ranges (logarithms where they are logarithmic) is fitted to the finished trials, and the
/// next one is where the expected improvement is largest (Snoek, Larochelle and Adams, "Practical Bayesian optimization
/// of machine learning algorithms", NIPS 2012). Failed trials count as the worst result; of running ones it believes
/// what it expects. For tens of trials that cost much, since fitting takes time as the cube of their number.
class BayesianSearch : public Search {
 public:
  explicit BayesianSearch(std::vector<SearchRange> ranges, BayesianSearchOptions options = {});

 protected:
  std::vector<double> propose(std::int64_t number, const std::vector<Trial>& trials) const override;

 private:
  BayesianSearchOptions options_;
};

}  // namespace chainrule
