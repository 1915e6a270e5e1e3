// Fitted transforms against their definitions: means, spreads and covariances of what comes out.
#include "nn/data/fitted.h"

#include <doctest/doctest.h>

#include <cmath>

#include "engine/factory.h"
#include "engine/types/error.h"
#include "nn/data/image_set.h"
#include "nn/data/loader.h"
#include "nn/data/splits.h"

using namespace chainrule;

namespace {

/// Correlated numbers: (n, 3), the last column a mix of the others.
Tensor correlated(std::int64_t n, double noise) {
  Generator generator(8);
  std::vector<double> values;
  for (std::int64_t i = 0; i < n; ++i) {
    const double a = 3 + 2 * generator.normal(), b = -1 + 0.5 * generator.normal() + 0.3 * a;
    values.insert(values.end(), {a, b, a - b + noise * generator.normal()});
  }
  return from_vector(values, {n, 3});
}

/// Entry (i, j) of the covariance matrix of the columns of (n, d), and their means.
struct Moments {
  std::vector<double> mean, covariance;
};
Moments moments(const Tensor& table) {
  const std::vector<double> v = table.to_vector();
  const auto n = static_cast<std::size_t>(table.size(0)), d = v.size() / n;
  Moments m{std::vector<double>(d), std::vector<double>(d * d)};
  for (std::size_t r = 0; r < n; ++r)
    for (std::size_t i = 0; i < d; ++i) m.mean[i] += v[r * d + i] / static_cast<double>(n);
  for (std::size_t r = 0; r < n; ++r)
    for (std::size_t i = 0; i < d; ++i)
      for (std::size_t j = 0; j < d; ++j)
        m.covariance[i * d + j] += (v[r * d + i] - m.mean[i]) * (v[r * d + j] - m.mean[j]) / static_cast<double>(n);
  return m;
}

void check_white(const Tensor& table, double tolerance) {
  const Moments m = moments(table);
  const std::size_t d = m.mean.size();
  for (std::size_t i = 0; i < d; ++i) {
    CHECK(std::abs(m.mean[i]) < tolerance);
    for (std::size_t j = 0; j < d; ++j) CHECK(std::abs(m.covariance[i * d + j] - (i == j)) < tolerance);
  }
}

}  // namespace

TEST_CASE("fitted: scale, and numbers that become floating") {
  const Batch bytes{tensor({{0, 51}, {255, 102}}), {}};
  const Batch unit = scale(1 / 255.0)(bytes);
  CHECK(unit.inputs.dtype() == DType::float32);
  CHECK(unit.inputs.to_vector()[2] == 1);
  CHECK(unit.inputs.to_vector()[1] == doctest::Approx(0.2));
  CHECK(scale(2, -1)({tensor({0.5, 1.}, DType::float64), {}}).inputs.to_vector() == std::vector<double>{0, 1});
  CHECK_THROWS_AS(scale(NAN), ValueError);
}

TEST_CASE("fitted: standardise by channel, by feature, by everything") {
  std::vector<double> values;
  for (int i = 0; i < 2 * 3 * 2 * 2; ++i) values.push_back(i * i % 11 + 100 * (i / 4 % 3));
  const Tensor x = from_vector(values, {2, 3, 2, 2});
  const TensorDataset data(x, arange(2));
  const auto group = [&](Per per, std::size_t place) {
    return per == Per::all ? std::size_t{0} : per == Per::channel ? place / 4 % 3 : place % 12;
  };
  for (const Per per : {Per::all, Per::channel, Per::feature}) {
    const Batch done = fit_standardise(data, per)({x, arange(2)});
    CHECK(done.targets.numel() == 2);
    const std::vector<double> y = done.inputs.to_vector();
    for (std::size_t i = 0; i < y.size(); ++i) {
      double sum = 0, squares = 0, n = 0;
      for (std::size_t j = 0; j < y.size(); ++j)
        if (group(per, j) == group(per, i)) sum += values[j], squares += values[j] * values[j], ++n;
      const double mean = sum / n, variance = squares / n - mean * mean;
      CHECK(y[i] == doctest::Approx(variance < 1e-9 ? 0 : (values[i] - mean) / std::sqrt(variance)));
    }
  }
  // What never changes only moves; what the training set did not hold does not blow up.
  const TensorDataset flat(full({5, 2}, 0.1, DType::float64));
  CHECK(fit_standardise(flat)({full({1, 2}, 0.6, DType::float64), {}}).inputs.to_vector()[1] == doctest::Approx(0.5));
  CHECK(standardise({1}, {2})({tensor({{1., 5}}, DType::float64), {}}).inputs.to_vector() == std::vector<double>{0, 2});
  CHECK(to_string(standardise({0.5}, {0.25}) | one_hot(3)) == "standardise({0.5}, {0.25}) | one_hot(3)");
}

