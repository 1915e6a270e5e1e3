// The initialisers: draws, scaled.
#include "nn/init.h"

#include <fmt/format.h>

#include <cmath>

#include "engine/scopes.h"
#include "engine/types/error.h"
#include "ops/ops.h"

namespace chainrule {
namespace {

struct Fans {
  double in, out;
};

Fans fans_of(const Shape& shape, const char* who) {
  if (shape.size() < 2)
    throw ShapeError(fmt::format("{}: a weight has at least two axes, not shape {}", who, to_string(shape)));
  double window = 1;
  for (std::size_t i = 2; i < shape.size(); ++i) window *= static_cast<double>(shape[i]);
  return {static_cast<double>(shape[1]) * window, static_cast<double>(shape[0]) * window};
}

Tensor normal(const Shape& shape, double std, Generator& generator) {
  const NoGrad leaf_only;
  return randn(shape, {}, generator) * std;
}

Tensor uniform(const Shape& shape, double bound, Generator& generator) {
  const NoGrad leaf_only;
  return (rand(shape, {}, generator) * 2 - 1) * bound;
}

}  // namespace

Tensor kaiming_normal(const Shape& shape, Generator& generator) {
  return normal(shape, std::sqrt(2 / fans_of(shape, "kaiming_normal").in), generator);
}
Tensor kaiming_uniform(const Shape& shape, Generator& generator) {
  return uniform(shape, std::sqrt(6 / fans_of(shape, "kaiming_uniform").in), generator);
}
Tensor xavier_normal(const Shape& shape, Generator& generator) {
  const Fans fans = fans_of(shape, "xavier_normal");
  return normal(shape, std::sqrt(2 / (fans.in + fans.out)), generator);
}
Tensor xavier_uniform(const Shape& shape, Generator& generator) {
  const Fans fans = fans_of(shape, "xavier_uniform");
  return uniform(shape, std::sqrt(6 / (fans.in + fans.out)), generator);
}

}  // namespace chainrule
