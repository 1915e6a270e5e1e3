// Inner header: for our own sources, not installed.
// A Gaussian process: what is to be expected of a function between the points where it is known.
#pragma once

#include <memory>
#include <vector>

#include "optim/search/bayesian_search.h"

namespace chainrule {

/// Rasmussen and Williams, "Gaussian processes for machine learning" (2006), algorithm 2.1, on values that are
/// standardised first. A length for each axis and the noise are those of the largest marginal likelihood with a weak
/// prior (lengths about 0.3 of the unit cube), found by going through them one by one; the variance has a closed form.
class GaussianProcess {
 public:
  /// Points of the unit cube, at least one, and the values there, finite.
  GaussianProcess(Covariance kernel, std::vector<std::vector<double>> points, std::vector<double> values);
  ~GaussianProcess();
  GaussianProcess(GaussianProcess&&) noexcept;
  GaussianProcess& operator=(GaussianProcess&&) noexcept;

  struct Belief {
    double mean, deviation;
  };
  Belief at(const std::vector<double>& point) const;
  /// The same process with one more point, at which it believes what it believes: others are sent elsewhere.
  void pretend(const std::vector<double>& point);
  const std::vector<double>& lengths() const;

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

/// How far below `best` a value of that belief is expected to come (expected improvement: Jones, Schonlau and Welch,
/// "Efficient global optimization of expensive black-box functions", 1998).
double expected_improvement(const GaussianProcess::Belief& belief, double best);

}  // namespace chainrule
