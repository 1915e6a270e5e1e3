// Clipping of gradients.
#include "optim/clip.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <array>
#include <cmath>
#include <limits>

#include "engine/scopes.h"
#include "engine/types/error.h"
#include "ops/ops.h"
#include "optim/arguments.h"

namespace chainrule {

namespace {

/// sum of f(x), in eight runs side by side so that the order of additions is the same everywhere.
template <class F>
double sum_of(const Tensor& dense_values, F f) {
  return dispatch_floating(dense_values.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const T* x = dense_values.data<T>();
    const std::int64_t n = dense_values.numel();
    std::array<double, 8> sums{};
    std::int64_t i = 0;
    for (; i + 8 <= n; i += 8)
      for (std::size_t k = 0; k < 8; ++k) sums[k] += f(static_cast<double>(x[i + static_cast<std::int64_t>(k)]));
    for (; i < n; ++i) sums[0] += f(static_cast<double>(x[i]));
    return ((sums[0] + sums[1]) + (sums[2] + sums[3])) + ((sums[4] + sums[5]) + (sums[6] + sums[7]));
  });
}

/// The largest magnitude, or NaN.
double largest_of(const Tensor& dense_values) {
  double most = 0;
  sum_of(dense_values, [&](double v) {
    if (!(std::abs(v) <= most) && !std::isnan(most)) most = std::abs(v);
    return 0.0;
  });
  return most;
}

struct Gradients {
  std::vector<NamedTensor> owners;
  std::vector<Tensor> dense_values;
  double largest = 0;
  std::vector<std::string> non_finite;

  explicit Gradients(const Trainables& parameters) {
    for (const NamedTensor& p : Trainables(parameters).take()) {
      if (!p.tensor.has_grad()) continue;
      owners.push_back(p);
      dense_values.push_back(dense(p.tensor.grad()));
      const double most = largest_of(dense_values.back());
      if (!std::isfinite(most)) non_finite.push_back(p.name);
      if (!(most <= largest) && !std::isnan(largest)) largest = most;
    }
  }
  double norm(double type) const {
    if (std::isinf(type) || largest == 0 || !std::isfinite(largest)) return largest;
    double sum = 0;
    for (const Tensor& g : dense_values)
      sum += type == 2 ? sum_of(g, [&](double v) { return (v / largest) * (v / largest); })
                       : sum_of(g, [&](double v) { return std::pow(std::abs(v) / largest, type); });
    return largest * std::pow(sum, 1 / type);
  }
  /// False when there is nothing to be done because of what is not finite.
  bool expect_finite(const char* who, const ClipOptions& o) const {
    if (non_finite.empty()) return true;
    if (!o.error_if_nonfinite) return false;
    throw NumericError(fmt::format("{}: gradients hold NaN or infinities, which clipping does not mend: {}", who,
                                   fmt::join(non_finite, ", ")));
  }
};

void expect_norm_type(const char* who, double type) {
  if (!(type > 0)) throw ValueError(fmt::format("{}: norm_type must be above 0, not {}", who, type));
}

}  // namespace

double grad_norm(const Trainables& parameters, double norm_type) {
  expect_norm_type("grad_norm", norm_type);
  return Gradients(parameters).norm(norm_type);
}

double clip_grad_norm(const Trainables& parameters, double max_norm, ClipOptions options) {
  optim::expect_positive("clip_grad_norm", "max_norm", max_norm);
  expect_norm_type("clip_grad_norm", options.norm_type);
  Gradients g(parameters);
  if (!g.expect_finite("clip_grad_norm", options)) return g.largest;
  const double norm = g.norm(options.norm_type), scale = max_norm / (norm + 1e-6);
  if (scale < 1) {
    const NoGrad plain;
    for (std::size_t i = 0; i < g.owners.size(); ++i) g.owners[i].tensor.set_grad(g.dense_values[i] * scale);
  }
  return norm;
}

double clip_grad_value(const Trainables& parameters, double clip_value, ClipOptions options) {
  optim::expect_positive("clip_grad_value", "clip_value", clip_value);
  Gradients g(parameters);
  if (!g.expect_finite("clip_grad_value", options)) return g.largest;
  if (g.largest > clip_value) {
    const NoGrad plain;
    for (std::size_t i = 0; i < g.owners.size(); ++i)
      g.owners[i].tensor.set_grad(clamp(g.dense_values[i], -clip_value, clip_value));
  }
  return g.largest;
}

}  // namespace chainrule
