// Transforms that change numbers by a rule, for training and test alike: scales, what is fitted to the training set
// once and then applied to every set, and classes as vectors. None of them is random.
#pragma once

#include "nn/data/transform.h"

namespace chainrule {

/// inputs * factor + shift. Whole numbers and bools become float32.
Transform scale(double factor, double shift = 0);

/// (inputs - mean) / std. One number of each is for all values; as many as channels (axis 1 of the batch) for these; as
/// many as a sample has numbers for each of them. Throws ValueError for a std that is not above 0 and for numbers that
/// are not finite, ShapeError when inputs do not fit.
Transform standardise(const std::vector<double>& mean, const std::vector<double>& std);

enum class Per : std::uint8_t {
  channel,  ///< axis 1 of the batch; of tables (N, D) these are the columns
  feature,  ///< each number of a sample on its own
  all,      ///< one mean and one spread for everything
};
/// The same with mean and standard deviation (of the population, as NumPy's) of the inputs of `train`. What is the same
/// in all samples is only moved to 0. Throws ValueError where a number is not finite.
Transform fit_standardise(const AnyDataset& train, Per per = Per::channel);

struct WhitenOptions {
  enum class Method : std::uint8_t {
    zca,  ///< turned back, so that pictures look like pictures (Bell and Sejnowski, 1997); keeps the shape
    pca,  ///< components by falling variance, (N, components)
  };
  Method method = Method::zca;
  double epsilon = 1e-5;        ///< added to each variance, at least 0
  std::int64_t components = 0;  ///< how many of pca; 0: all
};
/// Inputs whose numbers are uncorrelated with variance 1 over `train`: (x - mean) times the inverse root of the
/// covariance matrix (divided by the number of samples). A sample of d numbers takes d^2 multiplications, and fitting
/// d^3: keep the result with cached(transformed(data, ...)). Throws ValueError for options out of range, for less than
/// two samples, and with epsilon 0 for a direction without variance.
Transform fit_whiten(const AnyDataset& train, WhitenOptions options = {});

/// Targets of classes (any shape, int64) as vectors along a new last axis, float32: 1 at the class, 0 elsewhere. Throws
/// ValueError that names place and value of a class outside 0 ... classes - 1.
Transform one_hot(std::int64_t classes);

}  // namespace chainrule
