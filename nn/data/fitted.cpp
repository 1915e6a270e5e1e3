// Plain loops, a sample at a time: what becomes of a sample must not depend on the batch that it comes in, which fast
// matrix products do not promise.
#include "nn/data/fitted.h"

#include <fmt/format.h>

#include <Eigen/Dense>
#include <algorithm>
#include <cmath>
#include <memory>
#include <numeric>

#include "engine/types/error.h"
#include "nn/data/augment_parts.h"

namespace chainrule {
namespace {

Tensor as_floating(const Tensor& values) {
  if (is_floating(values.dtype())) return values;
  Tensor converted = empty(values.shape(), DType::float32);
  converted.copy_(values);
  return converted;
}

/// Calls visit(numbers of one sample, how many) for each, as float64, a thousand samples at a time.
template <class Visit>
void visit_samples(const AnyDataset& data, Visit visit) {
  constexpr std::int64_t kAtOnce = 1000;
  for (std::int64_t first = 0; first < data.size(); first += kAtOnce) {
    Indices some(static_cast<std::size_t>(std::min(kAtOnce, data.size() - first)));
    std::iota(some.begin(), some.end(), first);
    const Tensor inputs = data.get(some).inputs;
    const std::vector<double> values = inputs.to_vector();
    const std::int64_t size = inputs.numel() / inputs.size(0);
    for (std::int64_t i = 0; i < inputs.size(0); ++i) visit(values.data() + i * size, size);
  }
}

/// What one mean and one spread are for: `groups` of them, `width` neighbours in each, again and again.
struct Groups {
  std::int64_t count = 1, width = 1;
  std::int64_t of(std::int64_t place) const { return place / width % count; }
};

void check_fitting_set(const char* who, const AnyDataset& data, std::int64_t least) {
  if (data.size() < least)
    throw ValueError(fmt::format("{}: {} samples to fit it to, it needs {}", who, data.size(), least));
}

[[noreturn]] void refuse_value(const char* who, std::int64_t sample, std::int64_t place, double value) {
  throw ValueError(fmt::format("{}: number {} of sample {} is {}", who, place, sample, value));
}

/// x -> W (x - mean); rows of the transposed W stand together, so that the inner loop runs over neighbours.
struct Whitening {
  std::vector<double> mean, transposed;
  std::int64_t inputs = 0, outputs = 0;
  bool keep_shape = true;

