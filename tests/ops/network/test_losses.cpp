// Losses: hand-computed values, reductions, labels that are checked first (T7), stability at the largest logits, and
// second derivatives against the formula.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

#include "engine/factory.h"
#include "engine/types/error.h"
#include "ops/ops.h"
#include "tests/ops/checks.h"

using namespace chainrule;
using namespace chainrule::testing;

namespace {

using Labels = std::vector<std::int64_t>;

Tensor labels(const Labels& v) { return from_vector(v, {static_cast<std::int64_t>(v.size())}); }
}  // namespace

TEST_CASE("cross entropy by hand") {
  const Tensor x = numbers({0, std::log(2.0), std::log(5.0), 0, 0, 0}, {2, 3});
  const Tensor y = labels({2, 0});
  const double first = std::log(8.0 / 5), second = std::log(3.0);
  check_close(cross_entropy(x, y, Reduction::none).to_vector(), {first, second});
  CHECK(cross_entropy(x, y).item() == doctest::Approx((first + second) / 2));
  CHECK(cross_entropy(x, y, Reduction::sum).item() == doctest::Approx(first + second));
  const Numbers d{1.0 / 8, 2.0 / 8, -3.0 / 8, -2.0 / 3, 1.0 / 3, 1.0 / 3};
  check_close(grad(cross_entropy(x, y, Reduction::sum), x).to_vector(), d);
  Numbers half = d, weighed = d;
  for (std::size_t i = 0; i < 6; ++i) half[i] /= 2, weighed[i] *= i < 3 ? 10 : 7;
  check_close(grad(cross_entropy(x, y), x).to_vector(), half);
  check_close(slopes(cross_entropy(x, y, Reduction::none), x, {10, 7}), weighed);
  // Probabilities of one class only are the same loss.
  const Tensor onehot = from_vector(Numbers{0, 0, 1, 1, 0, 0}, {2, 3}, {.dtype = DType::float64});
  CHECK(cross_entropy(x, onehot).item() == doctest::Approx((first + second) / 2));
  check_close(grad(cross_entropy(x, onehot), x).to_vector(), half);
}

TEST_CASE("probabilities: gradients by both sides") {
  const Tensor x = numbers({0, std::log(3.0)}, {1, 2}), y = numbers({0.5, 1.5}, {1, 2});  // they need not add up to 1
  const double a = std::log(1.0 / 4), b = std::log(3.0 / 4);
  CHECK(cross_entropy(x, y).item() == doctest::Approx(-0.5 * a - 1.5 * b));
  check_close(grad(cross_entropy(x, y), x).to_vector(), {0.25 * 2 - 0.5, 0.75 * 2 - 1.5});
  check_close(grad(cross_entropy(x, y), y).to_vector(), {-a, -b});
  // A class of probability 0 may be impossible.
  const Tensor masked = numbers({1, -kInf}, {1, 2}), sure = numbers({1, 0}, {1, 2});
  CHECK(cross_entropy(masked, sure).item() == 0);
  CHECK(grad(cross_entropy(masked, sure), masked).to_vector() == Numbers{0, 0});
  CHECK(cross_entropy(numbers({1, 2}, {1, 2}, DType::float32), sure).dtype() == DType::float32);
}

TEST_CASE("cross entropy of images: an axis of classes and positions behind it") {
  const Tensor x = numbers({0, 1, 2, 3, 4, 5, 6, 7}, {2, 2, 2});
  const Tensor y = from_vector(Labels{0, 1, 1, 0}, {2, 2});
  const double same = std::log(1 + std::exp(2.0)), other = same - 2;  // logits differ by 2 everywhere
  check_close(cross_entropy(x, y, Reduction::none).to_vector(), {same, other, other, same});
  CHECK(cross_entropy(x, y, Reduction::none).shape() == Shape{2, 2});
  // Classes last in memory, labels of a transposed view: the same numbers.
  const Tensor last = permute(numbers({0, 2, 1, 3, 4, 6, 5, 7}, {2, 2, 2}), {0, 2, 1});
  const Tensor turned = transpose(from_vector(Labels{0, 1, 1, 0}, {2, 2}));
  check_close(cross_entropy(last, turned, Reduction::none).to_vector(), {same, other, other, same});
}

