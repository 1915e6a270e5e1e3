// Central differences over plain numbers, and the inputs they start from.
#include "tests/ops/numeric.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "engine/factory.h"
#include "engine/scopes.h"

namespace chainrule::cases {

const std::vector<Case>& all_cases() {
  static const std::vector<Case> all = [] {
    std::vector<Case> list;
    for (auto make : {pointwise_cases, function_cases, activation_cases, pair_cases, reduction_cases, product_cases,
                      linalg_cases, shape_cases, arrangement_cases, indexing_cases, sorting_cases, window_cases,
                      pooling_cases, resize_cases, loss_cases, norm_cases})
      for (Case& c : make()) list.push_back(std::move(c));
    return list;
  }();
  return all;
}

Array random_values(const Input& input, std::uint64_t seed) {
  Generator random(seed, 77);
  Array x(input.shape);
  const auto n = static_cast<std::int64_t>(x.values.size());
  const auto order = input.distinct ? random.permutation(n) : std::vector<std::int64_t>();
  auto near_kink = [&](double v) {
    return std::any_of(input.kinks.begin(), input.kinks.end(), [&](double k) { return std::abs(v - k) < 0.05; });
  };
  for (std::int64_t i = 0; i < n; ++i) {
    double& v = x.values[i];
    do {
      v = input.low + (input.high - input.low) * random.uniform();
      if (input.distinct)
        v = 0.1 * static_cast<double>(order[i]) - 0.05 * static_cast<double>(n) + 0.04 * random.uniform();
      if (input.grid != 0) v = (std::floor(v / input.grid) + input.shift) * input.grid;
      v = static_cast<float>(v);
    } while (near_kink(v));
  }
  return x;
}

Tensor leaf(const Array& values, DType dtype, bool trainable) {
  return from_vector(values.values, values.shape, {.dtype = dtype, .requires_grad = trainable});
}

std::vector<Array> random_inputs(const Case& c, std::uint64_t seed) {
  std::vector<Array> x;
  for (const Input& input : c.inputs) x.push_back(random_values(input, seed * 1000 + x.size()));
  return x;
}

std::vector<Tensor> leaves(const std::vector<Array>& values, DType dtype) {
  std::vector<Tensor> x;
  for (const Array& v : values) x.push_back(leaf(v, dtype));
  return x;
}

Array to_array(const Tensor& t) { return {t.shape(), t.to_vector()}; }

std::string difference(const Tensor& got, const Array& wanted, double tolerance) {
  if (got.shape() != wanted.shape)
    return fmt::format("shape {} instead of {}", to_string(got.shape()), to_string(wanted.shape));
  const std::vector<double> values = got.to_vector();
  double scale = 1, worst = 0;
  std::size_t at = 0;
  for (const double w : wanted.values)
    if (std::isfinite(w)) scale = std::max(scale, std::abs(w));
  for (std::size_t i = 0; i < values.size(); ++i) {
    const double a = values[i], b = wanted.values[i];
    if (a == b || (std::isnan(a) && std::isnan(b))) continue;
    const double error = std::abs(a - b) / scale;
    if (!(error <= worst)) {  // an error that is NaN counts as the worst
      worst = std::isnan(error) ? INFINITY : error;
      at = i;
    }
  }
  if (worst <= tolerance) return {};
  return fmt::format("element {} of shape {} is {:.17g} instead of {:.17g} (error {:.3g}, allowed {:.3g})", at,
                     to_string(wanted.shape), values[at], wanted.values[at], worst, tolerance);
}

std::vector<Tensor> gradients(const Tensor& z, const std::vector<Tensor>& x, const Tensor& cotangent,
                              bool create_graph) {
  GradOptions options{.create_graph = create_graph, .allow_unused = true};
  options.cotangents = {cotangent};
  std::vector<Tensor> g;
  if (z.requires_grad()) g = grad(std::vector{z}, x, options);
  g.resize(x.size());
  for (std::size_t i = 0; i < x.size(); ++i)
    if (!g[i].defined()) g[i] = zeros(x[i].shape(), {.dtype = x[i].dtype()});
  return g;
}

namespace {

constexpr double kStep = 1e-3;

double dot(const std::vector<double>& a, const std::vector<double>& b) {
  double total = 0;
  for (std::size_t i = 0; i < a.size(); ++i) total += a[i] * b[i];
  return total;
}

/// d/dt of value(x + t * direction) at 0.
double slope(const std::function<double(const std::vector<Array>&)>& value, const std::vector<Array>& x,
             std::size_t input, const std::vector<double>& direction) {
  auto at = [&](double t) {
    std::vector<Array> moved = x;
    for (std::size_t i = 0; i < direction.size(); ++i) moved[input].values[i] += t * direction[i];
    return value(moved);
  };
  auto central = [&](double h) { return (at(h) - at(-h)) / (2 * h); };
  return (4 * central(kStep) - central(2 * kStep)) / 3;
}

/// The scalar `value` against the gradient that was computed for it.
std::string compare(const std::function<double(const std::vector<Array>&)>& value, const std::vector<Array>& x,
                    const std::vector<std::vector<double>>& computed, std::uint64_t seed, double tolerance,
                    std::size_t elements) {
  Generator random(seed, 5);
  const std::size_t many = sanitized() ? elements / 3 : elements;
  for (std::size_t input = 0; input < x.size(); ++input) {
    const std::size_t n = x[input].values.size();
    double scale = 1;
    for (const double g : computed[input]) scale = std::max(scale, std::abs(g));
    auto check = [&](const std::vector<double>& direction, const std::string& what) -> std::string {
      const double wanted = slope(value, x, input, direction), got = dot(direction, computed[input]);
      const double error = std::abs(wanted - got) / scale;
      if (error <= tolerance) return {};
      return fmt::format("input {}, {}: {:.12g} instead of {:.12g} (error {:.3g}, allowed {:.3g})", input, what, got,
                         wanted, error, tolerance);
    };
    for (std::size_t k = 0; k < std::min(n, many); ++k) {
      const std::size_t i = n <= many ? k : static_cast<std::size_t>(random.below(static_cast<std::int64_t>(n)));
      std::vector<double> direction(n, 0);
      direction[i] = 1;
      if (std::string fault = check(direction, fmt::format("element {}", i)); !fault.empty()) return fault;
    }
    if (n <= many) continue;
    std::vector<double> direction(n);
    for (double& d : direction) d = (random.uniform() - 0.5) / std::sqrt(static_cast<double>(n));
    if (std::string fault = check(direction, "a random direction"); !fault.empty()) return fault;
  }
  return {};
}

/// Random, no two alike and none near 0: a uniform cotangent would hide errors that cancel.
Array weights(const Shape& shape, std::uint64_t seed) {
  Array w = random_values({.shape = shape, .low = 0.3, .high = 1.7}, seed);
  for (std::size_t i = 1; i < w.values.size(); i += 2) w.values[i] = -w.values[i];
  return w;
}

std::vector<std::vector<double>> numbers(const std::vector<Tensor>& tensors) {
  std::vector<std::vector<double>> list;
  for (const Tensor& t : tensors) list.push_back(t.to_vector());
  return list;
}

}  // namespace

std::string check_gradient(const TensorFunction& f, const std::vector<Array>& at, std::uint64_t seed,
                           double tolerance) {
  const std::vector<Tensor> x = leaves(at, DType::float64);
  const Tensor z = f(x);
  const Array r = weights(z.shape(), seed + 1);
  const auto computed = gradients(z, x, leaf(r, DType::float64, false));
  for (std::size_t i = 0; i < x.size(); ++i)
    if (computed[i].shape() != x[i].shape()) return fmt::format("the gradient of input {} has another shape", i);
  auto value = [&](const std::vector<Array>& v) {
    const NoGrad values_only;
    return dot(f(leaves(v, DType::float64)).to_vector(), r.values);
  };
  return compare(value, at, numbers(computed), seed, tolerance, 24);
}

std::string check_second(const TensorFunction& f, const std::vector<Array>& at, std::uint64_t seed, double tolerance,
                         std::size_t elements) {
  std::vector<Array> all = at;
  std::vector<Array> r;
  for (const Array& a : at) r.push_back(weights(a.shape, seed + 10 + r.size()));
  {
    const NoGrad values_only;
    all.push_back(weights(f(leaves(at, DType::float64)).shape(), seed + 1));
  }
  // The last array is the cotangent.
  auto first = [&](const std::vector<Tensor>& v) {
    const std::vector<Tensor> x(v.begin(), v.end() - 1);
    return gradients(f(x), x, v.back(), true);
  };
  const std::vector<Tensor> v = leaves(all, DType::float64);
  const std::vector<Tensor> g = first(v);
  std::vector<std::vector<double>> computed;
  for (const Array& a : all) computed.emplace_back(a.values.size(), 0.0);
  for (std::size_t i = 0; i < g.size(); ++i) {
    const auto part = numbers(gradients(g[i], v, leaf(r[i], DType::float64, false), true));
    for (std::size_t k = 0; k < part.size(); ++k)
      for (std::size_t e = 0; e < part[k].size(); ++e) computed[k][e] += part[k][e];
  }
  auto value = [&](const std::vector<Array>& arrays) {
    const std::vector<Tensor> parts = first(leaves(arrays, DType::float64));
    double total = 0;
    for (std::size_t i = 0; i < parts.size(); ++i) total += dot(parts[i].to_vector(), r[i].values);
    return total;
  };
  return compare(value, all, computed, seed, tolerance, elements);
}

}  // namespace chainrule::cases
