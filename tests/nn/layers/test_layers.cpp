// Layers against their formulas by hand, their initialisers against the formulas of their spread.
#include <doctest/doctest.h>

#include <cmath>

#include "engine/types/error.h"
#include "nn/layers.h"

using namespace chainrule;

TEST_CASE("Linear is x W^T + b") {
  manual_seed(3);
  Linear layer(3, 2);
  const std::vector<double> w = layer.weight.to_vector(), x{1, -2, 0.5};
  {
    const NoGrad change;
    layer.bias->fill_(0.25);
  }
  const Tensor y = layer(tensor({{1., -2, 0.5}}));
  CHECK(y.shape() == Shape{1, 2});
  for (int o = 0; o < 2; ++o) {
    double expected = 0.25;
    for (int i = 0; i < 3; ++i) expected += w[o * 3 + i] * x[i];
    CHECK(y.to_vector()[o] == doctest::Approx(expected).epsilon(1e-6));
  }
  CHECK_FALSE(Linear(3, 2, {.bias = false}).bias.has_value());
}

TEST_CASE("Conv2d, MaxPool2d, ReLU, Flatten and Sequential give the shapes of the book") {
  Sequential net(Conv2d(1, 30, {.kernel_size = 5}), ReLU(), MaxPool2d(2), Flatten(), Linear(30 * 12 * 12, 100), ReLU(),
                 Linear(100, 10));
  CHECK(net(zeros({2, 1, 28, 28})).shape() == Shape{2, 10});
  CHECK(net.parameter_count() == 433890);  // the book's simple conv net
  CHECK(Conv2d(3, 8, {.stride = 2, .padding = 1})(zeros({1, 3, 9, 9})).shape() == Shape{1, 8, 5, 5});
  CHECK(MaxPool2d(3, {.stride = 1})(zeros({1, 1, 5, 5})).shape() == Shape{1, 1, 3, 3});
}

TEST_CASE("a layer refuses numbers of another floating type") {
  Linear layer(2, 1);
  Conv2d conv(1, 1, {});
  CHECK_THROWS_WITH_AS(
      layer(from_vector({1., 2.}, {1, 2})),
      doctest::Contains("Linear: x holds float64, the weight float32; convert one of them, as in to(x, "
                        "DType::float32)"),
      ValueError);
  CHECK_THROWS_AS(conv(ones({1, 1, 3, 3}, DType::float64)), ValueError);
  CHECK(layer(tensor({{1, 2}})).dtype() == DType::float32);  // whole numbers take the weight's type
}

TEST_CASE("sizes that make no layer are refused by name") {
  CHECK_THROWS_WITH_AS(Linear(0, 3), "Linear: in_features must be at least 1, not 0", ValueError);
  CHECK_THROWS_WITH_AS(Linear(3, -1), "Linear: out_features must be at least 1, not -1", ValueError);
  CHECK_THROWS_AS(Conv2d(0, 3, {}), ValueError);
  CHECK_THROWS_AS(Conv2d(1, 3, {.kernel_size = 0}), ValueError);
  CHECK_THROWS_AS(Conv2d(1, 3, {.stride = 0}), ValueError);
  CHECK_THROWS_AS(Conv2d(1, 3, {.padding = -1}), ValueError);
  CHECK_THROWS_AS(Conv2d(1, 3, {.dilation = 0}), ValueError);
  CHECK_THROWS_WITH_AS(Conv2d(4, 6, {.groups = 4}), "Conv2d: groups 4 must divide in_channels 4 and out_channels 6",
                       ValueError);
}

TEST_CASE("initialisers have the spread of their formulas") {
  struct Row {
    const char* name;
    Init init;
    double expected;
    bool uniform;
  };
  const Shape linear{200, 300}, filters{64, 32, 3, 3};
  for (const Shape& shape : {linear, filters}) {
    const double window = shape.size() == 4 ? 9 : 1;
    const double in = static_cast<double>(shape[1]) * window, out = static_cast<double>(shape[0]) * window;
    for (const Row& row : {Row{"kaiming_normal", kaiming_normal, std::sqrt(2 / in), false},
                           Row{"kaiming_uniform", kaiming_uniform, std::sqrt(2 / in), true},
                           Row{"xavier_normal", xavier_normal, std::sqrt(2 / (in + out)), false},
                           Row{"xavier_uniform", xavier_uniform, std::sqrt(2 / (in + out)), true}}) {
      CAPTURE(row.name);
      Generator generator(11);
      const auto values = row.init(shape, generator).to_vector();
      double mean = 0, square = 0, largest = 0;
      for (const double v : values) mean += v, square += v * v, largest = std::max(largest, std::abs(v));
      mean /= static_cast<double>(values.size());
      const double std = std::sqrt(square / static_cast<double>(values.size()) - mean * mean);
      CHECK(std == doctest::Approx(row.expected).epsilon(0.02));
      CHECK(std::abs(mean) < 0.03 * row.expected);
      if (row.uniform)
        CHECK(largest <= std::sqrt(3.0) * row.expected * (1 + 1e-6));
      else
        CHECK(largest > 3 * row.expected);
    }
  }
  Generator generator;
  CHECK_THROWS_AS(kaiming_normal({5}, generator), ShapeError);
}

TEST_CASE("the same seed gives the same layer, another seed another one") {
  manual_seed(1);
  const auto a = Linear(4, 4).weight.to_vector();
  manual_seed(1);
  CHECK(Linear(4, 4).weight.to_vector() == a);
  manual_seed(2);
  CHECK(Linear(4, 4).weight.to_vector() != a);
}
