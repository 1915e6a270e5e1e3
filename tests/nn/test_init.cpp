// Initialisers: their moments and bounds, their structure, what they refuse, and giving them to a whole network.
// Moments are compared within five standard errors, so a right one fails by chance less than once in a million seeds;
// the seed is fixed.
#include "nn/init.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "engine/types/error.h"
#include "nn/layers.h"
#include "ops/ops.h"

using namespace chainrule;

namespace {

struct Moments {
  double mean = 0, std = 0, kurtosis = 0, least = 0, most = 0;
};
Moments moments_of(const Tensor& x) {
  const std::vector<double> v = x.to_vector();
  const auto n = static_cast<double>(v.size());
  Moments m;
  for (const double a : v) m.mean += a / n;
  double fourth = 0;
  for (const double a : v) {
    const double d = a - m.mean;
    m.std += d * d / n;
    fourth += d * d * d * d / n;
  }
  m.kurtosis = fourth / (m.std * m.std);
  m.std = std::sqrt(m.std);
  m.least = *std::min_element(v.begin(), v.end());
  m.most = *std::max_element(v.begin(), v.end());
  return m;
}

/// What a row of the tables says of one initialiser on one shape.
struct Spread {
  const char* name;
  Init init;
  Shape shape;
  double mean, std;
  bool is_uniform;
};

void check_spread(const Spread& row) {
  CAPTURE(row.name);
  Generator generator(11);
  const Tensor x = row.init(row.shape, generator);
  CHECK(x.shape() == row.shape);
  CHECK(x.dtype() == default_dtype());
  CHECK(x.is_leaf());
  const Moments m = moments_of(x);
  const auto n = static_cast<double>(x.numel());
  const double kurtosis = row.is_uniform ? 1.8 : 3;
  CHECK(std::abs(m.mean - row.mean) < 5 * row.std / std::sqrt(n));
  CHECK(std::abs(m.std / row.std - 1) < 5 * std::sqrt((kurtosis - 1) / 4 / n));
  CHECK(std::abs(m.kurtosis - kurtosis) < 0.1 * kurtosis);  // which of the two it is
  if (row.is_uniform) {
    const double bound = row.std * std::sqrt(3.0);
    CHECK(m.least >= row.mean - bound - 1e-6);
    CHECK(m.most <= row.mean + bound + 1e-6);
    CHECK(m.most - m.least > 1.99 * bound);
  }
}

Tensor draw(const Init& init, const Shape& shape) {
  Generator generator(4);
  return init(shape, generator);
}

/// The largest difference between x x^T and gain^2 I, by a plain loop.
double off_orthonormal(const Tensor& x, std::size_t rows, std::size_t columns, double gain) {
  const std::vector<double> v = x.to_vector();
  double worst = 0;
  for (std::size_t i = 0; i < rows; ++i)
    for (std::size_t j = 0; j < rows; ++j) {
      double dot = 0;
      for (std::size_t k = 0; k < columns; ++k) dot += v[i * columns + k] * v[j * columns + k];
      worst = std::max(worst, std::abs(dot - (i == j ? gain * gain : 0)));
    }
  return worst;
}

}  // namespace

TEST_CASE("initialisers draw with the spread that their formulas say") {
  const Shape matrix{200, 300}, filters{60, 40, 3, 5};
  const double in = 40 * 15, out = 60 * 15;
  const std::vector<Spread> rows = {
      {"normal", normal(3, 0.5), matrix, 3, 0.5, false},
      {"plain std of the book", normal(0, 0.01), matrix, 0, 0.01, false},
      {"uniform", uniform(-1, 3), matrix, 1, 4 / std::sqrt(12.0), true},
      {"kaiming_normal", kaiming_normal, filters, 0, std::sqrt(2 / in), false},
      {"kaiming_uniform", kaiming_uniform, filters, 0, std::sqrt(2 / in), true},
      {"kaiming_normal fan_out", kaiming_normal({.mode = FanMode::fan_out}), filters, 0, std::sqrt(2 / out), false},
      {"kaiming_normal leaky", kaiming_normal({.a = 0.5}), filters, 0, std::sqrt(2 / 1.25 / in), false},
      {"kaiming_uniform tanh", kaiming_uniform({.nonlinearity = Nonlinearity::tanh}), filters, 0,
       5.0 / 3 / std::sqrt(in), true},
      {"xavier_normal", xavier_normal, filters, 0, std::sqrt(2 / (in + out)), false},
      {"xavier_uniform", xavier_uniform, filters, 0, std::sqrt(2 / (in + out)), true},
      {"xavier_normal gain", xavier_normal(2.0), matrix, 0, 2 * std::sqrt(2.0 / 500), false},
      {"xavier_uniform gain", xavier_uniform(2.0), matrix, 0, 2 * std::sqrt(2.0 / 500), true},
      {"lecun_normal", lecun_normal, filters, 0, std::sqrt(1 / in), false},
      {"lecun_uniform", lecun_uniform, filters, 0, std::sqrt(1 / in), true},
  };
  for (const Spread& row : rows) check_spread(row);
}

