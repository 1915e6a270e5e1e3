// Inner header: for our own sources, not installed.
// Which numbers are normalised together, and the computations of normalisation on tensors: what the rules in norms.cpp
// are written with. Library code only; the arithmetic on memory records nothing.
#pragma once

#include <string>

#include "engine/tensor.h"

namespace chainrule {

enum class NormKind : std::uint8_t { batch, layer, group, instance, rms };

struct NormGroups {
  NormKind kind;
  double eps;
  std::int64_t groups = 1;  ///< of channels, for NormKind::group
  Shape last{};             ///< of the last axes, for layer and rms
  bool constant = false;    ///< mean and variance are constants, not x's own

  bool is_centred() const { return kind != NormKind::rms; }
  bool is_of_rows() const { return kind == NormKind::layer || kind == NormKind::rms; }
  int axes() const { return last.rank(); }
  std::string text() const;

  // In operations, for rules.

  /// The mean over each group, shaped to stand beside t.
  Tensor average(const Tensor& t) const;
  /// Weights, shaped to stand beside a tensor of that shape.
  Tensor beside(const Tensor& w, const Shape& shape) const;
  /// The adjoint: summed over everything but the weights' axes.
  Tensor sum_beside(const Tensor& t) const;
};

/// float64, one number for each group. A forward pass writes into the tensors that it is given.
struct NormStatistics {
  Tensor mean, variance, factor;  ///< factor: 1 / sqrt(variance + eps)
  Tensor sums{};  ///< of a gradient: sum of g (x - mean) and sum of g for each channel; may be undefined

  explicit NormStatistics(std::int64_t groups);
  NormStatistics without_sums() const;
  /// With room for the sums of x's channels (nothing for kinds that do not need it).
  NormStatistics with_sums(const NormGroups& s, const Shape& x) const;
};

/// (x - mean) factor w + b; fills `known` unless the statistics are constants.
Tensor normalized(const NormGroups& s, const NormStatistics& known, const Tensor& x, const Tensor* w, const Tensor* b);
/// The gradient by x for cotangent g; w may be null. Uses known.sums when they are there.
Tensor normalized_grad(const NormGroups& s, const NormStatistics& known, const Tensor& g, const Tensor& x,
                       const Tensor* w);
/// (2, weights): the gradients by weight and by bias. Fills known.sums when there is room.
Tensor normalized_weight_grad(const NormGroups& s, const NormStatistics& known, const Tensor& g, const Tensor& x);

}  // namespace chainrule