TEST_CASE("labels are checked before any arithmetic") {
  const Tensor x = numbers({1, 2, 3, 4, 5, 6}, {2, 3});
  CHECK(message([&] {
          cross_entropy(x, labels({1, 3}));
        }) == "cross_entropy: the label at (1,) is 3, with 3 classes it must be from 0 to 2");
  CHECK(message([&] { cross_entropy(x, labels({-1, 0})); }).starts_with("cross_entropy: the label at (0,) is -1"));
  CHECK_THROWS_AS(cross_entropy(x, labels({0, std::numeric_limits<std::int64_t>::max()})), ValueError);
  CHECK_THROWS_AS(cross_entropy(x, labels({0, std::numeric_limits<std::int64_t>::min()})), ValueError);
  const Tensor pixels = numbers(Numbers(12, 0.0), {2, 3, 2});
  CHECK(message([&] {
          cross_entropy(pixels, from_vector(Labels{0, 1, 2, 9}, {2, 2}));
        }).starts_with("cross_entropy: the label at (1, 1) is 9"));
  CHECK(message([&] {
          cross_entropy(x, numbers({kNan, 1}, {2}));
        }) ==
        "cross_entropy: class indices must be int64, the target of shape (2,) is float64; "
        "convert it with to(target, DType::int64)");
  CHECK_THROWS_AS(cross_entropy(x, gt(x, 0)), ValueError);
  CHECK(message([&] {
          cross_entropy(x, labels({0, 1, 2}));
        }) == "cross_entropy: x has shape (2, 3), the target (3,); class indices must have shape (2,)");
  CHECK_THROWS_AS(cross_entropy(x, numbers({1, 0, 0}, {1, 3})), ShapeError);
  CHECK_THROWS_AS(cross_entropy(numbers({1, 2}, {2}), labels({0})), ShapeError);
  CHECK_THROWS_AS(cross_entropy(zeros({2, 0}), labels({0, 0})), ShapeError);
  CHECK_THROWS_AS(cross_entropy(x, Tensor()), ValueError);
  // Labels that are wrong only when backward reads them again.
  Labels memory{0, 2};
  const Tensor shared = from_memory(memory.data(), {2}, DType::int64, nullptr);
  const Tensor loss = cross_entropy(x, shared);
  memory[1] = 1000000;
  CHECK_THROWS_AS(grad(loss, x), ValueError);
}

TEST_CASE("awkward logits") {
  for (const auto dtype : {DType::float32, DType::float64}) {
    const double large = dtype == DType::float32 ? 1e4 : 1e300;
    for (const Numbers& row :
         {Numbers{large, -large}, Numbers{large, large}, Numbers{-large, -large}, Numbers{0, large}}) {
      const Tensor x = numbers(row, {1, 2}, dtype);
      const Tensor soft = from_vector(Numbers{0.25, 0.75}, {1, 2}, {.dtype = dtype});
      for (const Tensor& loss :
           {cross_entropy(x, labels({0})), cross_entropy(x, labels({1})), cross_entropy(x, soft)}) {
        CHECK(std::isfinite(loss.item()));
        const Tensor dx = grad(loss, x, {.create_graph = true});
        for (const double v : dx.to_vector()) CHECK(std::abs(v) <= 1);
        for (const double v : grad(sum(dx * dx), x).to_vector()) CHECK(std::isfinite(v));
      }
    }
    const Tensor sure = numbers({large, -large}, {1, 2}, dtype);
    CHECK(cross_entropy(sure, labels({0})).item() == 0);
    CHECK(cross_entropy(sure, labels({1})).item() == doctest::Approx(2 * large));
    CHECK(grad(cross_entropy(sure, labels({1})), sure).to_vector() == Numbers{1, -1});
    // Two logits close together stay apart, however large they are.
    const double near = dtype == DType::float32 ? 1e4 : 1e12;
    CHECK(cross_entropy(numbers({near, near - 1}, {1, 2}, dtype), labels({0})).item() ==
          doctest::Approx(std::log(1 + std::exp(-1.0))).epsilon(1e-6));
  }
  const Tensor single = numbers({5, -3}, {2, 1});
  CHECK(cross_entropy(single, labels({0, 0})).item() == 0);
  CHECK(grad(cross_entropy(single, labels({0, 0})), single).to_vector() == Numbers{0, 0});
  for (const Numbers& row : {Numbers{-kInf, -kInf}, Numbers{kInf, 0}, Numbers{kNan, 0}}) {
    const Tensor x = numbers(row, {1, 2});
    CHECK(std::isnan(cross_entropy(x, labels({0})).item()));
    CHECK(std::isnan(grad(cross_entropy(x, labels({0})), x).to_vector()[0]));
  }
  const Tensor impossible = numbers({-kInf, 0}, {1, 2});
  CHECK(cross_entropy(impossible, labels({0})).item() == kInf);
  CHECK(grad(cross_entropy(impossible, labels({0})), impossible).to_vector() == Numbers{-1, 1});
}

