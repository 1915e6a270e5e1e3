// A Gaussian process, with Eigen's Cholesky decomposition.
#include "optim/search/gaussian_process.h"

#include <Eigen/Cholesky>
#include <Eigen/Core>
#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

namespace chainrule {

struct GaussianProcess::Parts {
  Covariance kernel{};
  std::vector<std::vector<double>> points;
  std::vector<double> values;  // standardised
  double mean = 0, scale = 1;
  // What is fitted.
  std::vector<double> lengths;
  double noise = 1e-4;
  double variance = 1;
  Eigen::LLT<Eigen::MatrixXd> root;
  Eigen::VectorXd weights;

  double similarity(const std::vector<double>& a, const std::vector<double>& b) const {
    double square = 0;
    for (std::size_t i = 0; i < a.size(); ++i) square += (a[i] - b[i]) * (a[i] - b[i]) / (lengths[i] * lengths[i]);
    if (kernel == Covariance::rbf) return std::exp(-square / 2);
    const double r = std::sqrt(5 * square);
    return (1 + r + r * r / 3) * std::exp(-r);
  }

  /// Decomposes the matrix of similarities; false when rounding leaves it without a root.
  bool solve() {
    const auto n = static_cast<Eigen::Index>(points.size());
    Eigen::MatrixXd k(n, n);
    for (Eigen::Index i = 0; i < n; ++i) {
      for (Eigen::Index j = 0; j < i; ++j)
        k(i, j) = k(j, i) = similarity(points[static_cast<std::size_t>(i)], points[static_cast<std::size_t>(j)]);
      k(i, i) = 1 + noise;
    }
    root.compute(k);
    if (root.info() != Eigen::Success) return false;
    const Eigen::Map<const Eigen::VectorXd> y(values.data(), n);
    weights = root.solve(y);
    variance = std::max(y.dot(weights) / static_cast<double>(n), 1e-12);
    return std::isfinite(variance);
  }

  /// The logarithm of the marginal likelihood at its best variance, with the prior.
  double likelihood() {
    if (!solve()) return -std::numeric_limits<double>::infinity();
    const auto n = static_cast<double>(points.size());
    double sum = -n / 2 * std::log(variance);
    const Eigen::MatrixXd& l = root.matrixLLT();
    for (Eigen::Index i = 0; i < l.rows(); ++i) sum -= std::log(l(i, i));
    for (const double length : lengths) sum -= std::pow(std::log(length / 0.3), 2) / 2;
    return sum - std::pow(std::log(noise / 1e-4), 2) / 50;
  }

  void fit() {
    double best = likelihood();
    const auto improve = [&](double& number, double factor, double low, double high) {
      bool better = false;
      for (const double f : {factor, 1 / factor}) {
        const double before = number;
        number = std::clamp(before * f, low, high);
        if (const double now = likelihood(); now > best) {
          best = now;
          better = true;
        } else {
          number = before;
        }
      }
      return better;
    };
    for (const double factor : {3.0, 1.7, 1.25})
      for (int sweep = 0; sweep < 4; ++sweep) {
        bool better = false;
        for (double& length : lengths) better = improve(length, factor, 0.01, 10) || better;
        better = improve(noise, factor * factor, 1e-8, 1) || better;
        if (!better) break;
      }
    while (!solve()) noise *= 10;  // points that coincide
  }
};

GaussianProcess::GaussianProcess(Covariance kernel, std::vector<std::vector<double>> points, std::vector<double> values)
    : parts_(std::make_unique<Parts>()) {
  Parts& p = *parts_;
  p.kernel = kernel;
  const auto n = static_cast<double>(values.size());
  for (const double v : values) p.mean += v / n;
  double square = 0;
  for (const double v : values) square += (v - p.mean) * (v - p.mean) / n;
  p.scale = square > 0 ? std::sqrt(square) : 1;
  for (double& v : values) v = (v - p.mean) / p.scale;
  p.lengths.assign(points.at(0).size(), 0.3);
  p.points = std::move(points);
  p.values = std::move(values);
  p.fit();
}

GaussianProcess::~GaussianProcess() = default;
GaussianProcess::GaussianProcess(GaussianProcess&&) noexcept = default;
GaussianProcess& GaussianProcess::operator=(GaussianProcess&&) noexcept = default;

const std::vector<double>& GaussianProcess::lengths() const { return parts_->lengths; }

GaussianProcess::Belief GaussianProcess::at(const std::vector<double>& point) const {
  const Parts& p = *parts_;
  Eigen::VectorXd k(static_cast<Eigen::Index>(p.points.size()));
  for (Eigen::Index i = 0; i < k.size(); ++i) k(i) = p.similarity(p.points[static_cast<std::size_t>(i)], point);
  const double mean = k.dot(p.weights);
  p.root.matrixL().solveInPlace(k);
  const double left = std::max(1 - k.squaredNorm(), 0.0);
  return {p.mean + p.scale * mean, p.scale * std::sqrt(p.variance * left)};
}

void GaussianProcess::pretend(const std::vector<double>& point) {
  Parts& p = *parts_;
  const double value = (at(point).mean - p.mean) / p.scale, variance = p.variance;
  p.points.push_back(point);
  p.values.push_back(value);
  while (!p.solve()) p.noise *= 10;
  p.variance = variance;  // nothing was learnt
}

double expected_improvement(const GaussianProcess::Belief& belief, double best) {
  const double below = best - belief.mean;
  if (!(belief.deviation > 0)) return std::max(below, 0.0);
  const double z = below / belief.deviation;
  const double density = std::exp(-z * z / 2) / std::sqrt(2 * std::numbers::pi);
  return below * std::erfc(-z / std::numbers::sqrt2) / 2 + belief.deviation * density;
}

}  // namespace chainrule