TEST_CASE("a truncated normal stays within its bounds and has their moments") {
  const Moments m = moments_of(draw(trunc_normal(), {200, 300}));
  CHECK(m.least >= -2);
  CHECK(m.most <= 2);
  // Standard deviation of a normal cut at two: sqrt(1 - 4 phi(2) / (Phi(2) - Phi(-2))).
  CHECK(std::abs(m.mean) < 5 * 0.88 / std::sqrt(60000.0));
  CHECK(m.std == doctest::Approx(0.879626).epsilon(0.01));
  const Moments tail = moments_of(draw(trunc_normal(0, 1, 2, 4), {50, 50}));
  CHECK(tail.least >= 2);
  CHECK(tail.mean == doctest::Approx(2.366).epsilon(0.02));  // (phi(2) - phi(4)) / (Phi(4) - Phi(2))
}

TEST_CASE("constants, identities and filters that pass their input on") {
  CHECK(draw(constant(2.5), {2, 2}).to_vector() == std::vector<double>(4, 2.5));
  CHECK(draw(zeros, {3}).to_vector() == std::vector<double>(3, 0));
  CHECK(draw(ones, {3}).to_vector() == std::vector<double>(3, 1));
  CHECK(draw(identity, {2, 3}).to_vector() == std::vector<double>{1, 0, 0, 0, 1, 0});
  CHECK(draw(identity, {3, 2}).to_vector() == std::vector<double>{1, 0, 0, 1, 0, 0});
  // As torch.nn.init.dirac_ of (4, 2, 3) with two groups gives.
  CHECK(draw(dirac(2), {4, 2, 3}).to_vector() ==
        std::vector<double>{0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0});
  Conv2d same(3, 3, {.kernel_size = 3, .padding = 1, .init = dirac()});
  const Tensor x = draw(normal(), {2, 3, 5, 5});
  CHECK(same(x).to_vector() == x.to_vector());
}

TEST_CASE("orthogonal weights are orthogonal, and no two alike") {
  CHECK(off_orthonormal(draw(orthogonal(), {40, 70}), 40, 70, 1) < 1e-5);
  CHECK(off_orthonormal(draw(orthogonal(2), {30, 30}), 30, 30, 2) < 1e-5);
  CHECK(off_orthonormal(draw(orthogonal(), {8, 3, 3, 3}), 8, 27, 1) < 1e-5);
  set_default_dtype(DType::float64);
  CHECK(off_orthonormal(draw(orthogonal(), {50, 50}), 50, 50, 1) < 1e-13);
  const Tensor tall = draw(orthogonal(), {60, 20});
  CHECK(off_orthonormal(transpose(tall), 20, 60, 1) < 1e-13);
  set_default_dtype(DType::float32);
  // Uniform among all: entries have variance 1 / n, and the first is as often below 0 as above.
  Generator generator(6);
  int below = 0;
  double squares = 0;
  for (int i = 0; i < 400; ++i) {
    const double first = orthogonal()({5, 5}, generator).to_vector()[0];
    below += first < 0;
    squares += first * first / 400;
  }
  CHECK(std::abs(below - 200) < 5 * 10);
  CHECK(squares == doctest::Approx(0.2).epsilon(0.2));
  CHECK(draw(orthogonal(), {0, 3}).numel() == 0);
}

TEST_CASE("sparse columns have as many zeros as asked, in different places") {
  const Tensor x = draw(sparse(0.35, 2), {10, 200});
  const std::vector<double> v = x.to_vector();
  double squares = 0;
  std::vector<int> by_row(10);
  for (std::size_t column = 0; column < 200; ++column) {
    int count = 0;
    for (std::size_t row = 0; row < 10; ++row) {
      const double value = v[row * 200 + column];
      count += value == 0;
      by_row[row] += value == 0;
      squares += value * value;
    }
    CHECK(count == 4);  // 3.5, rounded up
  }
  CHECK(std::sqrt(squares / (6 * 200)) == doctest::Approx(2).epsilon(0.1));
  for (const int count : by_row) CHECK(std::abs(count - 80) < 5 * 7);
}

