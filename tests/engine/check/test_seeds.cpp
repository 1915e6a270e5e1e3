// No right rule may fail: random expressions over random shapes and values, a thousand seeds.
#include <doctest/doctest.h>

#include "engine/check/gradcheck.h"
#include "engine/factory.h"
#include "tests/engine/custom_rule.h"

using namespace chainrule;
using namespace chainrule::testing;

namespace {

Shape random_shape(Generator& generator) {
  Shape shape;
  const auto rank = generator.below(4);
  for (std::int64_t i = 0; i < rank; ++i) shape.push_back(generator.below(3) + 1);
  return shape;
}

// A shape that broadcasts against the given one.
Shape broadcast_partner(const Shape& shape, Generator& generator) {
  Shape partner;
  for (std::size_t i = static_cast<std::size_t>(generator.below(static_cast<std::int64_t>(shape.size()) + 1));
       i < shape.size(); ++i)
    partner.push_back(generator.below(3) == 0 ? 1 : shape[i]);
  return partner;
}

// One random step of an expression; the choices are drawn before, so that the function is the same at every call.
Tensor step_of(std::int64_t choice, const Tensor& z, const Tensor& y) {
  switch (choice) {
    case 0:
      return z + y;
    case 1:
      return z * y;
    case 2:
      return z - y * y;
    case 3:
      return z / (1 + square(y));
    case 4:
      return exp(z * 0.3);
    case 5:
      return log(1 + square(z));
    case 6:
      return tanh(z);
    case 7:
      return sigmoid(z) * z;
    case 8:
      return relu(z);
    case 9:
      return abs(z) + y;
    case 10:
      return maximum(z, y);
    case 11:
      return z.dim() > 0 ? softmax(z, 0) : -z;
    case 12:
      return z.dim() > 0 ? z - mean(z, {-1}, true) : z;
    case 13:
      return z.dim() > 0 ? z + logsumexp(z, {0}, true) : z;
    case 14:
      return z.dim() > 1 ? transpose(transpose(z) * 2) : z * 2;
    default:
      return sqrt(1 + z * z);
  }
}

}  // namespace

TEST_CASE("gradcheck: no false alarm over 1,000 seeds") {
  const std::uint64_t seeds = sanitized() ? 50 : 1000;
  std::int64_t failures = 0, kinks = 0, elements = 0;
  for (std::uint64_t seed = 0; seed < seeds; ++seed) {
    Generator generator(seed, 77);
    const Shape shape = random_shape(generator);
    const double scale = std::array{0.1, 1.0, 1.0, 5.0}[static_cast<std::size_t>(generator.below(4))];
    Tensor x = randn(shape, {.dtype = DType::float64}, generator) * scale;
    Tensor y = randn(broadcast_partner(shape, generator), {.dtype = DType::float64}, generator);
    std::vector<std::int64_t> choices;
    for (auto n = generator.below(5) + 1; n > 0; --n) choices.push_back(generator.below(16));
    auto f = [&](const Tensor& a, const Tensor& b) {
      Tensor z = a;
      for (const auto choice : choices) z = step_of(choice, z, b);
      return seed % 2 ? sum(z * b) : z;
    };
    const auto report = gradcheck(f, {x, y}, {.seed = seed, .order = seed % 10 == 0 ? 2 : 1});
    for (const auto& input : report.inputs) kinks += input.kinks, elements += input.checked;
    if (report.ok()) continue;
    ++failures;
    MESSAGE("seed ", seed, ":\n", to_string(report));
  }
  CHECK(failures == 0);
  CHECK(kinks < elements / 100);  // random points hardly ever meet a kink: that verdict must not hide alarms
}