TEST_CASE("fitted: whitened columns are uncorrelated with variance 1") {
  const Tensor x = correlated(500, 0.2);
  const TensorDataset data(x);
  check_white(fit_whiten(data, {.epsilon = 0})({x, {}}).inputs, 1e-9);
  check_white(fit_whiten(data, {.method = WhitenOptions::Method::pca, .epsilon = 0})({x, {}}).inputs, 1e-9);
  const Batch two = fit_whiten(data, {.method = WhitenOptions::Method::pca, .epsilon = 0, .components = 2})({x, {}});
  CHECK(two.inputs.shape() == Shape{500, 2});
  check_white(two.inputs, 1e-9);
  // ZCA is the whitening that moves the data least: its matrix is symmetric, so unit steps answer alike.
  const Transform zca = fit_whiten(data, {.epsilon = 0});
  const auto at = [&](std::vector<double> v) { return zca({from_vector(v, {1, 3}), {}}).inputs.to_vector(); };
  const std::vector<double> zero = at({0, 0, 0}), e0 = at({1, 0, 0}), e2 = at({0, 0, 1});
  CHECK(e0[2] - zero[2] == doctest::Approx(e2[0] - zero[0]));
  // A column that is a mix of others has no direction of its own.
  const TensorDataset flat(correlated(500, 0));
  CHECK_THROWS_WITH_AS(fit_whiten(flat, {.epsilon = 0}),
                       "fit_whiten: direction 2 has no variance; give an epsilon above 0 or less components",
                       ValueError);
  CHECK(std::isfinite(fit_whiten(flat)({correlated(1, 0), {}}).inputs.to_vector()[0]));
}

TEST_CASE("fitted: whitened digits keep their shape, do not depend on the batch, and can be kept") {
  const ImageSet digits = load_digits().train;
  const Transform whiten = fit_whiten(digits, {.epsilon = 1e-3});
  const AnyDataset kept = cached(transformed(digits, whiten));
  const Batch all = kept.all();
  CHECK(all.inputs.shape() == digits.images.shape());
  CHECK(all.inputs.dtype() == DType::float32);
  std::vector<double> one;
  for (const Batch& b : DataLoader(digits, {.batch_size = 7, .transform = whiten}).epoch(0)) {
    const std::vector<double> some = b.inputs.to_vector();
    one.insert(one.end(), some.begin(), some.end());
  }
  CHECK(one == all.inputs.to_vector());
}

TEST_CASE("fitted: one_hot, and labels outside of the classes") {
  const Batch b = one_hot(3)({zeros({2, 1}), tensor({2, 0})});
  CHECK(b.targets.shape() == Shape{2, 3});
  CHECK(b.targets.dtype() == DType::float32);
  CHECK(b.targets.to_vector() == std::vector<double>{0, 0, 1, 1, 0, 0});
  CHECK(one_hot(2)({zeros({1}), tensor({{0, 1}})}).targets.shape() == Shape{1, 2, 2});
  CHECK_THROWS_WITH_AS(one_hot(3)({zeros({2}), tensor({2, 3})}), "one_hot: target 1 is 3, the classes are 0 to 2",
                       ValueError);
  CHECK_THROWS_WITH_AS(one_hot(3)({zeros({2}), tensor({-1, 2})}), "one_hot: target 0 is -1, the classes are 0 to 2",
                       ValueError);
  CHECK_THROWS_WITH_AS(one_hot(3)({zeros({2}), {}}), "one_hot: the targets are missing; classes are int64", ValueError);
  CHECK_THROWS_AS(one_hot(3)({zeros({2}), zeros({2})}), ValueError);
  CHECK_THROWS_AS(one_hot(0), ValueError);
}

TEST_CASE("fitted: what cannot be fitted or applied is refused by name") {
  const TensorDataset data(correlated(10, 1));
  CHECK_THROWS_WITH_AS(standardise({1, 2}, {1}), "standardise: 2 means and 1 standard deviations", ValueError);
  CHECK_THROWS_WITH_AS(standardise({1}, {0}), "standardise: std 0 is 0, it must be above 0", ValueError);
  CHECK_THROWS_AS(standardise({NAN}, {1}), ValueError);
  CHECK_THROWS_WITH_AS(fit_standardise(data)({zeros({2, 4}), {}}),
                       "standardise: 3 means for inputs (2, 4); there must be 1, one for each channel, or one for each "
                       "number of a sample",
                       ShapeError);
  CHECK_THROWS_WITH_AS(fit_standardise(TensorDataset(tensor({{1., NAN}}))),
                       "fit_standardise: number 1 of sample 0 is nan", ValueError);
  CHECK_THROWS_WITH_AS(fit_whiten(data)({zeros({2, 4}), {}}),
                       "whiten: inputs (2, 4) have 4 numbers a sample, it was fitted to 3", ShapeError);
  CHECK_THROWS_WITH_AS(fit_whiten(TensorDataset(zeros({1, 3}))), "fit_whiten: 1 samples to fit it to, it needs 2",
                       ValueError);
  CHECK_THROWS_WITH_AS(fit_whiten(data, {.components = 2}), "fit_whiten: 2 components; pca has 1 to 3, zca all",
                       ValueError);
  CHECK_THROWS_AS(fit_whiten(data, {.epsilon = -1}), ValueError);
}