  template <class T>
  void apply(const T* x, T* y, std::vector<double>& sums) const {
    std::fill(sums.begin(), sums.end(), 0.0);
    for (std::int64_t k = 0; k < inputs; ++k) {
      const double centred = static_cast<double>(x[k]) - mean[static_cast<std::size_t>(k)];
      const double* row = transposed.data() + k * outputs;
      for (std::int64_t j = 0; j < outputs; ++j) sums[static_cast<std::size_t>(j)] += centred * row[j];
    }
    for (std::int64_t j = 0; j < outputs; ++j) y[j] = static_cast<T>(sums[static_cast<std::size_t>(j)]);
  }
};

}  // namespace

Transform scale(double factor, double shift) {
  if (!std::isfinite(factor) || !std::isfinite(shift))
    throw ValueError(fmt::format("scale: factor {} and shift {} must be finite", factor, shift));
  return {shift == 0 ? fmt::format("scale({})", factor) : fmt::format("scale({}, {})", factor, shift),
          [factor, shift](const Batch& batch, const Draws&) {
            const Batch floating{as_floating(batch.inputs), batch.targets};
            const std::int64_t size = floating.inputs.numel() / std::max<std::int64_t>(batch.size(), 1);
            return internal::change_each(floating, floating.inputs.shape(),
                                         [&]<class T>(const T* in, T* out, std::int64_t) {
                                           for (std::int64_t i = 0; i < size; ++i)
                                             out[i] = static_cast<T>(static_cast<double>(in[i]) * factor + shift);
                                         });
          }};
}

Transform standardise(const std::vector<double>& mean, const std::vector<double>& std) {
  if (mean.size() != std.size() || mean.empty())
    throw ValueError(fmt::format("standardise: {} means and {} standard deviations", mean.size(), std.size()));
  for (std::size_t i = 0; i < mean.size(); ++i) {
    if (!std::isfinite(mean[i])) throw ValueError(fmt::format("standardise: mean {} is {}", i, mean[i]));
    if (!(std[i] > 0) || std::isinf(std[i]))
      throw ValueError(fmt::format("standardise: std {} is {}, it must be above 0", i, std[i]));
  }
  const std::string name = mean.size() == 1 ? fmt::format("standardise({{{}}}, {{{}}})", mean[0], std[0])
                                            : fmt::format("standardise({} means)", mean.size());
  return {name, [mean, std](const Batch& batch, const Draws&) {
            const Batch floating{as_floating(batch.inputs), batch.targets};
            const Tensor& inputs = floating.inputs;
            const std::int64_t size = inputs.numel() / std::max<std::int64_t>(batch.size(), 1);
            Groups groups{static_cast<std::int64_t>(mean.size())};
            if (groups.count == 1)
              groups.width = std::max<std::int64_t>(size, 1);
            else if (inputs.dim() > 1 && inputs.size(1) == groups.count)
              groups.width = size / groups.count;
            else if (size != groups.count)
              throw ShapeError(
                  fmt::format("standardise: {} means for inputs {}; there must be 1, one for each channel, "
                              "or one for each number of a sample",
                              groups.count, to_string(inputs.shape())));
            return internal::change_each(floating, inputs.shape(), [&]<class T>(const T* in, T* out, std::int64_t) {
              for (std::int64_t g = 0, i = 0; g < groups.count; ++g)
                for (const std::int64_t end = i + groups.width; i < end; ++i)
                  out[i] = static_cast<T>((static_cast<double>(in[i]) - mean[static_cast<std::size_t>(g)]) /
                                          std[static_cast<std::size_t>(g)]);
            });
          }};
}

Transform fit_standardise(const AnyDataset& train, Per per) {
  const char* who = "fit_standardise";
  check_fitting_set(who, train, 1);
  const Tensor one = train.get({0}).inputs;
  Groups groups;
  if (per == Per::all || one.dim() == 1) groups = {1, std::max<std::int64_t>(one.numel(), 1)};
  if (per == Per::feature) groups = {one.numel(), 1};
  if (per == Per::channel && one.dim() > 1)
    groups = {one.size(1), one.numel() / std::max<std::int64_t>(one.size(1), 1)};
  if (one.numel() == 0)
    throw ValueError(fmt::format("{}: samples of shape {} hold no number", who, to_string(one.shape())));
  std::vector<double> mean(static_cast<std::size_t>(groups.count)), square(mean.size());
  const double each = static_cast<double>(train.size()) * static_cast<double>(groups.width);
  std::int64_t sample = 0;
  visit_samples(train, [&](const double* x, std::int64_t size) {
    for (std::int64_t i = 0; i < size; ++i) {
      if (!std::isfinite(x[i])) refuse_value(who, sample, i, x[i]);
      mean[static_cast<std::size_t>(groups.of(i))] += x[i];
    }
    ++sample;
  });
  for (double& m : mean) m /= each;
  visit_samples(train, [&](const double* x, std::int64_t size) {
    for (std::int64_t i = 0; i < size; ++i) {
      const auto g = static_cast<std::size_t>(groups.of(i));
      square[g] += (x[i] - mean[g]) * (x[i] - mean[g]);
    }
  });
  for (std::size_t g = 0; g < mean.size(); ++g) {
    const double spread = std::sqrt(square[g] / each);
    // What is left of a constant is the rounding of its mean.
    square[g] = spread > 1e-12 * std::abs(mean[g]) ? spread : 1;
  }
  return standardise(mean, square);
}

Transform fit_whiten(const AnyDataset& train, WhitenOptions options) {
  const char* who = "fit_whiten";
  internal::check_range(who, "epsilon", options.epsilon, 0, 1e6);
  check_fitting_set(who, train, 2);
  const Tensor one = train.get({0}).inputs;
  const std::int64_t d = one.numel();
  const bool pca = options.method == WhitenOptions::Method::pca;
  if (options.components < 0 || options.components > d || (!pca && options.components != 0))
    throw ValueError(fmt::format("{}: {} components; pca has 1 to {}, zca all", who, options.components, d));
  Eigen::VectorXd mean = Eigen::VectorXd::Zero(d);
  std::int64_t sample = 0;
  visit_samples(train, [&](const double* x, std::int64_t size) {
    for (std::int64_t i = 0; i < size; ++i)
      if (!std::isfinite(x[i])) refuse_value(who, sample, i, x[i]);
    mean += Eigen::Map<const Eigen::VectorXd>(x, size);
    ++sample;
  });
  mean /= static_cast<double>(train.size());
  // Sums of outer products, some samples at a time.
  Eigen::MatrixXd covariance = Eigen::MatrixXd::Zero(d, d), block(d, 256);
  Eigen::Index held = 0;
  const auto add_block = [&] {
    covariance.selfadjointView<Eigen::Lower>().rankUpdate(block.leftCols(held));
    held = 0;
  };
  visit_samples(train, [&](const double* x, std::int64_t size) {
    block.col(held++) = Eigen::Map<const Eigen::VectorXd>(x, size) - mean;
    if (held == block.cols()) add_block();
  });
  add_block();
  covariance /= static_cast<double>(train.size());
  const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> solver(covariance);
  if (solver.info() != Eigen::Success) throw NumericError(fmt::format("{}: the decomposition did not converge", who));
  const Eigen::Index k = pca && options.components > 0 ? options.components : d;
  // Eigenvalues come in rising order; the last k, the largest first. Each vector's largest number is made positive, so
  // that the result does not hang on the sign that the solver happened to find.
  Eigen::MatrixXd vectors = solver.eigenvectors().rightCols(k).rowwise().reverse();
  const Eigen::VectorXd variances = solver.eigenvalues().tail(k).reverse().cwiseMax(0);
  for (Eigen::Index i = 0; i < k; ++i) {
    Eigen::Index largest = 0;
    vectors.col(i).cwiseAbs().maxCoeff(&largest);
    if (vectors(largest, i) < 0) vectors.col(i) *= -1;
    if (!(variances[i] + options.epsilon > 1e-14 * variances[0]))
      throw ValueError(
          fmt::format("{}: direction {} has no variance; give an epsilon above 0 or less components", who, i));
  }
  const Eigen::MatrixXd scaled = vectors * (variances.array() + options.epsilon).rsqrt().matrix().asDiagonal();
  const Eigen::MatrixXd back = pca ? Eigen::MatrixXd(scaled) : Eigen::MatrixXd(scaled * vectors.transpose());
  auto whitening = std::make_shared<Whitening>();
  whitening->inputs = d;
  whitening->outputs = pca ? k : d;
  whitening->keep_shape = !pca;
  whitening->mean.assign(mean.data(), mean.data() + d);
  for (Eigen::Index row = 0; row < d; ++row)
    for (Eigen::Index column = 0; column < whitening->outputs; ++column)
      whitening->transposed.push_back(back(row, column));
  return {
      pca ? fmt::format("whiten(pca, {} of {})", k, d) : fmt::format("whiten(zca, {})", d),
      [whitening = std::shared_ptr<const Whitening>(whitening)](const Batch& batch, const Draws&) {
        const Batch floating{as_floating(batch.inputs), batch.targets};
        const std::int64_t size = floating.inputs.numel() / std::max<std::int64_t>(batch.size(), 1);
        if (size != whitening->inputs)
          throw ShapeError(fmt::format("whiten: inputs {} have {} numbers a sample, it was fitted to {}",
                                       to_string(floating.inputs.shape()), size, whitening->inputs));
        const Shape shape = whitening->keep_shape ? floating.inputs.shape() : Shape{batch.size(), whitening->outputs};
        std::vector<double> sums(static_cast<std::size_t>(whitening->outputs));
        return internal::change_each(floating, shape,
                                     [&](const auto* in, auto* out, std::int64_t) { whitening->apply(in, out, sums); });
      }};
}

Transform one_hot(std::int64_t classes) {
  internal::check_least("one_hot", "classes", classes, 1);
  return {fmt::format("one_hot({})", classes), [classes](const Batch& batch, const Draws&) {
            if (!batch.targets.defined() || batch.targets.dtype() != DType::int64)
              throw ValueError(fmt::format("one_hot: the targets are {}; classes are int64",
                                           batch.targets.defined() ? name_of(batch.targets.dtype()) : "missing"));
            if (batch.targets.dim() == kMaxRank) throw ShapeError("one_hot: the targets have no room for another axis");
            const std::vector<std::int64_t> labels = batch.targets.values<std::int64_t>();
            Shape shape = batch.targets.shape();
            shape.push_back(classes);
            Tensor vectors = empty(shape, DType::float32);
            auto* out = static_cast<float*>(vectors.mutable_data("one_hot"));
            std::fill_n(out, vectors.numel(), 0.0F);
            for (std::size_t i = 0; i < labels.size(); ++i) {
              if (labels[i] < 0 || labels[i] >= classes)
                throw ValueError(
                    fmt::format("one_hot: target {} is {}, the classes are 0 to {}", i, labels[i], classes - 1));
              out[static_cast<std::int64_t>(i) * classes + labels[i]] = 1;
            }
            return Batch{batch.inputs, vectors};
          }};
}

}  // namespace chainrule