TEST_CASE("no samples") {
  const Tensor x = zeros({0, 3}, {.dtype = DType::float64, .requires_grad = true});
  CHECK(std::isnan(cross_entropy(x, labels({})).item()));
  CHECK(cross_entropy(x, labels({}), Reduction::sum).item() == 0);
  CHECK(cross_entropy(x, labels({}), Reduction::none).shape() == Shape{0});
  CHECK(grad(cross_entropy(x, labels({})), x).shape() == Shape{0, 3});
  CHECK(std::isnan(mse_loss(x, x).item()));
}

TEST_CASE("the second derivative of cross entropy is (diag(p) - p p^T) / n") {
  const Numbers logits{0.3, -1.2, 0.8};
  const Tensor x = numbers(logits, {1, 3});
  const Tensor onehot = from_vector(Numbers{0, 1, 0}, {1, 3}, {.dtype = DType::float64});
  double n = 0;
  for (const double v : logits) n += std::exp(v);
  for (const bool soft : {false, true}) {
    const Tensor dx = grad(cross_entropy(x, soft ? onehot : labels({1})), x, {.create_graph = true});
    for (std::size_t i = 0; i < 3; ++i) {
      Numbers unit(3, 0.0), row(3);
      unit[i] = 1;
      for (std::size_t j = 0; j < 3; ++j) {
        const double p = std::exp(logits[i]) / n, q = std::exp(logits[j]) / n;
        row[j] = i == j ? p * (1 - p) : -p * q;
      }
      check_close(slopes(dx, x, unit), row);
    }
  }
}

TEST_CASE("weights, ignored labels and smoothing by hand") {
  const Tensor x = numbers({0, 0, std::log(2.0), 0, 0, 0}, {2, 3});
  const Tensor weight = from_vector(Numbers{1, 2, 4}, {3}, {.dtype = DType::float64});
  const double first = std::log(2.0), second = std::log(3.0);  // -log(2 / 4), -log(1 / 3)
  CHECK(cross_entropy(x, labels({2, 1}), {.weight = weight}).item() == doctest::Approx((4 * first + 2 * second) / 6));
  CHECK(cross_entropy(x, labels({2, -100})).item() == doctest::Approx(first));
  CHECK(cross_entropy(x, labels({2, 0}), {.ignore_index = 0, .reduction = Reduction::none}).to_vector() ==
        Numbers{cross_entropy(x, labels({2, 1}), Reduction::none).to_vector()[0], 0});
  const double smooth = 0.7 * first + 0.1 * (first + 2 * std::log(4.0));
  CHECK(cross_entropy(x, labels({2, -100}), {.label_smoothing = 0.3}).item() == doctest::Approx(smooth));
  // Nothing counts: 0 / 0, and gradients of 0, as torch has them.
  const Tensor none = cross_entropy(x, labels({-100, -100}));
  CHECK(std::isnan(none.item()));
  CHECK(grad(none, x).to_vector() == Numbers(6, 0.0));
  // An ignored line may hold anything.
  const Tensor broken = numbers({0, 1, kNan, kInf}, {2, 2});
  const Tensor half = cross_entropy(broken, labels({0, -100}));
  CHECK(std::isfinite(half.item()));
  CHECK(slopes(half, broken)[3] == 0);
  // Constant weights never get a gradient.
  const Tensor trainable = numbers({1, 1, 1}, {3});
  CHECK(grad(std::vector{cross_entropy(x, labels({0, 1}), {.weight = trainable})}, std::vector{x, trainable},
             {.allow_unused = true})[1]
            .defined() == false);
}