TEST_CASE("the same seed gives the same weights, another one others") {
  for (const Init& init : {Init(kaiming_normal), orthogonal(), sparse(0.5), trunc_normal()}) {
    Generator a(9), b(9), c(10);
    const Shape shape{6, 7};
    const std::vector<double> first = init(shape, a).to_vector();
    CHECK(init(shape, b).to_vector() == first);
    CHECK(init(shape, c).to_vector() != first);
  }
}

TEST_CASE("gains are PyTorch's") {
  CHECK(calculate_gain(Nonlinearity::linear) == 1);
  CHECK(calculate_gain(Nonlinearity::sigmoid) == 1);
  CHECK(calculate_gain(Nonlinearity::tanh) == doctest::Approx(1.6666666666666667));
  CHECK(calculate_gain(Nonlinearity::relu) == doctest::Approx(1.4142135623730951));
  CHECK(calculate_gain(Nonlinearity::leaky_relu) == doctest::Approx(1.4141428569978354));
  CHECK(calculate_gain(Nonlinearity::selu) == 0.75);
}

TEST_CASE("wrong arguments of initialisers are refused by name") {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  CHECK_THROWS_WITH_AS(normal(0, -1), "normal: std must be at least 0, not -1", ValueError);
  CHECK_THROWS_WITH_AS(uniform(2, 1), "uniform: wants finite a <= b, not 2 and 1", ValueError);
  CHECK_THROWS_WITH_AS(constant(nan), "constant: the value must be finite, not nan", ValueError);
  CHECK_THROWS_WITH_AS(trunc_normal(0, 0), "trunc_normal: std must be positive, not 0", ValueError);
  CHECK_THROWS_WITH_AS(trunc_normal(0, 1, 2, 2), "trunc_normal: wants a < b, not 2 and 2", ValueError);
  CHECK_THROWS_WITH_AS(trunc_normal(0, 1, 5, 6), doctest::Contains("less than a thousandth"), ValueError);
  CHECK_THROWS_WITH_AS(xavier_normal(0.0), "xavier_normal: gain must be positive, not 0", ValueError);
  CHECK_THROWS_WITH_AS(sparse(1.5), "sparse: sparsity must be from 0 to 1, not 1.5", ValueError);
  CHECK_THROWS_WITH_AS(dirac(0), "dirac: groups must be at least 1, not 0", ValueError);
  CHECK_THROWS_WITH_AS(draw(dirac(3), {4, 2, 3}), "dirac: 4 outputs do not divide into 3 groups", ValueError);
  CHECK_THROWS_WITH_AS(draw(sparse(0.5), {2, 2, 2}), "sparse: wants a matrix, not shape (2, 2, 2)", ShapeError);
  CHECK_THROWS_WITH_AS(draw(identity, {2}), "identity: wants a matrix, not shape (2,)", ShapeError);
  CHECK_THROWS_AS(draw(orthogonal(), {5}), ShapeError);
  CHECK_THROWS_AS(draw(lecun_normal, {5}), ShapeError);
  CHECK_THROWS_AS(draw(kaiming_normal({.a = 1}), {5}), ShapeError);
  CHECK_THROWS_AS(orthogonal(nan), ValueError);
  CHECK_THROWS_AS(kaiming_normal({.a = nan}), ValueError);
}

TEST_CASE("an initialiser is an option of a layer, or goes to parameters by pattern") {
  Linear layer(4, 3, {.init = constant(0.25)});
  CHECK(layer.weight.to_vector() == std::vector<double>(12, 0.25));
  CHECK(Linear(4, 3, {.init = zeros}).weight.to_vector() == std::vector<double>(12, 0));
  CHECK(Linear(1, 1, {.init = [](const Shape& shape, Generator&) { return full(shape, 7); }}).weight.item() == 7);

  Sequential net(Linear(4, 4), ReLU(), Linear(4, 2));
  const std::vector<double> last = net.parameters()[2].tensor.to_vector();
  CHECK(initialise(net, "0.*", constant(0.5)) == std::vector<std::string>{"0.weight", "0.bias"});
  CHECK(net.parameters()[0].tensor.to_vector() == std::vector<double>(16, 0.5));
  CHECK(net.parameters()[1].tensor.to_vector() == std::vector<double>(4, 0.5));
  CHECK(net.parameters()[2].tensor.to_vector() == last);
  CHECK(net.parameters()[0].tensor.requires_grad());
  CHECK_THROWS_WITH_AS(initialise(net, "conv*", zeros), "initialise: no parameter of Sequential fits 'conv*'",
                       ValueError);
  // The bias has no fans: nothing changes, the weight before it neither.
  CHECK_THROWS_AS(initialise(net, "0.*", xavier_normal), ShapeError);
  CHECK(net.parameters()[0].tensor.to_vector() == std::vector<double>(16, 0.5));
}
