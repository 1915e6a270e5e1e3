// Draws by spread and fan, and giving them to a network. Matrices with structure are in init_structured.cpp.
#include "nn/init.h"

#include <fmt/format.h>

#include <cmath>
#include <memory>

#include "engine/scopes.h"
#include "engine/types/error.h"
#include "nn/module_functions.h"
#include "nn/pattern.h"
#include "ops/ops.h"

namespace chainrule {

// --- plain numbers ---------------------------------------------------------------------------------------------------

namespace {

Tensor normal_leaf(const Shape& shape, double mean, double std, Generator& generator) {
  const NoGrad leaf_only;
  const Tensor draw = randn(shape, {}, generator) * std;
  return mean == 0 ? draw : draw + mean;
}

Tensor uniform_leaf(const Shape& shape, double a, double b, Generator& generator) {
  const NoGrad leaf_only;
  return rand(shape, {}, generator) * (b - a) + a;
}

void expect_std(double std, const char* who) {
  if (!(std >= 0 && std::isfinite(std))) throw ValueError(fmt::format("{}: std must be at least 0, not {}", who, std));
}
void expect_gain(double gain, const char* who) {
  if (!(gain > 0 && std::isfinite(gain))) throw ValueError(fmt::format("{}: gain must be positive, not {}", who, gain));
}

}  // namespace

Init constant(double value) {
  if (!std::isfinite(value)) throw ValueError(fmt::format("constant: the value must be finite, not {}", value));
  return [value](const Shape& shape, Generator&) { return full(shape, value); };
}

Init uniform(double a, double b) {
  if (!(a <= b && std::isfinite(a) && std::isfinite(b)))
    throw ValueError(fmt::format("uniform: wants finite a <= b, not {} and {}", a, b));
  return [a, b](const Shape& shape, Generator& generator) { return uniform_leaf(shape, a, b, generator); };
}

Init normal(double mean, double std) {
  expect_std(std, "normal");
  if (!std::isfinite(mean)) throw ValueError(fmt::format("normal: mean must be finite, not {}", mean));
  return [mean, std](const Shape& shape, Generator& generator) { return normal_leaf(shape, mean, std, generator); };
}

Init trunc_normal(double mean, double std, double a, double b) {
  expect_std(std, "trunc_normal");
  if (std == 0) throw ValueError("trunc_normal: std must be positive, not 0");
  if (!(a < b)) throw ValueError(fmt::format("trunc_normal: wants a < b, not {} and {}", a, b));
  const auto below = [&](double x) { return std::erfc((mean - x) / std * std::sqrt(0.5)) / 2; };
  if (const double share = below(b) - below(a); !(share >= 1e-3))
    throw ValueError(
        fmt::format("trunc_normal: between {} and {} lies {:.2g} of the normal distribution with mean {} and std {}, "
                    "less than a thousandth",
                    a, b, share, mean, std));
  return [mean, std, a, b](const Shape& shape, Generator& generator) {
    std::vector<double> values(static_cast<std::size_t>(numel(shape)));
    for (double& v : values) do
        v = mean + std * generator.normal();
      while (v < a || v > b);
    return from_vector(values, shape, default_dtype());
  };
}

// --- by the number of inputs and outputs -----------------------------------------------------------------------------

namespace {

struct Fans {
  double in, out;
};

Fans fans_of(const Shape& shape, const char* who) {
  if (shape.size() < 2)
    throw ShapeError(fmt::format("{}: a weight has at least two axes, not shape {}", who, to_string(shape)));
  double window = 1;
  for (std::size_t i = 2; i < shape.size(); ++i) window *= static_cast<double>(shape[i]);
  // Of an empty weight nothing is drawn, whatever its fans.
  return {std::max(1.0, static_cast<double>(shape[1]) * window), std::max(1.0, static_cast<double>(shape[0]) * window)};
}

/// A spread over both forms: normal with this standard deviation, or uniform on +-sqrt(3) times it.
Tensor spread(const Shape& shape, double std, bool is_uniform, Generator& generator) {
  const double bound = std::sqrt(3.0) * std;
  return is_uniform ? uniform_leaf(shape, -bound, bound, generator) : normal_leaf(shape, 0, std, generator);
}

Init kaiming(const KaimingOptions& options, bool is_uniform, const char* who) {
  if (!std::isfinite(options.a)) throw ValueError(fmt::format("{}: a must be finite, not {}", who, options.a));
  const double gain = calculate_gain(options.nonlinearity, options.a);
  return [gain, mode = options.mode, is_uniform, who](const Shape& shape, Generator& generator) {
    const Fans fans = fans_of(shape, who);
    return spread(shape, gain / std::sqrt(mode == FanMode::fan_in ? fans.in : fans.out), is_uniform, generator);
  };
}

Init xavier(double gain, bool is_uniform, const char* who) {
  expect_gain(gain, who);
  return [gain, is_uniform, who](const Shape& shape, Generator& generator) {
    const Fans fans = fans_of(shape, who);
    return spread(shape, gain * std::sqrt(2 / (fans.in + fans.out)), is_uniform, generator);
  };
}

}  // namespace

double calculate_gain(Nonlinearity nonlinearity, double a) {
  switch (nonlinearity) {
    case Nonlinearity::tanh:
      return 5.0 / 3;
    case Nonlinearity::relu:
      return std::sqrt(2.0);
    case Nonlinearity::leaky_relu:
      return std::sqrt(2 / (1 + a * a));
    case Nonlinearity::selu:
      return 0.75;
    case Nonlinearity::linear:
    case Nonlinearity::sigmoid:
      break;
  }
  return 1;
}

Init kaiming_normal(KaimingOptions options) { return kaiming(options, false, "kaiming_normal"); }
Init kaiming_uniform(KaimingOptions options) { return kaiming(options, true, "kaiming_uniform"); }
Init xavier_normal(double gain) { return xavier(gain, false, "xavier_normal"); }
Init xavier_uniform(double gain) { return xavier(gain, true, "xavier_uniform"); }
Tensor kaiming_normal(const Shape& shape, Generator& generator) {
  return kaiming_normal(KaimingOptions())(shape, generator);
}
Tensor kaiming_uniform(const Shape& shape, Generator& generator) {
  return kaiming_uniform(KaimingOptions())(shape, generator);
}
Tensor xavier_normal(const Shape& shape, Generator& generator) { return xavier_normal(1.0)(shape, generator); }
Tensor xavier_uniform(const Shape& shape, Generator& generator) { return xavier_uniform(1.0)(shape, generator); }
Tensor lecun_normal(const Shape& shape, Generator& generator) {
  return spread(shape, 1 / std::sqrt(fans_of(shape, "lecun_normal").in), false, generator);
}
Tensor lecun_uniform(const Shape& shape, Generator& generator) {
  return spread(shape, 1 / std::sqrt(fans_of(shape, "lecun_uniform").in), true, generator);
}

// --- a whole network -------------------------------------------------------------------------------------------------

std::vector<std::string> initialise(ModuleBase& net, std::string_view pattern, const Init& init, Generator& generator) {
  std::vector<NamedTensor> draws;
  std::vector<Tensor> into;
  for (const NamedTensor& p : net.parameters()) {
    if (!internal::fits_pattern(p.name, pattern)) continue;
    const Tensor draw = init(p.tensor.shape(), generator);
    if (draw.shape() != p.tensor.shape())
      throw ShapeError(fmt::format("initialise: the initialiser gives shape {} for '{}' {}", to_string(draw.shape()),
                                   p.name, to_string(p.tensor.shape())));
    draws.push_back({p.name, draw});
    into.push_back(p.tensor);
  }
  if (draws.empty()) throw ValueError(fmt::format("initialise: no parameter of {} fits '{}'", net.kind(), pattern));
  const NoGrad in_place;
  std::vector<std::string> names;
  for (std::size_t i = 0; i < draws.size(); ++i) {
    into[i].copy_(draws[i].tensor);
    names.push_back(draws[i].name);
  }
  return names;
}

}  // namespace chainrule