TEST_CASE("one sample without a batch") {
  const Tensor x = numbers({0, std::log(3.0)}, {2}), y = from_vector(Labels{1}, {});
  CHECK(cross_entropy(x, y).item() == doctest::Approx(-std::log(0.75)));
  CHECK(cross_entropy(x, y, Reduction::none).shape() == Shape{});
  check_close(grad(cross_entropy(x, y), x).to_vector(), {0.25, -0.25});
  CHECK(cross_entropy(x, from_vector(Numbers{0, 1}, {2}, {.dtype = DType::float64})).item() ==
        doctest::Approx(-std::log(0.75)));
}

TEST_CASE("nll_loss of log_softmax is cross_entropy") {
  const Tensor x = numbers({1, 2, 0, -1, 3, 1}, {2, 3});
  const Tensor weight = from_vector(Numbers{1, 2, 4}, {3}, {.dtype = DType::float64});
  for (const Reduction r : {Reduction::none, Reduction::mean, Reduction::sum}) {
    for (const auto& y : {labels({2, 1}), labels({-100, 1})}) {
      const Tensor a = nll_loss(log_softmax(x, 1), y, {.weight = weight, .reduction = r});
      const Tensor b = cross_entropy(x, y, {.weight = weight, .reduction = r});
      check_close(a.to_vector(), b.to_vector());
      const Numbers da = slopes(a, x), db = slopes(b, x);
      for (std::size_t i = 0; i < 6; ++i) CHECK(std::abs(da[i] - db[i]) < 1e-15);
    }
  }
  const Tensor infinite = numbers({-kInf, 0}, {1, 2});
  CHECK(nll_loss(infinite, labels({-100}), {.reduction = Reduction::sum}).item() == 0);
  CHECK(message([&] {
          nll_loss(x, labels({2, 3}));
        }) == "nll_loss: the label at (1,) is 3, with 3 classes it must be from 0 to 2");
}

TEST_CASE("options of cross_entropy are checked") {
  const Tensor x = zeros({2, 3});
  CHECK(message([&] {
          cross_entropy(x, labels({0, 1}), {.label_smoothing = 1.5});
        }) == "cross_entropy: label_smoothing is 1.5, it must be from 0 to 1");
  CHECK(message([&] {
          cross_entropy(x, labels({0, 1}), {.weight = zeros({2})});
        }) == "cross_entropy: the weight has shape (2,), with 3 classes it must have shape (3,)");
}

// Lines longer than a tile, many short ones in a tile, classes innermost and not: against a plain loop.
TEST_CASE("every way through memory gives the same loss and gradient") {
  Generator generator(4);
  for (const Shape& shape : {Shape{3, 2500}, Shape{700, 10}, Shape{2, 7, 9, 11}, Shape{2, 1500, 40}}) {
    CAPTURE(to_string(shape));
    Shape p = shape;
    p.erase(p.begin() + 1);
    const Tensor x = randn(shape, {.dtype = DType::float64, .requires_grad = true}, generator) * 3;
    const Tensor y = randint(0, shape[1], p, generator);
    Shape beside = p;
    beside.insert(beside.begin() + 1, 1);
    const Tensor wanted = -sum(gather(log_softmax(x, 1), 1, reshape(y, beside))) / numel(p);
    const Tensor loss = cross_entropy(x, y);
    CHECK(loss.item() == doctest::Approx(wanted.item()).epsilon(1e-13));
    const Numbers got = slopes(loss, x), reference = slopes(wanted, x);
    double worst = 0;
    for (std::size_t i = 0; i < got.size(); ++i) worst = std::max(worst, std::abs(got[i] - reference[i]));
    CHECK(worst < 1e-14);
    if (shape.size() != 4) continue;
    const Tensor last = permute(dense(permute(x, {0, 2, 3, 1}).detach()), {0, 3, 1, 2});
    CHECK(cross_entropy(last, y).item() == doctest::Approx(loss.item()).epsilon(1e-14));
    const Tensor narrow = to(x.detach(), DType::float32).set_requires_grad();
    CHECK(cross_entropy(narrow, y).item() == doctest::Approx(loss.item()).epsilon(1e-6));
  }
}
