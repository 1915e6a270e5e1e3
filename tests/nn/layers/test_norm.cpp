// What reference values do not show: what stays unchanged when batch norm refuses, counts of batches, masks of dropout.
#include <doctest/doctest.h>

#include "nn/layers.h"

using namespace chainrule;

TEST_CASE("batch norm refuses one value per channel in training, and nothing has changed") {
  BatchNorm2d norm(3);
  norm(randn({2, 3, 2, 2}));
  const auto before = [&] {
    std::vector<std::vector<double>> all;
    for (const NamedTensor& t : norm.state()) all.push_back(t.tensor.to_vector());
    return all;
  };
  const auto kept = before();
  CHECK_THROWS_AS(norm(randn({1, 3, 1, 1})), ValueError);
  CHECK(before() == kept);
  CHECK_THROWS_AS(norm(randn({2, 4, 2, 2})), ShapeError);
  CHECK_THROWS_AS(norm(randn({2, 3, 2, 2}, DType::float64)), ValueError);
  CHECK(before() == kept);
  norm.eval();
  CHECK(norm(randn({1, 3, 1, 1})).shape() == Shape{1, 3, 1, 1});  // the running values need no spread
  CHECK(before() == kept);
}

TEST_CASE("batch norm divides by the biased variance and remembers the unbiased one") {
  BatchNorm1d norm(1, {.eps = 0, .momentum = 1.0});
  const Tensor z = norm(tensor({{1.}, {3.}}));  // mean 2, sum of squares 2: biased 1, unbiased 2
  CHECK(z.to_vector() == std::vector<double>{-1, 1});
  CHECK(norm.running_var->to_vector() == std::vector<double>{2});
  CHECK(norm.num_batches_tracked->to_vector() == std::vector<double>{1});
  CHECK(norm.num_batches_tracked->dtype() == DType::int64);
}

TEST_CASE("without momentum the running mean is that of all batches") {
  BatchNorm1d norm(1, {.momentum = {}});
  for (const double m : {1., 2., 6.}) norm(tensor({{m - 1}, {m + 1}}));
  CHECK(norm.running_mean->to_vector()[0] == doctest::Approx(3));
}

TEST_CASE("the state of batch norm is named and ordered as PyTorch's") {
  BatchNorm2d norm(2);
  std::vector<std::string> names;
  for (const NamedTensor& t : norm.state()) names.push_back(t.name);
  CHECK(names == std::vector<std::string>{"weight", "bias", "running_mean", "running_var", "num_batches_tracked"});
  CHECK(norm.parameter_count() == 4);
}

TEST_CASE("Dropout2d leaves out whole channels, Dropout numbers, and both nothing in evaluation") {
  manual_seed(4);
  Dropout2d channels(0.5);
  const auto z = channels(ones({8, 16, 2, 2})).to_vector();
  int dropped = 0;
  for (std::size_t c = 0; c < 8 * 16; ++c) {
    for (std::size_t i = 1; i < 4; ++i) CHECK(z[4 * c + i] == z[4 * c]);
    CHECK((z[4 * c] == 0 || z[4 * c] == 2));
    dropped += z[4 * c] == 0;
  }
  CHECK(dropped > 40);
  CHECK(dropped < 88);
  Dropout numbers(0.25);
  const auto y = numbers(ones({1000})).to_vector();
  const auto zeros_in = std::count(y.begin(), y.end(), 0.0);
  CHECK(zeros_in > 200);
  CHECK(zeros_in < 300);
  channels.eval();
  CHECK(channels(ones({2, 2, 2})).to_vector() == std::vector<double>(8, 1));
}

TEST_CASE("Residual adds, Branch joins channels, Lambda is a function") {
  Residual same(Lambda([](const Tensor& x) { return x * 0; }));
  const Tensor x = randn({2, 3, 4, 4});
  CHECK(same(x).to_vector() == x.to_vector());  // a body of zeros leaves the identity
  Residual wider(Conv2d(3, 5, {.kernel_size = 1}), Conv2d(3, 5, {.kernel_size = 1, .bias = false}));
  CHECK(wider(x).shape() == Shape{2, 5, 4, 4});
  CHECK(wider.parameters()[2].name == "shortcut.weight");
  Residual wrong(Conv2d(3, 5, {.kernel_size = 1}));
  CHECK_THROWS_WITH_AS(wrong(x),
                       doctest::Contains("Residual: the body makes (2, 5, 4, 4) of x (2, 3, 4, 4), the shortcut "
                                         "(2, 3, 4, 4); they must agree to be added"),
                       ShapeError);
  Branch block(Conv2d(3, 2, {.kernel_size = 1}), Sequential(Conv2d(3, 4, {.padding = 1}), ReLU()));
  CHECK(block(x).shape() == Shape{2, 6, 4, 4});
  CHECK(block.parameters()[2].name == "1.0.weight");
  CHECK_THROWS_WITH_AS(Lambda(nullptr), "Lambda: the function is empty", ValueError);
}

TEST_CASE("MaxUnpool2d puts back what MaxPool2d took") {
  MaxPool2d pool(2);
  MaxUnpool2d unpool(2);
  const Tensor x = tensor({{{{1., 2, 3, 0}, {4, 0, 1, 9}}}});
  CHECK(unpool(pool(x), pool.indices(x)).to_vector() == std::vector<double>{0, 0, 0, 0, 4, 0, 0, 9});
}
